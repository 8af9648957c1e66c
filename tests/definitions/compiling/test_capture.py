"""A derived function's source runs without the user's module."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.definitions.conftest import Load

from tidewheel.definitions import ir
from tidewheel.errors import DefinitionError

HELPERS = """
import math
from functools import lru_cache

STEP = 2
def twice(x):
    '''Doc.'''
    return x * STEP
def ratio(a, b):
    return twice(a) / b
@lru_cache
def cached(x):
    return math.sqrt(x)
class Box:
    size = STEP
def size(x):
    return abs(x)
def scale(x):
    return x * 1000
"""
TABLES = """
import numpy as np
from functools import wraps

PRICES = np.array([3.0, 4.0])
LIMIT = float("1000.5")
def limited(x):
    return min(x, LIMIT)
def tenfold(function):
    @wraps(function)
    def call(x):
        return function(x) * 10
    return call
def underived(function):
    return lambda x: function(x) * 10
def power(n):
    def call(x):
        return x**n
    return call
"""


def derived(load: Load, code: str, **files: str) -> str:
    """Return the captured source of the function `f` in a project."""
    project = load(code, helpers=HELPERS, tables=TABLES, **files)
    view = next(view for view in project.graph.views if view.name == "V")
    value = next(column.value for column in view.columns if column.name == "f")
    assert isinstance(value, ir.Derived)
    return value.source


def run(source: str, *args: object) -> Any:
    """Run captured source as a worker would, which has none of the project's modules."""
    for module in ("helpers", "tables", "folder", "folder.deep", "folder.made"):
        sys.modules.pop(module, None)
    scope: dict[str, Any] = {}
    exec(source, scope)
    return scope["f"](*args)


VIEW = """
class V(tw.View, on=Payment):
    @tw.derived(Payment.amount)
    def f(x{parameters}){returns}:
        {body}
class Use(tw.Model):
    view = V
    label = tw.happened(Chargeback, within="1d")
"""


def code(head: str, body: str, parameters: str = "", returns: str = "") -> str:
    return head + VIEW.format(body=body, parameters=parameters, returns=returns)


@pytest.mark.parametrize(
    ("head", "body", "value"),
    [
        ("", "return x + 1", 5.0),
        ("import numpy as np\n", "return np.log1p(x)", math.log1p(4)),
        ("import numpy\n", "return numpy.sqrt(x)", 2.0),
        ("import os.path\n", "return x + len(os.path.join('a', 'b'))", 7.0),
        ("from numpy import sqrt as root\n", "return root(x)", 2.0),
        ("from math import sqrt\n", "return sqrt(x)", 2.0),
        ("from decimal import Decimal\n", "return Decimal(x)", 4),
        ("LIMIT = {'a': [1, (2.5,)], 'b': {3}, 'c': None}\n", "return x + LIMIT['a'][1][0]", 6.5),
        ("BIG = float('inf')\n", "return min(x, BIG)", 4.0),
        ("import os\nLIMIT = len(os.sep)\n", "return x + LIMIT", 5.0),
        ("import numpy as np\nWEIGHTS = np.array([1.0, 2.0])\n", "return x * WEIGHTS.sum()", 12.0),
        ("import re\nSHAPE = re.compile('a+')\n", "return x + len(SHAPE.findall('aabaa'))", 6.0),
        ("from helpers import ratio\n", "return ratio(x, 2)", 4.0),
        ("from helpers import ratio as r\n", "return r(x, 2)", 4.0),
        ("from helpers import cached\n", "return cached(x)", 2.0),
        ("from helpers import Box\n", "return x + Box.size", 6.0),
        ("def half(x):\n    return x / 2\n", "return [half(y) for y in [x]][0]", 2.0),
        ("def half(x):\n    return x / 2 if x < 2 else half(x / 2)\n", "return half(x)", 0.5),
        ("", "y: float\n        return x", 4.0),
        ("ADD = 3\n", "return (lambda y: y + ADD)(x)", 7.0),
        ("from tables import PRICES\n", "return x * PRICES[0]", 12.0),
        ("from tables import PRICES as P\n", "return x * P[1]", 16.0),
        ("from tables import *\n", "return x * PRICES[0]", 12.0),
        ("from tables import LIMIT as TOP, limited\nLIMIT = 1000.5\n", "return limited(x) + LIMIT", 1004.5),
        ("K = 1\ndef g(x, k=K, *, l=K):\n    return x + k + l\nK = 5\n", "return g(x)", 6.0),
        ("from tables import tenfold\n@tenfold\ndef g(x):\n    return x\n", "return g(x)", 40.0),
        ("from tables import underived\n@underived\ndef g(x):\n    return x\n", "return g(x)", 40.0),
        ("from tables import power\nsquare = power(2)\n", "return square(x)", 16.0),
        ("g = lambda x: x * 2\n", "return g(x)", 8.0),
        ("import xml.etree.ElementTree\n", "return x + len(xml.etree.ElementTree.fromstring('<ab/>').tag)", 6.0),
        (
            "class G:\n    a = 2\n    b = a + 1\n    def go(self, x):\n        return G.b * x\n",
            "return G().go(x)",
            12.0,
        ),
    ],
)
def test_captured_source_stands_alone(load: Load, head: str, body: str, value: float) -> None:
    assert run(derived(load, code(head, body)), 4.0) == value


def test_defaults_annotations_and_docstrings(load: Load) -> None:
    head = "import numpy as np\nLIMIT: int = 7\ndef g(x: np.ndarray) -> np.ndarray:\n    '''Doc.'''\n    return x\n"
    source = derived(
        load, code(head, "'''Doc.'''\n        y: float = g(x)\n        return y + LIMIT", returns=" -> tw.Array")
    )
    assert source == "LIMIT = 7\ndef g(x):\n    return x\ndef f(x):\n    y = g(x)\n    return y + LIMIT\n"
    assert run(source, 1.0) == 8.0


def test_a_doc_alone_is_a_function(load: Load) -> None:
    assert derived(load, code("", "'''Doc.'''")) == "def f(x):\n    pass\n"


def test_the_same_helper_in_two_functions_is_written_in_each(load: Load) -> None:
    head = "from helpers import twice, ratio\n"
    source = derived(load, code(head, "return twice(x) + ratio(x, 1)"))
    assert source.count("def twice") == 1


@pytest.mark.parametrize(
    ("head", "body", "words"),
    [
        ("", "return nothing(x)", "'nothing', named in 'f', is not defined"),
        ("SEEN = 0\n", "global SEEN\n        SEEN += 1\n        return x + SEEN", "'f' changes SEEN of its module"),
        ("", "return open(x)", "'open', named in 'f', may not be used"),
        ("", "return x if __file__ else x", "'__file__', named in 'f'"),
        ("import helpers\n", "return helpers.twice(x)", "names the module 'helpers'"),
        ("", "return Payment", "'Payment' is a declaration"),
        ("", "return x + tw.sum", "V.f"),
        ("COLUMN = Payment.amount\n", "return x + COLUMN", "'COLUMN' is a declaration"),
        ("ROW = Visit(card='a', minutes=1.0)\n", "return ROW", "'ROW' is a declaration"),
        (
            "THING = object()\nTHING = object()\n",
            "return THING",
            "'THING', named in 'f', can't be carried along (object)",
        ),
        ("for i in range(3):\n    THING = object()\n", "return THING or open", "may not be used"),
        ("LONG = 'x' * 70_000\n", "return LONG", "the constant 'LONG' is 70002 characters long"),
        ("from helpers import STEP as A, twice\nSTEP = 3\n", "return twice(x) + STEP", "'STEP' means two things"),
        ("def f(x):\n    return x\n", "return f(x)", "'f' means two things"),
        ("def abs(x):\n    return 1\nfrom helpers import size\n", "return abs(x) + size(x)", "'abs' means two things"),
        (
            "from helpers import scale as z\ndef scale(x):\n    return x\n",
            "return scale(x) + z(x)",
            "'scale' means two things",
        ),
        ("", "from helpers import twice\n        return twice(x)", "'f' imports 'helpers' as it runs"),
        ("", "import helpers\n        return helpers.twice(x)", "from helpers import ..."),
        (
            "import numpy as np\nT = np.array([1.0])\nT[0] = 5.0\n",
            "return x * T[0]",
            "'T', named in 'f', can't be carried along (ndarray)",
        ),
        ("import numpy as np\nT = np.array([1.0])\nT.fill(5.0)\n", "return x * T[0]", "'T', named in 'f', can't"),
        ("", "yield x", "returns an array"),
    ],
)
def test_what_can_not_travel_is_refused(load: Load, head: str, body: str, words: str) -> None:
    if "tw.sum" in body:
        assert "import tidewheel as tw" in derived(load, code(head, body))
        return
    with pytest.raises(DefinitionError) as error:
        derived(load, code(head, body))
    assert words in str(error.value)
    assert "V.f" in str(error.value)


def test_modules_of_a_folder(load: Load, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "__init__.py").write_text("from .deep import total\n")
    (folder / "made.py").write_text("import numpy as np\nPRICES = np.array([3.0, 4.0])\n")
    (folder / "deep.py").write_text("from .made import PRICES\ndef total(x):\n    return x * PRICES.sum()\n")
    assert run(derived(load, code("from folder import total\n", "return total(x)")), 2.0) == 14.0


def test_the_decorator_under_another_name(load: Load) -> None:
    source = derived(
        load, code("from tidewheel import derived as column\n", "return x").replace("@tw.derived", "@column")
    )
    assert source == "def f(x):\n    return x\n"


def test_a_closure_is_refused(load: Load) -> None:
    with pytest.raises(DefinitionError, match="uses limit of the function around it"):
        load("""
            def make():
                limit = 3
                class V(tw.View, on=Payment):
                    @tw.derived(Payment.amount)
                    def f(x):
                        return x + limit
                return V
            V = make()
        """)


def test_a_lambda_is_refused(load: Load) -> None:
    with pytest.raises(DefinitionError, match="write it as a def"):
        load("class V(tw.View, on=Payment):\n    f = tw.derived(Payment.amount)(lambda x: x)")


def test_source_that_is_nowhere(tmp_path: Path) -> None:
    from tidewheel.definitions.compiling.capture import capture

    file = tmp_path / "cell"
    file.write_text("%magic\n")
    for name in ("<string>", str(file)):
        scope: dict[str, Any] = {}
        exec(compile("def f(x):\n    return x", name, "exec"), scope)
        with pytest.raises(DefinitionError, match="can't be found"):
            capture(scope["f"])


def test_arrays_of_text(load: Load) -> None:
    source = derived(load, code("", "return x != 'SE'"))
    assert run(source, np.array(["SE", "NO"])).tolist() == [False, True]
