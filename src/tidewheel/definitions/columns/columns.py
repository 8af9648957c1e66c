"""Columns: what a declaration computes with. Operators build expressions; nothing is computed here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NoReturn, Self, TypeAlias, TypeVar, overload

from tidewheel.definitions import ir
from tidewheel.definitions.language.places import mistake

T_co = TypeVar("T_co", covariant=True)

Operand: TypeAlias = "float | datetime | timedelta | Column[Any] | None"
Condition: TypeAlias = "bool | Column[bool]"

_TRUTH = "write (a) & (b), (a) | (b), tw.not_(a), (1 < a) & (a < 9), tw.isin(a, [...]), tw.transform.if_else(a, b, c)"
_FUNCTIONS = "take a function of tw.transform, or write one of your own under @tw.derived(...)"


class Column(Generic[T_co]):
    """A column or an expression over columns.

    Operators give new columns; comparisons give conditions. A column has no truth value, so
    ``and``, ``or``, ``not``, ``if`` and ``1 < a < 9`` raise `DefinitionError`.

    On an instance of a ``tw.Features`` class (what ``ws.read`` returns) a column is its value.
    """

    _owner: type | None = None
    """The class whose attribute this is, once there is one."""
    _name: str = ""
    __hash__: ClassVar[Any] = object.__hash__

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T_co: ...
    def __get__(self, instance: object | None, owner: type) -> object:
        """Return the column itself on a class; an instance keeps its value in its own dictionary."""
        if instance is None:
            return self
        raise AttributeError(f"this {owner.__name__} holds no '{self._name}'")

    def __bool__(self) -> NoReturn:
        """Refuse: which rows a condition holds for is known only when there are rows."""
        raise mistake("a column has no truth value: 'and', 'or', 'not', 'if', 'in' and 'a < b < c' ask for one", _TRUTH)

    def __iter__(self) -> NoReturn:
        """Refuse: without this, unpacking a column would go wrong in a stranger way."""
        raise mistake("a column can't be iterated over", "it has no rows yet")

    def __float__(self) -> NoReturn:
        """Refuse: ``math.log`` and ``float`` ask for a number."""
        raise mistake("a column is no number: it has one in each row", _FUNCTIONS)

    if not TYPE_CHECKING:  # a checker would let every column be called

        def __call__(self, *args: object, **named: object) -> NoReturn:
            """Refuse ``Order.amount.round()``, and ``np.log``, which asks for such a method."""
            raise mistake("a column can't be called, and has no methods", _FUNCTIONS)

    def __add__(self, other: Operand) -> Column[float]:
        return Expression("add", self, other)

    def __radd__(self, other: Operand) -> Column[float]:
        return Expression("add", other, self)

    def __sub__(self, other: Operand) -> Column[float]:
        return Expression("sub", self, other)

    def __rsub__(self, other: Operand) -> Column[float]:
        return Expression("sub", other, self)

    def __mul__(self, other: Operand) -> Column[float]:
        return Expression("mul", self, other)

    def __rmul__(self, other: Operand) -> Column[float]:
        return Expression("mul", other, self)

    def __truediv__(self, other: Operand) -> Column[float]:
        return Expression("div", self, other)

    def __rtruediv__(self, other: Operand) -> Column[float]:
        return Expression("div", other, self)

    def __neg__(self) -> Column[float]:
        return Expression("neg", self)

    def __abs__(self) -> Column[float]:
        return Expression("abs", self)

    def __lt__(self, other: Operand) -> Column[bool]:
        return Expression("lt", self, other)

    def __le__(self, other: Operand) -> Column[bool]:
        return Expression("le", self, other)

    def __gt__(self, other: Operand) -> Column[bool]:
        return Expression("gt", self, other)

    def __ge__(self, other: Operand) -> Column[bool]:
        return Expression("ge", self, other)

    def __eq__(self, other: object) -> Column[bool]:  # type: ignore[override]  # a condition, not an answer
        return Expression("eq", self, other)

    def __ne__(self, other: object) -> Column[bool]:  # type: ignore[override]  # a condition, not an answer
        return Expression("ne", self, other)

    def __and__(self, other: Condition) -> Column[bool]:
        return Expression("and", self, other)

    def __rand__(self, other: Condition) -> Column[bool]:
        return Expression("and", other, self)

    def __or__(self, other: Condition) -> Column[bool]:
        return Expression("or", self, other)

    def __ror__(self, other: Condition) -> Column[bool]:
        return Expression("or", other, self)

    def __invert__(self) -> Column[bool]:
        return Expression("not", self)

    def __repr__(self) -> str:
        owner = f"{self._owner.__name__}.{self._name}" if self._owner else type(self).__name__
        return f"<column {owner}>"


class Expression(Column[Any]):
    """An operator over columns and literals."""

    def __init__(self, op: ir.Op, *args: object) -> None:
        self._op = op
        self._args = args


class Several:
    """What becomes several columns, each called after the attribute: ``name_suffix``."""

    def __init__(self, parts: Mapping[str, Column[Any]]) -> None:
        self._parts = parts


class PathColumn(Column[Any]):
    """A column of a row, or of what it refers to: ``Chargeback.transaction.amount``."""

    def __init__(self, root: type, names: tuple[str, ...]) -> None:
        self._root = root
        self._names = names

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> PathColumn:
            """Go on along the path; that it exists is checked when all classes are known."""
            if name.startswith("_"):
                raise AttributeError(name)
            return PathColumn(self._root, (*self._names, name))

    def __repr__(self) -> str:
        return f"<column {self._text()}>"

    def _text(self) -> str:
        return ".".join((self._root.__name__, *self._names))


class FeatureOf(Column[Any]):
    """A feature reached through ``tw.lookup``."""

    def __init__(self, lookup: object, name: str) -> None:
        self._lookup = lookup
        self._feature = name


class Aggregated(Column[Any]):
    """One accumulator, as declared. Its source and key are found when all classes are known."""

    def __init__(self, op: ir.AggregateOp, value: object, **options: Any) -> None:
        self._op = op
        self._value = value
        self._options = options


class Derived(Column[Any]):
    """A Python function over arrays, as a column.

    Attributes
    ----------
    fn : callable
        The plain function, for a unit test: ``PaymentView.abroad.fn(np.array(["SE"]), np.array(["NO"]))``.
    """

    def __init__(self, fn: Any, args: tuple[object, ...] | None, text: bool) -> None:
        self.fn = fn
        self._args = args
        self._text = text


def leaves(node: object) -> Iterator[object]:
    """Yield the columns at the ends of an expression, and not the literals."""
    if isinstance(node, Expression):
        for arg in node._args:
            yield from leaves(arg)
    elif isinstance(node, Column):
        yield node
