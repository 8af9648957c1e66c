"""Will this flight arrive more than 15 minutes late? Asked at its scheduled departure.

Every flight that left New York in 2013. Nothing that is known only after the scheduled
departure is on ``Flight``; what happened later comes as events of its own.
"""

from __future__ import annotations

import numpy as np
from lightgbm import LGBMClassifier

import tidewheel as tw


class Airport(tw.Entity):
    id: tw.Id


class Carrier(tw.Entity):
    id: tw.Id


class Plane(tw.Entity):
    id: tw.Id


class Flight(tw.Event):
    """A flight as the timetable has it; `at` is its scheduled departure."""

    id: tw.Id
    carrier: tw.Ref[Carrier]
    plane: tw.Ref[Plane, None]
    origin: tw.Ref[Airport]
    dest: tw.Ref[Airport]
    number: tw.Key
    hour: float
    weekday: float
    distance: float
    planned_minutes: float


class Departure(tw.Event):
    """The flight left the gate, `delay` minutes behind its timetable; before its time when that is negative.

    It tells whose departure it is in full, so that one before its time counts at once.
    """

    id: tw.Id
    flight: tw.Ref[Flight]
    carrier: tw.Ref[Carrier]
    plane: tw.Ref[Plane, None]
    origin: tw.Ref[Airport]
    dest: tw.Ref[Airport]
    number: tw.Key
    delay: float


class Arrival(tw.Event):
    """The flight landed, `delay` minutes behind its timetable, having lost `lost` minutes on the way."""

    id: tw.Id
    flight: tw.Ref[Flight]
    delay: float
    lost: float


class Weather(tw.Event):
    """What an airport's station reported this hour."""

    id: tw.Id
    airport: tw.Ref[Airport]
    temperature: float | None
    humidity: float | None
    wind: float | None
    rain: float | None
    pressure: float | None
    visibility: float | None


class OriginNow(tw.Features, by=Airport):
    """How departures from an airport run right now."""

    planned_1h = tw.count(Flight, "1h", by=Flight.origin)
    left_1h = tw.count(Departure, "1h", by=Departure.origin)
    planned_3h = tw.count(Flight, "3h", by=Flight.origin)
    left_3h = tw.count(Departure, "3h", by=Departure.origin)
    left_late_30min = tw.mean(Departure.delay, "30min", by=Departure.origin)
    left_late_1h = tw.mean(Departure.delay, "1h", by=Departure.origin)
    left_late_2h = tw.mean(Departure.delay, "2h", by=Departure.origin)
    left_late_1d = tw.mean(Departure.delay, "24h", by=Departure.origin)
    spread_2h = tw.std(Departure.delay, "2h", by=Departure.origin)
    late_2h = tw.count(Departure, "2h", by=Departure.origin, where=Departure.delay > 15)
    landed_late_2h = tw.mean(Arrival.delay, "2h", by=Arrival.flight.origin)
    lost_3h = tw.mean(Arrival.lost, "3h", by=Arrival.flight.origin)
    backlog_1h = planned_1h - left_1h
    backlog_3h = planned_3h - left_3h


class OriginWeather(tw.Features, by=Airport):
    """The newest weather report, no older than three hours."""

    temperature = tw.last(Weather.temperature, "3h")
    humidity = tw.last(Weather.humidity, "3h")
    wind = tw.last(Weather.wind, "3h")
    rain = tw.last(Weather.rain, "3h")
    rain_6h = tw.sum(Weather.rain, "6h")
    pressure = tw.last(Weather.pressure, "3h")
    visibility = tw.last(Weather.visibility, "3h")


class DestinationNow(tw.Features, by=Airport):
    """How flights to an airport run right now."""

    left_late_2h = tw.mean(Departure.delay, "2h", by=Departure.dest)
    landed_late_2h = tw.mean(Arrival.delay, "2h", by=Arrival.flight.dest)
    landed_late_6h = tw.mean(Arrival.delay, "6h", by=Arrival.flight.dest)
    landed_late_1d = tw.mean(Arrival.delay, "24h", by=Arrival.flight.dest)
    planned_3h = tw.count(Flight, "3h", by=Flight.dest)
    left_3h = tw.count(Departure, "3h", by=Departure.dest)
    backlog_3h = planned_3h - left_3h


class CarrierNow(tw.Features, by=Carrier):
    """How a carrier runs."""

    left_late_2h = tw.mean(Departure.delay, "2h", by=Departure.carrier)
    left_late_1d = tw.mean(Departure.delay, "24h", by=Departure.carrier)
    landed_late_1d = tw.mean(Arrival.delay, "24h", by=Arrival.flight.carrier)
    landed_late_30d = tw.mean(Arrival.delay, "30d", by=Arrival.flight.carrier)


class CarrierAtOrigin(tw.Features, by=(Flight.carrier, Flight.origin)):
    """How a carrier runs at one airport."""

    left_late_1h = tw.mean(Departure.delay, "1h", by=(Departure.carrier, Departure.origin))
    left_late_2h = tw.mean(Departure.delay, "2h", by=(Departure.carrier, Departure.origin))
    left_late_6h = tw.mean(Departure.delay, "6h", by=(Departure.carrier, Departure.origin))
    planned_2h = tw.count(Flight, "2h")
    left_2h = tw.count(Departure, "2h", by=(Departure.carrier, Departure.origin))
    backlog_2h = planned_2h - left_2h


class RouteHistory(tw.Features, by=(Flight.origin, Flight.dest)):
    """How a route ran over the last hours, days and weeks."""

    left_late_3h = tw.mean(Departure.delay, "3h", by=(Departure.origin, Departure.dest))
    landed_late_6h = tw.mean(Arrival.delay, "6h")
    landed_late_1d = tw.mean(Arrival.delay, "24h")
    landed_late_30d = tw.mean(Arrival.delay, "30d")
    lost_1d = tw.mean(Arrival.lost, "24h")
    lost_30d = tw.mean(Arrival.lost, "30d")


class SameFlight(tw.Features, by=(Flight.number, Flight.origin)):
    """How the flight of this number ran on earlier days."""

    landed_late_7d = tw.mean(Arrival.delay, "7d")
    landed_late_30d = tw.mean(Arrival.delay, "30d")
    often_late_30d = tw.mean(Arrival.delay, "30d", where=Arrival.delay > 15)
    late_30d = tw.count(Arrival, "30d", where=Arrival.delay > 15)
    landed_30d = tw.count(Arrival, "30d")
    late_share = (late_30d + 1) / (landed_30d + 5)
    left_2h = tw.count(Departure, "2h", by=(Departure.number, Departure.origin))
    left_late_2h = tw.last(Departure.delay, "2h", by=(Departure.number, Departure.origin))


class PlaneLately(tw.Features, by=Plane):
    """What one aircraft did lately."""

    left_late = tw.last(Departure.delay, "24h")
    landed_late = tw.last(Arrival.delay, "24h")
    landed_late_7d = tw.mean(Arrival.delay, "7d")
    flights_7d = tw.count(Arrival, "7d")
    destinations_30d = tw.distinct(Flight.dest, "30d")
    planned_12h = tw.count(Flight, "12h")
    left_12h = tw.count(Departure, "12h")
    landed_12h = tw.count(Arrival, "12h")
    since_planned = tw.time_since_last(Flight)
    since_left = tw.time_since_last(Departure)
    since_landed = tw.time_since_last(Arrival)
    waiting = planned_12h - left_12h
    aloft = left_12h - landed_12h


class DelayView(tw.View, on=Flight):
    """What the model sees of a flight at its scheduled departure."""

    carrier = Flight.carrier
    origin = Flight.origin
    hour = Flight.hour
    weekday = Flight.weekday
    distance = Flight.distance
    planned_minutes = Flight.planned_minutes
    now = tw.lookup(OriginNow, Flight.origin)
    weather = tw.lookup(OriginWeather, Flight.origin)
    destination = tw.lookup(DestinationNow, Flight.dest)
    airline = CarrierNow
    airline_here = CarrierAtOrigin
    route = RouteHistory
    same = SameFlight
    aircraft = PlaneLately
    worse_than_usual = now.left_late_2h - route.landed_late_30d

    @tw.derived(Flight.hour, Flight.weekday)
    def week_hour(hour: tw.Array, weekday: tw.Array) -> tw.Array:
        """Hour of the week, on a circle, so that Sunday night is beside Monday morning."""
        return np.sin(2 * np.pi * (weekday * 24 + hour) / 168)


class Late(tw.Model):
    """More than 15 minutes late, by the time it has landed."""

    view = DelayView
    label = tw.outcome(Arrival.delay > 15, within="2d")
    estimator = LGBMClassifier(n_estimators=120, learning_rate=0.08, num_leaves=31, min_child_samples=100, verbose=-1)
    calibrate = tw.isotonic()
    split = tw.temporal(test="30d")
    metrics = ["average_precision", "roc_auc", "brier"]
    gates = [
        tw.at_least("average_precision", 0.35),
        tw.p99_below("5ms"),
    ]
    retrain = tw.retrain("monthly", on_drift=0.5, canary="20%", watch="5d", metric="average_precision", margin=0.01)


class Delays(tw.Service, on=Flight):
    """Post a flight at its scheduled departure, get: on time, watch, or warn the passengers."""

    model = Late
    decide = tw.thresholds(on_time=0.0, watch=0.35, warn=0.6)
    fallback = [tw.previous(Late), tw.table(by=Flight.origin), tw.action("watch")]
    deadline = "50ms"
