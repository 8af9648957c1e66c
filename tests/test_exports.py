"""The public names: what ``__all__`` says, what there is, and not too many."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

import tidewheel
import tidewheel.definitions

MOST_NAMES = 60
SOURCE = Path(tidewheel.__file__)


def test_all_is_the_namespace() -> None:
    plain = [name for name in tidewheel.__all__ if not inspect.ismodule(getattr(tidewheel, name))]
    assert len(plain) <= MOST_NAMES  # namespaces such as `tw.transform` hold families of their own
    assert tidewheel.__all__ == sorted(tidewheel.__all__)
    assert dir(tidewheel) == tidewheel.__all__
    for name in tidewheel.__all__:
        if name != "open":
            assert getattr(tidewheel, name) is not None


def test_type_checkers_see_the_same_names() -> None:
    checked = [
        alias.asname
        for node in ast.walk(ast.parse(SOURCE.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("tidewheel.")
        for alias in node.names
    ]
    assert sorted(name for name in checked if name) == tidewheel.__all__


def test_what_is_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        tidewheel.nothing  # type: ignore[attr-defined]  # noqa: B018


def test_every_public_thing_says_what_it_is() -> None:
    for name in tidewheel.__all__:
        if name not in ("open", "Array", "Category", "Id", "Key", "Text"):
            assert getattr(tidewheel, name).__doc__, name


def test_the_room_keeps_its_word() -> None:
    for name in tidewheel.definitions.__all__:
        assert getattr(tidewheel.definitions, name).__doc__, name
