"""Payments whose fraud comes from abroad; later, from a country that nobody had seen before."""

from __future__ import annotations

from lightgbm import LGBMClassifier

import tidewheel as tw


class Payment(tw.Event):
    id: tw.Id
    card: tw.Key
    country: tw.Category
    amount: float


class Chargeback(tw.Event):
    id: tw.Id
    payment: tw.Ref[Payment]


class CardHistory(tw.Features, by=Payment.card):
    payments_1d = tw.count(Payment, "1d")
    mean_7d = tw.mean(Payment.amount, "7d")


class PaymentView(tw.View, on=Payment):
    amount = Payment.amount
    country = Payment.country
    card = CardHistory


class Fraud(tw.Model):
    view = PaymentView
    label = tw.happened(Chargeback, within="12h")
    estimator = LGBMClassifier(n_estimators=20, num_leaves=7, min_child_samples=5, verbose=-1)
    split = tw.temporal(test="2d")
    metrics = ["average_precision", "brier"]
    gates = [tw.at_least("average_precision", 0.2)]
    retrain = tw.retrain("monthly", on_drift=0.25, canary="30%", watch="3d")


class Score(tw.Service, on=Payment):
    model = Fraud
    decide = tw.thresholds(allow=0.0, review=0.3)
    fallback = [tw.action("review")]
    deadline = "10s"


DECLARED = [Payment, Chargeback, CardHistory, PaymentView, Fraud, Score]
