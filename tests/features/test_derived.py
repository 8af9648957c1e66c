"""Derived functions: what they get, what they may return, and that one row equals many."""

from __future__ import annotations

import numpy as np
import pytest
from feature_oracle import Happening
from feature_shop import BUY, column
from feature_world import START, ListHistory, event_table

from tidewheel.definitions import ir
from tidewheel.errors import FeatureError
from tidewheel.features.derived import call, load
from tidewheel.features.replay.backfill import read_view
from tidewheel.features.words import Texts

AMOUNT, KIND = ir.Col(("amount",)), ir.Col(("kind",))
GRAPH = ir.Graph(sources=(BUY,))


def view(source: str, *args: ir.Expr, text: bool = False) -> ir.View:
    return ir.View("V", "Buy", (), (column("amount", AMOUNT), column("f", ir.Derived("f", args, source), text)))


def run(declared: ir.View, rows: int = 5) -> list[object]:
    events = [
        Happening(
            "Buy",
            f"b{i}",
            START + i,
            START + i,
            i + 1,
            {"amount": i + 0.5 if i else None, "kind": "ab"[i % 2], "gift": i % 2 == 0},
        )
        for i in range(rows)
    ]
    return read_view(ListHistory(events, GRAPH), GRAPH, declared, event_table(events, BUY))["f"].to_pylist()


def test_numbers_come_as_floats_and_texts_as_objects() -> None:
    source = "def f(x, k):\n    assert x.dtype == 'float64' and k.dtype == object\n    return x * (k == 'a')\n"
    assert run(view(source, AMOUNT, KIND)) == [None, 0.0, 2.5, 0.0, 4.5]


def test_booleans_become_one_and_zero_and_texts_stay() -> None:
    assert run(view("def f(k):\n    return k == 'a'\n", KIND)) == [1.0, 0.0, 1.0, 0.0, 1.0]
    upper = "def f(k):\n    return [v.upper() for v in k]\n"
    assert run(view(upper, KIND, text=True)) == ["A", "B", "A", "B", "A"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def f(x):\n    return 1 / 0\n", "raised ZeroDivisionError"),
        ("def f(x):\n    return x[:1]\n", r"returned shape \(1,\) for 5 rows"),
        ("def f(x):\n    return np.zeros(3)\n", "raised NameError"),
        ("def f(x):\n    return ['a'] * len(x)\n", "numbers were expected"),
        ("def g(x):\n    return x\n", "can't be run"),
        ("def f(x):\n    return x - x.mean()\n", "not the same computed for one row"),
    ],
)
def test_what_goes_wrong_names_the_function(source: str, message: str) -> None:
    with pytest.raises(FeatureError, match=message):
        run(view(source, ir.Call("fill", (AMOUNT, ir.Const(1.0)))))


def test_a_text_column_takes_strings_only() -> None:
    with pytest.raises(FeatureError, match="where a string was expected"):
        run(view("def f(x):\n    return x\n", ir.Call("fill", (AMOUNT, ir.Const(1.0))), text=True))


@pytest.mark.parametrize("name", ["exp", "log", "log1p", "sin", "tanh", "cbrt", "sqrt", "arctan"])
def test_numpy_gives_one_row_the_bits_it_gives_many(name: str) -> None:
    function = load("f", f"import numpy as np\n\ndef f(x):\n    return np.{name}(x)\n")
    x = np.random.default_rng(3).lognormal(0, 4, 1003)
    many = call("f", function, [x], False, Texts(), len(x))
    one = np.concatenate([call("f", function, [x[i : i + 1].copy()], False, Texts(), 1) for i in range(len(x))])
    assert (many.view(np.int64) == one.view(np.int64)).all()
