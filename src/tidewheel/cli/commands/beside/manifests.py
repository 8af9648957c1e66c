"""``tidewheel manifests``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click


@click.command()
@click.option("--image", required=True, help="The container with tidewheel and the project in it.")
@click.option("--name", default="", help="Of every object (default: the folder's name).")
@click.option("--folder", default="/app", show_default=True, help="The project's folder in the image.")
@click.option("--least", default=2, show_default=True, help="Answering hosts, at least.")
@click.option("--most", default=10, show_default=True, help="Answering hosts, at most.")
@click.option(
    "--scale",
    type=click.Choice(["hpa", "keda", "none"]),
    default="hpa",
    show_default=True,
    help="By processor time, by decisions a second, or not at all.",
)
@click.option("--rate", default=2000, show_default=True, help="Decisions a second for another host (keda).")
@click.option("--prometheus", default="", metavar="URL", help="Where the rate is read (keda).")
@click.option("--monitor/--no-monitor", default=True, help="Have the Prometheus operator scrape it.")
@click.option("--secret", default="", help="A secret whose keys become variables.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write here instead of to the terminal.")
@click.pass_context
def manifests(
    context: click.Context,
    /,
    image: str,
    name: str,
    scale: Literal["hpa", "keda", "none"],
    out: Path | None,
    prometheus: str,
    **options: int | str | bool,
) -> None:
    """Write what runs this project on Kubernetes, for `kubectl apply -f`.

    \b
    Example:
      tidewheel --env prod manifests --image shop/fraud:7 --out fraud.json
      tidewheel --env prod manifests --image shop/fraud:7 --scale keda --rate 3000 | kubectl apply -f -
    """
    import re

    from tidewheel.bridges.manifests import Cluster
    from tidewheel.bridges.manifests import manifests as written
    from tidewheel.runtime.config import load_config

    folder, env = context.find_root().obj
    config = load_config(folder, env)
    named = name or re.sub(r"[^a-z0-9]+", "-", config.folder.resolve().name.lower()).strip("-")
    if prometheus:
        options["prometheus"] = prometheus
    cluster = Cluster(named, image, env=config.env, scale=scale, **options)  # type: ignore[arg-type]  # by the options
    text = written(config.settings, cluster)
    if out is None:
        click.echo(text, nl=False)
    else:
        out.write_text(text)
        click.echo(f"wrote {out}: apply it with kubectl apply -f {out}")
