"""``deploy``, ``rollback``, ``status``, ``thresholds``, ``why``, ``report``, ``features``."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.shop import done, tidewheel, trained_shop

import tidewheel as tw


def champion(folder: Path) -> tuple[str, str]:
    deployment = done("status", "--json", folder=folder).json["deployments"][0]
    return deployment["champion"], deployment["challenger"]


def test_deploy_canary_promote_and_back(trained: Path) -> None:
    assert champion(trained) == ("SentBack@1", "")
    assert "SentBack@2 20%" in done("deploy", "SentBack@2", "--canary", "20%", folder=trained).out
    assert champion(trained) == ("SentBack@1", "SentBack@2")
    done("rollback", "SentBack", "--why", "no better", folder=trained)
    assert champion(trained) == ("SentBack@1", "")
    moved = done("deploy", "SentBack@2", "--why", "better", "--json", folder=trained).json
    assert (moved[0]["champion"], moved[0]["previous"]) == ("SentBack@2", "SentBack@1")
    assert "SentBack@1" in done("rollback", "Screen", folder=trained).out
    assert champion(trained) == ("SentBack@1", "")
    told = done("status", "--history", folder=trained).out
    assert "no better" in told
    assert "not running; start it: tidewheel up" in told
    assert len(done("status", "--history", "--json", folder=trained).json["history"]) == 5


def test_thresholds_are_turned_and_turned_back(trained: Path) -> None:
    assert done("thresholds", "Screen", "--json", folder=trained).json == {"ship": 0.0, "check": 0.5}
    done("thresholds", "Screen", "check=0.3", "--why", "quiet day", folder=trained)
    assert done("thresholds", "Screen", "--json", folder=trained).json == {"ship": 0.0, "check": 0.3}
    assert "0.5" in done("thresholds", "Screen", "--declared", folder=trained).out
    assert done("thresholds", "Screen", "--json", folder=trained).json["check"] == 0.5


def test_what_can_not_be_deployed_is_told(trained: Path) -> None:
    for arguments, said in (
        (["deploy", "SentBack@7"], "there are: SentBack@1, SentBack@2"),
        (["deploy", "SentBack@1", "--service", "Scren"], "no service 'Scren'"),
        (["deploy", "SentBack@1", "--canary", "many"], "write it like 5% or 0.05"),
        (["deploy", "SentBack@2", "--canary", "500%"], "at most 1"),
        (["deploy", "SentBack@2", "--canary", "nan"], "share"),
        (["rollback", "Scren"], "deployed: Screen"),
        (["rollback", "Screen"], "before"),
        (["thresholds", "Scren"], "did you mean 'Screen'"),
        (["thresholds", "Screen", "chek=0.4"], "its actions: ship, check"),
        (["thresholds", "Screen", "check=high"], "action=score"),
        (["thresholds", "Screen", "check=nan"], "no finite number"),
        (["report", "Scren"], "did you mean 'Screen'"),
        (["why", "01NOSUCHDECISION"], "no decision"),
        (["features", "read", "CustomerHistry", "customer=c1"], "did you mean 'CustomerHistory'"),
        (["features", "read", "CustomerHistory", "client=c1"], "customer=..."),
        (["features", "read", "CustomerHistory", "customer=c1", "--at", "noon"], "can't read 'noon' as a time"),
    ):
        ran = tidewheel(*arguments, folder=trained)
        assert ran.code == 1, (arguments, ran.out, ran.err)
        assert said in ran.err, (arguments, ran.err)
    assert champion(trained) == ("SentBack@1", "")


def test_a_version_that_failed_its_gates_is_deployed_by_force_only(filled: Path) -> None:
    module = filled / "project.py"
    module.write_text(module.read_text().replace('tw.at_least("roc_auc", 0.6)', 'tw.at_least("roc_auc", 0.999)'))
    told = done("train", "SentBack", folder=filled).out
    assert "FAILED  at_least(roc_auc, 0.999)" in told
    ran = tidewheel("deploy", "SentBack@1", folder=filled)
    assert ran.code == 1
    assert "did not pass its gates" in ran.err
    assert "--force" in ran.err
    done("deploy", "SentBack@1", "--force", folder=filled)
    assert champion(filled) == ("SentBack@1", "")


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Give a shop with thirty decisions, and the id of one."""
    folder = trained_shop(tmp_path_factory.mktemp("decided") / "shop")
    with tw.open(folder) as workspace:
        for number in range(30):
            order = {"id": f"d{number}", "customer": f"c{number % 7}", "category": "shoes", "amount": 30.0 + number}
            answer = workspace.decide("Screen", order)
    return folder, answer.decision_id


def test_why_tells_one_decision_and_replays_it(decided: tuple[Path, str]) -> None:
    folder, identity = decided
    told = done("why", identity, folder=folder).out
    for part in ("Screen decided", "model SentBack@1", "customer.orders_30d", "d29", "thresholds", "took "):
        assert part in told
    assert "are the same, to the bit; the model gives the same score" in told
    explained = done("why", identity, "--json", folder=folder).json
    assert explained["replay"]["equal"]
    assert explained["inputs"]["amount"] == 59.0


def test_features_check_replays_what_was_served(decided: tuple[Path, str]) -> None:
    folder, _ = decided
    assert "30 decisions replayed" in done("features", "check", folder=folder).out
    report = done("features", "check", "--service", "Screen", "--sample", "10", "--json", folder=folder).json
    assert (report["checked"], report["differences"]) == (10, 0)


def test_features_read_now_and_then(decided: tuple[Path, str]) -> None:
    folder, _ = decided
    assert "orders_30d" in done("features", "read", "CustomerHistory", "customer=c1", folder=folder).out
    early = ["--at", "2000-01-01T00:00:00Z", "--json"]
    then = done("features", "read", "CustomerHistory", "customer=c1", *early, folder=folder).json
    assert (then["orders_30d"], then["mean_90d"]) == (0, None)


def test_report_as_text_json_and_page(decided: tuple[Path, str], tmp_path: Path) -> None:
    folder, _ = decided
    page = tmp_path / "report.html"
    told = done("report", "Screen", "--html", str(page), folder=folder).out
    assert "SentBack@1" in told
    assert f"wrote {page}" in told
    text = page.read_text()
    assert "<svg" in text
    assert 'src="http' not in text
    report = done("report", "Screen", "--by", "month", "--json", folder=folder).json
    assert sum(period["decisions"] for period in report["totals"]) == 30


def test_report_into_a_folder_that_is_not_there(decided: tuple[Path, str], tmp_path: Path) -> None:
    ran = tidewheel("report", "Screen", "--html", str(tmp_path / "absent" / "r.html"), folder=decided[0])
    assert ran.code == 1
    assert "absent" in ran.err
