"""The pages of runs and versions: whole in themselves, read aloud, without empty sections."""

from __future__ import annotations

import re
from dataclasses import replace

import msgspec
import pytest

from tidewheel.monitoring.card import card_html, card_markdown
from tidewheel.monitoring.comparison_page import render_comparison
from tidewheel.monitoring.run_charts import spans
from tidewheel.monitoring.run_page import render_run
from tidewheel.monitoring.run_story import RunStory
from tidewheel.registry.runs.evaluation import (
    Against,
    Churn,
    ColumnImportance,
    Curve,
    Evaluation,
    Fairness,
    Found,
    Group,
    LearningPoint,
    Slice,
)
from tidewheel.registry.runs.runs import Lineage, Metric, Run, Verdict
from tidewheel.registry.runs.steps import StepRecord
from tidewheel.registry.versions.marks import VersionNote
from tidewheel.registry.versions.versions import Version
from tidewheel.training.compare import Difference, RunDifference

BEGUN = 1_767_225_600_000_000
METRICS = [
    Metric("test", "roc_auc", 0.81, 0.78, 0.84),
    Metric("champion", "roc_auc", 0.79, 0.75, 0.82),
    Metric("baseline", "roc_auc", 0.5),
    Metric("test", "brier", 0.11, 0.1, 0.12),
]
GATES = [
    Verdict("at_least(roc_auc, 0.7)", True, "roc_auc is 0.81", {"value": 0.81}),
    Verdict("at_most(brier, 0.1)", False, "brier is <0.11>", {"value": 0.11}),
]


def evaluation() -> Evaluation:
    curves = [
        Curve(kind=kind, of=of, x=[0.0, 0.5, 1.0], y=[1.0, 0.6, 0.2], low=low, high=high)
        for kind, low, high in (("precision_recall", [], []), ("reliability", [0.9, 0.5, 0.1], [1.0, 0.7, 0.3]))
        for of in ("candidate", "champion")
    ]
    part = Slice(where={"country": "<SE>"}, declared=False, rows=40, metric="roc_auc", value=0.6, low=0.5, high=0.7,
                 rest=0.82, p=0.001, q=0.01)  # fmt: skip
    group = Group(value="old", rows=9, positives=0.2, mean_score=0.3, selected=0.1, selected_low=0.0, selected_high=0.3,
                  small=True)  # fmt: skip
    points = [LearningPoint(share=s, rows=int(s * 1000), metric="roc_auc", value=0.7 + s / 10) for s in (0.5, 1.0)]
    return Evaluation(
        model="Fraud", task="classification", rows=300, positives=0.2, leading="roc_auc", greater_is_better=True,
        metrics=METRICS, curves=curves, slices=[part], slices_tried=50, learning_curve=points,
        against=[Against(other="champion", version="Fraud@1", metric="roc_auc", difference=0.02, low=0.0, high=0.04)],
        churn=Churn(version="Fraud@1", rows=300, changed=0.05, moves={"allow -> block": 15}, mean_change=0.01),
        importance=[ColumnImportance(column="amount", gain=0.7, permutation=0.1, shap=0.4)],
        fairness=[Fairness(column="age", threshold=0.5, groups=[group], ratio={"selected": 0.8})],
        findings=[Found(what="warning on the data", text="amount leaks")],
    )  # fmt: skip


def story() -> RunStory:
    run = Run(
        id="01RUN", model="Fraud", status="done", started=BEGUN, finished=BEGUN + 9_000_000, who="ann",
        cause="<weekly>",
        parameters={"estimator": "LGBMClassifier", "fitted": {"num_leaves": 7}, "warnings": ["amount leaks"]},
        lineage=Lineage(definitions={"event Payment": "a1", "view PaymentView": "b2"}, dataset="d" * 64, as_of=BEGUN,
                        rows={"train": 1000, "test": 300}, log_head=12),
    )  # fmt: skip
    version = Version(model="Fraud", number=2, run="01RUN", bundle="b" * 64, view="v", definition="d", metrics=METRICS,
                      gates=GATES, who="ann", created=BEGUN)  # fmt: skip
    trials = [
        {"number": n, "value": v, "seconds": 1.0, "parameters": {"num_leaves": 7}} for n, v in enumerate((0.7, 0.8))
    ]
    steps = [
        StepRecord(run="01RUN", seq=1, step="data", at=BEGUN, seconds=4.0, detail="1300 rows", reused="00RUN"),
        StepRecord(run="01RUN", seq=2, step="learn", at=BEGUN + 4_000_000, seconds=5.0),
    ]
    return RunStory(
        run, version, None, evaluation(), steps, trials, [], {"amount": 0.7, "country": 0.3}, ["staging"], ["Score"],
        {"team": "risk"}, [VersionNote(version="Fraud@2", text="weak on <prepaid>", at=BEGUN, who="bob")],
    )  # fmt: skip


def other() -> RunStory:
    of = story()
    assert of.version is not None
    renamed = msgspec.structs.replace(of.version, number=1, run="00RUN")
    return replace(of, run=msgspec.structs.replace(of.run, id="00RUN"), version=renamed)


DIFFERENT = RunDifference(
    same_data=False, same_test=True, parameters=[Difference("num_leaves", 7, 15)], added=["amount"], removed=[],
    lineage=[Difference("commit", "aa", "bb")],
)  # fmt: skip
PAGES = {
    "run": lambda: render_run(story()),
    "card": lambda: card_html(story()),
    "compare": lambda: render_comparison(other(), story(), DIFFERENT),
}


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return {name: make() for name, make in PAGES.items()}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_loads_nothing_and_says_what_it_draws(pages: dict[str, str], name: str) -> None:
    page = pages[name]
    outside = [url for url in re.findall(r"https?://[^\s\"'<]+", page) if not url.startswith("http://www.w3.org/")]
    assert outside == []
    assert "<script" not in page
    assert not re.search(r"\b(src|@import)\b", page)
    drawings = re.findall(r"<svg[^>]*>", page)
    assert len(drawings) >= 3
    for drawing in drawings:
        said = re.search(r'aria-label="([^"]+)"', drawing)
        assert said, drawing
        assert len(said[1]) > 20, "a title alone does not say what is drawn"
        width = re.search(r'\bwidth="(\d+)', drawing)
        assert width
        assert int(width[1]) < 520, "too wide to be read on a phone"


def test_texts_are_escaped_and_sections_there(pages: dict[str, str]) -> None:
    page = pages["run"]
    for text in ("&lt;weekly&gt;", "brier is &lt;0.11&gt;", "country &lt;SE&gt;", "weak on &lt;prepaid&gt;"):
        assert text in page
    for heading in ("Gates", "How good it is", "Curves", "Slices", "Beside others", "Fairness", "What it looks at",
                    "Search", "Steps", "Where it comes from", "Parameters"):  # fmt: skip
        assert f"<h2>{heading}</h2>" in page
    assert "this model 0.8100 [0.7800, 0.8400]; champion 0.7900" in page
    assert '<span class="bad">failed</span>' in page


def test_a_run_with_nothing_but_a_name() -> None:
    failed = Run(id="01BAD", model="Fraud", status="failed", started=BEGUN, who="ann", error="data: one class")
    page = render_run(RunStory(failed))
    assert "Error: data: one class" in page
    assert "<svg" not in page
    assert "<h2>Gates</h2>" not in page
    assert "<h2>Slices</h2>" not in page


def test_steps_stand_where_they_ran(pages: dict[str, str]) -> None:
    assert "1300 rows; taken from run 00RUN" in pages["run"]
    assert spans(story().steps, BEGUN) == [(0.0, 4.0), (4.0, 9.0)]


def test_the_card_tells_what_to_mind() -> None:
    card = card_markdown(story())
    for text in (
        "# Fraud@2: model card",
        "The gate at_most(brier, 0.1) failed",
        "Warning on the data: amount leaks",
        "Weaker on country <SE> (40 rows): 0.6000 against 0.8200 on the other rows.",
        "Too few test rows to judge age old.",
        "| roc_auc | 0.8100 [0.7800, 0.8400] | 0.7900 [0.7500, 0.8200] | 0.5000 |",
        "## Fairness",
        'run["run 01RUN"]',
        "weak on <prepaid>",
    ):
        assert text in card, text


def test_two_runs_are_compared(pages: dict[str, str]) -> None:
    page = pages["compare"]
    for text in ("tested on the same rows", "num_leaves", "Columns only in Fraud@2: amount", "+0.0000"):
        assert text in page


def test_a_lone_number_is_told_and_not_drawn_nor_blamed_for_having_no_interval() -> None:
    told = story()
    assert told.version is not None
    measured = [*told.metrics, Metric("test", "calibration_error", 0.03)]
    told = replace(told, version=msgspec.structs.replace(told.version, metrics=measured))
    page = render_run(told)
    assert "<dd>0.0300</dd><dt>calibration_error</dt>" in page
    assert "<h3>calibration_error</h3>" not in page
    assert "calibration_error has no interval" not in card_markdown(told)
