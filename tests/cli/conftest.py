"""Copies of the small shop, for commands to work on."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.shop import empty_shop, filled_shop, trained_shop


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    return empty_shop(tmp_path / "shop")


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    return filled_shop(tmp_path / "shop")


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    return trained_shop(tmp_path / "shop")
