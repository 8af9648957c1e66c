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


def test_its_brackets_close() -> None:
    for expression in expressions(dashboard()):
        open_ones = []
        for character in re.sub(r'"[^"]*"', "", expression):
            if character in "([{":
                open_ones.append(character)
            elif character in ")]}":
                assert "([{".index(open_ones.pop()) == ")]}".index(character), expression
        assert not open_ones


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
