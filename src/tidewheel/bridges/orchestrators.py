"""A project's training as a file for the orchestrator a team has. Each node calls our command line; state stays here.

A killed node is simply run again: a training run that was cut off goes on, and a deploy that was made is made already.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tidewheel.errors import InputError

RETRIES = 2
_CRON = re.compile(r"[-\d*/,A-Za-z]+( [-\d*/,A-Za-z]+){4}")


@dataclass(frozen=True)
class Node:
    """One call of the command line, after those it needs."""

    name: str
    command: tuple[str, ...]
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pipeline:
    """What is compiled.

    Attributes
    ----------
    name : str
        Lower-case words with hyphens, as Kubernetes names things.
    nodes : sequence of Node
        In an order in which they can run.
    cron : str
        Five fields, in UTC.
    image : str
        The container that has the project and tidewheel; Kubernetes alone asks.
    """

    name: str
    nodes: Sequence[Node]
    cron: str = "0 3 * * *"
    image: str = ""


def training_pipeline(
    project: str, folder: str, models: Sequence[str], *, deploy: str = "", cron: str = "0 3 * * *", image: str = ""
) -> Pipeline:
    """Return the pipeline that trains models and, when asked to, deploys what passed its gates.

    Parameters
    ----------
    project : str
        What the pipeline is called.
    folder : str
        The project's folder where the nodes run.
    deploy : str
        "" for not, ``"whole"``, or a canary's share such as ``"5%"``.

    Raises
    ------
    InputError
        The schedule has no five fields, or no model is named.

    Examples
    --------
    >>> pipeline = training_pipeline("Fraud shop", "/srv/fraud", ["Fraud"], deploy="5%")
    >>> pipeline.name, [" ".join(node.command) for node in pipeline.nodes]
    ('fraud-shop', ['tidewheel -C /srv/fraud train Fraud', 'tidewheel -C /srv/fraud deploy Fraud@latest --canary 5%'])
    """
    if not _CRON.fullmatch(cron):
        raise InputError(f"{cron!r} is no schedule of five fields", remedy="write it like '0 3 * * *'")
    if not models:
        raise InputError("the project declares no model to train", remedy="declare a tw.Model")
    nodes: list[Node] = []
    for model in models:
        trained = f"train_{model}".lower()
        nodes.append(Node(trained, ("tidewheel", "-C", folder, "train", model)))
        if deploy:
            share = () if deploy == "whole" else ("--canary", deploy)
            command = ("tidewheel", "-C", folder, "deploy", f"{model}@latest", *share)
            nodes.append(Node(f"deploy_{model}".lower(), command, (trained,)))
    name = re.sub(r"[^a-z0-9]+", "-", project.lower()).strip("-")[:40] or "tidewheel"
    return Pipeline(name, nodes, cron, image)


def kubernetes(pipeline: Pipeline) -> str:
    """Return a CronJob: nodes run one after the other in one pod, the last as its container, the rest before it.

    It is JSON, which is YAML: ``kubectl apply -f`` takes it.
    """
    if not pipeline.image:
        raise InputError("a CronJob needs an image with the project in it", remedy="give --image registry/name:tag")
    containers = [
        {"name": node.name.replace("_", "-"), "image": pipeline.image, "command": list(node.command)}
        for node in pipeline.nodes
    ]
    pod = {"restartPolicy": "OnFailure", "initContainers": containers[:-1], "containers": containers[-1:]}
    job = {"backoffLimit": RETRIES, "template": {"spec": pod}}
    spec = {
        "schedule": pipeline.cron,
        "timeZone": "Etc/UTC",
        "concurrencyPolicy": "Forbid",
        "jobTemplate": {"spec": job},
    }
    manifest = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": pipeline.name}, "spec": spec}
    return json.dumps(manifest, indent=2) + "\n"


def airflow(pipeline: Pipeline) -> str:
    """Return a DAG of BashOperators, for Airflow 2.4 and newer (3 keeps the operator in a package of its own)."""
    tasks = "\n".join(
        f"    {node.name} = BashOperator(task_id={node.name!r}, bash_command={shlex.join(node.command)!r})"
        for node in pipeline.nodes
    )
    edges = "".join(f"    {need} >> {node.name}\n" for node in pipeline.nodes for need in node.needs)
    return f"""{_header("Airflow")}from datetime import datetime, timezone

from airflow import DAG

try:
    from airflow.providers.standard.operators.bash import BashOperator
except ImportError:
    from airflow.operators.bash import BashOperator

with DAG(
    dag_id={pipeline.name!r},
    schedule={pipeline.cron!r},
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=1,
    default_args={{"retries": {RETRIES}}},
) as dag:
{tasks}
{edges}"""


def dagster(pipeline: Pipeline) -> str:
    """Return assets, one a node, with the job and the schedule that make them."""
    assets = "\n\n".join(
        f"@asset(name={node.name!r}, deps={list(node.needs)!r}, retry_policy=RetryPolicy(max_retries={RETRIES}))\n"
        f"def {node.name}() -> None:\n    call({list(node.command)!r})\n"
        for node in pipeline.nodes
    )
    names = ", ".join(node.name for node in pipeline.nodes)
    job = pipeline.name.replace("-", "_")
    return f"""{_header("Dagster")}import subprocess

from dagster import Definitions, RetryPolicy, ScheduleDefinition, asset, define_asset_job


{_CALL}

{assets}

job = define_asset_job({job!r}, selection=[{names}])
schedule = ScheduleDefinition(job=job, cron_schedule={pipeline.cron!r}, execution_timezone="UTC")
defs = Definitions(assets=[{names}], jobs=[job], schedules=[schedule])
"""


def prefect(pipeline: Pipeline) -> str:
    """Return a flow whose tasks wait for those they need."""
    tasks = "\n\n".join(
        f"@task(name={node.name!r}, retries={RETRIES})\ndef {node.name}() -> None:\n    call({list(node.command)!r})\n"
        for node in pipeline.nodes
    )
    steps = "\n".join(
        f"    done[{node.name!r}] = {node.name}.submit(wait_for=[done[need] for need in {list(node.needs)!r}])"
        for node in pipeline.nodes
    )
    return f"""{_header("Prefect")}import subprocess

from prefect import flow, task


{_CALL}

{tasks}

@flow(name={pipeline.name!r})
def pipeline() -> None:
    done = {{}}
{steps}
    for future in done.values():
        future.result()


if __name__ == "__main__":
    pipeline.serve(name={pipeline.name!r}, cron={pipeline.cron!r})
"""


def _header(what: str) -> str:
    return f'"""Written by `tidewheel pipeline export --to {what.lower()}`: change the project and export again."""\n\n'


_CALL = '''def call(command: list[str]) -> None:
    """Run one command; its output goes to the log, and a status other than 0 fails the node."""
    subprocess.run(command, check=True)
'''

TARGETS: dict[str, Callable[[Pipeline], str]] = {
    "kubernetes": kubernetes, "airflow": airflow, "dagster": dagster, "prefect": prefect,
}  # fmt: skip
