"""What is shown of the moment is what happened between two looks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tidewheel.serving.observing.metrics import Metrics, Snapshot
from tidewheel.serving.observing.overview import Deployed, overview

Decided = list[tuple[int, str, int, bool]]
DECIDED = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(["Fraud@1", "Fraud@2"]), st.integers(1, 10**8), st.booleans()),
    max_size=30,
)


def decide(workers: dict[int, Metrics], decided: Decided) -> list[Snapshot]:
    for worker, model, ns, fell_back in decided:
        metrics = workers.setdefault(worker, Metrics(worker))
        metrics.decided("Score", model, "allow", ns, [0, 0, 0, 0, 0])
        if fell_back:
            metrics.count("fallbacks", "Score", "previous", "late")
    # As it is written and read by another process: what goes on being counted must not change it.
    import msgspec

    return [msgspec.convert(msgspec.to_builtins(m.snapshot()), Snapshot) for m in workers.values()]


@given(DECIDED, DECIDED)
def test_it_tells_what_happened_between(first: Decided, second: Decided) -> None:
    workers: dict[int, Metrics] = {}
    before, after = decide(workers, first), decide(workers, second)
    deployed = {"Score": Deployed(champion="Fraud@1"), "Idle": Deployed(champion="Other@1")}
    found = overview(before, after, 2.0, deployed)
    idle, score = found.services
    assert (idle.service, idle.rate, idle.decisions, idle.versions) == ("Idle", 0.0, 0, {})
    assert score.decisions == len(first) + len(second)
    assert score.rate == len(second) / 2.0
    models = [model for _, model, _, _ in second]
    assert score.versions == {model: models.count(model) / len(models) for model in sorted(set(models))}
    assert score.fallback_share == (sum(fell for *_, fell in second) / len(second) if second else 0.0)
    assert sum(worker.rate for worker in found.workers) == score.rate
    shown = second or first
    if shown:
        fastest, slowest = min(ns for _, _, ns, _ in shown) / 1000, max(ns for _, _, ns, _ in shown) / 1000
        assert score.latency_us["p50"] >= min(fastest, 100_000)
        assert score.latency_us["p99"] >= min(slowest, 100_000) or len(shown) > 99


def test_a_worker_that_began_anew_counts_from_nothing() -> None:
    before = decide({}, [(0, "Fraud@1", 1000, True)] * 5)
    after = decide({}, [(0, "Fraud@2", 1000, False)] * 3)
    (score,) = overview(before, after, 1.0, {}).services
    assert (score.rate, score.decisions, score.versions, score.fallback_share) == (3.0, 3, {"Fraud@2": 1.0}, 0.0)
