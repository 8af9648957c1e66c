"""How a gang goes on when members fail, and that its work finds the code it needs."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidewheel.engine.gang import RETRIES, Outcome, until_whole
from tidewheel.engine.shipping import packed
from tidewheel.errors import EngineError, InputError

DIED = [Outcome(error=OSError("peer is gone")), Outcome(died=True)]


@given(st.integers(0, RETRIES), st.lists(st.integers(), min_size=1))
def test_results_come_after_any_number_of_deaths_that_is_forgiven(deaths: int, results: list[int]) -> None:
    tries = iter([DIED] * deaths + [[Outcome(result) for result in results]])
    assert until_whole(lambda: next(tries)) == results


def test_members_that_always_die_are_an_error() -> None:
    tried: list[int] = []
    with pytest.raises(EngineError, match=f"a worker died in each of {RETRIES + 1} tries"):
        until_whole(lambda: tried.append(0) or DIED)  # type: ignore[func-returns-value]
    assert len(tried) == RETRIES + 1


def test_what_was_raised_is_raised_though_others_were_ended() -> None:
    with pytest.raises(InputError):
        until_whole(lambda: [Outcome(), Outcome(error=InputError("bad")), Outcome()])


def test_code_of_a_module_on_no_path_travels_along(tmp_path: Path) -> None:
    module = ModuleType("a_users_project")
    module.__file__ = str(tmp_path / "project.py")
    sys.modules["a_users_project"] = module
    try:
        exec("def twice(x):\n    return 2 * x\n", vars(module))
        (tmp_path / "work").write_bytes(packed((module.twice, 21)))
    finally:
        del sys.modules["a_users_project"]
    read = f"import pickle; f, x = pickle.load(open({str(tmp_path / 'work')!r}, 'rb')); print(f(x))"
    assert subprocess.run([sys.executable, "-c", read], capture_output=True, check=True).stdout == b"42\n"


def test_code_of_a_package_travels_by_name() -> None:
    assert len(packed(packed)) < 200
    assert pickle.loads(packed(packed)) is packed
