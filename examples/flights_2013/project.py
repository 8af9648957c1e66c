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
    plane: tw.Ref[Plane] | None
    origin: tw.Ref[Airport]
    dest: tw.Ref[Airport]
    hour: float
    weekday: float
    distance: float
    planned_minutes: float


class Departure(tw.Event):
    """The flight left the gate, `delay` minutes behind its timetable."""

    id: tw.Id
    flight: tw.Ref[Flight]
    delay: float


class Arrival(tw.Event):
    """The flight landed, `delay` minutes behind its timetable."""

    id: tw.Id
    flight: tw.Ref[Flight]
    delay: float


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

    planned_2h = tw.count(Flight, "2h", by=Flight.origin)
    left_2h = tw.count(Departure, "2h", by=Departure.flight.origin)
    late_left_1h = tw.mean(Departure.delay, "1h", by=Departure.flight.origin)
    late_left_2h = tw.mean(Departure.delay, "2h", by=Departure.flight.origin)
    late_left_6h = tw.mean(Departure.delay, "6h", by=Departure.flight.origin)
    late_left_1d = tw.mean(Departure.delay, "24h", by=Departure.flight.origin)
    spread_2h = tw.std(Departure.delay, "2h", by=Departure.flight.origin)
    very_late_2h = tw.count(Departure, "2h", by=Departure.flight.origin, where=Departure.delay > 60)
    landed_late_3h = tw.mean(Arrival.delay, "3h", by=Arrival.flight.origin)
    backlog_2h = planned_2h - left_2h


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
    """How arrivals at an airport run right now."""

    landed_late_2h = tw.mean(Arrival.delay, "2h", by=Arrival.flight.dest)
    landed_late_6h = tw.mean(Arrival.delay, "6h", by=Arrival.flight.dest)
    landed_late_1d = tw.mean(Arrival.delay, "24h", by=Arrival.flight.dest)
    left_late_2h = tw.mean(Departure.delay, "2h", by=Departure.flight.dest)


class CarrierNow(tw.Features, by=Carrier):
    """How a carrier runs."""

    left_late_2h = tw.mean(Departure.delay, "2h", by=Departure.flight.carrier)
    left_late_1d = tw.mean(Departure.delay, "24h", by=Departure.flight.carrier)
    landed_late_1d = tw.mean(Arrival.delay, "24h", by=Arrival.flight.carrier)
    landed_late_30d = tw.mean(Arrival.delay, "30d", by=Arrival.flight.carrier)


class CarrierAtOrigin(tw.Features, by=(Flight.carrier, Flight.origin)):
    """How a carrier runs at one airport."""

    left_late_2h = tw.mean(Departure.delay, "2h")
    left_late_6h = tw.mean(Departure.delay, "6h")
    planned_2h = tw.count(Flight, "2h")
    left_2h = tw.count(Departure, "2h")


class RouteHistory(tw.Features, by=(Flight.origin, Flight.dest)):
    """How a route ran over the last days and weeks."""

    landed_late_1d = tw.mean(Arrival.delay, "24h")
    landed_late_7d = tw.mean(Arrival.delay, "7d")
    landed_late_30d = tw.mean(Arrival.delay, "30d")
    spread_30d = tw.std(Arrival.delay, "30d")


class PlaneLately(tw.Features, by=Plane):
    """What one aircraft did lately."""

    left_late = tw.last(Departure.delay, "24h")
    landed_late = tw.last(Arrival.delay, "24h")
    landed_late_7d = tw.mean(Arrival.delay, "7d")
    flights_7d = tw.count(Arrival, "7d")
    destinations_30d = tw.distinct(Flight.dest, "30d")
    idle = tw.time_since_last(Arrival)


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
    aircraft = PlaneLately
    worse_than_usual = now.late_left_2h - route.landed_late_30d

    @tw.derived(Flight.hour, Flight.weekday)
    def week_hour(hour, weekday):
        """Hour of the week, on a circle, so that Sunday night is beside Monday morning."""
        return np.sin(2 * np.pi * (weekday * 24 + hour) / 168)


class Late(tw.Model):
    """More than 15 minutes late, by the time it has landed."""

    view = DelayView
    label = tw.outcome(Arrival.delay > 15, within="2d")
    estimator = LGBMClassifier(n_estimators=250, learning_rate=0.06, num_leaves=47, min_child_samples=80, verbose=-1)
    calibrate = tw.isotonic()
    split = tw.temporal(test="30d")
    metrics = ["average_precision", "roc_auc", "brier"]
    gates = [
        tw.at_least("average_precision", 0.35),
        tw.p99_below("5ms"),
    ]
    retrain = tw.retrain("monthly", on_drift=0.25, canary="20%", watch="5d", metric="average_precision", margin=0.01)


class Delays(tw.Service, on=Flight):
    """Post a flight at its scheduled departure, get: on time, watch, or warn the passengers."""

    model = Late
    decide = tw.thresholds(on_time=0.0, watch=0.35, warn=0.6)
    fallback = [tw.previous(Late), tw.table(by=Flight.origin), tw.action("watch")]
    deadline = "50ms"
