"""What a worker tells Prometheus: read by its own parser, held to its naming rules, equal to what was decided."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

pytest.importorskip("prometheus_client")

from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from tests.serving.shop import open_shop, payment, serving

from tidewheel.serving.backend import WorkerBackend
from tidewheel.serving.observing.metrics import STAGES

NOT_BASE = ("_ms", "_us", "_milliseconds", "_minutes", "_kilobytes")


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """After three decisions by the model."""
    folder = tmp_path_factory.mktemp("metrics")
    with open_shop(folder) as shop:
        shop.deploy(shop.graph())
        with serving(shop) as running:
            backend = WorkerBackend(running)
            for number in (1, 2):
                running.decide("Score", payment(number))
            backend.decide("Score", b'{"id": "p3", "card": "c1", "amount": 1.0, "country": "SE"}', None, "")
            shop.stores.layout.run.mkdir(exist_ok=True)
            yield backend.metrics().decode()


@pytest.fixture(scope="module")
def families(text: str) -> dict[str, Metric]:
    return {family.name: family for family in text_string_to_metric_families(text)}


def value(families: dict[str, Metric], family: str, sample: str, **labels: str) -> float:
    found = [s.value for s in families[family].samples if s.name == sample and labels.items() <= s.labels.items()]
    assert found, (family, sample, labels)
    return sum(found)


def test_it_counts_what_was_decided(families: dict[str, Metric]) -> None:
    labels = {"service": "Score"}
    assert value(families, "tidewheel_decisions", "tidewheel_decisions_total", **labels, model="Fraud@1") == 3
    assert value(families, "tidewheel_decide_seconds", "tidewheel_decide_seconds_count", **labels) == 3
    whole = value(families, "tidewheel_decide_seconds", "tidewheel_decide_seconds_sum", **labels)
    parts = [
        value(families, "tidewheel_stage_seconds", "tidewheel_stage_seconds_sum", **labels, stage=stage)
        for stage in STAGES
    ]
    assert sum(parts) == pytest.approx(whole, abs=1e-8)
    assert all(part > 0 for stage, part in zip(STAGES, parts, strict=True) if stage != "rules")
    assert value(families, "tidewheel_journal_unsynced_bytes", "tidewheel_journal_unsynced_bytes") >= 0


def test_triton_s_names_tell_the_same(text: str, families: dict[str, Metric]) -> None:
    labels = {"model": "Fraud", "version": "1"}

    def told(name: str) -> float:
        assert f'\nnv_inference_{name}{{model="Fraud",version="1",worker="0"}} ' in text
        return value(families, f"nv_inference_{name}", f"nv_inference_{name}_total", **labels)  # the parser's name

    assert told("request_success") == told("count") == told("exec_count") == 3
    parts = sum(told(f"compute_{part}_duration_us") for part in ("input", "infer", "output"))
    assert told("request_duration_us") == pytest.approx(parts, abs=3)
    assert told("queue_duration_us") == 0
    assert {"nv_inference_request_failure", "nv_inference_pending_request_count"} <= families.keys()


def test_names_keep_prometheus_rules(text: str, families: dict[str, Metric]) -> None:
    """As ``promtool check metrics`` asks: help, type, base units, ``_total`` on counters and on nothing else."""
    names = re.findall(r"^# TYPE (\S+) ", text, re.M)
    assert len(names) == len(set(names))
    assert names == re.findall(r"^# HELP (\S+) \S", text, re.M)
    for name, kind in re.findall(r"^# TYPE (tidewheel_\S+) (\S+)$", text, re.M):
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
        assert (kind == "counter") == name.endswith("_total")
        assert not name.endswith(NOT_BASE)
    for family in families.values():
        seen = [(sample.name, tuple(sorted(sample.labels.items()))) for sample in family.samples]
        assert len(seen) == len(set(seen)), family.name
        for sample in family.samples:
            assert all(re.fullmatch(r"[a-z][a-z0-9_]*", label) for label in sample.labels)
            assert not {"decision_id", "event_id", "caller", "unit"} & sample.labels.keys()
