"""What the serving benchmarks serve: twenty features in two groups, a hundred trees."""

from __future__ import annotations

import tidewheel as tw


class Trees:
    """Stands for the learner; the benchmark trains LightGBM by itself."""

    def fit(self, x: object, y: object) -> Trees:
        """Do nothing."""
        return self

    def predict(self, x: object) -> object:
        """Never called."""
        return x


class Card(tw.Entity):
    id: tw.Id


class Terminal(tw.Entity):
    id: tw.Id


class Payment(tw.Event):
    id: tw.Id
    card: tw.Ref[Card]
    terminal: tw.Ref[Terminal]
    amount: float


class Chargeback(tw.Event):
    payment: tw.Ref[Payment]


class CardHistory(tw.Features, by=Card):
    n_1h = tw.count(Payment, "1h")
    n_1d = tw.count(Payment, "1d")
    n_7d = tw.count(Payment, "7d")
    sum_1h = tw.sum(Payment.amount, "1h")
    sum_1d = tw.sum(Payment.amount, "1d")
    sum_7d = tw.sum(Payment.amount, "7d")
    mean_1d = tw.mean(Payment.amount, "1d")
    mean_7d = tw.mean(Payment.amount, "7d")
    max_1d = tw.max(Payment.amount, "1d")
    max_7d = tw.max(Payment.amount, "7d")
    last_amount = tw.last(Payment.amount)
    idle = tw.time_since_last(Payment)


class TerminalRisk(tw.Features, by=Terminal):
    n_1h = tw.count(Payment, "1h")
    n_1d = tw.count(Payment, "1d")
    n_7d = tw.count(Payment, "7d")
    sum_1d = tw.sum(Payment.amount, "1d")
    mean_7d = tw.mean(Payment.amount, "7d")
    std_7d = tw.std(Payment.amount, "7d")
    min_7d = tw.min(Payment.amount, "7d")
    last_amount = tw.last(Payment.amount)


class PaymentView(tw.View, on=Payment):
    card = CardHistory
    terminal = TerminalRisk


class Fraud(tw.Model):
    view = PaymentView
    label = tw.happened(Chargeback, within="30d")
    estimator = Trees()
    split = tw.temporal(test="30d")


class Score(tw.Service, on=Payment):
    rules = (tw.rule("burst", CardHistory.n_1h > 1000, then="block"),)
    model = Fraud
    decide = tw.thresholds(allow=0.0, review=0.6, block=0.95)
    prevents = ("block",)
    explore = 0.01
    fallback = (tw.previous(Fraud), tw.action("review"))
    deadline = "1s"
