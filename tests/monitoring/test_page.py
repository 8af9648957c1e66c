"""The page: whole in itself, read aloud, without empty sections."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import msgspec
import numpy as np
import pytest

from tidewheel.metrics import Interval, reliability
from tidewheel.monitoring import html
from tidewheel.monitoring.page import most_moved, render
from tidewheel.monitoring.report import FeatureDrift, Happening, Latency, Period, Report

WEEKS = ["2013-09-02", "2013-09-09", "2013-09-16"]
START = 1_378_080_000_000_000
DAY = 86_400_000_000


def period(version: str, start: str) -> Period:
    random = np.random.default_rng(len(start) + len(version))
    score = random.random(400)
    label = (random.random(400) < score).astype(np.float64)
    counts = np.histogram(score, 20, (0, 1))[0].tolist()
    interval = Interval(0.5, 0.47, 0.55, 0.95, 100)
    return Period(
        version, start, 450, 3, 0, {"on_time": 300, "<b>": 150}, counts, 400, 30, 0, 20, 0.5,
        {"average_precision": interval}, reliability(label, score), Latency(120.0, 180.0, 400.0),
    )  # fmt: skip


def drift(version: str, start: str, count: int) -> list[FeatureDrift]:
    names = ["(score)", *[f"feature_{i}" for i in range(count - 1)]]
    return [FeatureDrift(version, start, n, 0.3, 0.1 + i / 100, 0.5, 0.01, 0.0, 0.0) for i, n in enumerate(names)]


def full() -> Report:
    alerts = [Happening(START + 9 * DAY, "alert: drift", f"feature_{i} moved") for i in range(5)]
    return Report(
        service="Delays",
        generated_at=START + 30 * DAY,
        start=START,
        end=START + 20 * DAY,
        metrics=["average_precision", "brier"],
        periods=[period(v, w) for w in WEEKS for v in ("Late@1", "Late@2")],
        totals=[period("Late@1", "all"), period("Late@2", "all")],
        drift=[d for w in WEEKS for d in drift("Late@1", w, 30)],
        happenings=[Happening(START, "deploy", "Late@1 answers"), *alerts],
    )


@pytest.fixture(scope="module")
def page() -> str:
    return render(full())


class Headings(HTMLParser):
    """Collects the text of headings, and the attributes of every element."""

    def __init__(self) -> None:
        super().__init__()
        self.headings: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag in ("h2", "h3")
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.headings.append(data)
            self._inside = False


def read(page: str) -> Headings:
    parser = Headings()
    parser.feed(page)
    return parser


def test_nothing_is_loaded_from_anywhere(page: str) -> None:
    links = [(tag, name, value) for tag, name, value in read(page).attributes if name in ("src", "href", "xlink:href")]
    assert [link for link in links if not link[2].startswith("#")] == []
    assert "<script" not in page
    assert "@import" not in page
    assert re.findall(r"https?://(?!www\.w3\.org)", page) == []


def test_all_sections_are_there(page: str) -> None:
    headings = read(page).headings
    for heading in ("What happened", "Over time", "Decisions", "Outcomes", "average_precision", "Scores", "Calibration",
                    "Drift", "Latency inside the service", "Versions", "By week"):  # fmt: skip
        assert heading in headings, heading
    assert "brier" not in headings, "a metric that no period has gets no chart"


def test_pictures_say_what_they_are(page: str) -> None:
    drawn = re.findall(r"<svg [^>]*>", page)
    assert len(drawn) >= 7
    assert all('role="img"' in svg and "aria-label=" in svg for svg in drawn)
    assert page.count("<title>") == len(drawn) + 1


def test_text_is_escaped(page: str) -> None:
    assert "<b>" not in page
    assert "&lt;b&gt;" in page


def test_alerts_of_a_day_are_told_together(page: str) -> None:
    assert "5 alerts: feature_0 moved, ..." in page


def test_only_what_moved_most_is_shown() -> None:
    moved = most_moved(full().drift, WEEKS[-1])
    assert len(moved) == 15
    assert moved[0].feature == "(score)"
    assert moved[1].feature == "feature_28"
    assert most_moved([], "") == []


def test_an_empty_report_has_no_empty_sections() -> None:
    empty = Report("Delays", START, START, START, ["brier"], [], [], [], [])
    assert read(render(empty)).headings == []


def test_one_period_is_not_drawn_over_time() -> None:
    single = replace(full(), periods=full().periods[:2], drift=drift("Late@1", WEEKS[0], 3))
    headings = read(render(single)).headings
    assert "Over time" not in headings
    assert "The score, over time" not in headings
    assert "Calibration" in headings


def test_a_report_is_json() -> None:
    told = json.loads(msgspec.json.encode(full()))
    assert told["periods"][0]["metrics"]["average_precision"]["value"] == 0.5
    assert told["drift"][0]["feature"] == "(score)"


def test_outcomes_to_come_are_told_of() -> None:
    waiting = [replace(p, matured=0, pending=450, reliability=[]) for p in full().totals]
    assert "No outcome is known yet: 900 decisions wait for theirs." in render(replace(full(), totals=waiting))
    assert "No outcome is known yet" not in render(full())


def test_what_no_model_decided_has_a_colour_and_no_score(page: str) -> None:
    assert "no model" not in page
    fallen = replace(period("", WEEKS[0]), scores=[], decisions=1, latency_us=Latency(1.0, 1.0, 9e6))
    with_it = render(replace(full(), totals=[fallen, *full().totals], periods=[fallen, *full().periods]))
    assert drawing(with_it, "Decisions").count(">no model<") == 1
    assert ">no model<" not in drawing(with_it, "Scores")
    assert "<dd>0.40 ms</dd><dt>p99 inside the service, Late@1</dt>" in with_it


def drawing(page: str, title: str) -> str:
    found = re.search(rf"<h3>{title}</h3>(<svg.*?</svg>)", page, re.S)
    assert found
    return found[1]


def test_every_colour_has_another_on_a_dark_screen(page: str) -> None:
    light, dark = page[: page.index("</style>")].split("@media screen and (prefers-color-scheme: dark)")
    assert re.findall(r"(--\w+):", light) == re.findall(r"(--\w+):", dark)
    drawn = set(re.findall(r'(?:fill|stroke)="(#\w+)"', page[page.index("</style>") :]))
    greys = {"#8b949e"}
    assert drawn - greys <= set(re.findall(r'"(#\w+)"', dark))


def test_texts_stand_left_and_numbers_right() -> None:
    assert '<th scope="col" class="text">a</th><th scope="col">b</th>' in html.table(["a", "b"], [["x", 1], ["y", 2]])
    assert "<td>9.1%</td>" in html.table(["a"], [["9.1%"]])
    assert "<thead>" not in html.table(["", ""], [["x", 1]])
