"""What the Open Inference Protocol calls a model: a deployed version, or a service."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
import numpy as np

from tidewheel.definitions.ir import TEXT_KINDS
from tidewheel.errors import DeadlineError, InputError, KilledError, NotReadyError
from tidewheel.serving.api.bulk import BulkRow, decide_rows
from tidewheel.serving.api.bulk_answers import answer_fields, plain_fields
from tidewheel.serving.api.oip.messages import Inference
from tidewheel.serving.api.oip.tensors import BYTES, NUMBERS, Tensor
from tidewheel.storage.log.records import BadRow

if TYPE_CHECKING:
    from tidewheel.definitions.ir import Column
    from tidewheel.registry.models.bundles import Bundle
    from tidewheel.registry.models.predictors import Predictor
    from tidewheel.serving.backend import WorkerBackend

ROWS = "rows"
"""The input that holds all columns of a version at once, one row after the other."""
SCORE = "score"
INLINE = 4096
"""Numbers that are scored on the loop; more go to a thread."""
_DATATYPES = {"float": "FP64", "int": "INT64", "time": "INT64", "bool": "BOOL", "vector": "FP64"}


class Port(msgspec.Struct, frozen=True):
    """An input or output as the metadata tells it; -1 stands for any number of rows."""

    name: str
    datatype: str
    shape: tuple[int, ...] = (-1,)


class Model(Protocol):
    """A model of the protocol, in one version."""

    name: str
    version: str
    platform: str
    inputs: list[Port]
    outputs: list[Port]

    def not_ready(self) -> str:
        """Return why it can't answer; "" when it can."""
        ...

    async def infer(self, asked: Inference) -> list[Tensor]:
        """Return its outputs, in the order of `outputs`."""
        ...


class VersionModel:
    """A deployed version as a function from its columns to scores: nothing is looked up and nothing decided.

    Parameters
    ----------
    label : str
        As ``Fraud@3``.
    bundle : Bundle
        Its columns, levels and predictor.
    off : callable
        Returns what is switched off.
    """

    def __init__(self, label: str, bundle: Bundle, off: Any) -> None:
        self.label = label
        self.name, _, self.version = label.partition("@")
        manifest = bundle.manifest
        self.platform = f"tidewheel_{manifest.predictor.kind}"
        self._levels = {
            name: {level.encode(): float(code) for code, level in enumerate(levels)}
            for name, levels in manifest.levels.items()
        }
        self.inputs = [Port(name, BYTES if name in self._levels else "FP64") for name in manifest.columns]
        self.outputs = [Port(SCORE, "FP64")]
        self._names = list(manifest.columns)
        self.bundle = bundle
        self._off = off
        # A net is slow, and nobody knows what a function does: they get a thread, and a copy of their own in it.
        dear = manifest.predictor.kind in ("onnx", "function")
        self._own = ThreadPoolExecutor(1, thread_name_prefix=f"oip-{label}") if dear else None

    def not_ready(self) -> str:
        """Return that it is switched off, if it is."""
        off = self._off()
        return f"{self.label} is switched off" if self.label in off or self.name in off else ""

    async def infer(self, asked: Inference) -> list[Tensor]:
        """Score rows, all in one call."""
        if why := self.not_ready():
            raise KilledError(why, remedy=f"load it again, or tidewheel unkill {self.label}")
        if self._own is None and sum(tensor.values.size for tensor in asked.inputs) <= INLINE:
            return self._scored(asked.inputs)
        try:
            async with asyncio.timeout(asked.timeout_us / 1e6 if asked.timeout_us else None):
                return await asyncio.get_running_loop().run_in_executor(self._own, self._scored, asked.inputs)
        except TimeoutError as error:
            raise DeadlineError(f"no answer within {asked.timeout_us} µs", where=self.label) from error

    def _scored(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        rows = self._rows(inputs)
        return [Tensor(SCORE, "FP64", self._predictor.score_together(rows) if len(rows) else np.empty(0))]

    @cached_property
    def _predictor(self) -> Predictor:
        return self.bundle.predictor()

    def _rows(self, inputs: Sequence[Tensor]) -> Any:
        if len(inputs) == 1 and inputs[0].name == ROWS and ROWS not in self._names:
            return self._matrix(inputs[0])
        columns = columns_of(inputs, self._names, self._names)
        return np.column_stack([self._column(columns[name]) for name in self._names])

    def _matrix(self, tensor: Tensor) -> Any:
        if self._levels:
            raise InputError(
                f"{self.label} takes text in {sorted(self._levels)}", remedy="send an input for each column"
            )
        wanted = len(self._names)
        if tensor.datatype == BYTES or tensor.values.ndim != 2 or tensor.shape[1] != wanted:
            raise InputError(f"input {ROWS!r}: expected numbers of shape [-1, {wanted}], found {tensor.shape}")
        return np.ascontiguousarray(tensor.values, np.float64)

    def _column(self, tensor: Tensor) -> Any:
        levels = self._levels.get(tensor.name)
        if (levels is None) == (tensor.datatype == BYTES):
            wanted = "BYTES" if levels is not None else "numbers"
            raise InputError(f"input {tensor.name!r}: expected {wanted}, found {tensor.datatype}")
        values = one_a_row(tensor)
        if levels is None:
            return values.astype(np.float64)
        unseen = float(len(levels))
        return np.array([levels.get(text, unseen) if text else np.nan for text in values.tolist()], np.float64)


class ServiceModel:
    """A service as a model: its inputs are an event's columns, and each row is a decision like any other.

    Parameters
    ----------
    backend : WorkerBackend
        What decides.
    name : str
        The service's.
    """

    platform = "tidewheel_service"

    def __init__(self, backend: WorkerBackend, name: str) -> None:
        self.name = name
        self._backend = backend
        served = backend.serving.desk.served(name)
        self._check = served.check
        self.version = str(served.decider.revision)
        self.inputs = [port_of(column) for column in served.source.columns]
        self._columns = {column.name: column for column in served.source.columns}
        self._required = [column.name for column in served.source.columns if not column.optional]
        datatypes = {bool: "BOOL", float: "FP64", int: "INT64"}
        self.outputs = [Port(name, datatypes.get(kind, BYTES)) for name, kind in answer_fields().items()]

    def not_ready(self) -> str:
        """Return that the service is gone, if it is."""
        return "" if self.name in self._backend.serving.desk.services else f"{self.name} is not deployed"

    async def infer(self, asked: Inference) -> list[Tensor]:
        """Check all rows, then decide them one by one.

        Raises
        ------
        InputError
            A row does not fit the event; none was decided.
        """
        rows = self._rows(columns_of(asked.inputs, [*self._columns, "at"], self._required))
        now = self._backend.now()
        events: list[BulkRow] = []
        for number, row in enumerate(rows):
            event = self._check.check(row, now=now)
            if isinstance(event, BadRow):
                raise InputError(f"row {number}: {event.reason}", where=f"{self.name}'s event")
            events.append(event)
        answers: list[dict[str, Any]] = []
        until = perf_counter_ns() + asked.timeout_us * 1000 if asked.timeout_us else 0
        async for told in decide_rows(self._backend, self.name, events, None, asked.caller, until):
            if isinstance(told, Exception):
                raise told
            answers.append(plain_fields(told))
        return [_output(port, answers) for port in self.outputs]

    def _rows(self, columns: dict[str, Tensor]) -> list[dict[str, object]]:
        values = {name: self._values(name, tensor) for name, tensor in columns.items()}
        return [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]

    def _values(self, name: str, tensor: Tensor) -> list[object]:
        """Return a column's values; NaN and empty text stand for null."""
        column = self._columns.get(name)
        if column is not None and column.kind == "vector":
            if tensor.values.ndim != 2 or tensor.datatype == BYTES:
                raise InputError(f"input {name!r}: expected numbers of shape [-1, {column.size}], found {tensor.shape}")
            return list(tensor.values.tolist())
        flat = one_a_row(tensor).tolist()
        if tensor.datatype == BYTES:
            try:
                return [text.decode() or None for text in flat]
            except UnicodeDecodeError as error:
                raise InputError(f"input {name!r}: text that is no UTF-8") from error
        return [None if value != value else value for value in flat]


def port_of(column: Column) -> Port:
    """Return an event's column as an input."""
    if column.kind == "vector":
        return Port(column.name, "FP64", (-1, column.size))
    return Port(column.name, BYTES if column.kind in TEXT_KINDS else _DATATYPES[column.kind])


def columns_of(inputs: Sequence[Tensor], known: Sequence[str], required: Sequence[str]) -> dict[str, Tensor]:
    """Return the inputs by name, each of them with as many rows.

    Raises
    ------
    InputError
        One is missing, unknown, there twice, or of another length or shape.
    """
    found = {tensor.name: tensor for tensor in inputs}
    if len(found) != len(inputs):
        raise InputError("an input is there twice")
    missing = [name for name in required if name not in found]
    unknown = [name for name in found if name not in known]
    if missing or unknown:
        told = [f"missing {missing[:20]}"] * bool(missing) + [f"unknown {unknown[:20]}"] * bool(unknown)
        raise InputError(f"inputs: {', '.join(told)}", remedy="the model's metadata names its inputs")
    if any(tensor.values.ndim == 0 for tensor in inputs):
        raise InputError("inputs: a tensor without dimensions", remedy="its first dimension is that of the rows")
    counts = {name: tensor.shape[0] for name, tensor in found.items()}
    if len(set(counts.values())) > 1:
        raise InputError(f"inputs of different lengths: {dict(list(counts.items())[:20])}")
    return found


def one_a_row(tensor: Tensor) -> Any:
    """Return the values of a column, shape ``[n]`` or ``[n, 1]``, flat.

    Raises
    ------
    InputError
        It has more than one value a row.
    """
    values = tensor.values.ravel()
    if len(values) != tensor.shape[0]:
        raise InputError(f"input {tensor.name!r}: expected one value a row, found shape {tensor.shape}")
    return values


def _output(port: Port, answers: Sequence[dict[str, Any]]) -> Tensor:
    """Return a field of all answers; what is null is NaN or no text."""
    values = [answer[port.name] for answer in answers]
    if port.datatype == BYTES:
        array = np.empty(len(values), object)
        array[:] = [("" if value is None else value).encode() for value in values]
        return Tensor(port.name, BYTES, array)
    if port.datatype == "FP64":
        values = [np.nan if value is None else value for value in values]
    return Tensor(port.name, port.datatype, np.array(values, NUMBERS[port.datatype]))


def unready(model: Model) -> NotReadyError:
    """Return the error for a model that can't answer now."""
    return NotReadyError(f"model {model.name!r} version {model.version} is not ready: {model.not_ready()}")
