"""Choose an ad: what a click is worth is the chance of it, the chance that it becomes an order, and the bid."""

from __future__ import annotations

from lightgbm import LGBMClassifier

import tidewheel as tw


class User(tw.Entity):
    """Who sees ads."""

    id: tw.Id
    region: tw.Category


class Ad(tw.Entity):
    """What can be shown, and what its owner pays for an order."""

    id: tw.Id
    topic: tw.Category
    price: float
    bid: float


class AdRequest(tw.Event):
    """A page has a place for an ad."""

    id: tw.Id
    user: tw.Ref[User]
    site: tw.Category
    hour: int


class Impression(tw.Event):
    """An ad was shown."""

    request: tw.Ref[AdRequest]
    ad: tw.Ref[Ad]


class Click(tw.Event):
    """Someone followed an ad."""

    request: tw.Ref[AdRequest]
    ad: tw.Ref[Ad]
    user: tw.Ref[User]


class Conversion(tw.Event):
    """Someone who had followed an ad ordered; days later, as often as not."""

    request: tw.Ref[AdRequest]
    ad: tw.Ref[Ad]


class UserHistory(tw.Features, by=User):
    requests_7d = tw.count(AdRequest, "7d")
    clicks_7d = tw.count(Click, "7d", by=Click.user)


class AdHistory(tw.Features, by=Ad):
    shown_7d = tw.count(Impression, "7d")
    clicks_7d = tw.count(Click, "7d")
    rate = (clicks_7d + 1) / (shown_7d + 20)


class AdView(tw.View, on=AdRequest, each=Impression.ad):
    """One ad for one request: what was shown in training, the candidates in serving."""

    site = AdRequest.site
    hour = AdRequest.hour
    region = AdRequest.user.region
    topic = Impression.ad.topic
    price = Impression.ad.price
    user = UserHistory
    ad = AdHistory


class CTR(tw.Model):
    """The chance that an ad is followed."""

    view = AdView
    label = tw.happened(Click, within="30min")
    estimator = LGBMClassifier(n_estimators=60, num_leaves=7, min_child_samples=20, verbose=-1)
    sample = tw.sample.keep(negatives=0.5)
    calibrate = tw.isotonic()
    split = tw.temporal(test="7d")
    metrics = ["roc_auc", "log_loss", "brier"]


class CVR(tw.Model):
    """The chance that who has followed an ad orders: learned from clicks, since nobody else orders."""

    view = AdView
    where = tw.happened(Click, within="30min")
    label = tw.happened(Conversion, within="10d", immature="reweight")
    estimator = LGBMClassifier(n_estimators=30, num_leaves=5, min_child_samples=20, verbose=-1)
    calibrate = tw.calibrate.platt()
    split = tw.temporal(test="7d")
    metrics = ["roc_auc", "log_loss", "brier"]


class Serve(tw.Service, on=AdRequest):
    """The ad from which most is to be expected; now and then another of the best, so that others are tried."""

    candidates = [tw.top_by(AdHistory.shown_7d, k=100)]
    score = CTR.score * CVR.score * Ad.bid
    decide = tw.top(1)
    explore = 0.05
    deadline = "50ms"
