"""Each mistake in a declaration is caught at load, by file, line, class and attribute, with a remedy."""

# ruff: noqa: E501  a case stays together, however long its code is

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.definitions.conftest import SHOP, Load

from tidewheel.definitions import compile_declarations, state_id
from tidewheel.errors import DefinitionError

ROWS = [
    ("class A(tw.Event):\n    x: str", "A.x: a plain str", "tw.Category"),
    ("class A(tw.Event):\n    x: list", "A.x: a column can't be of type list", "float, int"),
    ("class A(tw.Event):\n    x: int | float", "A.x: a column can't be of type int | float", "float, int"),
    ("class A(tw.Event):\n    x: Nowhere", "A.x: the annotation 'Nowhere' can't be read", "a column is"),
    ("class A(tw.Event):\n    x: Card", "A.x: a column can't be a Card", "tw.Ref[Card]"),
    ("class A(tw.Event):\n    x: tw.Ref[int]", "A.x: a reference can't point at int", "event or an entity"),
    ("class A(tw.Event):\n    x: tw.Ref[Visit]", "A.x: Visit is referred to but has no id", "add 'id: tw.Id'"),
    ("class A(tw.Event):\n    x: tw.Id | None", "A.x: an id can't be null", "tw.Id"),
    ("class A(tw.Event):\n    x: tw.Id\n    y: tw.Id", "A: two ids: x, y", "tw.Key"),
    ("class A(tw.Event):\n    at: float", "A.at: 'at' is taken", "rename"),
    ("class A(tw.Event):\n    mro: float", "A.mro: the name 'mro' is Python's own", "rename"),
    ("class A(tw.Event):\n    x: float | None = 1.0", "A.x: a column with a default is never null", "remove '| None'"),
    ("class A(tw.Event):\n    x: float = 'much'", "A.x: the default 'much' is no value of a column of kind float", ""),
    ("class A(tw.Event):\n    x: float = float('nan')", "A.x: the default nan is no value", ""),
    ("class A(tw.Event):\n    x: bool = 1", "A.x: the default 1 is no value of a column of kind bool", ""),
    ("class A(tw.Event):\n    x: int = 2**60", "A.x: the default 1152921504606846976 is no value", ""),
    ("class A(tw.Event):\n    x: tw.Key = ''", "A.x: the default '' is no value of a column of kind key", ""),
    ("class A(tw.Event):\n    x: tw.Id = 'a'", "A.x: a column of kind id can't have a default", "| None"),
    ("class A(tw.Event):\n    x: tw.Ref[Card] = 'a'", "A.x: a column of kind ref can't have a default", "| None"),
    (
        "from typing import Annotated\nclass A(tw.Event):\n    x: Annotated[tw.Text, tw.personal] = 'a'",
        "A.x: a personal column can't have a default",
        "erased",
    ),
    ("class A(tw.Event):\n    x = 1.0", "A.x: nobody reads 'x'", "annotate it"),
    ("class A(tw.Entity):\n    x: float", "A: an entity needs an id", "id: tw.Id"),
    ("class A(tw.Entity, ttl='3m'):\n    id: tw.Id", "A: '3m' has no known unit", "minutes or months"),
    ("class A(tw.Entity):\n    id: tw.Id\n    tw_age: float", "A.tw_age: names that begin with 'tw_'", "rename"),
    ("class Card(tw.Entity):\n    id: tw.Id", "Card: the class is declared a second time", "rename"),
    ("class A(tw.Event):\n    x = 1\n    x = 2", "A declares 'x' twice", "rename"),
]

GROUPS = [
    ("class A(tw.Features):\n    x = tw.count(Payment)", "A: a group needs a key", "by=Card"),
    ("class A(tw.Features, by=()):\n    x = tw.count(Payment)", "A: a group needs a key", "by=Card"),
    ("class A(tw.Features, by='Card'):\n    x = tw.count(Payment)", "A: by='Card' is no key", "an entity, a column"),
    ("class A(tw.Features, by=Visit):\n    x = tw.count(Payment)", "A: Visit has no id to group by", "tw.Id"),
    ("class A(tw.Features, by=Payment.amount):\n    x = tw.count(Payment)", "A: Payment.amount is a float", ""),
    (
        "class A(tw.Features, by=Card.issued_in):\n    x = tw.count(Payment)",
        "A: Card.issued_in is an attribute",
        "column",
    ),
    ("class A(tw.Features, by=Card):\n    pass", "A: a group without features", "tw.count"),
    ("class A(History, by=Card):\n    x = tw.count(Payment)", "A: a group can't extend another", "view"),
    (
        "class A(tw.Features, by=Terminal):\n    x = tw.count(Payment)",
        "A.x: 2 paths lead from Payment to Terminal: Payment.terminal, Payment.second",
        "by=Payment.terminal",
    ),
    (
        "class A(tw.Features, by=Card):\n    x = tw.count(Payment, by=Payment.terminal)",
        "A.x: Payment.terminal does not lead to Card",
        "",
    ),
    (
        "class A(tw.Features, by=Card):\n    x = tw.count(Payment, by=Terminal)",
        "A.x: by=Terminal does not lead to Card",
        "",
    ),
    (
        "class A(tw.Features, by=Card):\n    x = tw.count(Payment, by=(Card, Terminal))",
        "A.x: by= names 2 keys, the group has 1",
        "",
    ),
    (
        "class A(tw.Features, by=Terminal):\n    x = tw.count(Visit)",
        "A.x: no path leads from Visit to Terminal",
        "tw.Ref[Terminal]",
    ),
    ("class A(tw.Features, by=Card):\n    x = tw.count(Appeal)", "A.x: no path leads from Appeal to Card", ""),
    (
        "class A(tw.Features, by=Card):\n    x = tw.count(Appeal, by=Appeal.chargeback.payment.card)",
        "A.x: 'Appeal.chargeback.payment.card' goes through 2 events",
        "one",
    ),
    (
        "class A(tw.Features, by=Card):\n    x = tw.sum(Payment.amout, '1d')",
        "Payment has no column 'amout'",
        "'amount'",
    ),
    (
        "class A(tw.Features, by=Card):\n    x = tw.sum(Chargeback.payment.amout, '1d')",
        "A.x: Payment has no column 'amout'",
        "'amount'",
    ),
    (
        "class A(tw.Features, by=Card):\n    x = tw.sum(Payment.amount.value, '1d')",
        "A.x: 'Payment.amount' is no reference",
        "",
    ),
    (
        "class A(tw.Features, by=Card):\n    x = tw.sum(Payment.card.limit, '1d')",
        "A.x: 'Payment.card.limit' reads an attribute of Card",
        "event itself",
    ),
    (
        "class A(tw.Features, by=Card):\n    x = tw.sum(Payment.country, '1d')",
        "A.x: tw.sum() can't take country, which is text",
        "",
    ),
    ("class A(tw.Features, by=Card):\n    x = tw.sum(Payment, '1d')", "A.x: tw.sum() takes a column", ""),
    (
        "class A(tw.Features, by=Card):\n    x = tw.sum(5, '1d')",
        "A.x: tw.sum() needs columns of one event, but has 5",
        "",
    ),
    (
        "class A(tw.Features, by=Card):\n    x = tw.sum(Payment.amount + Visit.minutes, '1d')",
        "A.x: tw.sum() needs columns of one event, but has columns of Payment and Visit",
        "",
    ),
    (
        "class A(tw.Features, by=Card):\n    x = tw.sum(History.mean + Payment.amount, '1d')",
        "is no column of Payment",
        "",
    ),
    (
        "class A(tw.Features, by=Card):\n    x = tw.count(Payment.amount, '1d')",
        "A.x: tw.count() takes an event class",
        "where=",
    ),
    ("class A(tw.Features, by=Card):\n    x = tw.count(Payment, '10m')", "A.x: '10m' has no known unit", "10min"),
    (
        "class A(tw.Features, by=Card):\n    x = tw.count(Payment, '10s')",
        "A.x: the window 10s is shorter than 12s",
        "hop='",
    ),
    (
        "class A(tw.Features, by=Card):\n    x = tw.count(Payment, '1d', hop='7h')",
        "A.x: the window 1d is no multiple of its hop 7h",
        "2h",
    ),
    (
        "class A(tw.Features, by=Card):\n    x = tw.count(Payment, delay='7d')",
        "A.x: hop=, delay= and exact= belong to a window",
        "",
    ),
    (
        "class A(tw.Features, by=Card):\n    x = tw.count(Payment, '1d', wher=Payment.online)",
        "tw.count() has no option 'wher'",
        "'where'",
    ),
    (
        "class A(tw.Features, by=Card):\n    x = tw.count(Payment, '1d', where=Payment.amount)",
        "A.x: amount is no condition",
        "compare",
    ),
    (
        "class A(tw.Features, by=Card):\n    x = tw.count(Payment, '1d', where=Payment.amount is None)",
        "A.x: False is no condition",
        "is_null",
    ),
    (
        "class A(tw.Features, by=Card):\n    x = tw.count(Payment, '1d', where=Visit.minutes > 5)",
        "A.x: Visit.minutes is no column of Payment",
        "",
    ),
    (
        "class A(tw.Features, by=Card):\n    x = tw.count(Payment, '1d', where=Payment.country > 'SE')",
        "A.x: '>' takes numbers, but country is text",
        "tw.isin",
    ),
    (
        "class A(tw.Features, by=Card):\n    x = tw.count(Payment, '1d', where=Payment.amount == 'SE')",
        "A.x: '==' mixes text and numbers: 'SE' is text, amount is a number",
        "",
    ),
    (
        "class A(tw.Features, by=Card):\n    x = tw.count(Payment, '1d', where=Payment.country == None)",
        "A.x: '==' with None is always null",
        "is_null",
    ),
    (
        "class A(tw.Features, by=Card):\n    x = tw.count(Payment, '1d', where=Payment.amount < None)",
        "A.x: '<' with None",
        "is_null",
    ),
    (
        "class A(tw.Features, by=Card):\n    x = tw.count(Payment, '1d', where=(Payment.amount > 5) & Payment.items)",
        "A.x: '&' takes conditions, but items is a number",
        "",
    ),
    (
        "class A(tw.Features, by=Card):\n    x = tw.mean(tw.transform.if_else(Payment.amount, 1, 2), '1d')",
        "A.x: 'if_else' takes a condition first",
        "",
    ),
    (
        "class A(tw.Features, by=Card):\n    x = tw.mean(Payment.amount + [1], '1d')",
        "A.x: [1] can't stand in an expression",
        "",
    ),
    (
        "class A(tw.Features, by=Card):\n    x = tw.mean(Payment.amount + float('inf'), '1d')",
        "A.x: inf can't stand in an expression",
        "",
    ),
    (
        "class A(tw.Features, by=Card):\n    x = tw.mean(Payment.amount + Card, '1d')",
        "A.x: Card is no column",
        "Card.at",
    ),
    (
        "class A(tw.Features, by=Card):\n    x = tw.mean(Payment.amount, '1d', default='none')",
        "A.x: default='none' does not fit",
        "",
    ),
    (
        "class A(tw.Features, by=Card):\n    x = tw.last(Payment.country, '1d', default=1.0)",
        "A.x: default=1.0 does not fit",
        "",
    ),
    ("class A(tw.Features, by=Card):\n    x = tw.distinct(Payment.country, '1d', exact_to=2)", "A.x: exact_to=2", "16"),
    ("class A(tw.Features, by=Card):\n    x = tw.rate(Payment, None)", "tw.rate() needs a window", "time_since_first"),
    ("class A(tw.Features, by=Card):\n    x = tw.count(Payment, exact=True)", "belong to a window", "28d"),
    ("class A(tw.Features, by=Card):\n    x = tw.count(Payment, '1d', cap=9)", "go with exact=True", ""),
    ("class A(tw.Features, by=Card):\n    x = tw.count(Payment, '1d', exact=True, cap=0)", "cap=0 is no", ""),
    (
        "class A(tw.Features, by=Card):\n    x = tw.count(Payment, '1d', exact=True, half_life='1h')",
        "needs no exact tail",
        "hop=",
    ),
    (
        "class A(tw.Features, by=Card):\n    x = tw.distinct(Payment.country, '1d', exact=True, delay='1h')",
        "takes no cap=",
        "exact_to=",
    ),
    (
        "class A(tw.Features, by=Card):\n    x = Payment.amount",
        "A.x: Payment.amount is a column of an event",
        "tw.last(Payment.amount)",
    ),
    ("class A(tw.Features, by=Card):\n    x = History", "A.x: a lookup belongs in a view", ""),
    ("class A(tw.Features, by=Card):\n    x = 5", "A.x: nobody reads 'x'", ""),
    (
        "class A(tw.Features, by=Card):\n    @tw.derived(Payment.amount)\n    def x(a):\n        return a",
        "A.x: a derived function belongs in a view",
        "",
    ),
    (
        "class A(tw.Features, by=Card):\n    x = tw.count(Payment) / tw.count(Visit)",
        "A.x: an aggregate inside an expression",
        "name of its own",
    ),
    (
        "class A(tw.Features, by=Card):\n    n = tw.count(Payment)\n    x = n / History.mean",
        "A.x: <column History.mean> is no feature of A",
        "",
    ),
    (
        "class A(tw.Features, by=Card):\n    x = History.mean",
        "A.x: <column History.mean> belongs to another group",
        "look",
    ),
    (
        "class A(tw.Features, by=Card):\n    x = tw.count(Payment)\n    y = x & x",
        "A.y: '&' takes conditions, but x is a number",
        "",
    ),
    (
        "class A(tw.Features, by=Card):\n    x = tw.count(Chargeback, '1d', by=Chargeback.payment.card, where=tw.transform.is_null(Chargeback.payment.amount))\nclass Two(tw.Event):\n    a: tw.Ref[Payment]\n    b: tw.Ref[Payment]\nclass B(tw.Features, by=Card):\n    x = tw.sum(Two.b.amount, by=Two.a.card)",
        "B.x: one aggregate goes through two references: Two.a, Two.b",
        "event itself",
    ),
    (
        "class Visit2(tw.Features, by=Card):\n    x = tw.count(Visit)\nVisit2.__name__ = 'Visit'",
        "a group and an event or entity are both called Visit",
        "rename",
    ),
]

VIEWS = [
    ("class A(tw.View, on=Chargeback):\n    x = Chargeback.payment.tw_age", "is not an attribute of an entity", ""),
    ("class A(tw.View, on=Payment):\n    x = Payment.amount.tw_status", "is not an attribute of an entity", ""),
    ("class A(tw.View):\n    x = Payment.amount", "A: it is for no event", "on=Transaction"),
    ("class A(tw.View, on=Card):\n    x = Payment.amount", "A: it is for", "on="),
    ("class A(Row, on=Payment):\n    x = Payment.amount", "A: a view can't extend another", ""),
    ("class A(tw.View, on=Payment):\n    pass", "A: a view without columns", ""),
    ("class A(tw.View, on=Payment):\n    x = 5", "A.x: nobody reads 'x'", ""),
    ("class A(tw.View, on=Payment):\n    x = Card", "A.x: a view can't hold the whole Card", "attributes"),
    ("class A(tw.View, on=Payment):\n    def x(a):\n        return a", "A.x: nobody calls 'x'", "@tw.derived"),
    (
        "class A(tw.View, on=Payment):\n    x = Visit.minutes",
        "A.x: Visit.minutes is not known for a row of Payment",
        "Features",
    ),
    (
        "class A(tw.View, on=Chargeback):\n    x = Chargeback.payment.amount",
        "A.x: Chargeback.payment.amount is not an attribute of an entity",
        "",
    ),
    (
        "class A(tw.View, on=Payment):\n    x = Payment.card.at",
        "A.x: Payment.card.at: an entity's own time",
        "datetime",
    ),
    ("class A(tw.View, on=Payment):\n    x = Payment.card.limitt", "A.x: Card has no column 'limitt'", "'limit'"),
    (
        "class A(tw.View, on=Chargeback):\n    x = History",
        "A.x: the key Chargeback.payment.card is not on the row itself",
        "reference of its own",
    ),
    ("class A(tw.View, on=Appeal):\n    x = History", "A.x: no path leads from Appeal to Card", ""),
    ("class A(tw.View, on=Payment):\n    card = History\n    x = card.meen", "History has no feature 'meen'", "'mean'"),
    (
        "class A(tw.View, on=Payment):\n    card = tw.lookup(History, Payment.card)\n    x = card.meen",
        "History has no feature 'meen'",
        "'mean'",
    ),
    (
        "class A(tw.View, on=Payment):\n    card = tw.lookup(History, Payment.card, Payment.shop)",
        "A.card: 2 keys are given, History is keyed by 1",
        "",
    ),
    (
        "class A(tw.View, on=Payment):\n    card = tw.lookup(History, Payment.terminal)",
        "A.card: Payment.terminal does not lead to Card",
        "",
    ),
    ("class A(tw.View, on=Payment):\n    card = tw.lookup(Payment)", "tw.lookup() takes a features class", ""),
    (
        "class A(tw.View, on=Payment):\n    a = tw.lookup(History, Payment.card)\n    b = tw.lookup(History, Payment.card)\n    x = History.mean * 2",
        "A.x: History is looked up 2 times: a, b",
        "a.",
    ),
    (
        "class A(tw.View, on=Payment):\n    x = tw.count(Payment) + 1",
        "A.x: an aggregate outside of a group",
        "tw.Features",
    ),
    (
        "class A(tw.View, on=Payment):\n    @tw.derived(Payment.amount)\n    def x(a, b):\n        return a",
        "A.x: the function takes 2 arguments (a, b), 1 are given",
        "",
    ),
    (
        "class A(tw.View, on=Payment):\n    @tw.derived(Payment.amount)\n    def x(*a):\n        return a",
        "A.x: a derived function takes plain arguments",
        "",
    ),
    (
        "class A(tw.View, on=Payment):\n    amount = Payment.amount\n    @tw.derived('amout')\n    def x(a):\n        return a",
        "A.x: the argument 'amout' names no column of the view",
        "'amount'",
    ),
    (
        "class A(tw.View, on=Payment):\n    amount = Payment.amount\n    @tw.derived()\n    def x(amout):\n        return amout",
        "A.x: the argument 'amout' names no column of the view",
        "'amount'",
    ),
    (
        "class A(tw.View, on=Payment):\n    @tw.derived('x')\n    def x(a):\n        return a",
        "A.x: the argument 'x' names no column of the view",
        "",
    ),
    (
        "class A(tw.View, on=Payment):\n    card = History\n    @tw.derived('card.meen')\n    def x(a):\n        return a",
        "A.x: History has no feature 'meen'",
        "'mean'",
    ),
    (
        "class A(tw.View, on=Payment):\n    @tw.derived('y')\n    def x(a):\n        return a\n    @tw.derived('x')\n    def y(a):\n        return a",
        "A: columns that need each other: x -> y -> x",
        "",
    ),
    (
        "class A(tw.View, on=Payment):\n    @tw.derived\n    def x(a):\n        return a",
        "@tw.derived says what the arguments are",
        "@tw.derived()",
    ),
    (
        "class A(tw.View, on=Payment):\n    x = tw.derived(Payment.amount)(max)",
        "A.x: tw.derived() takes a plain function",
        "",
    ),
    (
        "class A(tw.View, on=Payment):\n    @tw.derived(Payment.amount)\n    def x(a):\n        return a\nclass B(tw.View, on=Payment):\n    y = A.x > 1",
        "B.y: 'x' is no column of this view",
        "name of its own",
    ),
    (
        "class A(tw.View, on=Payment):\n    x = Payment.amount + Payment.country",
        "A.x: '+' takes numbers, but country is text",
        "",
    ),
    ("class A(tw.View, on=Payment):\n    x = tw.isin(Payment.country, 'SE')", "isin() takes a list", "['SE', 'NO']"),
    (
        "class A(tw.View, on=Payment):\n    x = Payment.amount > 1 and Payment.items > 1",
        "a column has no truth value",
        "(a) & (b)",
    ),
    (
        "class A(tw.View, on=Payment):\n    x = 1 < Payment.amount < 9",
        "a column has no truth value",
        "(1 < a) & (a < 9)",
    ),
    ("class A(tw.View, on=Payment):\n    x = not Payment.online", "a column has no truth value", "tw.not_(a)"),
    (
        "class A(tw.View, on=Payment):\n    x = 1 if Payment.online else 2",
        "a column has no truth value",
        "tw.transform.if_else",
    ),
    ("class A(tw.View, on=Payment):\n    x = [*Payment.amount]", "a column can't be iterated", ""),
]

MODELS = [
    ("class A(tw.Model):\n    label = tw.happened(Chargeback, within='1d')", "A.view: a model needs a view", ""),
    ("class A(tw.Model):\n    view = Row", "A.label: a model needs a label", ""),
    ("{m}\n    metric = ['brier']", "A.metric: nobody reads 'metric' of a Model", "'metrics'"),
    ("{m}\n    gate = []", "A.gate: nobody reads 'gate' of a Model", "'gates'"),
    ("{m}\n    metrics = ['bier']", "A.metrics: no metric 'bier' for a model that classifies", "'brier'"),
    ("{m}\n    metrics = [5]", "A.metrics: no metric '5'", ""),
    ("{m}\n    gates = [tw.at_least('roc_auk', 0.5)]", "A.gates: the gate at_least asks for 'roc_auk'", "'roc_auc'"),
    ("{m}\n    gates = ['parity']", "A.gates: 'parity' is no gate", "tw.parity()"),
    ("{m}\n    gates = [tw.at_least('brier', 'much')]", "'much' is no number", ""),
    ("{m}\n    gates = [tw.p99_below('5m')]", "'5m' has no known unit", "5min"),
    ("{m}\n    split = '30d'", "A.split: '30d' is no split", "tw.temporal"),
    ("{m}\n    split = tw.temporal(test='30d', gap='5d')", "A.split: the gap is shorter than the label's horizon", ""),
    ("{m}\n    estimator = 5", "A.estimator: the estimator has no fit and no predict", ""),
    ("class E:\n    pass\n{m}\n    estimator = E", "A.estimator: E is a class", "E()"),
    ("{m}\n    calibrate = 'isotonic'", "A.calibrate: 'isotonic' is no calibration", "tw.isotonic()"),
    ("{m}\n    search = {{'a': (1, 2)}}", "A.search: search['a'] is no range", "tw.int_range"),
    (
        "from sklearn.linear_model import Ridge\n{m}\n    estimator = Ridge()\n    search = {{'alfa': tw.log_range(1, 2)}}",
        "A.search: the estimator has no parameter 'alfa'",
        "'alpha'",
    ),
    ("{m}\n    search = {{'a': tw.log_range(0, 2)}}", "log_range() starts at 0", ""),
    ("{m}\n    search = {{'a': tw.int_range(2, 1)}}", "the range from 2 to 1 is empty", ""),
    ("{m}\n    search = {{'a': tw.tune.choice()}}", "choice() of nothing", ""),
    ("{m}\n    trials = 0", "A.trials: trials=0", ""),
    ("{m}\n    retrain = 'yearly'", "retrain every 'yearly'", "'weekly'"),
    ("{m}\n    retrain = 7", "A.retrain: 7 is no schedule", "'weekly'"),
    ("{m}\n    retrain = tw.retrain()", "this would never retrain", ""),
    ("{m}\n    retrain = tw.retrain('weekly', metric='f2')", "A.retrain: retrain asks for 'f2'", ""),
    ("{m}\n    retrain = tw.retrain('weekly', canary='a few')", "canary is no share", ""),
    ("{m}\n    retrain = tw.retrain('weekly', canary='x%')", "canary is no share", ""),
    (
        "class A(tw.Model):\n    view = Row\n    label = tw.happened(Visit, within='1d')",
        "A.label: no path leads from Visit to Payment",
        "",
    ),
    (
        "class A(tw.Model):\n    view = Row\n    label = tw.happened(Payment, within='1d')",
        "A.label: Payment is the row itself",
        "later",
    ),
    (
        "class A(tw.Model):\n    view = Row\n    label = tw.happened(Appeal, within='1d')",
        "A.label: Appeal refers to Payment only through another event",
        "",
    ),
    (
        "class A(tw.Model):\n    view = Row\n    label = tw.happened('Chargeback', within='1d')",
        "A.label: tw.happened() takes an event class",
        "",
    ),
    (
        "class A(tw.Model):\n    view = Row\n    label = tw.outcome(5, within='1d')",
        "A.label: tw.outcome() takes a column",
        "",
    ),
    (
        "class A(tw.Model):\n    view = Row\n    label = tw.outcome(Chargeback.id, within='1d')",
        "A.label: a label can't be text: id",
        "compare",
    ),
    (
        "class A(tw.Model):\n    view = Row\n    label = tw.outcome(Chargeback.payment.amount, within='1d')",
        "A.label: a label reads its own event's columns",
        "",
    ),
    (
        "class A(tw.Model):\n    view = Row\n    label = tw.outcome(Card.limit, within='1d')",
        "A.label: Card is an entity",
        "",
    ),
    (
        "class A(tw.Model):\n    view = Row\n    label = tw.outcome(Chargeback.cost > 1, within='1d', otherwise=3)",
        "A.label: otherwise=3 is no label",
        "0 or 1",
    ),
    (
        "class A(tw.Model):\n    view = Row\n    label = tw.outcome(Chargeback.cost, within='1d')\n    calibrate = tw.calibrate.platt()",
        "A.calibrate: only probabilities",
        "",
    ),
    (
        "class A(tw.Model):\n    view = Row\n    label = tw.outcome(Chargeback.cost, within='1d')\n    metrics = ['brier']",
        "A.metrics: no metric 'brier' for a model that predicts a number",
        "rmse",
    ),
    (
        "class V(tw.View, on=Visit):\n    x = Visit.minutes\nclass L(tw.Event):\n    card: tw.Ref[Card]\nclass A(tw.Model):\n    view = V\n    label = tw.happened(L, within='1d')",
        "A.label: Visit has no id that L could refer to",
        "",
    ),
    (
        "class Two(tw.Event):\n    a: tw.Ref[Payment]\n    b: tw.Ref[Payment]\nclass A(tw.Model):\n    view = Row\n    label = tw.happened(Two, within='1d')",
        "A.label: 2 paths lead from Two to Payment: Two.a, Two.b",
        "by=Two.a",
    ),
]

DERIVED = """
class V(tw.View, on=Payment):
    @tw.derived(Payment.amount)
    def x(a):
        return a
class A(tw.Features, by=Card):
    x = tw.sum(tw.transform.fill(V.x, 0) + Payment.amount, "1d")
"""
GROUPS.append((DERIVED, "A.x: <column V.x> is no column of Payment", ""))

LOOSE = """
def f(a):
    return a
d = tw.derived(Payment.amount)(f)
class A(tw.Features, by=Card):
    x = tw.sum(d + Payment.amount, "1d")
"""
GROUPS.append((LOOSE, "A.x: <column Derived> can't be used here", ""))
ROWS.append(("class A(tw.Event):\n    x: Card.nothing", "Card has no column 'nothing'", "issued_in"))

SERVICES = [
    ("class A(tw.Service):\n    model = Fraud", "A: it is for no event", ""),
    (
        "class A(tw.Service, on=Visit):\n    model = Fraud",
        "A.model: the service is for Visit, its model's view for Payment",
        "",
    ),
    ("class A(tw.Service, on=Payment):\n    model = 'Fraud'", "A.model: 'Fraud' is no model class", ""),
    ("class A(tw.Service, on=Payment):\n    pass", "A.model: a service without a model decides by rules", ""),
    ("{s}\n    treshold = 5", "A.treshold: nobody reads 'treshold' of a Service", "there are"),
    ("{s}\n    rule = []", "A.rule: nobody reads 'rule'", "'rules'"),
    ("{s}\n    decide = 0.5", "A.decide: 0.5 names no actions", ""),
    ("{s}\n    decide = tw.thresholds()", "A.decide: ", "names no actions"),
    ("{s}\n    decide = tw.thresholds(a=0.0, b='x')", "A.decide: the threshold b='x' is no number", ""),
    ("{s}\n    decide = tw.thresholds(a=0.5, b=0.5)", "A.decide: the thresholds do not rise: a=0.5, then b=0.5", ""),
    (
        "{s}\n    decide = tw.thresholds(a=0.0)\n    rules = [tw.rule('r', Payment.amount > 5, then='b')]",
        "A.rules: the rule 'r' decides 'b', which the thresholds do not name",
        "",
    ),
    ("{s}\n    rules = [tw.rule('r', Payment.amount > 5, then='')]", "A.rules: the rule 'r' names no action", ""),
    ("{s}\n    rules = [tw.rule('r', Payment.amount, then='b')]", "A.rules: the rule 'r': amount is no condition", ""),
    ("{s}\n    rules = [tw.rule('r', True, then='b')]", "A.rules: the rule 'r' has True for a condition", ""),
    ("{s}\n    rules = [Payment.amount > 5]", "A.rules: ", "is no rule"),
    (
        "{s}\n    rules = [tw.rule('r', Payment.amount > 5, then='b'), tw.rule('r', Payment.amount > 6, then='b')]",
        "A.rules: two rules are called 'r'",
        "",
    ),
    (
        "{s}\n    rules = [tw.rule('r', Visit.minutes > 5, then='b')]",
        "A.rules: Visit.minutes is not known for a row of Payment",
        "",
    ),
    ("{s}\n    decide = tw.thresholds(a=0.0, b=1.0)\n    prevents = ['c']", "A.prevents: prevents decides 'c'", ""),
    (
        "{s}\n    decide = tw.thresholds(a=0.0, b=1.0)\n    prevents = ['a', 'b']",
        "A.prevents: every action prevents",
        "",
    ),
    ("{s}\n    explore = 2", "A.explore: explore is no share", ""),
    ("{s}\n    explore = 0.1", "A.explore: explore lets preventing actions through", "prevents"),
    ("{s}\n    fallback = []", "A.fallback: a fallback chain ends in a constant", "tw.action"),
    ("{s}\n    fallback = [tw.previous(Fraud)]", "A.fallback: a fallback chain ends in a constant", "tw.action"),
    ("{s}\n    fallback = [tw.action('a'), tw.action('a')]", "A.fallback: nothing is tried after tw.action", ""),
    ("{s}\n    fallback = ['a']", "A.fallback: 'a' is no fallback", ""),
    (
        "{s}\n    decide = tw.thresholds(low=0.0)\n    fallback = [tw.action('loww')]",
        "A.fallback: the fallback decides 'loww'",
        "'low'",
    ),
    (
        "class B(tw.Model):\n    view = Row\n    label = tw.happened(Chargeback, within='1d')\n{s}\n    fallback = [tw.previous(B), tw.action('a')]",
        "A.fallback: tw.previous(B) is not the service's model",
        "",
    ),
    (
        "class A(tw.Service, on=Payment):\n    rules = [tw.rule('r', Payment.online, then='b')]\n    decide = tw.thresholds(a=0.0)\n    fallback = [tw.previous(Fraud), tw.action('a')]",
        "A.fallback: tw.previous(...) needs a model",
        "",
    ),
    (
        "{s}\n    fallback = [tw.table(by=Visit.card), tw.action('a')]",
        "A.fallback: tw.table(by=...) takes a column of Payment",
        "",
    ),
    (
        "{s}\n    fallback = [tw.table(by=Payment.card.issued_in), tw.action('a')]",
        "A.fallback: tw.table(by=...) takes a column of Payment itself",
        "",
    ),
    ("{s}\n    unit = Payment.amount", "A.unit: unit: Payment.amount is float, not a string", ""),
    ("{s}\n    deadline = '20m'", "A.deadline: '20m' has no known unit", "20min"),
    ("{s}\n    rules = [tw.rule(None, Payment.amount > 1, then='a')]", "A.rules: a rule is called None", "burst"),
]

MODEL = "class A(tw.Model):\n    view = Row\n    label = tw.happened(Chargeback, within='30d')"
SERVICE = "class A(tw.Service, on=Payment):\n    model = Fraud"


def cases() -> list[tuple[str, str, str]]:
    plain = [*ROWS, *GROUPS, *VIEWS]
    filled = [(code.format(m=MODEL, s=SERVICE), words, hint) for code, words, hint in [*MODELS, *SERVICES]]
    return [*plain, *filled]


@pytest.mark.parametrize(("code", "words", "hint"), cases(), ids=[words for _, words, _ in cases()])
def test_a_mistake_is_placed_and_has_a_remedy(load: Load, code: str, words: str, hint: str) -> None:
    with pytest.raises(DefinitionError) as error:
        load(code)
    text = str(error.value)
    assert words in text
    assert hint in text
    line = int(text.partition("project.py:")[2].partition(" ")[0].rstrip(":"))
    assert line > SHOP.count("\n") or "Visit" in words, text


WRONG = ("None", "1", "{}", "{'a'}", "object()", "len", "Payment", "Payment.amount", "History.payments", "tw.parity()")
LISTS = [
    *(("Model", name) for name in ("metrics", "gates", "slices", "steps", "search")),
    *(("Service", name) for name in ("rules", "candidates", "prevents", "fallback", "guards")),
]


TAKEN = {("search", "{}"), ("fallback", "None"), ("slices", "Payment.amount"), ("slices", "History.payments")}
KINDS = [(kind, name, value) for kind, name in LISTS for value in WRONG if (name, value) not in TAKEN]


@pytest.mark.parametrize(("kind", "name", "value"), KINDS)
def test_an_attribute_of_the_wrong_kind(load: Load, kind: str, name: str, value: str) -> None:
    head = "class A(tw.Model):\n    view = Row\n    label = tw.happened(Chargeback, within='30d')"
    if kind == "Service":
        head = "class A(tw.Service, on=Payment):\n    model = Fraud\n    decide = tw.thresholds(allow=0.0, block=0.9)"
    with pytest.raises(DefinitionError) as error:
        load(f"{head}\n    {name} = {value}")
    assert f"A.{name}: " in str(error.value)
    assert f"write {name} = " in str(error.value)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("class A(tw.Features, by=Card):\n    x = tw.count(Payment, where=Payment.amount > 10**400)", "A.x: 1000"),
        (
            "from datetime import datetime\nclass A(tw.Features, by=Card):\n"
            "    x = tw.count(Payment, where=Payment.since > datetime(2020, 1, 1))",
            "A.x: the time 2020-01-01T00:00:00 has no zone",
        ),
        ("class A(tw.Features, by=Card):\n    x = tw.count(Payment, where=tw.isin(Payment.country, []))", "of nothing"),
        ("class A(tw.Event):\n    x: ['a']", "A.x: a column can't be of type ['a']"),
        ("class M:\n    x: float\nclass A(M, tw.Event):\n    y: float", "A: nobody reads 'x' of M"),
        ("class M:\n    x = tw.count(Payment)\nclass A(M, tw.Features, by=Card):\n    y = tw.count(Payment)", "A.x: "),
        ("class A(tw.Event, keep=''):\n    x: float", "A: '' is no duration"),
        ("class A(tw.Tick, each=Card, every=1): ...", "A: every=1 is no text"),
        ("class A(tw.Tick, each=Card, tz=None): ...", "A: tz=None is no text"),
        (
            "class A(tw.Model):\n    view = Row\n    label = tw.happened(Chargeback, within='30d')\n"
            "    split = tw.temporal(test=None)",
            "A.split: the split says not how long",
        ),
        (
            "class A(tw.Model):\n    view = Row\n    label = tw.happened(Chargeback, within='30d')\n"
            "    gates = [tw.at_least(None, 0.5)]",
            "A.gates: the gate at_least names no metric",
        ),
        (
            "class A(tw.Model):\n    view = Row\n    label = tw.outcome(Chargeback.cost, within='30d', "
            "otherwise=float('nan'))",
            "A.label: otherwise=nan is no label",
        ),
        (
            "from lightgbm import LGBMClassifier\nclass A(tw.Model):\n    view = Row\n"
            "    label = tw.happened(Chargeback, within='30d')\n    estimator = LGBMClassifier(num_leavs=31)",
            "A.estimator: LGBMClassifier has no parameter 'num_leavs'; did you mean 'num_leaves'?",
        ),
        (
            "from lightgbm import LGBMClassifier\nfrom sklearn.pipeline import make_pipeline\nclass A(tw.Model):\n"
            "    view = Row\n    label = tw.happened(Chargeback, within='30d')\n"
            "    estimator = make_pipeline(LGBMClassifier(lerning_rate=0.1))",
            "A.estimator: LGBMClassifier has no parameter 'lerning_rate'; did you mean 'learning_rate'?",
        ),
        (
            "from lightgbm import LGBMClassifier\nclass A(tw.Model):\n    view = Row\n"
            "    label = tw.happened(Chargeback, within='30d')\n    estimator = LGBMClassifier()\n"
            "    search = {'num_leavs': tw.int_range(2, 9)}",
            "A.search: LGBMClassifier has no parameter 'num_leavs'; did you mean 'num_leaves'?",
        ),
        (
            "class Booster:\n    def __init__(self, max_depth=None, **more):\n        self.more = more\n"
            "    def get_params(self, deep=True):\n        return {'max_depth': None, **self.more}\n"
            "    def fit(self, x, y): ...\n    def predict(self, x): ...\nclass A(tw.Model):\n    view = Row\n"
            "    label = tw.happened(Chargeback, within='30d')\n    estimator = Booster(eta=0.3, max_dept=3)",
            "A.estimator: Booster has no parameter 'max_dept'; did you mean 'max_depth'?",
        ),
    ],
)
def test_what_was_taken_or_ended_in_a_traceback(load: Load, code: str, words: str) -> None:
    with pytest.raises(DefinitionError) as error:
        load(code)
    assert words in str(error.value)
    assert "project.py:" in str(error.value)


def test_native_names_of_a_learner_are_taken(load: Load) -> None:
    load("""
        from lightgbm import LGBMClassifier
        class A(tw.Model):
            view = Row
            label = tw.happened(Chargeback, within="30d")
            estimator = LGBMClassifier(bagging_fraction=0.5, lambda_l2=1.0, verbose=-1)
            search = {"num_leaf": tw.int_range(2, 9), "min_data_in_leaf": tw.int_range(2, 9)}
    """)


def test_the_order_of_literals_changes_no_hash(load: Load) -> None:
    group = "class A(tw.Features, by=Card):\n    x = tw.count(Payment, where=tw.isin(Payment.country, {}))\n"
    use = "class V(tw.View, on=Payment):\n    a = A\nclass M(tw.Model):\n    view = V\n    label = Fraud.label"
    states = {
        state_id(next(it for it in load(group.format(values) + use).graph.groups if it.name == "A"))
        for values in ("['SE', 'NO', 'SE']", "['NO', 'SE']", "{'SE', 'NO'}")
    }
    assert len(states) == 1


def test_all_mistakes_of_a_kind_are_shown_together(load: Load) -> None:
    with pytest.raises(DefinitionError) as error:
        load("""
            class A(tw.Features, by=Card):
                x = tw.count(Payment, "10m")
                y = tw.sum(Payment.country)
            class B(tw.Features, by=Terminal):
                x = tw.count(Payment)
        """)
    lines = str(error.value).splitlines()
    assert lines[0] == "3 mistakes"
    assert [line.partition(": ")[0].rpartition(" ")[2] for line in lines[1:]] == ["A.x", "A.y", "B.x"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("over = Paymnt.amount", "name 'Paymnt' is not defined; did you mean 'Payment'?"),
        ("mean = twice\n    twice = Payment.amount * 2", "twice is declared further down, or in another class"),
        ("x = tw.transform.log1p(Payment.amount).round()", "has no attribute 'round'"),
        ("x = Payment.amount.round()", "a column can't be called, and has no methods; take a function of tw.transform"),
        ("import numpy as np\n    x = np.log(Payment.amount)", "or write one of your own under @tw.derived"),
        ("import math\n    x = math.log(Payment.amount)", "a column is no number: it has one in each row"),
        ("x = tw.cuont(Payment)", "no attribute 'cuont'; did you mean 'tw.count'?"),
        ("x = tw.log1p(Payment.amount)", "no attribute 'log1p'; write tw.transform.log1p"),
    ],
)
def test_what_python_refuses_is_told_with_a_remedy(load: Load, code: str, words: str) -> None:
    with pytest.raises(DefinitionError) as error:
        load(f"class A(tw.View, on=Payment):\n    {code}")
    assert words in str(error.value)
    assert "project.py:" in str(error.value)


def test_a_class_is_shown_by_its_name(load: Load) -> None:
    with pytest.raises(DefinitionError, match=r"A\.label: tw\.happened\(\) takes an event class, not Card$"):
        load("class A(tw.Model):\n    view = Row\n    label = tw.happened(Card, within='1d')")


def test_two_classes_of_one_name_from_two_modules(load: Load) -> None:
    other = "import tidewheel as tw\nclass Card(tw.Entity):\n    id: tw.Id\n"
    with pytest.raises(DefinitionError, match=r"two declarations are called Card: .*project.py:"):
        load("from other import Card as Other", other=other)


def test_a_class_whose_file_is_no_python(tmp_path: Path) -> None:
    file = tmp_path / "cell"
    file.write_text("%magic\n")
    scope: dict[str, Any] = {}
    exec(compile("import tidewheel as tw\nclass A(tw.Event):\n    x: str\n", str(file), "exec"), scope)
    with pytest.raises(DefinitionError, match=r"cell:2 A\.x: a plain str"):
        compile_declarations(scope["A"])
