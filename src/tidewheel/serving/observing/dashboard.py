"""A Grafana dashboard of the metrics that workers tell, as the JSON that Grafana imports."""

from __future__ import annotations

from typing import Any

WIDTH, HEIGHT = 8, 8
SCHEMA_VERSION = 39
"""Grafana 10 and later import it."""
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
CHOSEN = 'service=~"$service"'
RATE = "[$__rate_interval]"

Query = tuple[str, str]
"""PromQL and the legend."""


def _quantile(q: float) -> Query:
    rates = f"rate(tidewheel_decide_seconds_bucket{{{CHOSEN}}}{RATE})"
    return f"histogram_quantile({q:g}, sum by (le, service) ({rates}))", f"{{{{service}}}} p{q * 100:g}"


def _by(label: str, counter: str, chosen: str = CHOSEN) -> str:
    return f"sum by ({label}) (rate({counter}{{{chosen}}}{RATE}))"


def _share(part: str, whole: str) -> str:
    return f"{part} / ignoring(model) group_left {whole}"


PANELS: dict[str, list[tuple[str, str, list[Query]]]] = {
    "Services": [
        ("Decisions a second", "reqps", [(_by("service", "tidewheel_decisions_total"), "{{service}}")]),
        ("Latency", "s", [_quantile(q) for q in (0.5, 0.95, 0.99)]),
        (
            "Where the time goes (mean of each stage)",
            "s",
            [
                (
                    f"{_by('stage', 'tidewheel_stage_seconds_sum')} / {_by('stage', 'tidewheel_stage_seconds_count')}",
                    "{{stage}}",
                )
            ],
        ),
        (
            "Decisions by action",
            "reqps",
            [(_by("service, decision", "tidewheel_decisions_total"), "{{service}} {{decision}}")],
        ),
        (
            "Share of fallbacks",
            "percentunit",
            [
                (
                    f"{_by('service', 'tidewheel_fallbacks_total')} / {_by('service', 'tidewheel_decisions_total')}",
                    "{{service}}",
                )
            ],
        ),
        (
            "Why they fell back",
            "reqps",
            [(_by("service, link, reason", "tidewheel_fallbacks_total"), "{{service}} {{link}}: {{reason}}")],
        ),
    ],
    "Versions and rollouts": [
        (
            "Share of each version",
            "percentunit",
            [
                (
                    _share(
                        _by("service, model", "tidewheel_decisions_total"), _by("service", "tidewheel_decisions_total")
                    ),
                    "{{service}} {{model}}",
                )
            ],
        ),
        (
            "Failures of versions",
            "reqps",
            [(_by("model, reason", "tidewheel_model_failures_total", ""), "{{model}}: {{reason}}")],
        ),
        (
            "Revision that each worker serves",
            "none",
            [
                (
                    f"max by (service, worker) (tidewheel_deployment_revision{{{CHOSEN}}})",
                    "{{service}} worker {{worker}}",
                )
            ],
        ),
        (
            "Versions loaded",
            "short",
            [
                (
                    f"sum by (service, outcome) (increase(tidewheel_loads_total{{{CHOSEN}}}{RATE}))",
                    "{{service}} {{outcome}}",
                )
            ],
        ),
        (
            "Mean time in the model",
            "µs",
            [
                (
                    f"sum by (model, version) (rate(nv_inference_compute_infer_duration_us{RATE})) / "
                    f"sum by (model, version) (rate(nv_inference_request_success{RATE}))",
                    "{{model}}@{{version}}",
                )
            ],
        ),
        (
            "Rollouts: share of the units",
            "percentunit",
            [
                (
                    f"max by (service, version, mode) (tidewheel_rollout_share{{{CHOSEN}}})",
                    "{{service}} {{version}} {{mode}}",
                )
            ],
        ),
        ("Rows waiting for a batch", "short", [("sum by (model) (tidewheel_model_waiting)", "{{model}}")]),
    ],
    "Data and workers": [
        ("Features behind the log", "short", [("max(tidewheel_stream_lag_events)", "events")]),
        ("Events a second", "eps", [(_by("event, outcome", "tidewheel_events_total", ""), "{{event}} {{outcome}}")]),
        (
            "Waiting for the disk",
            "short",
            [("sum(tidewheel_journal_unsynced_records)", "decisions"), ("sum(tidewheel_events_waiting)", "events")],
        ),
        (
            "Since all was on the disk",
            "s",
            [("max by (worker) (tidewheel_journal_sync_age_seconds)", "worker {{worker}}")],
        ),
        (
            "Requests refused",
            "reqps",
            [(_by("service, error", "tidewheel_refused_total", ""), "{{service}} {{error}}")],
        ),
        (
            "Connections and decisions in flight",
            "short",
            [("sum(tidewheel_http_connections)", "connections"), ("sum(tidewheel_decisions_in_flight)", "in flight")],
        ),
        ("Dependencies left alone", "short", [("max by (worker) (tidewheel_breakers_open)", "worker {{worker}}")]),
        ("Requests shed", "short", [("sum(tidewheel_http_shed_requests)", "since the workers were started")]),
        ("Waiting to be read", "s", [("max by (worker) (tidewheel_standing_queue_seconds)", "worker {{worker}}")]),
    ],
}
"""By row: title, unit, queries."""


def dashboard() -> dict[str, Any]:
    """Return the dashboard.

    Examples
    --------
    >>> made = dashboard()
    >>> made["title"], made["templating"]["list"][0]["type"], len(made["panels"])
    ('tidewheel', 'datasource', 25)
    """
    panels: list[dict[str, Any]] = []
    y = 0
    for row, contents in PANELS.items():
        panels.append(
            {
                "id": len(panels) + 1,
                "type": "row",
                "title": row,
                "gridPos": _place(0, y, 24, 1),
                "collapsed": False,
                "panels": [],
            }
        )
        y += 1
        for number, (title, unit, queries) in enumerate(contents):
            place = _place(WIDTH * (number % 3), y + HEIGHT * (number // 3), WIDTH, HEIGHT)
            panels.append(_panel(len(panels) + 1, title, unit, queries, place))
        y += HEIGHT * -(-len(contents) // 3)
    return {
        "uid": "tidewheel-serving",
        "title": "tidewheel",
        "tags": ["tidewheel"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": [_source_variable(), _service_variable()]},
        "annotations": {"list": [_rollouts()]},
        "panels": panels,
    }


def _place(x: int, y: int, width: int, height: int) -> dict[str, int]:
    return {"x": x, "y": y, "w": width, "h": height}


def _panel(identity: int, title: str, unit: str, queries: list[Query], place: dict[str, int]) -> dict[str, Any]:
    targets = [
        {"refId": chr(ord("A") + number), "datasource": SOURCE, "expr": expression, "legendFormat": legend}
        for number, (expression, legend) in enumerate(queries)
    ]
    return {
        "id": identity,
        "type": "timeseries",
        "title": title,
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "targets": targets,
    }


def _source_variable() -> dict[str, Any]:
    return {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}


def _service_variable() -> dict[str, Any]:
    return {
        "name": "service",
        "label": "Service",
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": "label_values(tidewheel_decisions_total, service)", "refId": "services"},
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }


def _rollouts() -> dict[str, Any]:
    return {
        "name": "Moved pointers",
        "datasource": SOURCE,
        "enable": True,
        "iconColor": "orange",
        "expr": f"changes(max by (service) (tidewheel_deployment_revision{{{CHOSEN}}})[$__interval:]) > 0",
        "titleFormat": "{{service}} moved",
    }
