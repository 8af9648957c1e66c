"""Everything tidewheel raises on purpose.

::

    TidewheelError
    ├── DefinitionError      a declaration is wrong (file, class, attribute)
    ├── ConfigError          tidewheel.toml or an environment variable is wrong
    ├── InputError           an event, a file or a request is wrong
    │   ├── SchemaError      a row does not fit its declaration
    │   ├── SizeError        what came is larger than a limit
    │   ├── FileError        a file can't be read as what it claims to be
    │   └── ExpectationError rows are not what is expected of them, and the policy is to stop
    ├── ClockError           an instant was given where the workspace keeps its own clock, or runs backwards
    ├── DeniedError          the caller may not do this: no token, or not one with the scope
    ├── NotFoundError        no such version, run, decision, service, event type
    ├── ConflictError        the thing exists already, or is used by something live
    ├── FeatureError         features can't be read
    │   ├── HorizonError     an instant before what the state still holds
    │   └── NotReadyError    a feature version that has not caught up
    ├── MetricError          a number can't be computed from these scores and labels
    ├── TrainingError        a run can't go on (too few rows, one class, an estimator that raised)
    │   ├── GateError        a gate can't be judged
    │   └── LimitError       a fit took more time or memory than it was given
    ├── EngineError          an engine can't run what it is asked for (workers that die, a cluster without room)
    ├── ServingError         a decision could not be made in the normal way
    │   ├── OverloadedError  a queue is full; try again
    │   ├── DeadlineError    the deadline passed
    │   ├── StaleError       features are further behind the log than their view allows
    │   └── KilledError      the version that should answer is switched off
    ├── StorageError         a store can't do what was asked
    │   ├── CorruptError     bytes that fail their checksum
    │   ├── FullError        no space, or past a declared capacity
    │   ├── BusyError        locked by another process for longer than we wait
    │   └── UnreachableError a store on the network does not answer
    ├── LeaseError           another process holds the role (a second ``tidewheel up``)
    └── MissingExtraError    an optional dependency is not installed

Each message says what was found, what was expected, where, and what to do next.
"""

from __future__ import annotations


class TidewheelError(Exception):
    """Base of every error raised on purpose.

    Parameters
    ----------
    message : str
        What was found and what was expected.
    where : str, optional
        The place: ``file:line``, a definition, a row, a path.
    remedy : str, optional
        What to do about it; the next command to type when there is one.

    Examples
    --------
    >>> str(TidewheelError("no column 'amout'", where="fraud.py:12 PaymentView", remedy="did you mean 'amount'?"))
    "fraud.py:12 PaymentView: no column 'amout'; did you mean 'amount'?"
    """

    def __init__(self, message: str, *, where: str = "", remedy: str = "") -> None:
        self.message = message
        self.where = where
        self.remedy = remedy
        super().__init__(message)

    def __str__(self) -> str:
        """Return ``where: message; remedy``, leaving out what is empty."""
        head = f"{self.where}: {self.message}" if self.where else self.message
        return f"{head}; {self.remedy}" if self.remedy else head


class DefinitionError(TidewheelError):
    """A declaration is wrong."""


class ConfigError(TidewheelError):
    """``tidewheel.toml`` or the environment is wrong."""


class InputError(TidewheelError):
    """An event, a file or a request is wrong."""


class SchemaError(InputError):
    """A row does not fit its declaration."""


class SizeError(InputError):
    """What came is larger than a limit lets it be."""


class FileError(InputError):
    """A file can't be read as what it claims to be."""


class ExpectationError(InputError):
    """Rows are not what is expected of them, and the policy is to stop."""

    expectation = ""
    """Name of the expectation."""


class ClockError(TidewheelError):
    """A caller's instant was refused, or time would run backwards."""


class DeniedError(TidewheelError):
    """The caller may not do this."""


class NotFoundError(TidewheelError):
    """There is no such thing."""


class ConflictError(TidewheelError):
    """The thing exists already, or something live uses it."""


class FeatureError(TidewheelError):
    """Features can't be read."""


class HorizonError(FeatureError):
    """The instant lies before what the state still holds."""


class NotReadyError(FeatureError):
    """A feature version has not caught up."""


class MetricError(TidewheelError):
    """A number can't be computed from these scores and labels."""


class TrainingError(TidewheelError):
    """A run can't go on."""


class GateError(TrainingError):
    """A gate can't be judged."""


class LimitError(TrainingError):
    """A fit took more time or memory than it was given."""


class EngineError(TidewheelError):
    """An engine can't run what it is asked for."""


class ServingError(TidewheelError):
    """A decision could not be made in the normal way."""


class OverloadedError(ServingError):
    """A queue is full; try again."""


class DeadlineError(ServingError):
    """The deadline passed."""


class BreakerError(ServingError):
    """A dependency that kept failing is not asked for a while."""


class KilledError(ServingError):
    """The version that should answer is switched off."""


class StaleError(ServingError):
    """Features are further behind the log than their view allows."""


class StorageError(TidewheelError):
    """A store can't do what was asked."""


class CorruptError(StorageError):
    """Bytes fail their checksum."""


class FullError(StorageError):
    """No space left, or past a declared capacity."""


class BusyError(StorageError):
    """Locked by another process for longer than we wait."""


class UnreachableError(StorageError):
    """A store on the network does not answer; it may again."""


class LeaseError(TidewheelError):
    """Another process holds the role."""


class MissingExtraError(TidewheelError):
    """An optional dependency is not installed."""
