"""Finding versions by what is known about them: ``metric.average_precision > 0.6 and tag.team = 'risk'``.

A small language with nothing in it that runs: fields, comparisons, ``and``, ``or``, ``not`` and brackets.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from tidewheel.errors import InputError
from tidewheel.registry.pointers.environments import list_environments
from tidewheel.registry.versions.marks import all_tags
from tidewheel.registry.versions.versions import Version, list_versions
from tidewheel.storage.catalog import Catalog

Test = Callable[["Known"], bool]
FIELDS = "model, number, run, who, created, passed, environment, tag.NAME, metric.NAME, metric.SPLIT.NAME, gate.NAME"
_TOKEN = re.compile(
    r"\s*(?:(?P<text>'[^']*'|\"[^\"]*\")|(?P<number>-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w.]))"
    r"|(?P<sign><=|>=|!=|==|=|<|>|~|\(|\))|(?P<word>[A-Za-z_][\w.@-]*))"
)
_SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le,
    ">": operator.gt, ">=": operator.ge, "~": lambda seen, part: str(part).lower() in str(seen).lower(),
}  # fmt: skip


class Known(msgspec.Struct, frozen=True):
    """A version with what was said about it since."""

    version: Version
    tags: dict[str, str]
    environments: list[str]


def find_versions(catalog: Catalog, model: str = "", where: str = "", limit: int = 1000) -> list[Known]:
    """Return versions, newest first, of which a condition holds.

    Parameters
    ----------
    where : str
        As ``metric.average_precision > 0.6 and tag.team = 'risk'``. Fields: model, number, run, who, created (compare
        with ``'2026-03-01'``), passed, environment, ``tag.NAME``, ``metric.NAME`` (on the test rows),
        ``metric.SPLIT.NAME``, ``gate.NAME`` (whether it passed). Signs: ``= != < <= > >= ~`` (contains). What a
        version does not have fits no comparison but ``!=``.

    Raises
    ------
    InputError
        The condition can't be read.
    """
    test = condition(where) if where.strip() else lambda known: True
    tags = all_tags(catalog)
    stands: dict[str, list[str]] = {}
    for standing in list_environments(catalog, model):
        stands.setdefault(standing.version, []).append(standing.environment)
    known = (Known(v, tags.get(v.name, {}), stands.get(v.name, [])) for v in list_versions(catalog, model, 10**9))
    return [one for one in known if test(one)][:limit]


def condition(text: str) -> Test:
    """Return what a condition asks of a version.

    Examples
    --------
    >>> version = Version(model="M", number=3, run="r", bundle="", view="", definition="", metrics=[], gates=[],
    ...                   who="ann", created=0)
    >>> condition("number >= 2 and not (tag.team = 'risk' or who ~ 'bob')")(Known(version, {"team": "growth"}, []))
    True
    """
    reader = _Reader(text)
    test = _either(reader)
    if reader.kind:
        raise reader.wrong("and, or, or the end")
    return test


class _Reader:
    """The condition's words, one at a time."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._end = 0
        self.take()

    def take(self) -> str:
        """Return the present word and go on to the next."""
        taken = getattr(self, "value", "")
        rest = self._text[self._end :].strip()
        found = _TOKEN.match(self._text, self._end)
        self._start = self._end
        if found is None and rest:
            raise InputError(f"can't read {rest[:30]!r}", where=f"condition {self._text!r}", remedy=f"fields: {FIELDS}")
        self.kind = "" if found is None else str(found.lastgroup)
        self.value = "" if found is None else str(found[self.kind])
        self._end = len(self._text) if found is None else found.end()
        return taken

    def wrong(self, wanted: str) -> InputError:
        """Return the error of a word that should have been something else."""
        seen = self.value or "the end"
        return InputError(f"{seen!r} where {wanted} should stand", where=f"condition {self._text!r}",
                          remedy="write it like: metric.roc_auc > 0.7 and tag.team = 'risk'")  # fmt: skip

    def is_word(self, *words: str) -> bool:
        """Tell whether the present word is one of these."""
        return self.kind in ("word", "sign") and self.value.lower() in words


def _either(reader: _Reader) -> Test:
    tests = _listed(reader, "or", _both)
    return tests[0] if len(tests) == 1 else lambda known: any(test(known) for test in tests)


def _both(reader: _Reader) -> Test:
    tests = _listed(reader, "and", _one)
    return tests[0] if len(tests) == 1 else lambda known: all(test(known) for test in tests)


def _listed(reader: _Reader, word: str, read: Callable[[_Reader], Test]) -> list[Test]:
    tests = [read(reader)]
    while reader.is_word(word):
        reader.take()
        tests.append(read(reader))
    return tests


def _one(reader: _Reader) -> Test:
    if reader.is_word("not"):
        reader.take()
        inner = _one(reader)
        return lambda known: not inner(known)
    if reader.is_word("("):
        reader.take()
        inside = _either(reader)
        if not reader.is_word(")"):
            raise reader.wrong("a closing bracket")
        reader.take()
        return inside
    return _comparison(reader)


def _comparison(reader: _Reader) -> Test:
    if reader.kind != "word":
        raise reader.wrong("a field")
    field = reader.take()
    read = _field(field)
    if reader.value not in _SIGNS:
        if field.split(".")[0] in ("passed", "gate", "tag"):
            return lambda known: any(seen is not False for seen in read(known))
        raise reader.wrong("one of = != < <= > >= ~")
    sign = reader.take()
    if reader.kind not in ("text", "number", "word"):
        raise reader.wrong("a number or a quoted text")
    value = _literal(field, reader.kind, reader.take())
    compare = _SIGNS[sign]
    if sign == "!=":
        return lambda known: all(_fits(operator.ne, seen, value) for seen in read(known))
    return lambda known: any(_fits(compare, seen, value) for seen in read(known))


def _fits(compare: Callable[[Any, Any], bool], seen: Any, value: Any) -> bool:
    if isinstance(seen, str) and isinstance(value, float) and compare is not _SIGNS["~"]:
        try:
            seen = float(seen)  # a tag may hold a number
        except ValueError:
            return compare is operator.ne
    if isinstance(seen, str) != isinstance(value, str) and compare is not _SIGNS["~"]:
        return compare is operator.ne
    return compare(seen, value)


def _literal(field: str, kind: str, word: str) -> Any:
    text = word[1:-1] if kind == "text" else word
    if field == "created":
        try:
            instant = datetime.fromisoformat(text)
        except ValueError:
            raise InputError(f"{text!r} is no date", remedy="write created > '2026-03-01'") from None
        return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp() * 1e6
    if kind == "word" and word.lower() in ("true", "false"):
        return word.lower() == "true"
    return float(word) if kind == "number" else text


_PLAIN: Mapping[str, Callable[[Known], Sequence[Any]]] = {
    "model": lambda known: [known.version.model],
    "number": lambda known: [known.version.number],
    "run": lambda known: [known.version.run],
    "who": lambda known: [known.version.who],
    "created": lambda known: [known.version.created],
    "passed": lambda known: [known.version.passed],
    "environment": lambda known: known.environments,
}


def _field(name: str) -> Callable[[Known], Sequence[Any]]:
    """Return what reads a field: the values of it that a version has, none or more."""
    family, _, rest = name.partition(".")
    if name in _PLAIN:
        return _PLAIN[name]
    if family == "tag" and rest:
        return lambda known: [known.tags[rest]] if rest in known.tags else []
    if family == "metric" and rest:
        split, _, metric = rest.rpartition(".")
        wanted = (split or "test", metric)
        return lambda known: [
            m.value for m in known.version.metrics if (m.split, m.metric) == wanted and m.value is not None
        ]
    if family == "gate" and rest:
        return lambda known: [gate.passed for gate in known.version.gates if gate.gate.split("(")[0] == rest]
    raise InputError(f"no field {name!r}", remedy=f"fields: {FIELDS}")
