"""A version as a function of tensors: what is slow has a thread of its own, and a deadline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import numpy as np
import pytest
from tests.serving.oip.front import Front, front

from tidewheel.errors import DeadlineError, InputError
from tidewheel.registry.models.bundles import Bundle, Manifest
from tidewheel.registry.models.predictors import PredictorSpec
from tidewheel.serving.api.oip.messages import Inference
from tidewheel.serving.api.oip.models import VersionModel
from tidewheel.serving.api.oip.tensors import Tensor

SLOW = """
import time

def score(x):
    time.sleep(0.3)
    return x[:, 0] / 1000
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    with front(tmp_path_factory.mktemp("oip")) as running:
        yield running


def version(served: Front, kind: PredictorSpec) -> VersionModel:
    graph = served.shop.graph()
    manifest = Manifest(model="Fraud", view="PaymentView", graph=graph, columns=("amount", "weight"), predictor=kind)
    arrays = {"coef": np.array([0.001, 0.1])} if kind.kind == "linear" else {}
    return VersionModel("Fraud@1", Bundle(manifest, arrays), frozenset)


def rows(*values: tuple[float, float]) -> list[Tensor]:
    return [Tensor("rows", "FP64", np.array(values))]


def test_a_slow_function_stalls_no_other_request_and_has_a_deadline(served: Front) -> None:
    model = version(served, PredictorSpec(kind="function", function="score", source=SLOW))

    async def ask() -> tuple[float, list[float]]:
        late = asyncio.create_task(model.infer(Inference(rows((1.0, 2.0)), timeout_us=50_000)))
        turns = time.monotonic()
        await asyncio.sleep(0)
        turned = time.monotonic() - turns
        with pytest.raises(DeadlineError, match="no answer within"):
            await late
        scores = await model.infer(Inference(rows((100.0, 0.0))))
        return turned, scores[0].values.tolist()

    turned, scores = asyncio.run(ask())
    assert turned < 0.2
    assert scores == [0.1]


def test_all_columns_may_come_as_one_tensor(served: Front) -> None:
    model = version(served, PredictorSpec(kind="linear"))
    told = asyncio.run(model.infer(Inference(rows((100.0, 2.0), (0.0, 1.0)))))
    np.testing.assert_allclose(told[0].values, [0.3, 0.1])
    alone = [Tensor("amount", "FP64", np.array([100.0])), Tensor("weight", "FP64", np.array([[2.0]]))]
    np.testing.assert_allclose(asyncio.run(model.infer(Inference(alone)))[0].values, [0.3])


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([Tensor("rows", "FP64", np.zeros((2, 3)))], r"expected numbers of shape \[-1, 2\]"),
        ([Tensor("amount", "FP64", np.zeros(2)), Tensor("weight", "FP64", np.zeros(3))], "different lengths"),
        ([Tensor("amount", "FP64", np.zeros(2)), Tensor("weight", "FP64", np.zeros((2, 2)))], "one value a row"),
        ([Tensor("amount", "FP64", np.zeros(())), Tensor("weight", "FP64", np.zeros(()))], "without dimensions"),
        ([Tensor("amount", "FP64", np.zeros(2)), Tensor("amount", "FP64", np.zeros(2))], "there twice"),
        ([Tensor("amount", "FP64", np.zeros(2)), Tensor("wait", "FP64", np.zeros(2))], "unknown"),
        ([Tensor("amount", "BYTES", np.array([b"1"], object)), Tensor("weight", "FP64", np.zeros(1))], "found BYTES"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(served: Front, inputs: list[Tensor], message: str) -> None:
    model = version(served, PredictorSpec(kind="linear"))
    with pytest.raises(InputError, match=message):
        asyncio.run(model.infer(Inference(inputs)))
