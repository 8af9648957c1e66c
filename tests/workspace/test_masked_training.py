"""What a training tells people of personal columns: how rows with one value fare, never the value."""

from __future__ import annotations

import random
from typing import Annotated

import msgspec
from lightgbm import LGBMClassifier
from msgspec.structs import replace
from tests.workspace.shop import DAY, START

import tidewheel as tw
from tidewheel.definitions import ir
from tidewheel.definitions.projects.masking import MASK
from tidewheel.features.proof.difference import Side, compare_view
from tidewheel.workspace import Workspace

VIEW = "VisitView"
FAITHS = ("faith-of-the-hills", "faith-of-the-sea", "faith-of-the-woods")


class Person(tw.Entity):
    id: Annotated[tw.Id, tw.personal]


class Visit(tw.Event):
    id: tw.Id
    person: tw.Ref[Person]
    faith: Annotated[tw.Category, tw.personal]
    nick: Annotated[tw.Text, tw.personal]
    shoe: Annotated[float, tw.personal]
    amount: float


class Relapse(tw.Event):
    visit: tw.Ref[Visit]


class Lately(tw.Features, by=Person):
    visits_30d = tw.count(Visit, "30d")
    last_nick = tw.last(Visit.nick)


class VisitView(tw.View, on=Visit):
    faith = Visit.faith
    nick = Visit.nick
    shoe = Visit.shoe
    amount = Visit.amount
    lately = Lately


class Again(tw.Model):
    view = VisitView
    label = tw.happened(Relapse, within="5d")
    estimator = LGBMClassifier(n_estimators=5, num_leaves=7, min_child_samples=5, verbose=-1)
    split = tw.temporal(test="30d")
    metrics = ["roc_auc"]
    slices = ["faith", "shoe"]
    gates = [tw.gate.fair("faith", ratio=0.0, rows=5)]


def fill(workspace: Workspace) -> set[str]:
    """Append visits of some weeks, of which some are followed by a relapse; return every personal text."""
    draw = random.Random(1)
    texts = set(FAITHS)
    events: list[tw.Event] = []
    for k in range(600):
        at, faith, nick = START + k * DAY // 6, draw.choice(FAITHS), f"nick-of-{k}"
        person, shoe = f"person-{draw.randrange(30)}", draw.choice([41.25, 42.75])
        texts |= {nick, person, str(shoe)}
        visit = Visit(id=f"v{k}", person=person, faith=faith, nick=nick, shoe=shoe, amount=draw.random(), at=at)
        events.append(visit)
        if draw.random() < (0.8 if faith == FAITHS[0] else 0.2):
            events.append(Relapse(visit=f"v{k}", at=at + DAY))
    workspace.append(sorted(events, key=lambda event: event.at))
    return texts


def test_reports_cards_and_gates_name_no_personal_value() -> None:
    with tw.open(":memory:", [Person, Visit, Relapse, Lately, VisitView, Again]) as workspace:
        texts = fill(workspace)
        result = workspace.train(Again)
        story = workspace.run_story(result.run_id)
        assert story.evaluation is not None
        declared = [part for part in story.evaluation.slices if part.declared]
        assert {part.where.get("faith") for part in declared} >= {f"[personal] {place}" for place in (1, 2, 3)}
        assert {part.where.get("shoe") for part in declared} >= {"[personal] 1", "[personal] 2"}
        assert sum(part.rows for part in declared if "faith" in part.where) == story.evaluation.rows
        assert "like an id" in str(story.findings)
        pages = [workspace.run_page(result.run_id)]
        pages += [workspace.model_card(result.version, form) for form in ("md", "html")]
        records = [story.evaluation, story.run, story.findings, story.version]
        told = " ".join([*pages, *(msgspec.json.encode(record).decode() for record in records)])
        assert "[personal] 1" in told
        assert [text for text in sorted(texts) if text in told] == []


def test_differences_of_definitions_show_no_personal_value() -> None:
    with tw.open(":memory:", [Person, Visit, Relapse, Lately, VisitView, Again]) as workspace:
        texts = fill(workspace)
        graph = workspace.project.graph
        lately = graph.groups[0]
        last = next(feature for feature in lately.features if feature.name == "last_nick")
        assert isinstance(last.value, ir.Aggregate)
        first = replace(last, value=replace(last.value, op="first"))
        others = tuple(first if feature is last else feature for feature in lately.features)
        changed = replace(graph, groups=(replace(lately, features=others), *graph.groups[1:]))
        sides = [Side(name, of, workspace.history, "event") for name, of in (("then", graph), ("now", changed))]
        found = compare_view(*sides, VIEW, 0)
        column = next(column for column in found.columns if column.name.endswith("last_nick"))
        assert column.differing > 100
        assert {(example.before, example.after) for example in column.examples} == {(MASK, MASK)}
        assert [text for text in sorted(texts) if text in str(found)] == []
