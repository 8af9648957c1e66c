"""A Spark cluster: parts go out and results come back as Arrow, through ``mapInArrow``."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa

from tidewheel.errors import MissingExtraError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Part = TypeVar("Part")
Result = TypeVar("Result")
RESULTS = "place long, result binary, error binary"
RESULT_COLUMNS = pa.schema([("place", pa.int64()), ("result", pa.binary()), ("error", pa.binary())])


class SparkEngine:
    """Runs parts on Spark; `tidewheel.engine.Engine` is its contract.

    Each part is a row of its own partition, so Spark spreads them over the executors and does again what one of them
    lost. The executors need tidewheel installed, and see the same files.

    Parameters
    ----------
    session : SparkSession, optional
        One that exists; otherwise one is made or the active one is used.
    master : str
        For the session that is made, such as ``"local[2]"`` or ``"spark://host:7077"``.

    Raises
    ------
    MissingExtraError
        The extra ``spark`` is not installed.
    """

    def __init__(self, session: SparkSession | None = None, master: str = "local[*]") -> None:
        self._session = session or _made(master)

    def map(
        self, work: Callable[[Part], Result], parts: Sequence[Part], *, done: Callable[[int], None] | None = None
    ) -> list[Result]:
        """Apply `work` to every part and return the results in order; `done` is told as they come back."""
        if not parts:
            return []
        rows = [(place, pickle.dumps(part)) for place, part in enumerate(parts)]
        context = self._session.sparkContext
        frame = context.parallelize(rows, len(rows)).toDF("place long, part binary")
        results: dict[int, Any] = {}
        for row in frame.mapInArrow(Call(work), RESULTS).toLocalIterator(prefetchPartitions=True):
            if row.error is not None:
                raise pickle.loads(row.error)
            results[row.place] = pickle.loads(row.result)
            if done:
                done(len(results))
        return [results[place] for place in range(len(parts))]

    def close(self) -> None:
        """End the session."""
        self._session.stop()


class Call:
    """Work as ``mapInArrow`` wants it: an error of ours comes back as a result, so that its kind is not lost."""

    def __init__(self, work: Callable[[Any], Any]) -> None:
        self.work = work

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield each part's place with its result or its error."""
        for batch in batches:
            for place, part in zip(batch["place"].to_pylist(), batch["part"].to_pylist(), strict=True):
                result, failure = _tried(self.work, part)
                columns = [
                    pa.array([place], pa.int64()),
                    pa.array([result], pa.binary()),
                    pa.array([failure], pa.binary()),
                ]
                yield pa.RecordBatch.from_arrays(columns, ["place", "result", "error"])


def _tried(work: Callable[[Any], Any], part: bytes) -> tuple[bytes | None, bytes | None]:
    try:
        return pickle.dumps(work(pickle.loads(part))), None
    except Exception as error:
        return None, pickle.dumps(error)


def _made(master: str) -> SparkSession:
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise MissingExtraError("Spark is not installed", remedy="pip install 'tidewheel[spark]'") from error
    if master.startswith("local"):
        # Spark's own choice is the first python3 there is, which need not be this one.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    session: SparkSession = (
        SparkSession.builder.master(master)
        .appName("tidewheel")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.execution.arrow.pyspark.enabled", "true")
        .getOrCreate()
    )
    return session
