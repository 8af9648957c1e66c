"""The Grafana dashboard: it has what an import needs, and asks for nothing that workers don't tell."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("prometheus_client")

from prometheus_client.parser import text_string_to_metric_families
from tests.serving.shop import get, open_shop, payment, post, worker

from tidewheel.serving.observing.dashboard import dashboard

METRIC = re.compile(r"\b(?:tidewheel|nv)_[a-z_]+")
SELECTED = re.compile(r"\b((?:tidewheel|nv)_[a-z_]+)\{([a-z_]+)[=!~]")
BY = re.compile(r"(?:sum|max) by \(([a-z_, ]+)\)")


def expressions(made: dict[str, Any]) -> Iterator[str]:
    for panel in made["panels"]:
        for target in panel.get("targets", []):
            yield target["expr"]
    for annotation in made["annotations"]["list"]:
        yield annotation["expr"]
    for variable in made["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["query"]["query"]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """By metric that a real worker tells, the labels of its samples; families without any are there too."""
    folder: Path = tmp_path_factory.mktemp("dashboard")
    with open_shop(folder) as shop:
        shop.deploy(shop.graph())
        with worker(folder) as running:
            assert post(running.port, "/v1/services/Score", payment(1))[0] == 200
            text = get(running.port, "/metrics")[1].decode()
            running.stop()
    names = {name: set[str]() for name in re.findall(r"^# TYPE (\S+) ", text, re.M)}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, _, rest = line.partition("{")
            names.setdefault(name.split(" ")[0], set()).update(re.findall(r'(\w+)="', rest))
    assert list(text_string_to_metric_families(text))
    return names


def test_every_metric_it_asks_for_is_told(told: dict[str, set[str]]) -> None:
    made = dashboard()
    for expression in expressions(made):
        names = set(METRIC.findall(expression))
        assert names
        assert names <= told.keys(), expression
        for name, label in SELECTED.findall(expression):
            assert not told[name] or label in told[name], expression
        known = set[str]().union(*(told[name] for name in names))
        for labels in BY.findall(expression):
            assert not known or set(labels.split(", ")) <= known, expression


def test_its_queries_are_promql() -> None:
    parser = pytest.importorskip("promql_parser")
    made = dashboard()
    asked = [target["expr"] for panel in made["panels"] for target in panel.get("targets", [])]
    for expression in (*asked, *(annotation["expr"] for annotation in made["annotations"]["list"])):
        written = expression.replace("$__rate_interval", "1m").replace("$__interval", "15s")
        parser.parse(written)


def test_grafana_knows_every_field() -> None:
    """Read by Grafana's own types and written again, the dashboard says the same: none is misspelt or misplaced."""
    sdk = pytest.importorskip("grafana_foundation_sdk.models.dashboard")
    encoder = pytest.importorskip("grafana_foundation_sdk.cog.encoder")
    pytest.importorskip("grafana_foundation_sdk.cog.plugins").register_default_plugins()
    made = json.loads(json.dumps(dashboard()))
    again = json.loads(encoder.JSONEncoder().encode(sdk.Dashboard.from_json(made)))
    # What an annotation asks of its data source is the source's affair, and not of the dashboard's schema.
    assert list(unlike(made, again)) == [".annotations.list[0].titleFormat"]


def unlike(made: Any, again: Any, path: str = "") -> Iterator[str]:
    """Give the places at which a document lacks what another says, or says otherwise."""
    if isinstance(made, dict) and isinstance(again, dict):
        for name, value in made.items():
            yield from unlike(value, again[name], f"{path}.{name}") if name in again else [f"{path}.{name}"]
    elif isinstance(made, list) and isinstance(again, list) and len(made) == len(again):
        for place, (one, other) in enumerate(zip(made, again, strict=True)):
            yield from unlike(one, other, f"{path}[{place}]")
    elif made != again:
        yield path


def test_it_has_what_an_import_needs() -> None:
    made = json.loads(json.dumps(dashboard()))
    assert {"title", "uid", "schemaVersion", "panels", "templating", "time", "annotations", "refresh"} <= made.keys()
    assert "id" not in made  # Grafana's own; a dashboard that has one replaces another on import
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", made["uid"])
    panels = made["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    sources = [variable["name"] for variable in made["templating"]["list"] if variable["type"] == "datasource"]
    taken = set()
    for panel in panels:
        assert {"id", "type", "title", "gridPos"} <= panel.keys()
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
        if panel["type"] != "row":
            assert panel["datasource"]["uid"] == f"${{{sources[0]}}}"
            assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"]) > 0


def test_the_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    from tidewheel.cli.main import main

    main(["dashboard"])
    assert json.loads(capsys.readouterr().out) == dashboard()
