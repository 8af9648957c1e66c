"""Views: the rows a model sees."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any, Literal, TypeAlias, TypeVar, cast

from tidewheel.definitions.columns.columns import Derived
from tidewheel.definitions.events.rows import Event
from tidewheel.definitions.features.features import Features, Lookup, OwnsColumns
from tidewheel.definitions.features.options import KeyLike
from tidewheel.definitions.language.durations import Duration
from tidewheel.definitions.language.places import mistake

F = TypeVar("F", bound=Features)
WhenStale: TypeAlias = Literal["serve", "default", "refuse"]
Array: TypeAlias = Any
"""What derived functions take and give: a NumPy array in, one as long out."""


class View(metaclass=OwnsColumns):
    """The model's input for one event of type ``on``: its columns, history, and what follows from both.

    An attribute is a column of the event (``amount = Transaction.amount``), an attribute of an entity it
    refers to (``Transaction.card.issued_in``), a whole group (``card = CardHistory``: its features become
    the columns ``card.payments_10m``, ...), a lookup, an expression or a ``@tw.derived`` function.

    ``freshness="5min"`` says how far its features may be behind the log when they are served, and ``when_stale=`` what
    happens beyond: ``"serve"`` them all the same, serve what they are for an entity without events (``"default"``),
    or ``"refuse"``, so that the service's fallback answers.

    ``each=Shown.movie`` makes a row for each item of an event of type ``on``: in training for what was shown for it, in
    serving for its candidates. ``Shown`` refers to the event and to the item.
    """

    _on: type[Event] | None = None
    _each: KeyLike = None
    _freshness: Duration | None = None
    _when_stale: WhenStale = "serve"

    def __init_subclass__(
        cls,
        *,
        on: type[Event] | None = None,
        each: KeyLike = None,
        owner: str = "",
        freshness: Duration | None = None,
        when_stale: WhenStale = "serve",
    ) -> None:
        cls._on, cls._each = on, each
        cls._freshness, cls._when_stale = freshness, when_stale
        cls._owned_by = owner or cls._owned_by


def lookup(group: type[F], *keys: KeyLike) -> type[F]:
    """Read a group by columns of the view's event: ``origin = tw.lookup(AirportNow, Flight.origin)``.

    Parameters
    ----------
    group : features class
        What to read.
    *keys : column
        One a part of the group's key; none when the way there is plain.

    Returns
    -------
    features class
        Its attributes are the group's features, read by these keys: ``origin.wind``.
    """
    if not (isinstance(group, type) and issubclass(group, Features)):
        raise mistake(
            f"tw.lookup() takes a features class, not {group!r}", "write tw.lookup(AirportNow, Flight.origin)"
        )
    return cast("type[F]", Lookup(group, keys))


def derived(*args: object, text: bool = False) -> Callable[[Callable[..., Any]], Derived]:
    """Make a function over arrays a column of the view; it runs the same everywhere.

    Parameters
    ----------
    *args : column or str
        What the function's parameters are, in order: columns, features, expressions, or names of the
        view's columns. Without any, the parameters' names are the names of the view's columns.
    text : bool
        Whether it gives strings.

    Notes
    -----
    The function's source travels with the version, with the module-level helpers, constants and imports
    that it names; it must not depend on anything else.

    Examples
    --------
    >>> import tidewheel as tw
    >>> class Payment(tw.Event):
    ...     amount: float
    ...     limit: float
    >>> class Row(tw.View, on=Payment):
    ...     @tw.derived(Payment.amount, Payment.limit)
    ...     def used(amount, limit):
    ...         return amount / limit
    >>> Row.used.fn(5.0, 10.0)
    0.5
    """
    if len(args) == 1 and isinstance(args[0], FunctionType):
        raise mistake(
            "@tw.derived says what the arguments are", "write @tw.derived(Transaction.amount), or @tw.derived()"
        )
    return lambda function: Derived(function, args or None, text)
