"""Batches: each request gets the answer of its own row, whatever comes, goes, fails or is late beside it."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.serving.nets import SPEC, mlp
from tests.serving.shop import Shop, open_shop, payment, serving
from tests.serving.test_deciding import eventually

from tidewheel.collect.keeping.history import History
from tidewheel.definitions import digest
from tidewheel.definitions.ir import Graph
from tidewheel.errors import DeadlineError, OverloadedError, ServingError
from tidewheel.registry.models.bundles import Bundle, Manifest, save_bundle
from tidewheel.registry.models.predictors import Predictor, PredictorSpec
from tidewheel.registry.runs.runs import start_run
from tidewheel.registry.versions.versions import register
from tidewheel.serving.deciding import predictor
from tidewheel.serving.deciding.batching import Batcher, CostLine
from tidewheel.serving.deciding.breaker import GuardedScoring
from tidewheel.serving.deciding.flight import Flight, waited
from tidewheel.serving.deciding.scoring import NO_DEADLINE, Pending, settled
from tidewheel.serving.explain import explain

Floats = npt.NDArray[np.float64]
SECOND = 1_000_000_000


class Gate:
    """A model that notes the batches it is given, and computes only when it may."""

    def __init__(self) -> None:
        self.batches: list[list[float]] = []
        self.open, self.entered = threading.Event(), threading.Event()

    def __call__(self, rows: Floats) -> Floats:
        self.entered.set()
        assert self.open.wait(20)
        self.batches.append(rows[:, 0].tolist())
        if (rows[:, 0] == 13.0).any():
            raise ServingError("13 can't be scored")
        return rows.sum(axis=1)


def row(value: float) -> Floats:
    return np.array([value, 0.5])


def soon(seconds: float = 20.0) -> int:
    return time.perf_counter_ns() + int(seconds * SECOND)


def busy(gate: Gate, batcher: Batcher) -> Pending[float]:
    """Have the model at work on a row, so that what is asked next waits."""
    owed = batcher(row(0.0), NO_DEADLINE)
    assert gate.entered.wait(10)
    return owed


def score(owed: Pending[float]) -> float:
    return waited(settled(owed))


asked = st.tuples(
    st.sampled_from([1.0, 2.0, 3.0, 13.0, 5.0, 8.0]),
    st.sampled_from(["wait", "drop", "late"]),
    st.integers(10, 20),
    st.booleans(),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(asked, max_size=30), st.integers(1, 8))
def test_everyone_gets_the_answer_of_their_own_row(requests: list[tuple[float, str, int, bool]], most: int) -> None:
    gate = Gate()
    batcher = Batcher(gate, 2, "Net@1", most_rows=most)
    first = busy(gate, batcher)
    waiting: list[tuple[float, str, Pending[float]]] = []
    for value, fate, seconds, opens in requests:
        try:
            owed = batcher(row(value), time.perf_counter_ns() if fate == "late" else soon(seconds))
        except DeadlineError:  # nothing is queued that can't be in time
            assert fate == "late"
            continue
        owed.dropped = fate == "drop"
        waiting.append((value, fate, owed))
        if opens:
            gate.open.set()  # from here on batches are whatever has gathered
    gate.open.set()
    assert score(first) == 0.5
    for value, fate, owed in waiting:
        if fate == "late":
            with pytest.raises(DeadlineError):
                score(owed)
        elif fate == "wait" and value == 13.0:
            with pytest.raises(ServingError, match="13 can't"):
                score(owed)
        elif fate == "wait":
            assert score(owed) == value + 0.5
    eventually(lambda: batcher.waiting() == 0)
    assert all(len(batch) <= most for batch in gate.batches)
    if not any(value == 13.0 or opens for value, _, _, opens in requests):
        # Nothing was computed for those who were late or had left.
        computed = [value for batch in gate.batches for value in batch]
        assert sorted(computed) == sorted([0.0, *(value for value, fate, _ in waiting if fate == "wait")])


def test_rows_go_by_deadline_and_a_pressing_one_keeps_its_batch_small() -> None:
    gate = Gate()
    batcher = Batcher(gate, 2, "Net@1", most_rows=4)
    first = busy(gate, batcher)
    owed = [batcher(row(float(n)), soon(60 - n)) for n in range(1, 7)]
    gate.open.set()
    assert [score(one) for one in [first, *owed]] == [n + 0.5 for n in range(7)]
    assert gate.batches == [[0.0], [6.0, 5.0, 4.0, 3.0], [2.0, 1.0]]
    line = batcher._room.line
    line.fixed, line.each = 0.1 * SECOND, 0.2 * SECOND  # a row takes 0.3 s, two take 0.5 s
    gate.open.clear()
    gate.entered.clear()
    first = busy(gate, batcher)
    owed = [batcher(row(float(n)), soon(60 if n else 1.1)) for n in range(4)]
    line.fixed, line.each = 0.1 * SECOND, 0.2 * SECOND
    gate.batches.clear()
    batcher._room.line.learn = lambda rows, ns: None  # type: ignore[method-assign]
    gate.open.set()
    assert [score(one) for one in [first, *owed]] == [0.5, 0.5, 1.5, 2.5, 3.5]
    assert gate.batches == [[0.0], [0.0, 1.0], [2.0, 3.0]]


def test_a_queue_is_bounded_and_says_how_long_it_takes() -> None:
    gate = Gate()
    batcher = Batcher(gate, 2, "Net@1", most_rows=2, most_waiting=3)
    batcher._room.line.fixed, batcher._room.line.each = 10.0 * SECOND, 1.0 * SECOND
    assert batcher.predicted_wait() == 11 * SECOND
    owed = [busy(gate, batcher), *[batcher(row(1.0), NO_DEADLINE) for _ in range(3)]]
    # The running batch, and two batches for those three and one more.
    assert 33 * SECOND < batcher.predicted_wait() <= 35 * SECOND
    with pytest.raises(OverloadedError, match="3 requests wait"):
        batcher(row(1.0), NO_DEADLINE)
    gate.open.set()
    assert [score(one) for one in owed] == [0.5, 1.5, 1.5, 1.5]


def test_what_is_asked_in_one_turn_of_a_loop_goes_in_one_batch() -> None:
    gate = Gate()
    gate.open.set()

    async def ask() -> list[float]:
        batcher = Batcher(gate, 2, "Net@1", loop=asyncio.get_running_loop())
        await asyncio.to_thread(lambda: score(batcher(row(9.0), NO_DEADLINE)))  # from elsewhere it goes at once
        flights = [Flight(settled(batcher(row(float(n)), soon())), lambda: None) for n in range(5)]
        assert batcher.waiting() == 5
        return [await flight for flight in flights]

    assert asyncio.run(ask()) == [n + 0.5 for n in range(5)]
    assert gate.batches[0] == [9.0]
    assert len(gate.batches) < 5


def test_what_could_not_be_in_time_is_not_queued() -> None:
    gate = Gate()
    batcher = Batcher(gate, 2, "Net@1", most_rows=2)
    batcher._room.line.each = 1.0 * SECOND
    owed = [busy(gate, batcher), batcher(row(1.0), soon(5.0))]
    with pytest.raises(DeadlineError, match="before the model is free"):
        batcher(row(1.0), soon(2.5))
    owed.append(batcher(row(2.0), soon(5.0)))
    gate.open.set()
    assert [score(one) for one in owed] == [0.5, 1.5, 2.5]


def test_a_model_that_stalls_holds_up_no_other() -> None:
    stalled, well = Gate(), Gate()
    one, other = Batcher(stalled, 2, "Slow@1"), Batcher(well, 2, "Quick@1")
    held = busy(stalled, one)
    well.open.set()
    assert score(other(row(2.0), soon())) == 2.5

    async def ask() -> float:
        return await one(row(1.0), soon(0.02))

    with pytest.raises(DeadlineError):
        Flight(ask(), lambda: None).wait()
    stalled.open.set()
    assert score(held) == 0.5
    eventually(lambda: one.waiting() == 0)
    assert stalled.batches == [[0.0]]  # who left while it stalled costs nothing


def test_a_forgotten_batcher_ends_its_thread() -> None:
    batcher = Batcher(lambda rows: rows[:, 0], 2, "Gone@1")
    thread = batcher._thread
    assert score(batcher(row(1.0), NO_DEADLINE)) == 1.0
    del batcher
    gc.collect()
    thread.join(10)
    assert not thread.is_alive()


@given(st.floats(0, 1e6), st.floats(1, 1e5), st.lists(st.integers(1, 64), max_size=40))
def test_the_cost_line_is_found_from_what_batches_took(fixed: float, each: float, sizes: list[int]) -> None:
    line = CostLine()
    for n in (1, 8, *sizes):
        line.learn(n, fixed + each * n)
    for n in {8, *sizes}:
        assert line(n) == pytest.approx(fixed + each * n, rel=1e-3)
        assert line.rows_within(line(n) * 1.001) >= n - 1
    usual = line(8)
    line.learn(8, 1000 * usual)
    assert line(8) < 8 * usual  # one stall is not taken for the model's pace


@pytest.mark.parametrize("rows", [None, 1])
def test_a_net_in_batches_scores_as_it_does_row_by_row(rows: int | None) -> None:
    pytest.importorskip("onnxruntime")
    graph = np.frombuffer(mlp([12, 32, 1], rows=rows), np.uint8)
    net = Predictor(SPEC, {"graph": graph})
    batcher = Batcher(net.score_together, 12, "Net@1")
    table = np.random.default_rng(1).normal(size=(200, 12))
    alone = net.score(table)
    with ThreadPoolExecutor(8) as threads:
        ask: Callable[[Any], float] = lambda words: score(batcher(words, soon()))  # noqa: E731
        together = list(threads.map(ask, table))
    np.testing.assert_allclose(together, alone, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(net.score_together(table), alone, rtol=1e-5, atol=1e-6)
    batcher.prime(table[0])
    assert batcher.predicted_wait() > 0


def test_a_deployed_net_answers_in_batches_and_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime")
    monkeypatch.setattr(predictor, "INLINE_NS", 0)
    with open_shop(tmp_path) as shop:
        graph = shop.graph()
        deployed(shop, graph, SPEC, {"graph": np.frombuffer(mlp([3, 8, 1]), np.uint8)})
        with serving(shop) as running, ThreadPoolExecutor(8) as threads:
            champion = running.desk.services["Score"].decider.champion
            assert champion is not None
            assert isinstance(champion.scoring, GuardedScoring)
            batcher = champion.scoring.scoring
            assert isinstance(batcher, Batcher)
            batches, rows = batcher.sizes()
            answers = list(threads.map(lambda n: running.decide("Score", payment(n, amount=float(n))), range(60)))
            assert not any(answer.fallback for answer in answers)
            more, scored = batcher.sizes()
            assert scored - rows == 60
            assert 0 < more - batches <= 60
            running.appender.flush()
            history = History(shop.stores.lake, shop.stores.log)
            for answer in answers[::20]:
                told = explain(running.find(answer.decision_id), shop.stores, history)
                assert told.replay.score_equal
                assert told.replay.equal


FUNCTION = """
import time

def score(x, slowly):
    time.sleep(slowly if x[0, 0] == 13 else 0)
    return x[0, 0] / 1000
"""


def test_a_python_function_serves_in_its_own_thread_and_stalls_no_other_service(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop, ThreadPoolExecutor(2) as threads:
        graph = shop.graph(deadline="5s")
        deployed(
            shop,
            graph,
            PredictorSpec(kind="function", function="score", source=FUNCTION),
            {"learned.slowly": np.array(1.0)},
        )
        shop.deploy(graph, "Gate")
        with serving(shop) as running:
            answer = running.decide("Score", payment(1, amount=700.0))
            assert (answer.decision, answer.score, answer.model) == ("review", 0.7, "Fraud@1")
            stalled = threads.submit(running.decide, "Score", payment(2, amount=13.0))
            eventually(lambda: running.desk._flights)
            for number in range(20):
                assert running.decide("Gate", payment(f"g{number}", amount=2000.0)).rule == "large"
            assert not stalled.done()
            assert stalled.result(10).score == 0.013
            running.appender.flush()
            told = explain(running.find(answer.decision_id), shop.stores, History(shop.stores.lake, shop.stores.log))
            assert told.replay.score_equal


def deployed(shop: Shop, graph: Graph, spec: PredictorSpec, arrays: dict[str, Any]) -> None:
    """Deploy a predictor over the view's three columns."""
    view = next(view for view in graph.views if view.name == "PaymentView")
    manifest = Manifest(
        model="Fraud",
        view="PaymentView",
        view_digest=digest(view),
        graph=graph,
        columns=("amount", "country", "weight"),
        levels={"country": ("NO", "SE")},
        predictor=spec,
    )
    bundle = save_bundle(shop.stores.artifacts, Bundle(manifest, arrays))
    run = start_run(shop.stores.catalog, "Fraud")
    version = register(shop.stores.catalog, "Fraud", run=run.id, bundle=bundle, view=manifest.view_digest)
    shop.deploy(graph, model=version.name)
