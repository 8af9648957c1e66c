"""Will an order be sent back? Two models' scores, made one in five ways: see docs/patterns.md."""

from __future__ import annotations

from lightgbm import LGBMClassifier
from sklearn.linear_model import LogisticRegression

import tidewheel as tw


class Customer(tw.Entity):
    id: tw.Id
    tier: tw.Category


class Order(tw.Event):
    id: tw.Id
    customer: tw.Ref[Customer]
    category: tw.Category
    amount: float


class Return(tw.Event):
    id: tw.Id
    order: tw.Ref[Order]


class CustomerHistory(tw.Features, by=Customer):
    orders_30d = tw.count(Order, "30d")
    spent_30d = tw.sum(Order.amount, "30d")
    returns_60d = tw.count(Return, "60d")


class Glance(tw.View, on=Order):
    """What a look at the order itself tells."""

    amount = Order.amount
    orders_30d = CustomerHistory.orders_30d


class OrderView(tw.View, on=Order):
    amount = Order.amount
    category = Order.category
    tier = Order.customer.tier
    customer = CustomerHistory


class Quick(tw.Model):
    view = Glance
    label = tw.happened(Return, within="14d")
    estimator = LogisticRegression()
    split = tw.temporal(test="40d")
    metrics = ["roc_auc"]


class Thorough(tw.Model):
    view = OrderView
    label = tw.happened(Return, within="14d")
    estimator = LGBMClassifier(n_estimators=20, num_leaves=7, subsample=0.8, subsample_freq=1, verbose=-1)
    split = tw.temporal(test="40d")
    metrics = ["roc_auc"]


class Both(tw.View, on=Order):
    """Models' scores as columns: each is computed by a version that is pinned when a model is trained on them."""

    quick = Quick.score
    thorough = Thorough.score
    tier = Order.customer.tier


class Judge(tw.Model):
    """Trained on rows that neither Quick nor Thorough has learned from."""

    view = Both
    label = tw.happened(Return, within="14d")
    estimator = LogisticRegression()
    split = tw.temporal(test="10d")
    metrics = ["roc_auc"]


class Mean(tw.Service, on=Order):
    model = tw.combine.weighted({Quick: 0.25, Thorough: 0.75})
    decide = tw.thresholds(ship=0.0, check=0.5)
    deadline = "5s"
    unit = Order.customer


class Majority(tw.Service, on=Order):
    model = tw.combine.vote([Quick, Thorough], at=0.5)
    decide = tw.thresholds(ship=0.0, look=0.5, check=1.0)


class Thrifty(tw.Service, on=Order):
    """Asks the dear model only where the cheap one is not sure."""

    model = tw.combine.cascade(Quick, Thorough, unsure=(0.2, 0.8), shares={Quick: 0.2, Thorough: 0.8})
    decide = tw.thresholds(ship=0.0, check=0.5)
    deadline = "5s"


class Stacked(tw.Service, on=Order):
    """The members of the stack are moved one by one."""

    model = tw.combine.stack([Quick, Thorough], by=Judge)
    decide = tw.thresholds(ship=0.0, check=0.5)
    deadline = "5s"


class Chained(tw.Service, on=Order):
    """One version of Judge, with the versions of Quick and Thorough that it was trained on."""

    model = Judge
    decide = tw.thresholds(ship=0.0, check=0.5)
    deadline = "5s"


class Loss(tw.Service, on=Order):
    """What a return would cost: the score is the answer."""

    score = Thorough.score * Order.amount
    deadline = "5s"
