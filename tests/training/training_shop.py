"""A small payment world whose declarations the training tests share."""

from __future__ import annotations

from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import tidewheel as tw


class Card(tw.Entity):
    id: tw.Id
    issued_in: tw.Category


class Payment(tw.Event):
    id: tw.Id
    card: tw.Ref[Card]
    amount: float
    country: tw.Category
    leak: float | None


class Chargeback(tw.Event):
    payment: tw.Ref[Payment]
    loss: float


class CardHistory(tw.Features, by=Card):
    payments_1d = tw.count(Payment, "1d")
    mean_7d = tw.mean(Payment.amount, "7d")
    last_country = tw.last(Payment.country)
    disputes_14d = tw.count(Chargeback, "14d")
    lost_14d = tw.sum(Chargeback.loss, "14d")


class PaymentView(tw.View, on=Payment):
    amount = Payment.amount
    country = Payment.country
    issued_in = Payment.card.issued_in
    card = CardHistory
    over_mean = Payment.amount / card.mean_7d


class LeakyView(tw.View, on=Payment):
    amount = Payment.amount
    leak = Payment.leak


class Fraud(tw.Model):
    view = PaymentView
    label = tw.happened(Chargeback, within="3d")
    estimator = LGBMClassifier(n_estimators=20, num_leaves=7, min_child_samples=5)
    calibrate = tw.isotonic()
    split = tw.temporal(test="10d")
    metrics = ["average_precision", "roc_auc", "brier"]
    gates = [
        tw.at_least("roc_auc", 0.6),
        tw.beats_champion("average_precision", confidence=0.95),
        tw.parity(),
    ]


class Tuned(tw.Model):
    view = PaymentView
    label = tw.happened(Chargeback, within="3d")
    estimator = LGBMClassifier(n_estimators=10, min_child_samples=5)
    search = {"num_leaves": tw.int_range(3, 15), "boosting_type": tw.tune.choice("gbdt", "dart")}
    trials = 3
    calibrate = tw.calibrate.platt()
    split = tw.temporal(test="10d")
    metrics = ["roc_auc"]


class Loss(tw.Model):
    view = PaymentView
    label = tw.outcome(Chargeback.loss, within="3d", otherwise=0)
    estimator = LGBMRegressor(n_estimators=10)
    split = tw.temporal(test="10d")
    metrics = ["rmse", "mae"]
    gates = [tw.gate.at_most("rmse", 1000.0)]


class Linear(tw.Model):
    view = PaymentView
    label = tw.happened(Chargeback, within="3d")
    estimator = make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression())
    split = tw.temporal(test="10d")
    metrics = ["roc_auc", "log_loss"]


class Neighbours(tw.Model):
    view = LeakyView
    label = tw.happened(Chargeback, within="3d")
    estimator = make_pipeline(SimpleImputer(), KNeighborsClassifier())
    split = tw.temporal(test="10d")
    metrics = ["roc_auc"]


class Broken(tw.Model):
    view = PaymentView
    label = tw.happened(Chargeback, within="3d")
    estimator = LogisticRegression()
    split = tw.temporal(test="10d")
    metrics = ["roc_auc"]


class Score(tw.Service, on=Payment):
    model = Fraud
    decide = tw.thresholds(allow=0.0, review=0.5, block=0.9)
    prevents = ["block"]
    fallback = [tw.table(by=Payment.country), tw.action("review")]


class Watched(tw.Model):
    view = PaymentView
    label = tw.happened(Chargeback, within="3d")
    estimator = LGBMClassifier(n_estimators=10, num_leaves=7, min_child_samples=5)
    split = tw.temporal(test="20d")
    metrics = ["roc_auc", "brier"]
    slices = [PaymentView.country, "issued_in"]
    blocks = Payment.card
    gates = [
        tw.gate.at_least("roc_auc", 0.6),
        tw.gate.no_slice_worse("brier", by="country", rows=30),
        tw.gate.calibrated(0.5),
        tw.gate.churn_below("50%"),
        tw.gate.fresh_data(within="10d"),
        tw.gate.schema_compatible(),
        tw.gate.latency_below("5s", percentile=90),
        tw.gate.memory_below("4GB"),
        tw.gate.ask("fairness@bank", when=tw.gate.fair("issued_in", ratio=1.0, rows=10)),
        tw.gate.ask("risk@bank", "head@bank", expires="2d"),
    ]


class Review(tw.Service, on=Payment):
    rules = [tw.rule("burst", CardHistory.payments_1d > 1000, then="block")]
    model = Watched
    decide = tw.thresholds(allow=0.0, review=0.3, block=0.9)
