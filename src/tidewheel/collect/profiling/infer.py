"""From files' columns to a declaration that loads: what kind each column is, what it identifies, what it refers to."""

from __future__ import annotations

import keyword
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.collect.profiling.cells import (
    ENOUGH,
    BadCells,
    Spelling,
    bad_cells,
    kind_of_texts,
    lacks_zone,
    tolerated,
)
from tidewheel.collect.profiling.scan import ColumnScan, FileScan, is_number

TIME_NAMES = ("at", "time", "timestamp", "ts", "datetime", "when", "date", "created", "occurred")
FEW = 1_000
"""A text with more different values is a key, not a category."""
LONG = 40
"""Characters of the average text that is read, not compared."""
OVERLAP = 0.9
"""Share of a column's values that must be ids of another file for it to refer to that."""
UNIQUE = 0.95
"""Share of different values, as estimated, of a column that identifies rows."""
AGAIN = 0.5
"""Share of different values above which a text is a key however few they are: most of them come once."""


@dataclass
class InferredColumn:
    """A column as it would be declared.

    Attributes
    ----------
    scan : ColumnScan
    name : str
        A name that Python takes.
    kind : str
        ``id``, ``ref``, ``key``, ``category``, ``text``, ``float``, ``int``, ``bool``, ``time`` or ``vector``.
    target : str
        For a ref.
    size : int
        For a vector.
    why : str
        What speaks for it.
    """

    scan: ColumnScan
    name: str
    kind: str
    target: str = ""
    why: str = ""
    size: int = 0


@dataclass
class InferredSource:
    """A file as it would be declared: its class's name, whether it is an entity, its columns, its time column.

    And of columns that no declaration takes, why; the cells whose rows would be quarantined; the columns
    of times without a zone; how many rows repeat an id.
    """

    file: FileScan
    name: str
    entity: bool
    columns: list[InferredColumn]
    at: str = ""
    left_out: dict[str, str] = field(default_factory=dict)
    bad: list[BadCells] = field(default_factory=list)
    zoneless: list[str] = field(default_factory=list)
    repeated: int = 0

    @property
    def id(self) -> InferredColumn | None:
        """The column that identifies rows."""
        return next((column for column in self.columns if column.kind == "id"), None)


def infer(files: Sequence[FileScan]) -> list[InferredSource]:
    """Return how each file would be declared, with the references between them.

    A column refers to another file when nearly all of its values are that file's ids, and to an entity
    of its own when its name ends in ``_id`` and its values come again.
    """
    sources = [_source(file) for file in files]
    ids = {source.name: _values(source, source.id) for source in sources if source.id is not None}
    for source in sources:
        for column in source.columns:
            if column.kind in ("key", "category", "int", "text"):
                _refer(source, column, ids)
    return sources


def declaration(sources: Sequence[InferredSource]) -> str:
    """Return a module that declares them; it loads as it stands."""
    known = {source.name for source in sources}
    targets = {column.target for source in sources for column in source.columns if column.target} - known
    times = any(column.kind == "time" for source in sources for column in source.columns)
    vectors = any(column.size for source in sources for column in source.columns)
    imports = "from datetime import datetime\n" * times + "from typing import Annotated\n" * vectors
    parts = [f"{imports}\n" * bool(imports) + "import tidewheel as tw\n"]
    parts += [f"class {name}(tw.Entity):\n    id: tw.Id\n" for name in sorted(targets)]
    parts += [_class(source) for source in sorted(sources, key=lambda source: not source.entity)]
    return "\n\n".join(parts)


def ingest_command(source: InferredSource) -> str:
    """Return the command that takes the file in as it is declared."""
    pairs = [(column.name, column.scan.name) for column in source.columns if column.name != column.scan.name]
    pairs += [("at", source.at)] if source.at and source.at != "at" else []
    mapping = "".join(f" --map {shlex.quote(f'{name}={column}')}" for name, column in pairs)
    zone = " --timezone UTC" * bool(source.zoneless)
    return f"tidewheel ingest {shlex.quote(source.file.path.name)} --as {source.name}{mapping}{zone}"


def _source(file: FileScan) -> InferredSource:
    spelt = {scan.name: kind_of_texts(file, scan) for scan in file.columns if pa.types.is_string(scan.type)}
    at = _time_column(file, spelt)
    sizes = {scan.name: _vector_size(file, scan) for scan in file.columns}
    flat = [scan for scan in file.columns if sizes[scan.name] or not pa.types.is_nested(scan.type)]
    left_out = {s.name: f"{s.type} is no column of a declaration" for s in file.columns if s not in flat}
    scans = [scan for scan in flat if scan.name != at]
    identity = _identity([scan for scan in scans if _kind_spelt(spelt, scan) in ("", "int")], file.rows)
    names: set[str] = set()
    columns = []
    for scan in scans:
        kind, why = ("id", "tells rows apart") if scan is identity else _kind(file, scan, spelt.get(scan.name))
        columns.append(InferredColumn(scan, _name(scan.name, names), kind, why=why, size=sizes[scan.name]))
    stem = re.sub(r"\W+", "_", file.path.name.partition(".")[0])
    source = InferredSource(file, _class_name(stem), at == "" and identity is not None, columns, at, left_out)
    if identity is not None and identity.counts is not None:
        source.repeated = file.rows - identity.nulls - identity.distinct
    _judge(source)
    return source


def _judge(source: InferredSource) -> None:
    """Note which cells would be quarantined, and which times have no zone."""
    kinds = {column.scan.name: column.kind for column in source.columns} | {source.at: "time"}
    for scan in source.file.columns:
        kind = kinds.get(scan.name, "vector")
        bad = bad_cells(source.file, scan, kind, needed=kind == "id" or scan.name == source.at)
        source.bad += [bad] if bad else []
        if kind == "time" and lacks_zone(source.file, scan):
            source.zoneless.append(scan.name)


def _time_column(file: FileScan, spelt: Mapping[str, Spelling]) -> str:
    times = [s.name for s in file.columns if s.nulls <= tolerated(s.rows) and _is_time(s, _kind_spelt(spelt, s))]
    ranked = sorted(times, key=lambda name: next((k for k, word in enumerate(TIME_NAMES) if _has(name, word)), 99))
    return ranked[0] if ranked else ""


def _has(name: str, word: str) -> bool:
    return word in re.split(r"[^a-z]+", name.lower())


def _kind_spelt(spelt: Mapping[str, Spelling], scan: ColumnScan) -> str:
    return spelt[scan.name].kind if scan.name in spelt else ""


def _is_time(scan: ColumnScan, spelt: str) -> bool:
    if pa.types.is_temporal(scan.type):
        return not (pa.types.is_time(scan.type) or pa.types.is_duration(scan.type))
    return spelt == "time"


def _identity(scans: Sequence[ColumnScan], rows: int) -> ColumnScan | None:
    """Return the column that tells rows apart, one called ``id`` or like it before others.

    One called so may lack or repeat a few values.
    """
    few = tolerated(rows)
    fit = [s for s in scans if pa.types.is_string(s.type) or pa.types.is_integer(s.type)]
    fit = [s for s in fit if s.nulls <= few and s.distinct >= (rows - few if s.counts is not None else UNIQUE * rows)]
    named = [s for s in fit if re.search(r"(^|_)(id|no|number|key|uuid)$", s.name.lower())]
    texts = [s for s in fit if pa.types.is_string(s.type) and not s.nulls and (s.counts is None or s.distinct == rows)]
    ranked = sorted(named, key=lambda s: (s.name.lower() != "id", s.nulls > 0 or s.distinct < rows))
    return next(iter(ranked), texts[0] if texts and rows > 1 else None)


def _vector_size(file: FileScan, scan: ColumnScan) -> int:
    """Return how long all of a column's lists of numbers are, 0 when they differ or there is none."""
    lists = pa.types.is_list(scan.type) or pa.types.is_large_list(scan.type) or pa.types.is_fixed_size_list(scan.type)
    if not lists or not is_number(scan.type.value_type):
        return 0
    sizes: list[int] = pc.unique(pc.list_value_length(file.sample[scan.name]).drop_null()).to_pylist()
    return sizes[0] if len(sizes) == 1 else 0


def _kind(file: FileScan, scan: ColumnScan, spelt: Spelling | None) -> tuple[str, str]:
    if pa.types.is_nested(scan.type):
        return "vector", "lists of numbers, all of one length"
    if _is_time(scan, spelt.kind if spelt else ""):
        return "time", "times"
    if pa.types.is_boolean(scan.type):
        return "bool", "true and false"
    if pa.types.is_integer(scan.type):
        return "int", "whole numbers"
    if is_number(scan.type):
        return "float", "numbers"
    if spelt and spelt.kind:
        return spelt.kind, "nearly all cells" if spelt.bad else "all cells"
    kind, why = _kind_of_text(file, scan)
    return kind, f"{why}; {spelt.bad}" if spelt and spelt.bad else why


def _kind_of_text(file: FileScan, scan: ColumnScan) -> tuple[str, str]:
    if scan.nulls == scan.rows:
        return "category", "no value at all"
    known = file.sample[scan.name].drop_null()
    if pa.types.is_string(scan.type) and len(known) and pc.mean(pc.utf8_length(known)).as_py() > LONG:
        return "text", "long texts"
    cells = scan.rows - scan.nulls
    few = scan.distinct <= FEW and (cells < ENOUGH or scan.distinct <= AGAIN * cells)
    return ("category" if few else "key"), f"{'' if scan.counts is not None else 'about '}{scan.distinct:,} different"


def _refer(source: InferredSource, column: InferredColumn, ids: Mapping[str, set[str]]) -> None:
    values = _values(source, column)
    shares = {
        name: len(values & known) / len(values)
        for name, known in ids.items()
        if values and (name != source.name or _base(column.name) != "id") and _alike(column, name, source.name)
    }
    best = max(shares, key=lambda name: shares[name], default="")
    if best and shares[best] >= OVERLAP:
        column.kind, column.target = "ref", best
        column.why = f"{shares[best]:.0%} of its values are ids of {best}"
    elif column.name.lower().endswith("_id") and column.scan.distinct < column.scan.rows:
        column.kind, column.target = "ref", _class_name(column.name[:-3])
        column.why = "named so, and its values come again"


def _alike(column: InferredColumn, target: str, own: str) -> bool:
    """Whether a name hints at a target; a text needs no hint, while small whole numbers overlap by chance."""
    hint = _base(target) in _base(column.name) or column.name.lower().endswith("_id")
    return hint or (column.kind in ("key", "category") and target != own)


def _values(source: InferredSource, column: InferredColumn | None) -> set[str]:
    if column is None:
        return set()
    if column.scan.counts is not None:
        return set(map(str, column.scan.counts))
    return set(source.file.sample[column.scan.name].drop_null().cast(pa.string()).to_pylist())


def _base(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower()).removesuffix("id")


def _class_name(stem: str) -> str:
    words = [word for word in re.split(r"[_\W]+", stem) if word]
    name = "".join(word[:1].upper() + word[1:] for word in words) or "Row"
    name = name if name[0].isalpha() else f"Row{name}"
    if name.endswith("ies") and len(name) > 4:
        return name[:-3] + "y"
    return name[:-1] if name.endswith("s") and not name.endswith("ss") and len(name) > 2 else name


def _name(column: str, taken: set[str]) -> str:
    """Return a name that a declaration takes, different from those taken."""
    name = re.sub(r"\W", "_", column).strip("_") or "column"
    name = name if name[0].isalpha() else f"c_{name}"
    if keyword.iskeyword(name) or hasattr(type, name) or name == "at" or name.startswith("tw_"):
        name = f"{name}_"
    while name in taken:
        name += "_"
    taken.add(name)
    return name


_WRITTEN = {
    "id": "tw.Id", "key": "tw.Key", "category": "tw.Category", "text": "tw.Text",
    "float": "float", "int": "int", "bool": "bool", "time": "datetime",
}  # fmt: skip


def _class(source: InferredSource) -> str:
    kind = "Entity" if source.entity else "Event"
    lines = [f"class {source.name}(tw.{kind}):"]
    for column in source.columns:
        written = _WRITTEN.get(column.kind, "")
        if column.kind == "ref":
            written = f"tw.Ref[{column.target}, None]" if column.scan.nulls else f"tw.Ref[{column.target}]"
        if column.kind == "vector":
            written = f"Annotated[tw.Vector, {column.size}]"
        if column.kind not in ("ref", "id") and column.scan.nulls:
            written += " | None"
        lines.append(f"    {column.name}: {written}")
    if not source.columns:
        lines.append("    pass")
    return "\n".join(lines) + "\n"
