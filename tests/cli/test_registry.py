"""``versions``, ``promote``, ``environments``, ``tag``, ``note``, ``delete``."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.shop import done, tidewheel


def test_a_version_goes_its_way(trained: Path) -> None:
    done("promote", "SentBack@2", "--to", "staging", "--why", "second seed", folder=trained)
    told = done("promote", "SentBack@staging", "--to", "production", folder=trained).out
    assert told == "SentBack@2 stands in production (revision 1)\n"
    history = done("environments", "SentBack", "--history", "--json", folder=trained).json["history"]
    assert [(c["environment"], c["before"], c["after"], c["why"]) for c in history] == [
        ("production", None, 2, ""), ("staging", None, 2, "second seed")
    ]  # fmt: skip
    assert "second seed" in done("environments", "SentBack", "--history", folder=trained).out
    assert done("tag", "SentBack@2", "team=returns", "--json", folder=trained).json == {"team": "returns"}
    done("note", "SentBack@2", "looked at by hand", folder=trained)
    assert "looked at by hand" in done("note", "SentBack@2", folder=trained).out
    found = done("versions", "--where", "tag.team = 'returns' and metric.roc_auc > 0", "--json", folder=trained).json
    assert [(k["version"]["number"], k["environments"]) for k in found] == [(2, ["staging", "production"])]
    assert "team=returns" in done("versions", "SentBack", folder=trained).out
    refused = tidewheel("delete", "SentBack@2", folder=trained)
    assert refused.code == 1
    assert "it stands in production; it stands in staging" in refused.err
    for name in ("staging", "production"):
        done("environments", "SentBack", "--clear", name, folder=trained)
    done("delete", "SentBack@2", "--why", "only a trial", folder=trained)
    assert "was deleted" in tidewheel("show", "SentBack@2", folder=trained).err
    assert "SentBack@1 can't be deleted: S" in tidewheel("delete", "SentBack@1", folder=trained).err


def test_pages_of_a_run_and_of_two(trained: Path) -> None:
    page, both = trained / "run.html", trained / "both.html"
    assert done("report", "run", "SentBack@2", "--html", str(page), folder=trained).out == f"wrote {page}\n"
    assert "SentBack@2" in page.read_text()
    assert page.read_text().count("<svg") >= 5
    done("report", "compare", "SentBack@1", "SentBack@2", "--html", str(both), folder=trained)
    assert "SentBack@1 and SentBack@2" in both.read_text()
    assert done("report", "Screen", "--json", folder=trained).json["service"] == "Screen"
    card = done("card", "SentBack@2", folder=trained).out
    assert card.startswith("# SentBack@2: model card\n\nThe order is returned within two weeks.")
    assert "events and entities**: Customer, Order, Return" in card


def test_files_are_checked_and_given_up(trained: Path) -> None:
    checks = done("verify", "SentBack@2", "--json", folder=trained).json["files"]
    assert {check["state"] for check in checks} == {"sound"}
    assert {"bundle", "predictions", "evaluation"} <= {check["name"] for check in checks}
    with (trained / "tidewheel.toml").open("a") as settings:
        settings.write('keep_artifacts = "1ms"\n')
    before = {path.name for path in (trained / ".tidewheel" / "artifacts").rglob("*") if path.is_file()}
    done("delete", "SentBack@2", folder=trained)
    assert "would delete file" in done("gc", folder=trained).out
    gone = done("gc", "--delete", "--json", folder=trained).json["artifacts"]["deleted"]
    assert gone
    left = {path.name for path in (trained / ".tidewheel" / "artifacts").rglob("*") if path.is_file()}
    assert before - left == {one["digest"][2:] for one in gone}
    done("verify", "SentBack@1", folder=trained)
    for path in (trained / ".tidewheel" / "artifacts").rglob("*"):
        if path.is_file() and path.read_bytes()[:1] == b"P":  # the arrays are a zip
            path.chmod(0o644)
            path.write_bytes(path.read_bytes()[:-1] + b"?")
    refused = tidewheel("verify", "SentBack@1", folder=trained)
    assert refused.code == 1
    assert "damaged" in refused.err


@pytest.mark.slow
def test_a_run_is_repeated_on_the_code_that_made_it(filled: Path) -> None:
    git = ("git", "-C", str(filled), "-c", "user.email=a@example.org", "-c", "user.name=ann")
    (filled / ".gitignore").write_text(".tidewheel/\n*.csv\n")
    for arguments in (("init", "-q"), ("add", "."), ("commit", "-qm", "begin")):
        subprocess.run([*git, *arguments], check=True, capture_output=True)
    module = filled / "project.py"
    code = module.read_text()
    module.write_text(code.replace("n_estimators=20", "n_estimators=12"))
    done("train", "SentBack", folder=filled)
    module.write_text(code.replace("n_estimators=20", "n_estimators=3"))
    report = done("rerun", "SentBack@1", "--worktree", "--json", folder=filled).json
    assert (report["same_data"], report["same_metrics"], report["same_predictions"]) == (True, True, True)
    assert report["changed"] == []
    here = tidewheel("rerun", "SentBack@1", folder=filled)
    assert here.code == 1
    assert "changed since: definition" in here.out
