"""Every aggregate in windows of several kinds, by user and by (user, kind): what `feature_shop` leaves out."""

from __future__ import annotations

from feature_shop import (
    AMOUNT,
    BUY,
    BY_USER,
    BY_USER_KIND,
    DAY,
    HOUR,
    KIND,
    LARGE,
    MINUTE,
    RETURN,
    SHOP,
    USER,
    aggregate,
    column,
    feature,
)

from tidewheel.definitions import ir
from tidewheel.features.planning.view import plan_view

NUMBERS = ("sum", "mean", "min", "max", "var", "std", "first", "last")
ROWS = ("count", "time_since_first", "time_since_last")
WINDOWS = {
    "ever": {},
    "hour": {"window": HOUR, "hop": 5 * MINUTE},
    "late": {"window": HOUR, "hop": 5 * MINUTE, "delay": 10 * MINUTE},
}


def every(keys, windows):
    """One feature for each aggregate, window and kind of input."""
    for span, options in windows.items():
        for op in NUMBERS:
            yield f"{op}_{span}", aggregate(op, "Buy", keys, AMOUNT, **options)
        for op in ROWS:
            yield f"{op}_{span}", aggregate(op, "Buy", keys, **options)
            yield f"{op}_large_{span}", aggregate(op, "Buy", keys, where=LARGE, **options)
        for op in ("count", "sum", "mean"):
            value = None if op == "count" else AMOUNT
            for half_life in (7 * MINUTE, DAY):
                yield f"{op}_{half_life}_{span}", aggregate(op, "Buy", keys, value, half_life=half_life, **options)
        yield f"first_kind_{span}", aggregate("first", "Buy", keys, KIND, text=True, default="none", **options)
        yield f"kinds_{span}", aggregate("distinct", "Buy", keys, KIND, exact_to=256, **options)
        if options:
            yield f"rate_{span}", aggregate("rate", "Buy", keys, **options)
            yield f"rate_large_{span}", aggregate("rate", "Buy", keys, where=LARGE, default=-1.0, **options)


def exact(keys):
    """Windows exact to the microsecond, with caps that hold and that do not."""
    for cap, options in ((3, {}), (4, {"delay": 10 * MINUTE}), (1000, {"hop": 30 * MINUTE}), (1, {"where": LARGE})):
        options = {"window": HOUR, "hop": 5 * MINUTE, "cap": cap, **options}
        for op in NUMBERS:
            yield f"{op}_exact_{cap}", aggregate(op, "Buy", keys, AMOUNT, **options)
        for op in (*ROWS, "rate"):
            yield f"{op}_exact_{cap}", aggregate(op, "Buy", keys, **options)
        yield f"past_{cap}", aggregate("sum", "Buy", keys, AMOUNT, past_cap=True, **options)
        yield f"past_rows_{cap}", aggregate("count", "Buy", keys, past_cap=True, **options)
    yield "kinds_exact", aggregate("distinct", "Buy", keys, KIND, window=HOUR, hop=1, exact_to=256)


def asked(keys):
    """Features that count the row they are read for."""
    for span in ("ever", "hour"):
        options = {**WINDOWS[span], "include_request": True}
        for op in ("sum", "mean", "min", "max", "first", "last"):
            yield f"{op}_asked_{span}", aggregate(op, "Buy", keys, AMOUNT, **options)
            yield f"{op}_asked_large_{span}", aggregate(op, "Buy", keys, AMOUNT, where=LARGE, default=-1.0, **options)
        for op in ROWS:
            yield f"{op}_asked_{span}", aggregate(op, "Buy", keys, **options)
            yield f"{op}_asked_large_{span}", aggregate(op, "Buy", keys, where=LARGE, default=-2.0, **options)
        yield f"last_kind_asked_{span}", aggregate("last", "Buy", keys, KIND, text=True, **options)
        for op in ("count", "sum"):
            value = None if op == "count" else AMOUNT
            yield f"{op}_fading_{span}", aggregate(op, "Buy", keys, value, half_life=HOUR, **options)
        yield from folded(keys, span, options)
    options = {"window": HOUR, "hop": 5 * MINUTE, "cap": 3, "include_request": True}
    yield "count_asked_exact", aggregate("count", "Buy", keys, **options)
    yield "var_asked_exact", aggregate("var", "Buy", keys, AMOUNT, **options)
    yield "rate_asked_exact", aggregate("rate", "Buy", keys, **options)


def folded(keys, span, options):
    """Features that count the row they are read for, as an event of the state."""
    for op in ("var", "std"):
        yield f"{op}_asked_{span}", aggregate(op, "Buy", keys, AMOUNT, **options)
        yield f"{op}_asked_large_{span}", aggregate(op, "Buy", keys, AMOUNT, where=LARGE, default=-1.0, **options)
    if span != "ever":
        yield f"rate_asked_{span}", aggregate("rate", "Buy", keys, where=LARGE, default=-3.0, **options)
    yield f"amounts_asked_{span}", aggregate("distinct", "Buy", keys, AMOUNT, exact_to=256, **options)
    yield f"kinds_asked_{span}", aggregate("distinct", "Buy", keys, KIND, default=-4.0, exact_to=256, **options)
    for q in (0.0, 0.5, 1.0):
        yield f"q{q}_asked_{span}", aggregate("quantile", "Buy", keys, AMOUNT, q=q, exact_to=3, **options)
    for place in (1, 2):
        sketch = {**options, "n": 2, "place": place}
        yield f"top{place}_asked_{span}", aggregate("top_k", "Buy", keys, KIND, text=True, exact_to=2, **sketch)
        yield f"last{place}_asked_{span}", aggregate("last_n", "Buy", keys, AMOUNT, **sketch)
        yield (
            f"last_kind{place}_asked_{span}",
            aggregate("last_n", "Buy", keys, KIND, text=True, default="none", **sketch),
        )


def group(name, by, keys, windows):
    found = every(keys, windows) if windows else [*exact(keys), *asked(keys)]
    return ir.Group(name, by, tuple(feature(name, value, value.text) for name, value in found))


BY_ONE = group("ByOne", ("User",), BY_USER, WINDOWS)
BY_TWO = group("ByTwo", ("User", "Buy.kind"), BY_USER_KIND, {"hour": WINDOWS["hour"]})
EXACT = group("Exact", ("User",), BY_USER, {})
GROUPS = {found.name: found for found in (BY_ONE, BY_TWO, EXACT)}
LOOKUPS = (
    ir.Lookup("exact", "Exact", BY_USER),
    ir.Lookup("one", "ByOne", BY_USER),
    ir.Lookup("two", "ByTwo", BY_USER_KIND),
)
VIEW = ir.View(
    "More",
    "Buy",
    LOOKUPS,
    tuple(
        column(f"{lookup.alias}_{f.name}", ir.Feature(lookup.alias, f.name), f.text)
        for lookup in LOOKUPS
        for f in GROUPS[lookup.group].features
    ),
)
GRAPH = ir.Graph(sources=(BUY, RETURN, SHOP, USER), groups=tuple(GROUPS.values()), views=(VIEW,))
PLAN = plan_view(GRAPH, VIEW)
