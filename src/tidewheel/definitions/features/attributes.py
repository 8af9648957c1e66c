"""An entity's attributes as a group: its newest row, as of an instant.

A row holds whole, from its own time on: a null in it is a null, not the value of the row before. Aggregates
skip nulls, so beside the newest value of a column that may be null stands whether the newest row has one.
"""

from __future__ import annotations

from tidewheel.definitions import ir
from tidewheel.definitions.events.defaults import defaults_read
from tidewheel.errors import DefinitionError

AGE, STATUS = "tw_age", "tw_status"
"""What every entity has beside its columns: how old its row is (seconds), and whether there is one that holds."""
MISSING, PRESENT, EXPIRED = "missing", "present", "expired"


def attribute_group(entity: ir.Source, *, aged: bool = False) -> ir.Group:
    """Return an entity's implicit group: each of its columns as of the newest row.

    Parameters
    ----------
    entity : Source
    aged : bool
        With the age and status of the row; so it is in any case when rows hold for a limited time.

    Raises
    ------
    DefinitionError
        When the source has no id.

    Examples
    --------
    >>> card = ir.Source("Card", (ir.Column("id", "id"), ir.Column("limit", "float")), entity=True)
    >>> [feature.name for feature in attribute_group(card, aged=True).features]
    ['limit', 'tw_age', 'tw_status']
    """
    key = entity.id_column
    if key is None:
        raise DefinitionError("has no column of kind Id", where=entity.name, remedy="add `id: tw.Id`")
    columns = [column for column in entity.columns if column.name != key]
    features = [feature for column in columns for feature in _features(entity, (key,), column)]
    if aged or entity.ttl:
        newest = ir.Aggregate("time_since_last", entity.name, ((key,),))
        features += [ir.FeatureColumn(AGE, newest), ir.FeatureColumn(STATUS, _status(entity.ttl), text=True)]
    return ir.Group(entity.name, (entity.name,), tuple(features), attributes=entity.entity)


def attributes_of(graph: ir.Graph, entity: str) -> ir.Group:
    """Return an entity's implicit group as a graph holds it: what is kept of it depends on who reads its age.

    Examples
    --------
    >>> card = ir.Source("Card", (ir.Column("id", "id"), ir.Column("limit", "float")), entity=True)
    >>> [feature.name for feature in attributes_of(ir.Graph(sources=(card,)), "Card").features]
    ['limit']
    """
    kept = next((group for group in graph.groups if group.attributes and group.name == entity), None)
    return kept or attribute_group(next(source for source in graph.sources if source.name == entity))


def is_own_name(name: str) -> bool:
    """Tell whether a name is one of those that no column may have.

    Examples
    --------
    >>> is_own_name("tw_age"), is_own_name("limit")
    (True, False)
    """
    return name.startswith("tw_")


def _features(entity: ir.Source, key: ir.Path, column: ir.Column) -> list[ir.FeatureColumn]:
    """Return the feature of a column, after what it is made of where that is more than one aggregate."""
    text = column.kind in ir.TEXT_KINDS
    path = (column.name,)
    newest = ir.Aggregate(
        "last", entity.name, (key,), ir.Col(path), text=text, defaults=defaults_read({}, entity, [path])
    )
    if not column.nullable and not entity.ttl:
        return [ir.FeatureColumn(column.name, newest, text)]
    made = [ir.FeatureColumn(f"tw_last_{column.name}", newest, text)]
    value: ir.Expr = ir.Feature("", made[0].name)
    if column.nullable:
        is_null = ir.Call("is_null", (ir.Col((column.name,)),))
        made.append(ir.FeatureColumn(f"tw_null_{column.name}", ir.Aggregate("last", entity.name, (key,), is_null)))
        value = ir.Call("if_else", (ir.Feature("", made[1].name), ir.Const(None), value))
    if entity.ttl:
        value = ir.Call("if_else", (_fresh(entity.ttl), value, ir.Const(None)))
    return [*made, ir.FeatureColumn(column.name, value, text)]


def _fresh(ttl: int) -> ir.Expr:
    return ir.Call("le", (ir.Feature("", AGE), ir.Const(ttl / 1e6)))


def _status(ttl: int) -> ir.Expr:
    found: ir.Expr = ir.Const(PRESENT)
    if ttl:
        found = ir.Call("if_else", (_fresh(ttl), found, ir.Const(EXPIRED)))
    return ir.Call("if_else", (ir.Call("is_null", (ir.Feature("", AGE),)), ir.Const(MISSING), found))
