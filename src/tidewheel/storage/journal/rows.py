"""Decision records as rows of the lake's table ``decisions``, and back."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, chain
from typing import Any

import msgspec
import pyarrow as pa

from tidewheel.storage.journal.decisions import DAY, DecisionRecord, Item, ItemScore, Stage, date_of


def lake_schema() -> pa.Schema:
    """Return the Arrow schema of the lake's ``decisions`` table."""
    text, time, map_of = pa.string(), pa.int64(), pa.map_
    state = pa.struct({"state_id": text, "key": text, "offset": pa.int64()})
    item_score = pa.struct({"item": text, "stage": text, "score": pa.float64(), "features": pa.binary()})
    item = pa.struct(
        {"id": text, "score": pa.float64(), "rank": pa.int64(), "source": text, "features": pa.binary(), "inputs": text}
    )
    kinds: dict[str, pa.DataType] = {
        **dict.fromkeys(DecisionRecord.__struct_fields__, text),
        **dict.fromkeys(("instant", "at", "arrived"), time),
        "states": pa.list_(state),
        "features": pa.binary(),
        "texts": map_of(text, text),
        "thresholds": map_of(text, pa.float64()),
        **dict.fromkeys(("propensity", "score"), pa.float64()),
        "explored": pa.bool_(),
        "cached": pa.bool_(),
        "timings": pa.list_(pa.int64()),
        "record_version": pa.int64(),
        "watermarks": pa.list_(pa.int64()),
        "items": pa.list_(item),
        "stored_age": time,
        "stages": pa.list_(pa.struct(_stage_fields())),
        "row_kept": pa.float64(),
        "propensities": pa.list_(pa.float64()),
        "item_scores": pa.list_(item_score),
    }
    return pa.schema([*kinds.items(), ("_date", text)])


def _stage_fields() -> dict[str, pa.DataType]:
    odd = {"features": pa.binary(), "texts": pa.map_(pa.string(), pa.string()), "score": pa.float64(), "ns": pa.int64()}
    return dict.fromkeys(Stage.__struct_fields__, pa.string()) | odd


def to_arrow(records: Sequence[DecisionRecord], names: Sequence[str] | None = None) -> pa.Table:
    """Return records as rows of the lake's table: `inputs` as JSON text, ``_date`` the UTC day of arrival.

    Parameters
    ----------
    records : sequence of DecisionRecord
    names : sequence of str, optional
        Columns to make; all when not given.
    """
    schema = lake_schema()
    schema = schema if names is None else pa.schema([schema.field(name) for name in names])
    return pa.table([_column(field.name, field.type, records) for field in schema], schema=schema)


def _column(name: str, type: pa.DataType, records: Sequence[DecisionRecord]) -> pa.Array:
    """Return what records say of a column of the lake's table."""
    if name == "_date":
        days = {record.arrived // DAY: "" for record in records}
        days = {day: date_of(day * DAY) for day in days}
        return pa.array([days[record.arrived // DAY] for record in records], type)
    values: list[Any] = [getattr(record, name) for record in records]
    if name == "states":
        return _states(values, type)
    if name == "inputs":
        values = [msgspec.json.encode(inputs).decode() for inputs in values]
    elif name == "stages":
        values = [[_stage_row(stage) for stage in stages] for stages in values]
    elif name == "items":
        values = [[_told(item) for item in items] for items in values]
    elif name == "item_scores":
        values = [[msgspec.structs.asdict(told) for told in each] for each in values]
    elif name in ("texts", "thresholds"):
        values = [list(mapping.items()) for mapping in values]
    return pa.array(values, type)


def _states(values: Sequence[Sequence[tuple[str, str, int]]], type: pa.ListType) -> pa.Array:
    """Return the states that decisions read, field by field: many times sooner than from a mapping for each."""
    starts = pa.array([0, *accumulate(map(len, values))], pa.int32())
    fields = list(zip(*chain.from_iterable(values), strict=True)) or [()] * type.value_type.num_fields
    arrays = [pa.array(of, field.type) for of, field in zip(fields, type.value_type, strict=True)]
    return pa.ListArray.from_arrays(starts, pa.StructArray.from_arrays(arrays, fields=list(type.value_type)), type=type)


def _stage_row(stage: Stage) -> dict[str, Any]:
    return msgspec.structs.asdict(stage) | {"texts": list(stage.texts.items())}


def from_arrow(table: pa.Table) -> list[DecisionRecord]:
    """Return the lake's rows as records again."""
    records = []
    for row in table.to_pylist():
        row.pop("_date", None)
        row["inputs"] = msgspec.json.decode(row["inputs"])
        row["states"] = [(state["state_id"], state["key"], state["offset"]) for state in row["states"]]
        row["texts"], row["thresholds"] = dict(row["texts"]), dict(row["thresholds"])
        row["watermarks"] = row.get("watermarks") or []
        row["propensities"] = row.get("propensities") or []
        row["items"] = [_item(item) for item in row.get("items") or []]
        row["item_scores"] = [ItemScore(**told) for told in row.get("item_scores") or []]
        for name, otherwise in (("stored", ""), ("stored_run", ""), ("stored_age", 0), ("trace", ""), ("resent", "")):
            row[name] = row.get(name) or otherwise
        row["cached"] = bool(row.get("cached"))
        row["stages"] = [Stage(**stage | {"texts": dict(stage["texts"])}) for stage in row.get("stages") or []]
        row["row_kept"] = 1.0 if row.get("row_kept") is None else row["row_kept"]
        records.append(DecisionRecord(**row))
    return records


def _told(item: Item) -> dict[str, Any]:
    return msgspec.structs.asdict(item) | {"inputs": msgspec.json.encode(item.inputs).decode()}


def _item(row: dict[str, Any]) -> Item:
    return Item(**(row | {"inputs": msgspec.json.decode(row["inputs"])}))
