"""A small project written as plain IR: users buy things in shops, and return some."""

from __future__ import annotations

from tidewheel.definitions import ir

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

USER = ir.Source(
    "User",
    (ir.Column("id", "id"), ir.Column("tier", "category", nullable=True), ir.Column("score", "float", nullable=True)),
    entity=True,
)
SHOP = ir.Source("Shop", (ir.Column("id", "id"), ir.Column("city", "category", nullable=True)), entity=True)
BUY = ir.Source(
    "Buy",
    (
        ir.Column("id", "id"),
        ir.Column("user", "ref", "User", nullable=True),
        ir.Column("shop", "ref", "Shop", nullable=True),
        ir.Column("amount", "float", nullable=True),
        ir.Column("kind", "category", nullable=True),
        ir.Column("gift", "bool", nullable=True),
    ),
)
RETURN = ir.Source(
    "Return",
    (
        ir.Column("buy", "ref", "Buy", nullable=True),
        ir.Column("fee", "float", nullable=True),
        ir.Column("why", "text", nullable=True),
    ),
)

AMOUNT = ir.Col(("amount",))
KIND = ir.Col(("kind",))
BY_USER: tuple[ir.Path, ...] = (("user",),)
BY_SHOP: tuple[ir.Path, ...] = (("shop",),)
BY_USER_KIND: tuple[ir.Path, ...] = (("user",), ("kind",))
RETURN_BY_SHOP: tuple[ir.Path, ...] = (("buy", "shop"),)


def aggregate(op, source, keys, value=None, window=0, hop=0, **more):
    return ir.Aggregate(op, source, keys, value, window=window, hop=hop, **more)


def feature(name, value, text=False):
    return ir.FeatureColumn(name, value, text)


LARGE = ir.Call("gt", (AMOUNT, ir.Const(5.0)))
USER_HISTORY = ir.Group(
    "UserHistory",
    ("User",),
    (
        feature("buys_10m", aggregate("count", "Buy", BY_USER, None, 10 * MINUTE, MINUTE)),
        feature("spend_1h", aggregate("sum", "Buy", BY_USER, AMOUNT, HOUR, 5 * MINUTE)),
        feature("mean_1h", aggregate("mean", "Buy", BY_USER, AMOUNT, HOUR, 5 * MINUTE)),
        feature("least", aggregate("min", "Buy", BY_USER, AMOUNT)),
        feature("most_1h", aggregate("max", "Buy", BY_USER, AMOUNT, HOUR, 5 * MINUTE)),
        feature("spread", aggregate("std", "Buy", BY_USER, AMOUNT, HOUR, 5 * MINUTE)),
        feature("large_1h", aggregate("count", "Buy", BY_USER, None, HOUR, 5 * MINUTE, where=LARGE)),
        feature("shops_1h", aggregate("distinct", "Buy", BY_USER, ir.Col(("shop",)), HOUR, 5 * MINUTE, exact_to=256)),
        feature("amounts_1h", aggregate("distinct", "Buy", BY_USER, AMOUNT, HOUR, 5 * MINUTE, exact_to=256)),
        feature("first_kind", aggregate("first", "Buy", BY_USER, KIND, text=True), True),
        feature(
            "last_kind", aggregate("last", "Buy", BY_USER, KIND, HOUR, 5 * MINUTE, text=True, default="none"), True
        ),
        feature("last_amount", aggregate("last", "Buy", BY_USER, AMOUNT)),
        feature("idle", aggregate("time_since_last", "Buy", BY_USER)),
        feature("share", ir.Call("div", (ir.Feature("", "large_1h"), ir.Feature("", "buys_10m")))),
    ),
)


def several(name, n, op, source, keys, value, text=False, **more):
    """The columns of one aggregate that gives `n` of them."""
    return [
        feature(f"{name}_{i}", aggregate(op, source, keys, value, text=text, n=n, place=i, **more), text)
        for i in range(1, n + 1)
    ]


BY_HOUR = {"window": HOUR, "hop": 5 * MINUTE}
USER_TASTE = ir.Group(
    "UserTaste",
    ("User",),
    (
        feature("median", aggregate("quantile", "Buy", BY_USER, AMOUNT, HOUR, 5 * MINUTE, q=0.5, exact_to=3)),
        feature("high", aggregate("quantile", "Buy", BY_USER, AMOUNT, q=0.9, exact_to=256)),
        feature("low", aggregate("quantile", "Buy", BY_USER, AMOUNT, **BY_HOUR, delay=10 * MINUTE, q=0.1, exact_to=2)),
        *several("kinds", 2, "top_k", "Buy", BY_USER, KIND, True, **BY_HOUR, exact_to=2, default="none"),
        *several("shops", 1, "top_k", "Buy", BY_USER, ir.Col(("shop",)), True, exact_to=1),
        *several("amounts", 2, "top_k", "Buy", BY_USER, AMOUNT, window=DAY, hop=HOUR, exact_to=2, default=-1.0),
        *several("large", 3, "last_n", "Buy", BY_USER, AMOUNT, **BY_HOUR, where=LARGE),
        *several("lately", 2, "last_n", "Buy", BY_USER, KIND, True, **BY_HOUR, delay=10 * MINUTE),
        *several("gifts", 2, "last_n", "Buy", BY_USER, ir.Col(("gift",))),
        feature("usual", ir.Call("div", (ir.Feature("", "large_1"), ir.Feature("", "median")))),
    ),
)
SHOP_RISK = ir.Group(
    "ShopRisk",
    ("Shop",),
    (
        feature("buys_1h", aggregate("count", "Buy", BY_SHOP, None, HOUR, 5 * MINUTE, delay=10 * MINUTE)),
        feature("returns_1h", aggregate("count", "Return", RETURN_BY_SHOP, None, HOUR, 5 * MINUTE)),
        feature("returned", aggregate("sum", "Return", RETURN_BY_SHOP, ir.Col(("buy", "amount")), HOUR, 5 * MINUTE)),
        feature("fees", aggregate("sum", "Return", RETURN_BY_SHOP, ir.Col(("fee",)))),
        feature("last_why", aggregate("last", "Return", RETURN_BY_SHOP, ir.Col(("why",)), text=True), True),
    ),
)
USER_KIND = ir.Group(
    "UserKind",
    ("User", "Buy.kind"),
    (
        feature("spend", aggregate("sum", "Buy", BY_USER_KIND, AMOUNT)),
        feature("gifts", aggregate("count", "Buy", BY_USER_KIND, None, DAY, HOUR, where=ir.Col(("gift",)))),
    ),
)
SHOP_RETURNS = ir.Group(
    "ShopReturns",
    ("Shop",),
    (
        feature("returns", aggregate("count", "Return", RETURN_BY_SHOP)),
        feature("worth", aggregate("mean", "Return", RETURN_BY_SHOP, ir.Col(("buy", "amount")))),
        feature("after", aggregate("last", "Return", RETURN_BY_SHOP, ir.Col(("buy", "at")))),
        *several("why", 2, "last_n", "Return", RETURN_BY_SHOP, ir.Col(("why",)), True),
        *several("kinds", 2, "top_k", "Return", RETURN_BY_SHOP, ir.Col(("buy", "kind")), True, exact_to=2),
    ),
)
GROUPS = (SHOP_RETURNS, SHOP_RISK, USER_HISTORY, USER_KIND, USER_TASTE)

CHANGED_SOURCE = "def changed(kind, last):\n    return kind != last\n"
LABEL_SOURCE = "import numpy as np\n\ndef label(changed, kind, tier):\n    return np.where(changed > 0, kind, tier)\n"


def column(name, value, text=False):
    return ir.ViewColumn(name, value, text)


VIEW = ir.View(
    "BuyView",
    "Buy",
    (
        ir.Lookup("kinds", "UserKind", BY_USER_KIND),
        ir.Lookup("returns", "ShopReturns", BY_SHOP),
        ir.Lookup("shop", "ShopRisk", BY_SHOP),
        ir.Lookup("taste", "UserTaste", BY_USER),
        ir.Lookup("user", "UserHistory", BY_USER),
    ),
    (
        column("amount", AMOUNT),
        column("kind", KIND, True),
        column("tier", ir.Col(("user", "tier")), True),
        column("score", ir.Col(("user", "score"))),
        *(column(f"user_{f.name}", ir.Feature("user", f.name), f.text) for f in USER_HISTORY.features),
        *(column(f"taste_{f.name}", ir.Feature("taste", f.name), f.text) for f in USER_TASTE.features),
        *(column(f"shop_{f.name}", ir.Feature("shop", f.name), f.text) for f in SHOP_RISK.features),
        *(column(f"returns_{f.name}", ir.Feature("returns", f.name), f.text) for f in SHOP_RETURNS.features),
        *(column(f"kinds_{f.name}", ir.Feature("kinds", f.name), f.text) for f in USER_KIND.features),
        column("over_mean", ir.Call("div", (AMOUNT, ir.Feature("user", "mean_1h")))),
        column("changed", ir.Derived("changed", (KIND, ir.Feature("user", "last_kind")), CHANGED_SOURCE)),
        column(
            "label", ir.Derived("label", (ir.Computed("changed"), KIND, ir.Col(("user", "tier"))), LABEL_SOURCE), True
        ),
        column("twice", ir.Call("add", (ir.Computed("changed"), ir.Computed("changed")))),
    ),
)
RULES = ir.View(
    "rules",
    "Buy",
    (ir.Lookup("user", "UserHistory", BY_USER),),
    (column("burst", ir.Call("gt", (ir.Feature("user", "buys_10m"), ir.Const(2.0)))),),
)
GRAPH = ir.Graph(sources=(BUY, RETURN, SHOP, USER), groups=GROUPS, views=(VIEW,))
SOURCES = {source.name: source for source in GRAPH.sources}
