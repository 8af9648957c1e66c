"""``tidewheel profile``: what is inferred of files in each format, and a declaration that loads and ingests."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.shop import done, tidewheel

from tidewheel.collect.profiling import scan as profile_scan
from tidewheel.collect.profiling.cells import tolerated
from tidewheel.collect.profiling.infer import declaration, infer
from tidewheel.collect.profiling.scan import scan_file

N = 300


def orders() -> pa.Table:
    return pa.table(
        {
            "id": [f"o{k}" for k in range(N)],
            "customer_id": [f"c{k % 40}" for k in range(N)],
            "shop": [f"s{k % 7}" for k in range(N)],
            "amount": [k * 1.5 for k in range(N)],
            "items": [k % 5 for k in range(N)],
            "class": ["toys" if k % 3 else "shoes" for k in range(N)],
            "gift": [k % 2 == 0 for k in range(N)],
            "tip": [None if k % 4 else 1.5 for k in range(N)],
            "placed_at": [f"2026-01-01T00:{k // 60:02}:{k % 60:02}Z" for k in range(N)],
        }
    )


def write(folder: Path, name: str) -> Path:
    file, table = folder / name, orders()
    if name.endswith("parquet"):
        pq.write_table(table, file)
    elif name.endswith("csv"):
        csv.write_csv(table, file)
    elif name.endswith("jsonl"):
        file.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
    else:
        with pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)
    return file


@pytest.mark.parametrize("name", ["orders.parquet", "orders.csv", "orders.jsonl", "orders.arrow"])
def test_each_format_gives_the_same_declaration(tmp_path: Path, name: str) -> None:
    (tmp_path / "shops.csv").write_text("id,city\n" + "".join(f"s{k},town{k % 2}\n" for k in range(7)))
    file = write(tmp_path, name)
    found = done("profile", str(file), str(tmp_path / "shops.csv"), "--json").json
    order, shop = found["files"]
    kinds = {column["column"]: (column["kind"], column["target"]) for column in order["columns"]}
    assert kinds == {
        "id": ("id", ""),
        "customer_id": ("ref", "Customer"),
        "shop": ("ref", "Shop"),
        "amount": ("float", ""),
        "items": ("int", ""),
        "class": ("category", ""),
        "gift": ("bool", ""),
        "tip": ("float", ""),
    }
    assert (order["name"], order["rows"], order["entity"], order["at"]) == ("Order", N, False, "placed_at")
    assert (shop["name"], shop["entity"]) == ("Shop", True)
    by_name = {column["column"]: column for column in order["columns"]}
    assert (by_name["amount"]["low"], by_name["amount"]["high"], by_name["amount"]["mean"]) == (0.0, 448.5, 224.25)
    assert (by_name["tip"]["nulls"], by_name["customer_id"]["distinct"]) == (225, 40)
    assert set(by_name["amount"]["spread"]) <= set("▁▂▃▄▅▆▇█")
    assert by_name["class"]["spread"] == "toys 67%, shoes 33%"
    (tmp_path / "project.py").write_text(found["declaration"])
    (tmp_path / "tidewheel.toml").write_text('max_map = "64MB"\n')
    command = found["commands"][0].split()
    assert command[4:] == ["Order", "--map", "class_=class", "--map", "at=placed_at"]
    told = done("ingest", str(file), *command[3:], folder=tmp_path).out
    assert f"{N} rows of Order: {N} accepted" in told


def test_it_is_printed_and_odd_files_are_told(tmp_path: Path) -> None:
    shown = done("profile", str(write(tmp_path, "orders.csv"))).out
    assert "class Order(tw.Event):" in shown
    assert "    tip: float | None" in shown
    assert "# tidewheel ingest orders.csv --as Order" in shown
    assert "no such file" in tidewheel("profile", str(tmp_path / "absent.csv")).err
    (tmp_path / "mixed.csv").write_text("a,b\n" + "1,2\n" * 9)
    assert done("profile", str(tmp_path / "mixed.csv"), "--json").json["files"][0]["rows"] == 9


def test_many_values_are_estimated_in_bounded_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile_scan, "SAMPLE", 500)
    file, n = tmp_path / "many.parquet", 60_000
    pq.write_table(pa.table({"x": [f"v{k}" for k in range(n)], "y": list(range(n))}), file, row_group_size=5_000)
    found = scan_file(file)
    x, y = found.columns
    assert (found.rows, x.counts, found.sample.num_rows) == (n, None, 500)
    assert abs(x.distinct / n - 1) < 0.12
    assert y.mean == (n - 1) / 2
    middle = sum(found.sample["y"].to_pylist()) / 500
    assert abs(middle / n - 0.5) < 0.06


def test_lists_of_numbers_are_vectors_and_what_is_left_out_is_told(tmp_path: Path) -> None:
    rows = [
        {"id": f"u{k}", "mood": [k / 3, 1, 2], "trail": [1.5] * (k % 3), "at home": {"town": "x"}, "shoe size": k % 9}
        for k in range(20)
    ]
    file = tmp_path / "users.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = done("profile", str(file), "--json").json
    [user] = found["files"]
    kinds = {column["column"]: column["kind"] for column in user["columns"]}
    assert kinds == {"id": "id", "mood": "vector", "shoe size": "int"}
    assert {column: why.partition(" ")[0] for column, why in user["left_out"].items()} == {
        "trail": "list<item:",
        "at home": "struct<town:",
    }
    assert "left out: 'at home'" in done("profile", str(file)).out
    assert "    mood: Annotated[tw.Vector, 3]\n" in found["declaration"]
    assert found["commands"] == ["tidewheel ingest users.jsonl --as User --map 'shoe_size=shoe size'"]
    (tmp_path / "project.py").write_text(found["declaration"])
    (tmp_path / "tidewheel.toml").write_text('max_map = "64MB"\n')
    assert "20 accepted" in done("ingest", str(file), *shlex.split(found["commands"][0])[3:], folder=tmp_path).out


def payments(rows: int, **changed: dict[int, str]) -> list[dict[str, str]]:
    """Rows of a CSV file, with cells of columns changed by row."""
    lines = [
        {
            "id": f"p{k}",
            "reference": f"ref {k * 7}",
            "amount": f"{k}.5",
            "items": str(k % 9),
            "paid": "true" if k % 2 else "false",
            "at": f"2026-01-01T{k // 3600 % 24:02}:{k // 60 % 60:02}:{k % 60:02}Z",
        }
        for k in range(rows)
    ]
    for column, cells in changed.items():
        for place, cell in cells.items():
            lines[place][column] = cell
    return lines


def csv_of(folder: Path, lines: list[dict[str, str]]) -> Path:
    file = folder / "payments.csv"
    text = [",".join(f'"{cell}"' if "," in cell else cell for cell in line.values()) for line in lines]
    file.write_text("\n".join([",".join(lines[0]), *text]) + "\n")
    return file


KINDS = {"id": "id", "reference": "key", "amount": "float", "items": "int", "paid": "bool"}


@pytest.mark.parametrize(
    ("column", "cell", "shown"),
    [
        ("at", "", "null"),
        ("at", "soon", "'soon'"),
        ("at", "2026-13-45T00:00:00Z", "'2026-13-45T00:00:00Z'"),
        ("amount", "abc", "'abc'"),
        ("amount", "1,234.50", "'1,234.50'"),
        ("items", "many", "'many'"),
        ("paid", "perhaps", "'perhaps'"),
        ("id", "", "null"),
    ],
)
def test_a_few_bad_cells_change_no_kind_and_are_what_ingest_puts_aside(
    tmp_path: Path, column: str, cell: str, shown: str
) -> None:
    file = csv_of(tmp_path, payments(300, **{column: {9: cell, 200: cell}}))
    found = done("profile", str(file), "--json").json
    [told] = found["files"]
    assert {c["column"]: c["kind"] for c in told["columns"]} == KINDS
    assert told["at"] == "at"
    [bad] = told["would_quarantine"]
    assert (bad["column"], bad["cells"], bad["example"]) == (column, 2, shown)
    (tmp_path / "project.py").write_text(found["declaration"])
    (tmp_path / "tidewheel.toml").write_text('max_map = "64MB"\n')
    summary = done("ingest", str(file), *shlex.split(found["commands"][0])[3:], "--json", folder=tmp_path).json
    assert (summary["accepted"], summary["quarantined"]) == (298, 2)


def test_a_repeated_id_identifies_still_and_is_told(tmp_path: Path) -> None:
    file = csv_of(tmp_path, payments(300, id={7: "p6"}))
    found = done("profile", str(file), "--json").json
    [told] = found["files"]
    assert {c["column"]: c["kind"] for c in told["columns"]} == KINDS
    assert told["repeated"] == 1
    assert "taken once: rows that repeat an id, 1" in done("profile", str(file)).out


def test_times_without_a_zone_are_told_and_the_command_says_one(tmp_path: Path) -> None:
    lines = payments(300)
    for line in lines:
        line["at"] = line["at"].rstrip("Z").replace("T", " ")
    lines[5]["at"] = "later"
    file = csv_of(tmp_path, lines)
    found = done("profile", str(file), "--json").json
    assert found["files"][0]["zoneless"] == ["at"]
    assert found["commands"] == ["tidewheel ingest payments.csv --as Payment --timezone UTC"]
    assert "times without a zone in at: say with --timezone" in done("profile", str(file)).out
    (tmp_path / "project.py").write_text(found["declaration"])
    (tmp_path / "tidewheel.toml").write_text('max_map = "64MB"\n')
    summary = done("ingest", str(file), *shlex.split(found["commands"][0])[3:], "--json", folder=tmp_path).json
    assert (summary["accepted"], summary["quarantined"]) == (299, 1)


@settings(max_examples=40, deadline=None)
@given(rows=st.integers(1, 400), share=st.floats(0, 0.04), word=st.sampled_from(["abc", "1,000", "1 000", "12 kg"]))
def test_a_column_is_of_numbers_as_long_as_so_few_cells_are_not(
    tmp_path_factory: pytest.TempPathFactory, rows: int, share: float, word: str
) -> None:
    bad = int(share * rows)
    changed = dict.fromkeys(range(bad), word)
    file = csv_of(tmp_path_factory.mktemp("few"), payments(rows, amount=changed))
    [source] = infer([scan_file(file)])
    amount = next(column for column in source.columns if column.name == "amount")
    assert (amount.kind == "float") == (bad <= tolerated(rows))
    assert sum(cells.cells for cells in source.bad) == (bad if amount.kind == "float" else 0)
    if amount.kind != "float":
        assert repr(word) in amount.why
    compile(declaration([source]), "project.py", "exec")
