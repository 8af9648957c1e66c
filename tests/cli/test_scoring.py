"""``score`` and ``ticks`` from the command line."""

from __future__ import annotations

from pathlib import Path

from tests.shop import done, tidewheel

NIGHTLY = """

class Nightly(tw.Tick, each=Customer, every="1d", at="02:00", where=CustomerHistory.orders_30d > 0):
    customer: tw.Ref[Customer]
"""


def test_a_table_is_scored_once(trained: Path) -> None:
    command = ("score", "Order", "--with", "SentBack@1", "--by", "Customer", "--online")
    first = done(*command, "--json", folder=trained).json
    assert (first["model"], first["table"], first["by"]) == ("SentBack@1", "scores/SentBack", "Customer")
    assert first["rows"] > first["online"] > 0
    told = done("score", "OrderView", *command[2:], folder=trained).out
    assert f"run {first['run']}: {first['rows']:,} Order by SentBack@1 into scores/SentBack, scored before" in told
    refused = tidewheel("score", "Customer", "--with", "SentBack@1", folder=trained)
    assert refused.code == 1
    assert "tidewheel score Order --with SentBack@1" in refused.err


def test_rows_of_a_file(trained: Path) -> None:
    file = trained / "what-if.csv"
    file.write_text("id,customer,category,amount\nw1,c1,toys,10\nw2,c2,shoes,20\nw3,c3,toys,much\n")
    found = done("score", "Order", "--with", "SentBack", "--rows", str(file), "--json", folder=trained).json
    assert (found["rows"], found["refused"]) == (2, 1)
    assert "1 rows of the file are no Order" in done(
        "score", "Order", "--with", "SentBack", "--rows", str(file), folder=trained
    ).out  # fmt: skip


def test_ticks_are_listed_and_made(filled: Path) -> None:
    with (filled / "project.py").open("a") as module:
        module.write(NIGHTLY)
    assert "for each Customer, daily at 02:00 UTC" in done("plan", folder=filled).out
    (tick,) = done("ticks", "list", "--json", folder=filled).json
    assert (tick["name"], tick["schedule"], tick["last"]) == ("Nightly", "daily at 02:00 UTC", None)
    made = done("ticks", "make", "Nightly", "--since", "2013-01-01T00:00:00Z", "--json", folder=filled).json
    assert made["made"] > 0
    assert "daily at 02:00 UTC" in done("ticks", "list", folder=filled).out
    module_text = (filled / "project.py").read_text()
    (filled / "project.py").write_text(module_text.replace('at="02:00"', 'at="03:00"'))
    assert "tick Nightly changed" in done("plan", folder=filled).out
    again = tidewheel(
        "ticks", "make", "Nightly", "--since", "2013-01-01T00:00:00Z", "--until", "2013-02-01T00:00:00Z", folder=filled
    )
    assert again.code == 1
    assert "was never due in the range" in again.err
