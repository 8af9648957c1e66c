"""Who will not come back? A score for every user each night, decided on by a service, read ahead by another."""

from __future__ import annotations

from lightgbm import LGBMClassifier

import tidewheel as tw


class User(tw.Entity):
    """Somebody with an account."""

    id: tw.Id
    plan: tw.Category


class Visit(tw.Event):
    """A user was there."""

    id: tw.Id
    user: tw.Ref[User]
    minutes: float


class Activity(tw.Features, by=User):
    """What a user did lately."""

    visits_7d = tw.count(Visit, "7d")
    visits_28d = tw.count(Visit, "28d")
    minutes_28d = tw.sum(Visit.minutes, "28d")
    idle = tw.time_since_last(Visit)


class Nightly(tw.Tick, each=User, every="1d", at="02:00", tz="Europe/Stockholm", where=Activity.visits_28d > 0):
    """Each night, for each user who was there in the last four weeks."""

    user: tw.Ref[User]


class UserView(tw.View, on=Nightly):
    """What is known of a user tonight."""

    plan = Nightly.user.plan
    activity = Activity
    fading = activity.visits_7d / activity.visits_28d


class Churn(tw.Model):
    """Not one visit in the four weeks to come."""

    view = UserView
    label = tw.outcome(tw.count(Visit, "28d"), within="28d") == 0
    estimator = LGBMClassifier(n_estimators=100, num_leaves=15, verbose=-1)
    calibrate = tw.isotonic()
    split = tw.temporal(test="28d")
    metrics = ["average_precision", "brier"]


class Offer(tw.Service, on=Nightly):
    """Each night: who gets a voucher? Takes last week's score when the model can't give one."""

    model = Churn
    decide = tw.thresholds(nothing=0.0, voucher=0.6)
    fallback = [tw.batch.scores(Churn, by=User, max_age="7d"), tw.action("nothing")]
    deadline = "100ms"
