"""A run, or two of them, as one self-contained HTML page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from tidewheel.monitoring import charts, html, run_charts
from tidewheel.monitoring.run_story import RunStory
from tidewheel.registry.runs.evaluation import Evaluation
from tidewheel.registry.runs.runs import Metric, Verdict
from tidewheel.registry.runs.steps import StepRecord

CURVES = {"precision_recall": "Precision and recall", "reliability": "Calibration", "roc": "ROC", "gain": "Gain",
          "residuals": "Predicted and seen"}  # fmt: skip
MOST_SLICES, MOST_STEPS_SHOWN = 15, 40


def render_run(story: RunStory) -> str:
    """Return a run's page. Sections that it has nothing for are left out."""
    body = [
        _head(story),
        gates(story.gates),
        metrics(story),
        curves(story.evaluation),
        slices(story.evaluation),
        _others(story.evaluation),
        fairness(story.evaluation),
        importance(story),
        _search(story),
        _steps(story),
        lineage(story),
        _parameters(story),
    ]
    return html.page(f"{story.name}: run {story.run.id}", "".join(body))


def _head(story: RunStory) -> str:
    run, rows = story.run, story.run.lineage.rows
    leading = next((m for m in story.metrics if m.split == "test"), None)
    failed = sum(not gate.passed for gate in story.gates)
    shown = [
        (f"{leading.metric} on test", number(leading.value)) if leading else ("", ""),
        ("gates passed", f"{len(story.gates) - failed} of {len(story.gates)}" if story.gates else ""),
        ("train rows", f"{rows['train']:,}" if rows.get("train") else ""),
        ("test rows", f"{rows['test']:,}" if rows.get("test") else ""),
        ("took", _seconds(sum(step.seconds for step in story.steps)) if run.finished and story.steps else ""),
    ]
    why = f" because: {run.cause}" if run.cause else ""
    said = f"Run {run.id} of {run.model}, begun {html.day(run.started)} (UTC) by {run.who}{why}; {run.status}."
    marks = [f"stands in {name}" for name in story.stands] + [f"serves {name}" for name in story.serves]
    marks += [f"{name}={value}" for name, value in story.tags.items()]
    notes = [f"{html.day(note.at)} {note.who}: {note.text}" for note in story.notes]
    told = [said, "; ".join(marks), *notes, f"Error: {run.error}" if run.error else ""]
    told += [f"Beaten: {found['message']}." for found in story.findings if found.get("kind") == "beaten by a baseline"]
    told.append(f"No longer kept: {', '.join(story.gone)}." if story.gone else "")
    numbers = [(name, value) for name, value in shown if value]
    words = "".join(html.paragraph(text) for text in told)
    return f"<h1>{escape(story.name)}</h1>{words}{html.figures(numbers) if numbers else ''}"


def gates(found: Sequence[Verdict]) -> str:
    """Return what each gate said, and on what evidence."""
    rows = []
    for gate in found:
        told = [f"<div>{escape(gate.detail)}</div>"]
        if gate.evidence:
            facts = "".join(
                f"<div>{escape(name)}: {escape(short(value))}</div>" for name, value in gate.evidence.items()
            )
            told.append(f"<details><summary>evidence</summary>{facts}</details>")
        rows.append([verdict(gate), html.Raw(escape(gate.gate)), html.Raw("".join(told))])
    return html.section("Gates", html.table(["verdict", "gate", "what it saw"], rows, words=True)) if rows else ""


def verdict(gate: Verdict) -> html.Raw:
    """Return a verdict as a word, coloured and spelt."""
    said = str(getattr(gate, "verdict", "") or ("passed" if gate.passed else "failed"))
    kind = "good" if gate.passed else "wait" if said not in ("failed", "fail") else "bad"
    return html.Raw(f'<span class="{kind}">{escape(said)}</span>')


def metrics(story: RunStory) -> str:
    """Return each metric beside the champion's, the baseline's and its own on the train rows."""
    times = Counter(m.metric for m in story.metrics)
    lone = {m.metric: f"{m.value:.4f}" for m in story.metrics if times[m.metric] == 1 and m.low is None}
    drawn = [
        html.figure(name, run_charts.metric_dots(story.metrics, name), in_words(story.metrics, name))
        for name in times
        if name not in lone
    ]
    method = story.evaluation.method if story.evaluation else ""
    intro = f'On the test rows, but "train"; bars are 95% intervals{f" by resampling {method}" if method else ""}.'
    rows = [[run_charts.named(m.split), m.metric, m.value, m.low, m.high] for m in story.metrics]
    table = html.folded("As a table", html.table(["of", "metric", "value", "low", "high"], rows)) if rows else ""
    below = (html.figures(lone.items()) if lone else "") + table
    return html.charts("How good it is", drawn, html.paragraph(intro), small=True) + below if drawn else below


def in_words(found: Sequence[Metric], name: str) -> str:
    """Return a metric of every split as a sentence."""
    return "; ".join(f"{run_charts.named(m.split)} {interval(m)}" for m in found if m.metric == name)


def curves(evaluation: Evaluation | None) -> str:
    """Return the curves that an evaluation holds."""
    if evaluation is None:
        return ""
    drawn = []
    for kind, title in CURVES.items():
        of = list(dict.fromkeys(run_charts.named(c.of) for c in evaluation.curves if c.kind == kind))
        said = f"Curves of {', '.join(of)}; the dotted line is what no knowledge, or no error, would give."
        drawn.append(html.figure(title, run_charts.curve(evaluation, kind), said))
    return html.charts("Curves", drawn, small=True)


def slices(evaluation: Evaluation | None) -> str:
    """Return the declared slices and the worst of those that were found."""
    if evaluation is None or not evaluation.slices:
        return ""
    overall = next((m.value for m in evaluation.metrics if (m.split, m.metric) == ("test", evaluation.leading)), None)
    declared = [part for part in evaluation.slices if part.declared][:MOST_SLICES]
    found = [part for part in evaluation.slices if not part.declared][:MOST_SLICES]
    drawn = [
        html.figure(title, run_charts.slices(parts, overall, evaluation.leading), f"{len(parts)} slices, in the table.")
        for title, parts in (("Declared", declared), ("Found by the loss of their rows, the worst first", found))
        if parts
    ]
    intro = html.paragraph(
        f"Upright line: all test rows. {evaluation.slices_tried} slices were looked at; "
        "q is the chance of a false alarm among those reported, corrected for that. "
        "Rows of a slice with more positives lose more by nature: read its metric beside the champion's."
    )
    headers = ["slice", "rows", evaluation.leading, "low", "high", "the rest", "q", "against champion"]
    rows = [[run_charts.said(p), p.rows, p.value, p.low, p.high, p.rest, p.q, p.change] for p in [*declared, *found]]
    return html.charts("Slices", drawn, intro, small=True) + html.folded("As a table", html.table(headers, rows))


def _others(evaluation: Evaluation | None) -> str:
    if evaluation is None:
        return ""
    rows: charts.Rows = [
        {"of": a.version or a.other, "value": a.difference, "low": a.low, "high": a.high} for a in evaluation.against
        if a.metric == evaluation.leading
    ]  # fmt: skip
    said = "; ".join(f"against {row['of']} {row['value']:+.4f}" for row in rows)
    drawn = [html.figure(f"Better than others by ({evaluation.leading})",
                         run_charts.dots(rows, "difference, positive is better", fixed=False), said)]  # fmt: skip
    churn = evaluation.churn
    told = ""
    if churn is not None:
        share = f"{churn.changed:.1%} of actions change" if churn.changed is not None else "no thresholds to compare at"
        moves = "".join(f"<div>{escape(move)}: {count:,} rows</div>" for move, count in churn.moves.items())
        told = html.paragraph(
            f"Against {churn.version} on {churn.rows:,} rows: {share}; "
            f"scores move by {churn.mean_change:.4f} on average."
        ) + html.folded("which actions", moves)  # fmt: skip
    drawn.append(
        html.figure("Does more data help?", run_charts.learning(evaluation.learning_curve),
                    "; ".join(f"{p.rows:,} rows {number(p.value)}" for p in evaluation.learning_curve))
    )  # fmt: skip
    content = html.charts("Beside others", drawn, told, small=True)
    return content or html.section("Beside others", told)


def fairness(evaluation: Evaluation | None) -> str:
    """Return the groups of each column that fairness was asked of."""
    parts = []
    for asked in evaluation.fairness if evaluation is not None else []:
        ratios = ", ".join(f"{name} {value:.2f}" for name, value in asked.ratio.items())
        said = (
            f"By {asked.column}, at a threshold of {asked.threshold:g}. Least group over greatest: {ratios or 'none'}."
        )
        rows = [
            [f"{g.value}{' (few rows)' if g.small else ''}", g.rows, g.positives, g.selected, g.true_positive_rate,
             g.false_positive_rate, g.precision] for g in asked.groups
        ]  # fmt: skip
        headers = ["group", "rows", "positives", "selected", "true positive rate", "false positive rate", "precision"]
        parts.append(html.paragraph(said) + html.table(headers, rows))
    return html.section("Fairness", "".join(parts))


def importance(story: RunStory) -> str:
    """Return what each column does for the model, by every way that it was measured."""
    found = story.evaluation.importance if story.evaluation is not None else []
    ways = {
        "Permutation: loss on test rows when shuffled": {i.column: i.permutation for i in found},
        "SHAP: mean absolute contribution": {i.column: i.shap for i in found},
        "Gain: share of what the trees gained": {i.column: i.gain for i in found} if found else story.gain,
    }
    drawn = []
    for title, values in ways.items():
        known = {column: value for column, value in values.items() if value is not None}
        most = ", ".join(f"{name} {value:.3f}" for name, value in sorted(known.items(), key=lambda p: -p[1])[:5])
        drawn.append(html.figure(title, run_charts.bars(known, title.split(":")[0].lower()), f"Largest: {most}."))
    intro = html.paragraph("Not causal, and shared between columns that say the same.")
    return html.charts("What it looks at", drawn, intro, small=True)


def _search(story: RunStory) -> str:
    if not story.trials:
        return ""
    metric = story.metrics[0].metric if story.metrics else "value"
    greater = story.evaluation.greater_is_better if story.evaluation is not None else True
    values = [trial["value"] for trial in story.trials if trial.get("value") is not None]
    best = (max if greater else min)(values) if values else None
    said = f"{len(story.trials)} trials, the best {number(best)}."
    drawn = [html.figure("Trials", run_charts.trials(story.trials, metric, greater), said)]
    rows = [[t.get("number"), t.get("value"), t.get("seconds"), short(t.get("parameters")), t.get("error") or ""]
            for t in story.trials[:MOST_STEPS_SHOWN]]  # fmt: skip
    table = html.table(["trial", metric, "seconds", "parameters", "error"], rows)
    return html.charts("Search", drawn, html.paragraph(said), small=True) + html.folded("As a table", table)


def _steps(story: RunStory) -> str:
    if not story.steps:
        return ""
    said = "; ".join(f"{step.step} {_seconds(step.seconds)}" for step in story.steps)
    drawn = [html.figure("Timeline", run_charts.timeline(story.steps, story.run.started), said)]
    rows = [[step.step, _seconds(step.seconds), _found(step)] for step in story.steps]
    table = html.table(["step", "took", "what it found"], rows, words=True)
    return html.charts("Steps", drawn, small=True) + html.folded("As a table", table)


def _found(step: StepRecord) -> str:
    """Return what a step found, and what was out of the ordinary about it."""
    told = [step.detail] if step.detail else []
    told += [f"taken from run {step.reused}"] if step.reused else []
    told += [f"{step.attempts} attempts"] if step.attempts > 1 else []
    return "; ".join([*told, *([step.status] if step.status != "done" else [])])


def lineage(story: RunStory) -> str:
    """Return what the version was made of and what it stands for, as boxes in the order of the data's way."""
    known = story.run.lineage
    named: dict[str, list[str]] = {}
    for what in known.definitions:
        kind, _, name = what.partition(" ")
        version = known.tables.get(name, -1)
        named.setdefault(kind, []).append(f"{name}, version {version}" if version >= 0 else name)
    rows = ", ".join(f"{count:,} {what}" for what, count in known.rows.items() if what in ("train", "test"))
    code = f"commit {known.commit[:8]}{' and changes' if known.dirty_patch else ''}" if known.commit else "no commit"
    uses = [f"environment {name}" for name in story.stands] + [f"service {name}" for name in story.serves]
    columns = [
        ("events and entities", [*named.get("event", []), *named.get("entity", [])]),
        ("features", named.get("group", []) + named.get("features", [])),
        ("view", named.get("view", [])),
        ("data set", [f"{known.dataset[:12]}", rows] if known.dataset else []),
        ("learned from", [f"{name} ({word})" for word, name in known.parents.items()]),
        ("run", [story.run.id, code, f"seed {known.seed}"]),
        ("version", [story.version.name] if story.version else []),
        ("used by", uses),
    ]
    boxes = "".join(
        f"<li><h3>{escape(title)}</h3><ul>{''.join(f'<li>{escape(one)}</li>' for one in inside if one)}</ul></li>"
        for title, inside in columns
        if inside
    )
    facts = [[name, digest] for name, digest in {**known.definitions, **known.libraries}.items()]
    table = html.folded("Digests and libraries", html.table(["what", "version"], facts, words=True))
    return html.section("Where it comes from", f'<div class="box"><ol class="flow">{boxes}</ol></div>{table}')


def _parameters(story: RunStory) -> str:
    run = story.run
    found = {"estimator": run.parameters.get("estimator")} | dict(run.parameters.get("fitted", {}))
    rows = [[name, short(value)] for name, value in found.items() if value is not None]
    warned = [str(text) for text in run.parameters.get("warnings", [])] + list(run.parameters.get("notes", []))
    told = "".join(html.paragraph(f"Warning: {text}") for text in warned)
    return html.section("Parameters", told + html.folded("As a table", html.table(["name", "value"], rows, words=True)))


def interval(metric: Metric | None) -> str:
    """Return a metric with its interval, in a few characters."""
    if metric is None or metric.value is None:
        return "-"
    if metric.low is None or metric.high is None:
        return number(metric.value)
    return f"{number(metric.value)} [{number(metric.low)}, {number(metric.high)}]"


def number(value: float | None) -> str:
    """Return a number with four digits.

    Examples
    --------
    >>> number(0.123456), number(1234.5678), number(None)
    ('0.1235', '1,235', '-')
    """
    if value is None:
        return "-"
    return f"{value:.4f}" if abs(value) < 100 else f"{value:,.0f}"


def short(value: Any) -> str:
    """Return any recorded value in at most 200 characters."""
    if isinstance(value, float):
        return number(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {short(inner)}" for name, inner in value.items())[:200]
    return str(value)[:200]


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 90 else f"{seconds / 60:.1f} min"
