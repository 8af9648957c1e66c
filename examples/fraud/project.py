"""Score a card payment while the customer waits; learn from the chargebacks that come weeks later."""

from __future__ import annotations

from lightgbm import LGBMClassifier

import tidewheel as tw


class Card(tw.Entity):
    """A payment card, as its issuer describes it."""

    id: tw.Id
    issued_in: tw.Category


class Terminal(tw.Entity):
    """Where cards are put in."""

    id: tw.Id


class Transaction(tw.Event):
    """A card payment, as the terminal sent it."""

    id: tw.Id
    card: tw.Ref[Card]
    terminal: tw.Ref[Terminal]
    amount: float
    country: tw.Category


class Chargeback(tw.Event):
    """The card holder disputed a payment; arrives days later."""

    transaction: tw.Ref[Transaction]


class CardHistory(tw.Features, by=Card):
    """What a card did lately. Computed once; the same in training, streaming and serving."""

    payments_10m = tw.count(Transaction, "10min")
    spend_1d = tw.sum(Transaction.amount, "1d")
    mean_30d = tw.mean(Transaction.amount, "30d")
    large_7d = tw.count(Transaction, "7d", where=(Transaction.amount > 500) & (Transaction.country == "SE"))
    terminals_7d = tw.distinct(Transaction.terminal, "7d")
    last_country = tw.last(Transaction.country)
    idle = tw.time_since_last(Transaction)


class TerminalRisk(tw.Features, by=Terminal):
    """How often payments at a terminal were disputed."""

    payments_28d = tw.count(Transaction, "28d", delay="7d")  # end the window where labels are known
    frauds_28d = tw.count(Chargeback, "28d")  # keyed through Chargeback.transaction.terminal
    fraud_rate = (frauds_28d + 0.1) / (payments_28d + 100)


class PaymentView(tw.View, on=Transaction):
    """The model's input for one payment: its own columns, history, and what follows from both."""

    amount = Transaction.amount
    issued_in = Transaction.card.issued_in
    card = CardHistory
    terminal = TerminalRisk
    amount_over_mean = Transaction.amount / card.mean_30d

    @tw.derived(Transaction.country, card.last_country)  # arrays in, array out; the same function everywhere
    def abroad(country: tw.Array, last: tw.Array) -> tw.Array:
        """Whether the card is used in another country than the last time."""
        return country != last


class Fraud(tw.Model):
    """The probability that a payment will be disputed."""

    view = PaymentView
    label = tw.happened(Chargeback, within="30d")  # a row whose 30 days are not over is not a negative
    estimator = LGBMClassifier(n_estimators=300, verbose=-1)
    calibrate = tw.isotonic()
    search = {"num_leaves": tw.int_range(15, 127), "learning_rate": tw.log_range(0.01, 0.3)}
    split = tw.temporal(test="30d")  # the gap is the label's horizon unless a longer one is given
    metrics = ["average_precision", tw.precision_at(recall=0.95), "brier"]
    gates = [
        tw.at_least("average_precision", 0.30),
        tw.beats_champion("average_precision", confidence=0.95),
        tw.parity(),  # features served == features trained on, bit for bit
        tw.p99_below("5ms"),
    ]
    retrain = tw.retrain("monthly", on_drift=0.25, canary="20%", watch="7d", metric="average_precision")


class Score(tw.Service, on=Transaction):
    """Post a payment, get allow / review / block."""

    rules = [tw.rule("burst", CardHistory.payments_10m > 20, then="block")]
    model = Fraud
    decide = tw.thresholds(allow=0.0, review=0.60, block=0.95)  # turned at run time, without a deploy
    prevents = ["block"]  # a blocked payment has no outcome: unknown, not negative
    explore = 0.01  # let 1% of would-be blocks through, propensity logged
    fallback = [tw.previous(Fraud), tw.table(by=Transaction.terminal), tw.action("review")]
    deadline = "20ms"
    unit = Transaction.card  # a card stays on one side of a canary
