"""Writes what was read of a Feast repository as a tidewheel module.

An entity becomes a ``tw.Entity``. A feature view becomes the event that brings its values and a ``tw.Features`` of
their last ones within the view's ttl: the same values, point-in-time correct, offline and online. What has no like
is named in a comment at the end.
"""

from __future__ import annotations

import keyword
import re
from typing import Any

from tidewheel.cli.feast.read import Declared, Made, Name, Repository, seconds_of

NUMBERS = {"Float32": "float", "Float64": "float", "Int32": "int", "Int64": "int", "Bool": "bool"}
OTHERS = {"String": "tw.Category", "UnixTimestamp": "datetime"}
UNITS = ((604_800, "w"), (86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
DEFAULT_KEY = "String"


class Writer:
    """Writes one module."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._notes: list[str] = []
        self._entities: dict[str, tuple[str, str]] = {}
        """Class name and join key by every name an entity goes by."""

    def module(self) -> str:
        """Return the module's source; formatted, and with what was left out at its end."""
        parts = [self._entity(each) for each in self._repository.of("Entity")]
        views = self._repository.of("FeatureView", "BatchFeatureView", "StreamFeatureView")
        parts += [part for view in views for part in self._view(view)]
        for service in self._repository.of("FeatureService", "OnDemandFeatureView"):
            self._notes.append(_unlike(service))
        notes = [*self._notes, *self._repository.skipped]
        if notes:
            parts.append("# Not taken over:\n" + "\n".join(f"# - {note}" for note in notes))
        imports = ["import tidewheel as tw"]
        if any(": datetime" in part for part in parts):
            imports.insert(0, "from datetime import datetime\n")
        head = '"""Features, as a Feast repository declared them."""\n\nfrom __future__ import annotations\n\n'
        return head + "\n".join(imports) + "\n\n\n" + "\n\n\n".join(parts) + "\n"

    def _entity(self, entity: Declared) -> str:
        name = str(entity.arguments.get("name", entity.variable))
        keys = entity.arguments.get("join_keys") or [name]
        if len(keys) > 1:
            self._notes.append(f"{entity.where} {name}: only the first of its join keys, {', '.join(map(str, keys))}")
        made = class_name(name)
        for alias in (entity.variable, name):
            self._entities[alias] = (made, str(keys[0]))
        return f"class {made}(tw.Entity):{_doc(entity)}\n    id: tw.Id"

    def _view(self, view: Declared) -> list[str]:
        name = str(view.arguments.get("name", view.variable))
        refs = [
            self._entities.get(each.id if isinstance(each, Name) else str(each)) for each in _list(view, "entities")
        ]
        if not refs or None in refs:
            self._notes.append(f"{view.where} {name}: it has no entity that is declared here")
            return []
        known = [ref for ref in refs if ref is not None]
        columns = self._columns(view, name, {key for _, key in known})
        event, features = class_name(name) + "Row", class_name(name)
        rows = [f"class {event}(tw.Event):", *self._told(view, name, event, [key for _, key in known]), ""]
        rows += [f"    {field_name(key)}: tw.Ref[{made}]" for made, key in known]
        rows += [f"    {column}: {kind} | None" for column, kind in columns]
        by = known[0][0] if len(known) == 1 else "(" + ", ".join(f"{event}.{field_name(key)}" for _, key in known) + ")"
        ttl = seconds_of(view.arguments.get("ttl"))
        window = f', "{duration(ttl)}"' if ttl else ""
        lines = [f"class {features}(tw.Features, by={by}):{_doc(view)}"]
        lines += [f"    {column} = tw.last({event}.{column}{window})" for column, _ in columns]
        return ["\n".join(rows), "\n".join(lines)]

    def _told(self, view: Declared, name: str, event: str, keys: list[str]) -> list[str]:
        """Return an event's docstring: where its rows are, and the command that takes them in where that is a file."""
        source = self._resolved(view.arguments.get("source"))
        path = source.arguments.get("path") if isinstance(source, Made) else None
        if not isinstance(source, Made) or not isinstance(path, str):
            return [f'    """Brings the values of {name}: {_source(view.arguments.get("source"))}."""']
        names = [*keys, *(column for column, _ in _fields(view))]
        pairs = {field_name(column): column for column in names}
        pairs["at"] = str(source.arguments.get("timestamp_field") or "at")
        maps = [f" --map {ours}={theirs}" for ours, theirs in pairs.items() if ours != theirs]
        command = f"tidewheel ingest {path} --as {event}{''.join(maps)}"
        return [f'    """Brings the values of {name}.', "", f"    {command}", '    """']

    def _resolved(self, source: Any) -> Any:
        """Return what a variable names, of a source that is pushed to the batch source behind it."""
        if isinstance(source, Name):
            source = self._repository.sources.get(source.id, source)
        behind = source.arguments.get("batch_source") if isinstance(source, Made) else None
        return source if behind is None else self._resolved(behind)

    def _columns(self, view: Declared, name: str, keys: set[str]) -> list[tuple[str, str]]:
        columns = []
        for column, dtype in _fields(view):
            kind = NUMBERS.get(_type(dtype)) or OTHERS.get(_type(dtype))
            if column in keys:
                continue
            if kind is None:
                self._notes.append(
                    f"{view.where} {name}.{column}: no column here is a {_type(dtype) or 'computed type'}"
                )
                continue
            columns.append((field_name(column), kind))
        return columns


def duration(seconds: int) -> str:
    """Return seconds in the largest unit that divides them.

    Examples
    --------
    >>> duration(86_400 * 2), duration(5400)
    ('2d', '90min')
    """
    size, unit = next((size, unit) for size, unit in UNITS if seconds % size == 0)
    return f"{seconds // size}{unit}"


def class_name(name: str) -> str:
    """Return a name as Python classes are called.

    Examples
    --------
    >>> class_name("driver_hourly_stats"), class_name("2fast")
    ('DriverHourlyStats', 'N2fast')
    """
    joined = "".join(part[:1].upper() + part[1:] for part in re.split(r"\W+|_", name) if part)
    return joined if joined.isidentifier() and not keyword.iskeyword(joined) else f"N{joined}"


def field_name(name: str) -> str:
    """Return a name that may be an attribute.

    Examples
    --------
    >>> field_name("conv-rate"), field_name("class"), field_name("at")
    ('conv_rate', 'class_', 'at_')
    """
    clean = re.sub(r"\W", "_", name)
    clean = clean if clean.isidentifier() else f"n{clean}"
    return f"{clean}_" if keyword.iskeyword(clean) or clean in ("at", "id") else clean


def _fields(view: Declared) -> list[tuple[str, Any]]:
    """Return the names and types of a view's columns."""
    made = (each for each in _list(view, "schema") or _list(view, "features") if isinstance(each, Made))
    given = (dict(zip(("name", "dtype"), each.positional, strict=False)) | each.arguments for each in made)
    return [(str(field.get("name")), field.get("dtype")) for field in given]


def _list(view: Declared, name: str) -> list[Any]:
    value = view.arguments.get(name)
    return value if isinstance(value, list) else []


def _type(dtype: Any) -> str:
    if isinstance(dtype, Name):
        return dtype.id.title() if dtype.id.isupper() else dtype.id
    if isinstance(dtype, Made):
        return f"{_type(dtype.positional[0])} of values" if dtype.positional else dtype.name
    return ""


def _source(source: Any) -> str:
    if isinstance(source, Name):
        return source.id
    if isinstance(source, Made):
        return str(source.arguments.get("path") or source.arguments.get("table") or source.name)
    return "its source"


def _doc(declared: Declared) -> str:
    text = declared.arguments.get("description")
    return f'\n    """{text.strip()}"""\n' if isinstance(text, str) and '"' not in text and text.strip() else ""


def _unlike(declared: Declared) -> str:
    name = declared.arguments.get("name", declared.variable)
    if declared.kind == "FeatureService":
        return (
            f"{declared.where} {name}: a list of features for a model; declare a tw.View on the event it is asked for"
        )
    return f"{declared.where} {name}: a transformation; write it as a @tw.derived of a view"
