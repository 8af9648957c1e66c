"""Compiles what a model takes over from a version, and whether its own may be kept as a pickle."""

from __future__ import annotations

import re

from tidewheel.definitions import ir
from tidewheel.definitions.models.models import Model
from tidewheel.errors import DefinitionError

_VERSION = re.compile(r"[A-Za-z_]\w*(@(\d+|[a-z][a-z0-9_-]*))?")


def compile_init_from(cls: type[Model]) -> str:
    """Return the version that a fit goes on from, as it was named."""
    return named_version(cls.init_from) if cls.init_from else ""


def compile_teacher(cls: type[Model], classifies: bool) -> ir.Teacher | None:
    """Return who teaches a model."""
    teacher = cls.teacher
    if teacher is None:
        return None
    if not isinstance(teacher, ir.Teacher):
        raise DefinitionError(f"{teacher!r} is no teacher", remedy='write tw.learner.teacher("Big@3", weight=0.5)')
    if not classifies and teacher.temperature != 1.0:
        raise DefinitionError(
            "a temperature softens probabilities, and this model predicts a number", remedy="leave temperature out"
        )
    return teacher


def compile_allow_pickle(cls: type[Model]) -> bool:
    """Return whether a model may be kept as a pickle."""
    if not isinstance(cls.allow_pickle, bool):
        raise DefinitionError(f"allow_pickle={cls.allow_pickle!r}", remedy="write allow_pickle = True")
    return cls.allow_pickle


def named_version(name: object) -> str:
    """Return a version's name as it was written, after a look at its form.

    Raises
    ------
    DefinitionError
        It can't be one.

    Examples
    --------
    >>> named_version("Fraud@champion")
    'Fraud@champion'
    """
    if not isinstance(name, str) or not _VERSION.fullmatch(name):
        raise DefinitionError(f"{name!r} names no version", remedy="write 'Fraud@3', 'Fraud@champion' or 'Fraud'")
    return name
