"""The card of a version: what it is, what it was made of, how good it is and for whom, what to mind.

Made from the record whenever it is asked for; nothing of it is stored a second time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from tidewheel.definitions import ir
from tidewheel.definitions.models.telling import rows_told
from tidewheel.metrics import metric
from tidewheel.monitoring import html, run_page
from tidewheel.monitoring.run_charts import named, said
from tidewheel.monitoring.run_page import interval, number, short
from tidewheel.monitoring.run_story import RunStory
from tidewheel.registry.runs.evaluation import Slice
from tidewheel.registry.runs.runs import PICKLE, Metric

MOST = 12


def card_html(story: RunStory) -> str:
    """Return a version's card as one self-contained HTML page."""
    facts = html.table(["", ""], what(story), words=True)
    data_facts = html.table(["", ""], data(story), words=True)
    minded = "".join(f"<li>{escape(text)}</li>" for text in limits(story))
    notes = "".join(html.paragraph(f"{html.day(n.at)} {n.who}: {n.text}") for n in story.notes)
    body = [
        f"<h1>{escape(story.name)}: model card</h1>",
        html.paragraph(_doc(story)),
        html.section("What it is", facts),
        html.section("Data", data_facts),
        run_page.metrics(story),
        run_page.curves(story.evaluation),
        run_page.slices(story.evaluation),
        run_page.fairness(story.evaluation),
        html.section("Limits", f"<ul>{minded}</ul>"),
        run_page.importance(story),
        run_page.gates(story.gates),
        html.section("Notes", notes),
        run_page.lineage(story),
    ]
    return html.page(f"{story.name}: model card", "".join(body))


def card_markdown(story: RunStory) -> str:
    """Return a version's card as Markdown."""
    parts = [f"# {story.name}: model card", _doc(story)]
    parts += ["## What it is", _list(what(story)), "## Data", _list(data(story))]
    parts += ["## How good it is", _metrics_table(story)]
    parts += _slices_part(story) + _fairness_part(story)
    parts += ["## Limits", "\n".join(f"- {text}" for text in limits(story))]
    parts += _importance_part(story)
    rows = [["passed" if gate.passed else "**failed**", gate.gate, gate.detail] for gate in story.gates]
    parts += ["## Gates", _table(["verdict", "gate", "what it saw"], rows)] if rows else []
    parts += (
        ["## Notes", "\n".join(f"- {html.day(n.at)} {n.who}: {n.text}" for n in story.notes)] if story.notes else []
    )
    parts += ["## Where it comes from", _graph(story)]
    return "\n\n".join(part for part in parts if part) + "\n"


def what(story: RunStory) -> list[tuple[str, str]]:
    """Return what the model is, as names and values."""
    run, version, manifest = story.run, story.version, story.manifest
    uses = [f"environment {name}" for name in story.stands] + [f"service {name}" for name in story.serves]
    facts = [
        ("model", run.model),
        ("made", f"{html.day(version.created)} (UTC) by {version.who}" if version else ""),
        ("estimator", str(run.parameters.get("estimator") or "")),
        ("calibration", manifest.predictor.calibration if manifest else ""),
        ("goes on from", run.lineage.parents.get("init_from", "")),
        ("taught by", _teacher(story)),
        ("view", f"{manifest.view}, {len(manifest.columns)} columns" if manifest else ""),
        ("kept as", _forms(story)),
        ("exported as", "; ".join(map(str, story.exports))),
        ("used by", ", ".join(uses) or "nothing yet"),
        ("tags", ", ".join(f"{name}={value}" for name, value in story.tags.items())),
        ("run", run.id),
    ]
    return [(name, value) for name, value in facts if value]


def _teacher(story: RunStory) -> str:
    name = story.run.lineage.parents.get("teacher", "")
    model = _declared(story)
    told = model.teacher if model is not None else None
    return f"{name}, weight {told.weight:g}, temperature {told.temperature:g}" if name and told else name


def _rows_told(story: RunStory) -> str:
    model = _declared(story)
    return rows_told(model) if model is not None else ""


def _declared(story: RunStory) -> ir.Model | None:
    models = story.manifest.graph.models if story.manifest else ()
    return next((model for model in models if model.name == story.run.model), None)


def _forms(story: RunStory) -> str:
    forms = ["arrays that need no library"] if story.version is not None and story.version.bundle else []
    names = {
        "model.txt": "LightGBM's text",
        "model.json": "its library's JSON",
        "model.safetensors": "safetensors",
        "model.skops": "skops",
        PICKLE: "a pickle, which runs code when it is loaded",
    }
    return ", ".join([*forms, *[words for name, words in names.items() if name in story.run.artifacts]])


def data(story: RunStory) -> list[tuple[str, str]]:
    """Return what it was trained and tested on, as names and values."""
    known = story.run.lineage
    profile = story.manifest.profile if story.manifest else None
    rate = profile.label_rate if profile else None
    facts = [
        ("events and entities", ", ".join(n.partition(" ")[2] for n in known.definitions if n.split()[0] in _SOURCES)),
        ("as of", f"{html.day(known.as_of)} (UTC), log up to offset {known.log_head - 1:,}" if known.as_of else ""),
        ("meant for rows", _rows_told(story)),
        ("rows", ", ".join(f"{count:,} {name}" for name, count in known.rows.items() if count)),
        ("mean label", number(rate) if rate is not None else ""),
        ("data set", known.dataset),
    ]
    return [(name, value) for name, value in facts if value]


_SOURCES = ("event", "entity")


def limits(story: RunStory) -> list[str]:
    """Return what to mind when the version is used: read off the record, never written by hand."""
    found = [f"The gate {gate.gate} failed: {gate.detail}" for gate in story.gates if not gate.passed]
    found += [f"The library said: {text}" for text in story.run.parameters.get("notes", [])]
    evaluation = story.evaluation
    if evaluation is not None:
        found += [f"{item.what[:1].upper()}{item.what[1:]}: {item.text}" for item in evaluation.findings]
        weak = [p for p in evaluation.slices if p.q is not None and p.q < 0.05 and not p.declared and _is_weaker(p)]
        found += [f"Weaker on {said(p)} ({p.rows:,} rows): {_beside(p.value, p.rest)}." for p in weak[:5]]
        small = [f"{f.column} {g.value}" for f in evaluation.fairness for g in f.groups if g.small]
        found += [f"Too few test rows to judge {', '.join(small[:MOST])}."] if small else []
    found += ["Its model is kept as a pickle: load it only if you trust who made it."] * (PICKLE in story.run.artifacts)
    resampled = {m.metric for m in story.metrics if m.split == "train"}  # others are told as one number, by nature
    unsure = [m for m in story.metrics if m.split == "test" and m.low is None and m.metric in resampled]
    found += [f"{m.metric} has no interval: the test rows are too few, or of one kind." for m in unsure]
    as_of = story.run.lineage.as_of
    if as_of:
        found.append(f"It has seen nothing that arrived after {html.day(as_of)} (UTC).")
    return found or ["None on record."]


def _is_weaker(part: Slice) -> bool:
    """Tell whether the metric says so too: slices are found by the loss, which grows with the share of positives."""
    if part.value is None or part.rest is None:
        return False
    return part.value < part.rest if metric(part.metric).greater_is_better else part.value > part.rest


def _beside(value: float | None, rest: float | None) -> str:
    return f"{number(value)} against {number(rest)} on the other rows"


def _doc(story: RunStory) -> str:
    model = _declared(story)
    return model.doc if model is not None else ""


def _metrics_table(story: RunStory) -> str:
    names = list(dict.fromkeys(m.metric for m in story.metrics))
    splits = list(dict.fromkeys(m.split for m in story.metrics))
    found: dict[tuple[str, str], Metric] = {(m.metric, m.split): m for m in story.metrics}
    rows = [[name, *[interval(found.get((name, split))) for split in splits]] for name in names]
    return _table(["metric", *map(named, splits)], rows)


def _slices_part(story: RunStory) -> list[str]:
    evaluation = story.evaluation
    if evaluation is None or not evaluation.slices:
        return []
    rows = [[said(p), f"{p.rows:,}", number(p.value), number(p.low), number(p.high), number(p.rest)]
            for p in evaluation.slices[:MOST]]  # fmt: skip
    return ["## Slices", _table(["slice", "rows", evaluation.leading, "low", "high", "the rest"], rows)]


def _fairness_part(story: RunStory) -> list[str]:
    parts = []
    for asked in story.evaluation.fairness if story.evaluation is not None else []:
        rows = [[g.value, f"{g.rows:,}", number(g.positives), number(g.selected), number(g.true_positive_rate),
                 number(g.false_positive_rate)] for g in asked.groups]  # fmt: skip
        parts.append(f"By {asked.column}, at a threshold of {asked.threshold:g}.")
        headers = ["group", "rows", "positives", "selected", "true positive rate", "false positive rate"]
        parts.append(_table(headers, rows))
    return ["## Fairness", *parts] if parts else []


def _importance_part(story: RunStory) -> list[str]:
    shares = sorted(story.gain.items(), key=lambda pair: -pair[1])[:MOST]
    rows = [[name, f"{share:.1%}"] for name, share in shares if share > 0]
    return ["## What it looks at", _table(["column", "share of gain"], rows)] if rows else []


def _graph(story: RunStory) -> str:
    """Return the lineage as a Mermaid drawing, which most viewers of Markdown show."""
    known = story.run.lineage
    boxes: dict[str, list[str]] = {}
    for name in known.definitions:
        kind, _, rest = name.partition(" ")
        boxes.setdefault(kind, []).append(rest)
    above = [*boxes.get("event", []), *boxes.get("entity", [])]
    middle = boxes.get("group", []) + boxes.get("features", [])
    view = boxes.get("view", [])[:1] or ["data"]
    lines = [f'  {_id(a)}["{a}"] --> {_id(b)}["{b}"]' for a in above for b in (middle or view)]
    lines += [f'  {_id(a)}["{a}"] --> {_id(view[0])}["{view[0]}"]' for a in middle]
    lines.append(f'  {_id(view[0])} --> data_set["{known.dataset[:12]}"] --> run["run {story.run.id}"]')
    lines += [f'  {_id(name)}["{name}"] -- {word} --> run' for word, name in known.parents.items()]
    lines.append(f'  run --> version["{story.name}"]')
    uses = [f"environment {name}" for name in story.stands] + [f"service {name}" for name in story.serves]
    lines += [f'  version --> {_id(use)}["{use}"]' for use in uses]
    return "```mermaid\nflowchart LR\n" + "\n".join(lines) + "\n```"


def _id(name: str) -> str:
    return "n_" + "".join(character if character.isalnum() else "_" for character in name)


def _list(facts: Iterable[tuple[str, str]]) -> str:
    return "\n".join(f"- **{name}**: {value}" for name, value in facts)


def _table(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [headers, ["---"] * len(headers), *rows]
    return "\n".join("| " + " | ".join(short(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)
