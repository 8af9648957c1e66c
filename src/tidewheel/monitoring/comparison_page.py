"""Two runs or versions side by side, as one self-contained HTML page."""

from __future__ import annotations

from html import escape

from tidewheel.monitoring import charts, html, run_charts
from tidewheel.monitoring.run_page import in_words, interval, short, verdict
from tidewheel.monitoring.run_story import RunStory
from tidewheel.registry.runs.evaluation import Curve
from tidewheel.registry.runs.runs import Metric
from tidewheel.training.compare import RunDifference


def render_comparison(one: RunStory, two: RunStory, found: RunDifference) -> str:
    """Return the page of two runs; `found` says in what they differ."""
    names = f"{one.name} and {two.name}"
    same = "Both were tested on the same rows."
    if not found.same_test:
        same = "They were tested on different rows, so the numbers tell only roughly which is better."
    body = [
        f"<h1>{escape(names)}</h1>",
        html.paragraph(same + (" The data set is the same." if found.same_data else "")),
        _metrics(one, two),
        _curves(one, two),
        _gates(one, two),
        _importance(one, two),
        _differences(one, two, found),
    ]
    return html.page(names, "".join(body))


def _metrics(one: RunStory, two: RunStory) -> str:
    names = list(dict.fromkeys(m.metric for story in (one, two) for m in story.metrics if m.split == "test"))
    drawn, rows = [], []
    for name in names:
        of = [(story.name, story.metric(name)) for story in (one, two)]
        baseline = two.metric(name, "baseline") or one.metric(name, "baseline")
        shown = [*of, ("constant", baseline)]
        dots: charts.Rows = [
            {"of": who, "value": m.value, "low": m.low, "high": m.high} for who, m in shown if m is not None
        ]
        said = "; ".join(in_words([m], name).replace("this model", who) for who, m in shown if m is not None)
        drawn.append(html.figure(name, run_charts.dots(dots, name), said))
        rows.append([name, *[interval(m) for _, m in shown], _gain(of[0][1], of[1][1])])
    table = html.table(["metric", one.name, two.name, "constant", "difference"], rows)
    intro = html.paragraph("On each one's test rows, with 95% intervals.")
    return html.charts("How good they are", drawn, intro, small=True) + table


def _gain(one: Metric | None, two: Metric | None) -> str:
    if one is None or two is None or one.value is None or two.value is None:
        return "-"
    return f"{two.value - one.value:+.4f}"


def _curves(one: RunStory, two: RunStory) -> str:
    if one.evaluation is None or two.evaluation is None:
        return ""
    drawn = []
    for kind, title in (("precision_recall", "Precision and recall"), ("reliability", "Calibration"),
                        ("residuals", "Predicted and seen")):  # fmt: skip
        both: list[Curve] = []
        for story in (one, two):
            own = (
                [c for c in story.evaluation.curves if c.kind == kind and c.of == "candidate"]
                if story.evaluation
                else []
            )
            both += [Curve(kind=c.kind, of=story.name, x=c.x, y=c.y, low=c.low, high=c.high) for c in own]
        together = type(two.evaluation)(
            model=two.run.model, task=two.evaluation.task, rows=two.evaluation.rows, curves=both,
            positives=two.evaluation.positives, leading=two.evaluation.leading,
            greater_is_better=two.evaluation.greater_is_better,
        )  # fmt: skip
        drawn.append(html.figure(title, run_charts.curve(together, kind), f"Curves of {one.name} and {two.name}."))
    return html.charts("Curves", drawn, small=True)


def _gates(one: RunStory, two: RunStory) -> str:
    sides = [{gate.gate: gate for gate in story.gates} for story in (one, two)]
    names = list(dict.fromkeys([*sides[0], *sides[1]]))
    rows = [[name, *[verdict(side[name]) if name in side else "-" for side in sides]] for name in names]
    return html.section("Gates", html.table(["gate", one.name, two.name], rows, words=True)) if rows else ""


def _importance(one: RunStory, two: RunStory) -> str:
    shares = [story.gain for story in (one, two)]
    if not all(shares):
        return ""
    drawn = [
        html.figure(story.name, run_charts.bars(gain, "share of gain", 12), "The columns with the largest gain.")
        for story, gain in zip((one, two), shares, strict=True)
    ]
    return html.charts("What they look at", drawn, small=True)


def _differences(one: RunStory, two: RunStory, found: RunDifference) -> str:
    parts = []
    for title, where in (("Parameters", found.parameters), ("Data, code and libraries", found.lineage)):
        rows = [[d.what, _told(d.what, d.one), _told(d.what, d.two)] for d in where]
        if rows:
            parts.append(f"<h3>{title}</h3>" + html.table(["what", one.name, two.name], rows, words=True))
    for said, columns in ((f"Columns only in {two.name}", found.added), (f"Columns only in {one.name}", found.removed)):
        if columns:
            parts.append(html.paragraph(f"{said}: {', '.join(columns)}."))
    return html.section("In what they differ", "".join(parts) or html.paragraph("In nothing that is on record."))


def _told(what: str, value: object) -> str:
    return html.day(value) if what == "as of" and isinstance(value, int) else short(value)
