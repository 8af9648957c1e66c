"""Rolling delays of flights, for the test that every engine gives the same."""

import tidewheel as tw


class Plane(tw.Entity):
    id: tw.Id


class Flight(tw.Event):
    id: tw.Id
    carrier: tw.Category
    origin: tw.Key
    dest: tw.Key
    tailnum: tw.Ref[Plane] | None
    delay: float | None


class PlaneLately(tw.Features, by=Plane):
    delay_7d = tw.mean(Flight.delay, "7d")
    spread_7d = tw.std(Flight.delay, "7d")
    last_delay = tw.last(Flight.delay)
    places_7d = tw.distinct(Flight.dest, "7d")


class RouteLately(tw.Features, by=(Flight.origin, Flight.dest)):
    flights_1d = tw.count(Flight, "1d")
    delay_1d = tw.sum(Flight.delay, "1d")
    worst_1d = tw.max(Flight.delay, "1d")


class FlightView(tw.View, on=Flight):
    carrier = Flight.carrier
    plane = PlaneLately
    route = RouteLately
