"""Settings: ``tidewheel.toml``, its environments, and ``TIDEWHEEL_*`` variables over it.

::

    project = "project.py"      # the file of declarations beside this one
    data = ".tidewheel"
    port = 8700

    [env.prod]
    catalog = "postgresql://tidewheel@db/ml"
    workers = 4
    durability = "committed"

A later source wins: defaults, the file, its ``[env.NAME]``, variables. An unknown key is an error.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_type_hints

import msgspec

from tidewheel.definitions.language.durations import parse_duration
from tidewheel.errors import ConfigError, DefinitionError
from tidewheel.resending import hedge_of
from tidewheel.runtime.layout import Layout
from tidewheel.runtime.units import parse_size

FILE = "tidewheel.toml"
PREFIX = "TIDEWHEEL_"
DAY = 86_400_000_000

Count = Annotated[int, msgspec.Meta(ge=1, le=64)]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that may differ from place to place; definitions never mention it.

    Durations are microseconds here and text such as ``"10s"`` in the file; sizes are bytes and ``"1MB"``.
    """

    project: str = "project.py"
    """The Python file of declarations, in the project's folder."""
    data: str = ".tidewheel"
    """Folder of everything that is kept, relative to the project's."""
    namespace: Annotated[str, msgspec.Meta(pattern=r"^[a-z_][a-z0-9_]{0,47}$")] = "tidewheel"
    """The workspace's name in shared databases."""
    catalog: str = ""
    """A PostgreSQL URL, or "" for SQLite in the data folder."""
    log: str = ""
    """A Kafka-protocol broker's URL, as ``kafka://host:9092``, or "" for LMDB in the data folder."""
    state: str = ""
    """A Redis or Valkey URL, or "" for LMDB in the data folder."""
    retry_share: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)] = 0.1
    """Reads of state from Redis that are sent again after a broken connection, as a share of the answered."""
    hedge_reads: str = ""
    """After how long such a read is sent a second time: ``"5ms"``, or ``"p95"`` of what reads take; "" for never."""
    hedge_share: Annotated[float, msgspec.Meta(gt=0.0, le=1.0)] = 0.05
    """Share of the reads that may be sent a second time."""
    stream: Literal["log", "group"] = "log"
    """How partitions of the state get their events: each worker reads the whole log; or, with the log on a broker, they
    are dealt out by entity to the members of a consumer group."""
    engine: str = ""
    """Where batch work runs: "" for this machine's cores, ``"ray"``, ``"ray://..."``, ``"spark"``, ``"spark://..."``."""
    fit_workers: Count = 1
    """How many processes share a fit, on Ray where `engine` says so. It changes the model, a little."""
    lake: str = ""
    """An object store's URL, as ``s3://bucket/prefix``, or "" for the data folder."""
    artifacts: str = ""
    """The same, for models and other files by their content."""
    clock: Literal["real", "replay"] = "real"
    """``replay``: the caller drives the workspace's time."""
    partitions: Count = 2
    """How many environments feature state is split into. Fixed once there is state."""
    role: Literal["all", "serve", "work"] = "all"
    """What this host does: ``serve`` answers, ``work`` folds, flushes, trains and keeps schedules."""
    workers: Count = 1
    """Serving processes."""
    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 8700
    grpc_port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 0
    """Where the Open Inference Protocol is answered over gRPC, by a process of its own; 0 for nowhere."""
    open: bool = False
    """Answer callers without a token, off this machine too: behind a gateway that checks who asks."""
    certificate: str = ""
    """PEM file of the server's certificate chain, relative to the project's folder; "" for plain HTTP."""
    certificate_key: str = ""
    """PEM file of its private key."""
    control_host: str = "127.0.0.1"
    control_port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 0
    """Where the control plane listens; 0 for none."""
    sync: Literal["always", "second"] = "always"
    """When the event log reaches the disk: before an event is acknowledged, or within a second."""
    durability: Literal["written", "committed"] = "written"
    """A decision leaves once its record is handed to the system, or once it is on the disk."""
    max_body: Annotated[int, msgspec.Meta(ge=1024)] = 1 << 20
    """Largest request body that is read whole, bytes; one event has to fit in it."""
    max_bulk: Annotated[int, msgspec.Meta(ge=0)] = 256 << 20
    """Largest body with many events, to decide or to log: read, decided and answered piece by piece. 0 for none."""
    max_held: Annotated[int, msgspec.Meta(ge=1 << 20)] = 256 << 20
    """Bytes of bodies that a worker holds for all its connections; beyond, it refuses them with 503."""
    max_lag: Annotated[int, msgspec.Meta(ge=1)] = 100_000
    """Events waiting for the log or the stream beyond which callers are told to try again."""
    flush_every: Annotated[int, msgspec.Meta(ge=100_000)] = 10_000_000
    """How often new events go from the log to the lake."""
    keep_log: Annotated[int, msgspec.Meta(ge=0)] = 7 * DAY
    """How long events stay in the log after they are in the lake."""
    keep_journal: Annotated[int, msgspec.Meta(ge=0)] = 7 * DAY
    """How long journal segments stay after their decisions are in the lake."""
    parity_every: Annotated[int, msgspec.Meta(ge=0)] = 0
    """How often served decisions are replayed and compared. Not set: each hour, and never on a replayed clock."""
    parity_sample: Annotated[int, msgspec.Meta(ge=0)] = 1000
    """How many decisions of each service a check replays; 0 turns the checks off."""
    keep_states: Annotated[int, msgspec.Meta(ge=0)] = DAY
    """How long a feature state that nothing needs any more is kept, for whoever comes back to it."""
    keep_artifacts: Annotated[int, msgspec.Meta(ge=0)] = DAY
    """How long a model's or a step's file that nothing needs any more is kept after it was put last."""
    keep_ids: Annotated[int, msgspec.Meta(ge=0)] = 0
    """How long before a type's newest arrival an event's id is known, so that a second delivery is; 0 for ever."""
    max_map: Annotated[int, msgspec.Meta(ge=1 << 20)] = 64 << 30
    """Largest size of one memory-mapped environment, bytes; the files are sparse."""
    trainings: Count = 1
    """A schedule begins a training while fewer than so many are under way, whoever began them."""
    mlflow: str = ""
    """An MLflow tracking server to which each finished run is mirrored, as ``http://host:5000``; "" for none."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"
    """Log lines for people, or one JSON object each."""
    tracing: bool = False
    """Whether workers export OpenTelemetry traces; where to is said by the standard ``OTEL_*`` variables."""
    trace_ratio: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)] = 0.0
    """Share of the requests without a ``traceparent`` that are traced; those with one are when their sender says so."""


DURATIONS = frozenset(
    {"flush_every", "keep_log", "keep_journal", "keep_states", "keep_artifacts", "keep_ids", "parity_every"}
)
SIZES = frozenset({"max_body", "max_bulk", "max_held", "max_map"})
KEYS = Settings.__struct_fields__


class Config(msgspec.Struct, frozen=True):
    """A project's folder and its settings in one environment."""

    folder: Path
    env: str
    settings: Settings
    sources: dict[str, str]
    """For each setting that is not a default, where it came from."""

    @property
    def layout(self) -> Layout:
        """Where this workspace keeps its data."""
        return Layout((self.folder / self.settings.data).resolve())

    @property
    def catalog(self) -> str:
        """Place of the catalog, as ``Catalog.open`` takes it."""
        return self.settings.catalog or str(self.layout.catalog)


def load_config(folder: str | Path, env: str | None = None, *, variables: Mapping[str, str] | None = None) -> Config:
    """Read the settings of the project in `folder`.

    Parameters
    ----------
    folder : str or Path
        Holds ``tidewheel.toml``; without one, the defaults hold.
    env : str, optional
        Name of an ``[env.NAME]`` table; ``TIDEWHEEL_ENV`` when not given, or none.
    variables : mapping, optional
        Instead of the process's environment variables.

    Raises
    ------
    ConfigError
        The file is no TOML, a key is unknown, a value does not fit, there is no such environment.
    """
    variables = os.environ if variables is None else variables
    folder = Path(folder).absolute()
    file = folder / FILE
    table = _read(file)
    environments = table.pop("env", {})
    name = env if env is not None else variables.get(PREFIX + "ENV", "")
    found: dict[str, Any] = {}
    sources: dict[str, str] = {}
    _take(table, str(file), found, sources)
    if name:
        _take(_environment(environments, name, file), f"{file} [env.{name}]", found, sources)
    _take_variables(variables, found, sources)
    return Config(folder, name, _settings(found, sources), sources)


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"not TOML: {error}", where=str(file), remedy="see https://toml.io for the form") from error
    except OSError as error:
        raise ConfigError(f"can't be read ({error.strerror})", where=str(file), remedy="check its owner") from error


def _environment(environments: Any, name: str, file: Path) -> dict[str, Any]:
    if not isinstance(environments, dict) or name not in environments:
        known = ", ".join(sorted(environments)) if isinstance(environments, dict) else ""
        raise ConfigError(
            f"no environment {name!r}",
            where=str(file),
            remedy=f"there are: {known}" if known else f"add a table [env.{name}]",
        )
    return dict(environments[name]) if isinstance(environments[name], dict) else {"env": environments[name]}


def likely(key: str, known: Mapping[str, Any] | tuple[str, ...]) -> str:
    """Return a remedy that names the key most like `key`, or all of them."""
    close = difflib.get_close_matches(key, list(known), n=1)
    return f"did you mean {close[0]!r}?" if close else f"known keys: {', '.join(sorted(known))}"


def _take(table: Mapping[str, Any], where: str, found: dict[str, Any], sources: dict[str, str]) -> None:
    for key, value in table.items():
        if key not in KEYS:
            raise ConfigError(f"unknown key {key!r}", where=where, remedy=likely(key, KEYS))
        found[key] = _measured(key, value, where)
        sources[key] = where


def _take_variables(variables: Mapping[str, str], found: dict[str, Any], sources: dict[str, str]) -> None:
    """Take the variables that name a setting; refuse those that nearly do, and leave the rest to others."""
    for variable in sorted(variables):
        key = variable.removeprefix(PREFIX).lower()
        if not variable.startswith(PREFIX) or key == "env":
            continue
        if key in KEYS:
            text = variables[variable]
            measured = _measured(key, text, variable)
            found[key] = _typed(key, measured)
            sources[key] = variable
        elif difflib.get_close_matches(key, list(KEYS), n=1, cutoff=0.7):
            raise ConfigError("unknown setting", where=variable, remedy=likely(key, KEYS))


def _typed(key: str, value: Any) -> Any:
    """Return a variable's text as the number or truth value that its setting takes, if it is one."""
    usual = getattr(Settings(), key)
    if isinstance(usual, bool):
        return {"true": True, "1": True, "false": False, "0": False}.get(value, value)
    if not isinstance(value, str) or not isinstance(usual, int | float):
        return value
    pattern = r"\d+" if isinstance(usual, int) else r"\d+(\.\d+)?"
    return type(usual)(value) if re.fullmatch(pattern, value) else value


def _measured(key: str, value: Any, where: str) -> Any:
    parse: Callable[[str], int] | None = parse_duration if key in DURATIONS else parse_size if key in SIZES else None
    if parse is None:
        return value
    if not isinstance(value, str):
        example = '"10s"' if key in DURATIONS else '"1MB"'
        raise ConfigError(f"{key} = {value!r} has no unit", where=where, remedy=f"write it like {key} = {example}")
    try:
        return parse(value)
    except (ValueError, DefinitionError) as error:
        raise ConfigError(f"{key}: {error}", where=where) from error


def _expected(key: str) -> str:
    choices = get_args(get_type_hints(Settings).get(key, str))
    if choices:
        return f"write one of: {', '.join(map(str, choices))}"
    return f"the default is {key} = {getattr(Settings(), key, '')!r}"


def _settings(found: dict[str, Any], sources: dict[str, str]) -> Settings:
    try:
        return _agreeing(msgspec.convert(found, Settings), sources)
    except msgspec.ValidationError as error:
        match = re.search(r"`\$\.(\w+)`", str(error))
        key = match[1] if match else ""
        said = re.sub(r" - at `.*`$", "", str(error))
        raise ConfigError(
            f"{key} = {found.get(key)!r}: {said[:1].lower()}{said[1:]}",
            where=sources.get(key, FILE),
            remedy=_expected(key),
        ) from error


def _agreeing(settings: Settings, sources: dict[str, str]) -> Settings:
    """Refuse settings that do not go together."""
    if settings.stream == "group" and (not settings.log or settings.clock == "replay"):
        raise ConfigError(
            'stream = "group" is for a workspace whose log is on a broker and whose clock is real',
            where=sources.get("stream", FILE),
            remedy='set log = "kafka://host:9092"; or leave `stream` out',
        )
    try:
        hedge_of(settings.hedge_reads, settings.hedge_share)
    except ConfigError as error:
        where = sources.get("hedge_reads", FILE)
        raise ConfigError(f"hedge_reads: {error.message}", where=where, remedy=error.remedy) from error
    return settings
