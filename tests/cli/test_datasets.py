"""``datasets list``, ``show`` and ``export``."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
from pyarrow import csv
from tests.shop import done, tidewheel

import tidewheel as tw


def test_a_version_s_rows_are_kept_shown_and_exported(trained: Path) -> None:
    listed = done("datasets", "list", "SentBack", "--json", folder=trained).json
    assert [one["model"] for one in listed] == ["SentBack"]
    digest = listed[0]["digest"]
    assert digest[:16] in done("datasets", "list", folder=trained).out
    told = done("datasets", "show", digest[:6], folder=trained).out
    assert f"data set {digest}" in told
    assert "_label" in told
    card = done("datasets", "show", "SentBack@2", "--json", folder=trained).json
    assert card["dataset"]["digest"] == digest
    assert len(card["runs"]) == 2
    said = done("datasets", "export", "SentBack@1", str(trained / "rows.parquet"), folder=trained).out
    done("datasets", "export", digest, str(trained / "rows.csv"), folder=trained)
    done("datasets", "export", digest, str(trained / "rows.jsonl"), folder=trained)
    with tw.open(trained) as workspace:
        table = workspace.dataset("SentBack@1")
        assert [one.digest for one in workspace.datasets("SentBack")] == [digest]
    assert f"{table.num_rows:,} rows" in said
    assert pq.read_table(trained / "rows.parquet").equals(table)
    assert csv.read_csv(trained / "rows.csv").num_rows == table.num_rows
    assert len((trained / "rows.jsonl").read_text().splitlines()) == table.num_rows


def test_what_is_not_there_is_told(trained: Path) -> None:
    for arguments, said in (
        (("show", "ffff"), "no data set 'ffff'"),
        (("show", ""), "no data set ''"),
        (("export", "SentBack@1", str(trained / "rows.xls")), "rows.xls does not say its format"),
        (("export", "SentBack@1", str(trained / "no" / "rows.csv")), "can't write"),
    ):
        ran = tidewheel("datasets", *arguments, folder=trained)
        assert ran.code == 1
        assert said in ran.err
