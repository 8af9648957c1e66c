"""One decision in the terminal: what was decided, by what, from what, and whether replay agrees."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from tidewheel.cli.output import cell, print_table

if TYPE_CHECKING:
    from tidewheel.serving.explain import Explanation, Replay


MOST_CONTRIBUTIONS = 8


def print_explanation(told: Explanation) -> None:
    """Print one decision, the features it was made from, and what came of replaying it."""
    click.secho(f"{told.service} decided {told.decision or 'no action'}{_score(told)}: {_cause(told)}", bold=True)
    _print_facts(told)
    if told.features:
        print_table(["feature", "value"], [[name, _plain(value)] for name, value in told.features.items()])
    if told.stages:
        rows = [
            [s.name, s.model or "-", "-" if s.score is None else f"{s.score:.6g}", f"{s.us:.0f}", s.note or "-"]
            for s in told.stages
        ]
        print_table(["stage", "version", "score", "µs", "note"], rows)
    if told.items:
        models = list(dict.fromkeys(model for item in told.items for model in item.get("scores", ())))
        places = [
            [
                i["rank"],
                i["id"],
                _number(i["score"]),
                *(_number(i.get("scores", {}).get(m)) for m in models),
                i["source"],
            ]
            for i in told.items
        ]
        print_table(["place", "item", "score", *models, "from"], places)
    if told.contributions:
        most = list(told.contributions.items())[:MOST_CONTRIBUTIONS]
        print_table(["moved the raw score most", "by"], [[name, f"{value:+.4g}"] for name, value in most])
    if told.states:
        states = [[state["state"], state["key"], state["offset"]] for state in told.states]
        print_table(["state read", "of", "up to offset"], states)
    click.echo(f"took {_timing(told)}")
    click.secho(_replayed(told.replay), fg="red" if _differs(told.replay) else None)


def decision_line(kind: str, told: dict[str, Any], *, as_json: bool = False) -> str:
    """Write what a follower is told: a decision, or a gap between some; for people, or as JSON.

    >>> told = {"decision_id": "01KA", "service": "Score", "event_id": "t1", "decision": "review", "score": 0.71}
    >>> decision_line("decision", told | {"model": "Fraud@3", "arrived": "2026-11-22T10:00:00Z", "microseconds": 84})
    '2026-11-22T10:00:00Z  01KA  Score  t1  review at 0.71 by Fraud@3  84 µs'
    >>> decision_line("gap", {"decisions": 12, "why": "the reader was too slow"})
    '-- 12 decisions were passed over: the reader was too slow'
    """
    if as_json:
        return json.dumps(told if kind == "decision" else {kind: told}, ensure_ascii=False)
    if kind != "decision":
        many = "some" if told["decisions"] is None else f"{told['decisions']:,}"
        return f"-- {many} decisions were passed over: {told['why']}"
    score = "" if told.get("score") is None else f" at {told['score']:.6g}"
    parts = [told["arrived"], told["decision_id"], told["service"], told["event_id"]]
    parts += [f"{told.get('decision') or _listed(told)}{score} by {_by(told)}", f"{told['microseconds']:,} µs"]
    return "  ".join(parts)


def _listed(told: dict[str, Any]) -> str:
    return f"{len(told['items'])} items" if told.get("items") else "no action"


def _by(told: dict[str, Any]) -> str:
    if told.get("fallback"):
        return f"fallback {told['fallback']} ({told.get('reason', '')})"
    return f"rule {told['rule']}" if told.get("rule") else told.get("model") or "no model"


def _print_facts(told: Explanation) -> None:
    inputs = ", ".join(f"{name}={_plain(value)}" for name, value in told.inputs.items())
    facts = {
        "decision": told.decision_id,
        "event": f"{told.event_type} {told.event_id} ({inputs})",
        "happened": f"{told.at}, arrived {told.arrived}",
        "version": f"{told.model} (bundle {told.bundle[:16]})" if told.model else "no model answered",
        "view": told.view[:16],
        "service": told.service_version[:16],
        "arm": f"{told.arm}, propensity {told.propensity:g}, unit {told.unit}" if told.arm else "",
        "rule": told.rule,
        "fallback": f"{told.fallback}: {told.reason}" if told.fallback else "",
        "thresholds": ", ".join(f"{action} from {score:g}" for action, score in told.thresholds.items()),
        "stored": _stored(told),
        "asked by": told.caller,
    }
    for name, value in facts.items():
        if value:
            click.echo(f"  {name:<11}{value}")


def _stored(told: Explanation) -> str:
    """Say what became of looking for a score computed ahead."""
    if not told.stored_run:
        return told.stored
    maker = "decision" if told.items else "run"
    return f"{told.stored}, {told.stored_age / 1e6:,.0f} s old, by {maker} {told.stored_run}"


def _number(score: float | None) -> str:
    return "-" if score is None else f"{score:.6g}"


def _score(told: Explanation) -> str:
    return "" if told.score is None else f" at score {told.score:.4f}"


def _cause(told: Explanation) -> str:
    if told.rule:
        return f"rule {told.rule}"
    if told.fallback:
        return f"fallback {told.fallback}, since {told.reason}"
    return "explored: let through on purpose" if told.explored else f"model {told.model}"


def _timing(told: Explanation) -> str:
    stages = ", ".join(f"{stage} {spent:.0f}" for stage, spent in told.timings_us.items())
    return f"{sum(told.timings_us.values()):.0f} µs ({stages})"


def _differs(replay: Replay) -> bool:
    return (replay.done and not replay.equal) or replay.score_equal is False


def _replayed(replay: Replay) -> str:
    if not replay.done:
        return f"not replayed: {replay.why_not}"
    if replay.equal:
        told = f"replayed: all {replay.features} features are the same, to the bit"
    else:
        told = f"replayed: {replay.differences} of {replay.features} features DIFFER; first: {replay.first_difference}"
    if replay.score_equal is None:
        return told
    return f"{told}; the model gives {'the same' if replay.score_equal else 'ANOTHER'} score"


def _plain(value: Any) -> str:
    return f"{value:.10g}" if isinstance(value, float) else cell(value)
