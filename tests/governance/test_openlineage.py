"""The events fit the classes that OpenLineage's own client is generated from its JSON schema with."""

from __future__ import annotations

import enum
import importlib
import pkgutil
import types
import typing
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import need_extra
from tests.shop import empty_shop

from tidewheel.definitions import load_project
from tidewheel.governance.lineage import LineageGraph
from tidewheel.governance.openlineage import openlineage_events
from tidewheel.registry.runs.runs import Run
from tidewheel.registry.versions.versions import Version

NOW = 1_700_000_000_000_000


@pytest.fixture
def schema() -> dict[str, type]:
    """Give the class of each definition, by the address of its schema."""
    need_extra("openlineage")
    import openlineage.client.generated as generated

    modules = [
        importlib.import_module(f"{generated.__name__}.{each.name}")
        for each in pkgutil.iter_modules(generated.__path__)
    ]
    classes = [value for module in modules for value in vars(module).values() if hasattr(value, "_get_schema")]
    return {cls._get_schema(): cls for cls in classes}


def fits(value: Any, kind: Any, schema: dict[str, type]) -> None:
    """Fail unless `value`, of an event's JSON, is what the class `kind` takes."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        fits(value, next(each for each in inner if each is not type(None)), schema)
    elif origin is list:
        for each in value:
            fits(each, inner[0], schema)
    elif origin is dict:
        for each in value.values():
            fits(each, inner[1], schema)
    elif hasattr(kind, "__attrs_attrs__"):
        of_class(value, schema.get(value.get("_schemaURL", ""), kind), schema)
    elif isinstance(kind, type) and issubclass(kind, enum.Enum):
        assert value in [each.value for each in kind]
    else:
        assert kind is Any or isinstance(value, kind)


def of_class(value: dict[str, Any], kind: Any, schema: dict[str, type]) -> None:
    hints = typing.get_type_hints(kind)
    known = {field.name: field for field in kind.__attrs_attrs__}
    assert value.keys() <= known.keys(), kind
    needed = {name for name, field in known.items() if field.init and repr(field.default) == "NOTHING"}
    assert needed <= value.keys(), kind
    for name, each in value.items():
        fits(each, hints[name], schema)


def test_every_event_fits_its_schema(schema: dict[str, type], tmp_path: Path) -> None:
    graph = load_project(empty_shop(tmp_path / "shop")).graph
    model = graph.models[0].name
    runs = [
        Run(id="r1", model=model, status="done", started=NOW, finished=NOW + 1),
        Run(id="r2", model=model, status="failed", started=NOW),
    ]
    version = Version(
        model=model, number=1, run="r1", bundle="", view="", definition="", metrics=[], gates=[], who="", created=NOW
    )
    events = openlineage_events(graph, LineageGraph(graph), runs, [version], "shop", NOW)
    facets = {facet["_schemaURL"] for event in events for facet in facets_of(event)}
    assert facets <= schema.keys(), "a version of a facet's schema that the client does not know"
    for event in events:
        fits(event, schema[event["schemaURL"]], schema)
    kinds = [event["schemaURL"].rpartition("/")[2] for event in events]
    assert set(kinds) == {"DatasetEvent", "JobEvent", "RunEvent"}


def facets_of(event: dict[str, Any]) -> list[dict[str, Any]]:
    datasets = [*event.get("inputs", []), *event.get("outputs", []), *filter(None, [event.get("dataset")])]
    datasets += filter(None, [event.get("job")])
    return [facet for each in datasets for facet in each.get("facets", {}).values()]


def test_the_check_sees_what_does_not_fit(schema: dict[str, type]) -> None:
    event = schema["https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/DatasetEvent"]
    good = {"eventTime": "2026-01-01T00:00:00+00:00", "producer": "p", "schemaURL": "s"}
    with pytest.raises(AssertionError):
        fits({**good, "dataset": {"name": "no namespace"}}, event, schema)
    with pytest.raises(AssertionError):
        fits({**good, "dataset": {"namespace": "n", "name": "d", "facets": {}}, "more": 1}, event, schema)
