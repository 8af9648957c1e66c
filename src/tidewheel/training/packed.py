"""What a step of ours returns, as an archive: JSON for its shape, Arrow and NumPy files for its data.

Only what is none of these, such as an estimator of some library, is a pickle: a part of the archive by itself, named by
its class (docs/decisions/0018-kept-outputs.md).
"""

from __future__ import annotations

import dataclasses
import importlib
import io
import pickle
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import FunctionType
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from tidewheel.errors import CorruptError
from tidewheel.registry.models.plain import as_plain, read_plain

SHAPE = "shape.json"
_PICKLE = ".pickle"
_KIND = "!"
_SINGLE = (type(None), bool, int, str)


def pack(value: Any) -> bytes:
    """Return a value as an archive.

    Raises
    ------
    pickle.PicklingError, TypeError, AttributeError
        A part of it has no form at all, such as an open file.
    """
    packer = _Packer()
    shape = msgspec.json.encode(packer.shape(value))
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, content in {SHAPE: shape, **packer.parts}.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return sink.getvalue()


def unpack(content: bytes) -> Any:
    """Return what `pack` was given.

    Raises
    ------
    CorruptError
        The bytes are no such thing.
    """
    try:
        return _Unpacker(_parts(content)).value()
    except (zipfile.BadZipFile, msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
        raise CorruptError(f"not what a step leaves ({error})") from error


def is_packed(content: bytes) -> bool:
    """Tell an archive of `pack` from other content."""
    return SHAPE in _names(content)


def pickled(content: bytes) -> list[str]:
    """Return the classes of what is a pickle in an archive, none where all of it is plain.

    Examples
    --------
    >>> pickled(pack({1: (2.0, None)})), pickled(pack([range(3)]))
    ([], ['range'])
    """
    return [name.removesuffix(_PICKLE).partition(".")[2] for name in _names(content) if name.endswith(_PICKLE)]


def _names(content: bytes) -> list[str]:
    """Return the names of an archive's parts, none where it is no archive."""
    file = io.BytesIO(content)
    return zipfile.ZipFile(file).namelist() if zipfile.is_zipfile(file) else []


def _parts(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


class _Packer:
    """Takes a value apart. What stands in it twice is one part."""

    def __init__(self) -> None:
        self.parts: dict[str, bytes] = {}
        self._known: dict[int, tuple[Any, dict[str, Any]]] = {}  # values are held, so that numbers stay theirs

    def shape(self, value: Any) -> Any:
        """Return what JSON says of a value; its data go into `parts`."""
        kind = type(value)
        if kind in _SINGLE or (kind is float and np.isfinite(value)):
            return value
        if kind is list:
            return [self.shape(item) for item in value]
        if kind is tuple:
            return {_KIND: "tuple", "of": [self.shape(item) for item in value]}
        if kind is dict:
            return {_KIND: "dict", "of": [[self.shape(name), self.shape(item)] for name, item in value.items()]}
        made = self._ours(value)
        if made is not None:
            return made
        if id(value) not in self._known:
            self._known[id(value)] = value, self._part(value)
        return self._known[id(value)][1]

    def _ours(self, value: Any) -> dict[str, Any] | None:
        """Return the shape of a call of what is ours, or of a function of ours; None for anything else."""
        kind = type(value)
        if kind is partial:
            return self._call("bound", value.func, list(value.args), value.keywords)
        if not _is_ours(value if isinstance(value, FunctionType) else kind):
            return None
        if isinstance(value, FunctionType):
            return {_KIND: "function", "name": _name(value)}
        if "__reduce__" in vars(kind):
            what, positional = value.__reduce__()
            return self._call("called", what, positional, {})
        names = _fields(kind)
        return None if names is None else self._call("called", kind, (), {name: getattr(value, name) for name in names})

    def _call(self, kind: str, what: Any, positional: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any]:
        of = {name: self.shape(item) for name, item in named.items()}
        what = self.shape(what) if kind == "bound" else _name(what)
        return {_KIND: kind, "what": what, "positional": [self.shape(item) for item in positional], "named": of}

    def _part(self, value: Any) -> dict[str, Any]:
        for kind, type_, to_bytes, _ in _FORMS:
            if isinstance(value, type_) and (kind not in ("array", "number") or value.dtype.kind in "biufUSMm"):
                return self._keep(kind, kind, to_bytes(value))
        return self._keep("pickle", f"{type(value).__qualname__}{_PICKLE}", pickle.dumps(value, protocol=5))

    def _keep(self, kind: str, name: str, content: bytes) -> dict[str, Any]:
        name = f"{len(self.parts)}.{name}"
        self.parts[name] = content
        return {_KIND: kind, "part": name}


class _Unpacker:
    """Puts a value together again."""

    def __init__(self, parts: dict[str, bytes]) -> None:
        self._parts = parts
        self._made: dict[str, Any] = {}

    def value(self) -> Any:
        """Return the whole."""
        return self._of(msgspec.json.decode(self._parts[SHAPE]))

    def _of(self, shape: Any) -> Any:
        if isinstance(shape, list):
            return [self._of(item) for item in shape]
        if isinstance(shape, str):
            return sys.intern(shape)  # a struct leaves out of its digest the very object that is a field's default
        if not isinstance(shape, dict):
            return shape
        kind = shape[_KIND]
        if kind == "tuple":
            return tuple(self._of(item) for item in shape["of"])
        if kind == "dict":
            return {self._of(name): self._of(item) for name, item in shape["of"]}
        if kind == "function":
            return _found(shape["name"])
        if kind in ("called", "bound"):
            what = _found(shape["what"]) if kind == "called" else partial(partial, self._of(shape["what"]))
            named = {name: self._of(item) for name, item in shape["named"].items()}
            return what(*map(self._of, shape["positional"]), **named)
        if shape["part"] not in self._made:
            self._made[shape["part"]] = _READ[kind](self._parts[shape["part"]])
        return self._made[shape["part"]]


def _is_ours(what: Any) -> bool:
    return what.__module__.split(".")[0] == "tidewheel" and "<" not in what.__qualname__


def _name(what: Any) -> str:
    return f"{what.__module__}:{what.__qualname__}"


def _found(name: str) -> Any:
    """Return the class or function of ours that is called so."""
    module, _, qualified = name.partition(":")
    found: Any = importlib.import_module(module) if module.split(".")[0] == "tidewheel" else None
    for part in qualified.split("."):
        found = getattr(found, part, None)
    if not isinstance(found, type | FunctionType) or not _is_ours(found):
        raise CorruptError(f"{name} is nothing that a step leaves")
    return found


def _fields(kind: type) -> list[str] | None:
    """Return the fields of a class that is made of its fields alone, None for any other."""
    if dataclasses.is_dataclass(kind):
        fields = dataclasses.fields(kind)
        return [field.name for field in fields] if all(field.init for field in fields) else None
    if issubclass(kind, msgspec.Struct):
        return list(kind.__struct_fields__)
    return list(getattr(kind, "_fields", ())) or None


def _save(array: Any) -> bytes:
    sink = io.BytesIO()
    np.save(sink, array, allow_pickle=False)
    return sink.getvalue()


def _load(content: bytes) -> Any:
    return np.load(io.BytesIO(content), allow_pickle=False)


_FORMS: list[tuple[str, Any, Callable[[Any], bytes], Callable[[bytes], Any]]] = [
    ("number", np.generic, _save, lambda content: _load(content)[()]),
    ("array", np.ndarray, _save, _load),
    ("float", float, lambda value: repr(value).encode(), lambda content: float(content)),
    ("bytes", bytes, bytes, bytes),
    ("table", pa.Table, as_plain, read_plain),
    ("column", pa.ChunkedArray, lambda column: as_plain(pa.table({"": column})), lambda data: read_plain(data)[""]),
    (
        "cells",
        pa.Array,
        lambda cells: as_plain(pa.table({"": cells})),
        lambda data: read_plain(data)[""].combine_chunks(),
    ),
]
"""Kinds of parts: the name, what is kept so, as bytes, and back."""
_READ = {kind: back for kind, _, _, back in _FORMS} | {"pickle": pickle.loads}
