"""The ``tidewheel`` command: finds the command's file when it is called, and turns errors into sentences."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import click

from tidewheel.errors import TidewheelError


@dataclass(frozen=True)
class Entry:
    """Where a command lives and what it does, so that ``--help`` imports none of them."""

    module: str
    help: str


SECTIONS: dict[str, dict[str, Entry]] = {
    "Declare": {
        "init": Entry("declaring.project", "Write a new project that runs."),
        "plan": Entry("declaring.project", "Show what the project declares and what changed against what is live."),
        "profile": Entry("declaring.profile", "Look at a file: statistics, and a declaration that loads."),
        "import-feast": Entry("declaring.migrate", "Write declarations from a Feast repository."),
    },
    "Events and features": {
        "ingest": Entry("data.events", "Take a file of events in, exactly once."),
        "quarantine": Entry("data.events", "List, show or retry rows that were refused."),
        "quality": Entry("data.quality", "Show how events do against what is expected of them."),
        "log": Entry("data.log", "Show the event log: its head, its lag, its counters; move it."),
        "ticks": Entry("data.ticks", "List scheduled events, or make those of the past."),
        "features": Entry("data.features", "Read features and check that served equals replayed."),
    },
    "Models": {
        "train": Entry("training.models", "Train a model: view, tune, fit, evaluate, gates, version."),
        "runs": Entry("training.models", "List training runs."),
        "steps": Entry("training.steps", "Show the steps of a run: keys, what was reused, attempts, seconds."),
        "trials": Entry("training.trials", "Show what a run's search tried, and which parameters mattered."),
        "rerun": Entry("training.models", "Repeat a run and say whether it came out the same."),
        "compare": Entry("training.models", "Put two versions side by side."),
        "report": Entry("training.reports", "Pages: of a service, of a run, of two runs."),
        "score": Entry("training.scoring", "Score a table in batch into the lake, and for serving to read."),
        "datasets": Entry("training.datasets", "List, show or export the data sets that models were trained on."),
        "export": Entry("training.export", "Write a version as ONNX, and measure what that costs."),
        "import-model": Entry("training.importing", "Make an MLflow model a version, judged like any other."),
    },
    "Versions": {
        "versions": Entry("versions.registry", "List versions, or find them by a condition."),
        "show": Entry("training.models", "Show a version: metrics, lineage, gates."),
        "card": Entry("training.reports", "Show a version's model card."),
        "promote": Entry("versions.registry", "Make a version stand in an environment."),
        "environments": Entry("versions.registry", "Show which version stands in which environment."),
        "approve": Entry("versions.approvals", "Answer for a version that waits for a person."),
        "approvals": Entry("versions.approvals", "List what people are asked about versions."),
        "tag": Entry("versions.registry", "Tag a version, to find it by."),
        "note": Entry("versions.registry", "Write a note about a version, or read them."),
        "verify": Entry("keeping.garbage", "Check every file that a version needs by its hash."),
        "delete": Entry("versions.registry", "Give a version up."),
    },
    "Serve and roll out": {
        "up": Entry("serving.serve", "Start serving, streaming and schedules."),
        "deploy": Entry("serving.rollout", "Point a service at a version: whole, or as canary, shadow, A/B."),
        "rollouts": Entry("serving.rollout", "Show what is rolled out and what its guards say."),
        "rollback": Entry("serving.rollout", "Go back to the version before."),
        "status": Entry("serving.rollout", "Show what each service serves."),
        "thresholds": Entry("serving.rollout", "Show or turn a service's thresholds, without a deploy."),
        "tune-thresholds": Entry("serving.operating", "Choose a threshold by cost, precision or recall."),
        "kill": Entry("serving.kill", "Switch off a service, a model or an experiment at once, catalog or not."),
        "unkill": Entry("serving.kill", "Switch on again what was killed."),
        "bench": Entry("serving.bench", "Load a service as callers would: latency by rate, cores for a target."),
    },
    "Watch": {
        "decisions": Entry("watching.decisions", "Print decisions as they are made, or the newest."),
        "why": Entry("serving.serve", "Explain one decision and replay it."),
        "top": Entry("watching.top", "Watch services and workers: versions, rates, latency, fallbacks, lag."),
        "dashboard": Entry("watching.top", "Print a Grafana dashboard of the workspace's metrics."),
        "lineage": Entry("watching.catalog", "Show what a column leads to, and what a version is made of."),
    },
    "Keep": {
        "schedules": Entry("keeping.schedules", "List schedules: when each is due, and what came of it."),
        "tick": Entry("keeping.schedules", "Do what is due, once: for a cron of your own."),
        "lake": Entry("keeping.governance", "Show the lake's tables; drop, join and clean them up now."),
        "gc": Entry("keeping.garbage", "Show or delete feature states and files that nothing needs any more."),
        "forget": Entry("keeping.governance", "Erase an entity from everything, with a proof."),
        "erasures": Entry("keeping.governance", "List what was erased: the redaction ledger."),
        "tokens": Entry("keeping.tokens", "Make, list, rotate and revoke API tokens."),
        "audit": Entry("keeping.tokens", "List who changed what, when, and from where."),
    },
    "Beside other tools": {
        "pipeline": Entry("beside.pipeline", "Compile training for Kubernetes, Airflow, Dagster or Prefect."),
        "manifests": Entry("beside.manifests", "Write what runs the project on Kubernetes."),
        "mlflow": Entry("beside.mlflow", "Mirror runs, versions and aliases to an MLflow tracking server."),
        "wandb": Entry("beside.wandb", "Write runs for Weights & Biases, offline."),
    },
}
"""The commands, in the order in which a user meets them."""
COMMANDS = {name: entry for section in SECTIONS.values() for name, entry in section.items()}


class LazyGroup(click.Group):
    """A group whose commands are imported when called and listed without being imported."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order in which a user meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the file that holds the command."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module = importlib.import_module(f"tidewheel.cli.commands.{entry.module}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is called; say which was likely meant when there is none."""
        close = get_close_matches(args[0], COMMANDS, n=1) if args[0] not in COMMANDS else []
        if close:
            ctx.fail(f"No such command '{args[0]}'. Did you mean '{close[0]}'?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table alone."""
        for title, section in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, entry.help) for name, entry in section.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-C", "--project", "folder", default=".", metavar="FOLDER", help="The project's folder (default: here).")
@click.option("--env", default=None, metavar="NAME", help="An environment of tidewheel.toml.")
@click.version_option(package_name="tidewheel")
@click.pass_context
def cli(context: click.Context, folder: str, env: str | None) -> None:
    """Run machine learning end to end: events, features, models, serving, outcomes.

    \b
    Example:
      tidewheel init fraud && cd fraud
      tidewheel ingest payments.parquet --as Transaction
      tidewheel train Fraud && tidewheel deploy Fraud@1
      tidewheel up
    """
    context.obj = (Path(folder), env)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 refused with a reason, 2 misused, 130 interrupted."""
    try:
        cli.main(args=arguments, prog_name="tidewheel", standalone_mode=False)
    except click.exceptions.Abort:
        _leave("interrupted", 130)
    except KeyboardInterrupt:
        _leave("interrupted", 130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except TidewheelError as error:
        _leave(f"error: {error}", 1)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:
        _leave(f"error: {error.filename or 'the system'}: {error.strerror or error}", 1)
    except Exception as error:
        from tidewheel.runtime.crash import told

        _leave(f"error: {told(error)}", 70)


def _leave(message: str, code: int) -> None:
    click.echo(message, err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
