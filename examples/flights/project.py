"""Will this flight arrive late? An as-of join, one feature set looked up twice, a label with a value."""

from __future__ import annotations

import tidewheel as tw


class Airport(tw.Entity):
    """Where flights leave and arrive."""

    id: tw.Id


class Plane(tw.Entity):
    """An aircraft; a flight may not have one yet."""

    id: tw.Id
    seats: int | None


class Flight(tw.Event):
    """A flight as the timetable has it; `at` is its scheduled departure."""

    id: tw.Id
    origin: tw.Ref[Airport]
    dest: tw.Ref[Airport]
    plane: tw.Ref[Plane, None]
    carrier: tw.Category
    distance: float


class Departure(tw.Event):
    """The flight left the gate, `delay` minutes late."""

    flight: tw.Ref[Flight]
    delay: float


class Arrival(tw.Event):
    """The flight landed, `delay` minutes late."""

    flight: tw.Ref[Flight]
    delay: float


class Weather(tw.Event):
    """An hourly report of an airport's station; any instrument may fail."""

    airport: tw.Ref[Airport]
    wind: float | None
    rain: float | None


class AirportNow(tw.Features, by=Airport):
    """How an airport runs right now."""

    wind = tw.last(Weather.wind, "3h")  # an as-of join with a staleness limit
    rain_6h = tw.sum(Weather.rain, "6h", default=0.0)
    late_out_2h = tw.mean(Departure.delay, "2h", by=Departure.flight.origin)  # two paths lead to an airport: say which
    late_in_2h = tw.mean(Arrival.delay, "2h", by=Arrival.flight.dest)


class PlaneLately(tw.Features, by=Plane):
    """What one aircraft did lately."""

    landed_late = tw.last(Arrival.delay, "24h")
    flights_7d = tw.count(Arrival, "7d")


class DelayView(tw.View, on=Flight):
    """What the model sees of a flight at its scheduled departure."""

    carrier = Flight.carrier
    distance = Flight.distance
    seats = tw.transform.fill(Flight.plane.seats, 0)
    time = tw.transform.cyclic(Flight.at, "1d")
    weekday = tw.transform.day_of_week(Flight.at, "-05:00")
    plane = PlaneLately
    origin = tw.lookup(AirportNow, Flight.origin)
    dest = tw.lookup(AirportNow, Flight.dest)
    windier = origin.wind - dest.wind


class Delay(tw.Model):
    """More than 15 minutes late on arrival."""

    view = DelayView
    label = tw.outcome(Arrival.delay > 15, within="2d")  # no arrival: unknown (dropped and counted), unless otherwise=


class Delays(tw.Service, on=Flight):
    """Post a flight at its scheduled departure, get whether to warn its passengers."""

    model = Delay
    decide = tw.thresholds(on_time=0.0, warn=0.5)
