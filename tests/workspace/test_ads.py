"""The ads example: both models trained, deployed as one score, an ad decided, what came of it reported."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from examples.ads import project
from examples.ads.generate import world, write

import tidewheel as tw
from tidewheel.workspace.workspace import Workspace

END = datetime.now(UTC) - timedelta(hours=2)
ROWS = world(END)
ADS = {str(row["id"]): row for row in ROWS["Ad"]}


class Serve(project.Serve):
    """With time enough on a busy machine, and always the best."""

    deadline = "60s"
    explore = 0.0


class AfterClick(tw.Service, on=project.AdRequest):
    """Ordered by what a click is worth alone."""

    candidates = project.Serve.candidates
    score = project.CVR.score * project.Ad.bid
    decide = tw.top(3)
    deadline = "60s"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    folder: Path = tmp_path_factory.mktemp("ads")
    write(folder, ROWS)
    with tw.open(":memory:", [Serve, AfterClick, project.CTR, project.CVR]) as opened:
        for name in ROWS:
            opened.ingest(str(folder / f"{name}.parquet"), name)
        opened.sync()
        for model in ("CTR", "CVR"):
            opened.train(model)
        opened.deploy("CTR@1+CVR@1", service="Serve")
        opened.deploy("CVR@1", service="AfterClick")
        yield opened


def test_each_model_learned_from_the_rows_it_is_meant_for(workspace: Workspace) -> None:
    shown, clicked = (workspace.runs(name)[0].lineage.rows for name in ("CTR", "CVR"))
    assert shown["rows"] == clicked["rows"] == len(ROWS["Impression"])
    assert "outside where" not in shown
    assert clicked["outside where"] > clicked["train"] > 0
    declared = {one.name: one.score for one in workspace.plan().declared}
    assert declared["CVR"].startswith("where Click within 30min")
    assert "where Click within 30min" in workspace.model_card("CVR@1")


def test_the_ad_is_the_one_from_which_most_is_to_be_expected(workspace: Workspace) -> None:
    answer = workspace.decide("Serve", project.AdRequest(id="q1", user="u1", site="news", hour=20))
    assert not answer.fallback, answer.reason
    (item,) = answer.items
    told = workspace.why(answer.decision_id)
    assert told.replay.equal
    worth = workspace.decide("AfterClick", project.AdRequest(id="q2", user="u1", site="news", hour=20))
    assert item.score is not None
    assert 0 < item.score < float(str(ADS[item.id]["bid"]))
    assert all(other.score is not None and other.score > 0 for other in worth.items)


def test_a_report_judges_clicks_alone(workspace: Workspace) -> None:
    for n in range(6):
        answer = workspace.decide("AfterClick", project.AdRequest(id=f"p{n}", user="u2", site="sport", hour=9))
        for item in answer.items:
            workspace.append([project.Impression(request=f"p{n}", ad=item.id)])
        if n % 2:
            workspace.append([project.Click(request=f"p{n}", ad=answer.items[0].id, user="u2")])
    workspace.sync()
    (total,) = workspace.report("AfterClick").totals
    assert total.decisions >= 6
    assert total.pending == total.decisions - total.missing
