"""Compiles ``where`` of a ``tw.Model``: which rows it is meant for."""

from __future__ import annotations

from tidewheel.definitions import ir
from tidewheel.definitions.columns.columns import Column
from tidewheel.definitions.compiling.context import Context
from tidewheel.definitions.compiling.data import one_column
from tidewheel.definitions.compiling.each_scope import view_scope
from tidewheel.definitions.compiling.expressions import lower, text_of
from tidewheel.definitions.compiling.labels import lower_label
from tidewheel.definitions.models.labels import Label
from tidewheel.definitions.models.models import Model
from tidewheel.errors import DefinitionError

WHERE = "_where"
"""The one column of a view that says whether a row counts."""


def compile_where(context: Context, cls: type[Model], view: ir.View) -> ir.Label | ir.View | None:
    """Return what tells the rows that a model is meant for: later events, or a view of one column.

    Raises
    ------
    DefinitionError
        It is no condition, or asks for what a row of the view does not have.
    """
    given = cls.where
    if given is None:
        return None
    if isinstance(given, Label):
        return _told(context, given, view)
    if not isinstance(given, Column):
        raise DefinitionError(
            f"where = {given!r} tells no rows",
            remedy="write where = tw.happened(Click, within='30min'), or a condition: Payment.amount > 500",
        )
    scope = view_scope(context, cls.view)
    typed = lower(given, scope.column)
    if typed.type != "bool":
        raise DefinitionError(f"where: {text_of(typed.expr)} is no condition", remedy="compare it with something")
    return one_column(f"{cls.__name__}.where", view, scope, ir.ViewColumn(WHERE, typed.expr))


def _told(context: Context, given: Label, view: ir.View) -> ir.Label:
    label, classifies = lower_label(context, given, view)
    if not classifies:
        raise DefinitionError(
            f"where: tw.{given.kind}() gives a number, and no condition",
            remedy="write tw.happened(Click, within=...), or compare: tw.outcome(Order.total > 100, within=...)",
        )
    if label.immature != "drop":
        raise DefinitionError(
            "where: a row counts once it is known, so there is nothing to weigh", remedy="give the label immature="
        )
    return label
