"""One answer to how many cores there are: what the system allows, or what the environment says."""

from __future__ import annotations

import os

import pytest

from tidewheel.cores import VARIABLE, cores
from tidewheel.errors import ConfigError
from tidewheel.training.fit.estimators import threads


def test_the_environment_decides_for_kernels_and_learners_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert cores() == len(os.sched_getaffinity(0))
    monkeypatch.setenv(VARIABLE, "3")
    assert cores() == threads() == 3


@pytest.mark.parametrize("said", ["0", "-2", "two", "1.5"])
def test_what_is_no_number_of_threads_is_refused_by_name(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, said)
    with pytest.raises(ConfigError, match=f"TIDEWHEEL_THREADS='{said}'"):
        cores()
