"""``Fraud@3``: how a version is named."""

from __future__ import annotations

import getpass
import os
import re
import secrets
from collections.abc import Iterable
from functools import cache

from tidewheel.errors import InputError
from tidewheel.storage.catalog.actor import actor

_NAME = re.compile(r"([A-Za-z_]\w*)(?:@(\d+|[a-z][a-z0-9_-]*))?")
_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def parse_name(name: str) -> tuple[str, str]:
    """Return the model and what follows its ``@``: a number, an alias, or "".

    Examples
    --------
    >>> parse_name("Fraud@3"), parse_name("Fraud"), parse_name("Fraud@champion")
    (('Fraud', '3'), ('Fraud', ''), ('Fraud', 'champion'))
    >>> parse_name("Fraud@eu-staging")
    ('Fraud', 'eu-staging')
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise InputError(f"{name!r} names no version", remedy="write Model, Model@3 or Model@champion")
    return match[1], match[2] or ""


def format_name(model: str, number: int) -> str:
    """Return ``model@number``."""
    return f"{model}@{number}"


def model_of(name: str) -> str:
    """Return a version's model."""
    return name.partition("@")[0]


def members_of(lineup: str) -> tuple[str, ...]:
    """Return the versions of a line-up, one a model: what a deployment of several models points at.

    Examples
    --------
    >>> members_of("Fraud@3+Net@2"), members_of("Fraud@3"), members_of("")
    (('Fraud@3', 'Net@2'), ('Fraud@3',), ())
    """
    return tuple(lineup.split("+")) if lineup else ()


def member_of(lineup: str, model: str) -> str:
    """Return a line-up's version of a model, or "".

    >>> member_of("Fraud@3+Net@2", "Net")
    'Net@2'
    """
    return next((name for name in members_of(lineup) if model_of(name) == model), "")


def with_members(lineup: str, moved: Iterable[str], models: Iterable[str]) -> tuple[str, list[str]]:
    """Return a line-up of `models` with some versions moved, and the models that have none.

    >>> with_members("Fraud@3+Net@2", ["Net@4"], ["Fraud", "Net"])
    ('Fraud@3+Net@4', [])
    """
    wanted = {model_of(name): name for name in (*members_of(lineup), *moved)}
    models = list(models)
    found = [wanted[model] for model in models if model in wanted]
    return "+".join(found), [model for model in models if model not in wanted]


def new_run_id(at: int) -> str:
    """Return a new id that sorts by time: ten characters of milliseconds, six of chance.

    Parameters
    ----------
    at : int
        Microseconds UTC.
    """
    milliseconds, characters = max(at, 0) // 1000, []
    for _ in range(10):
        milliseconds, digit = divmod(milliseconds, 32)
        characters.append(_DIGITS[digit])
    return "".join(reversed(characters)) + "".join(secrets.choice(_DIGITS) for _ in range(6))


def current_user() -> str:
    """Return who acts, for the record: whom this process acts for, or its own user."""
    someone = actor()
    return _login() if someone is None else someone.who


@cache
def _login() -> str:
    """Return the login name, or the user's number."""
    try:
        return getpass.getuser()
    except (KeyError, ImportError, OSError):
        return f"uid {os.getuid()}"
