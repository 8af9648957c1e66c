from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
from collect_sources import NOON, PAYMENT
from collect_world import NOW, payments, write_csv

from tidewheel.collect.importing.files import open_file
from tidewheel.collect.importing.formats import format_of, spooled
from tidewheel.collect.importing.gathering import Gathered, gather
from tidewheel.collect.importing.readers import FileOptions
from tidewheel.errors import FileError, FullError

HEADER = ["id", "card", "amount", "country", "at"]
AT = "2013-01-01T00:00:00Z"


def read(path: Path, options: FileOptions | None = None, **more: Any) -> Gathered:
    return gather(path, PAYMENT, options or FileOptions(), arrived="at", now=NOW, prefix="", **more)


def write(path: Path, table: pa.Table) -> Path:
    """Write the table in the format of the extension."""
    name = path.name
    if name.endswith(".parquet"):
        pq.write_table(table, path, row_group_size=1000)
    elif name.endswith(".arrow"):
        feather.write_feather(table, path, compression="lz4")
    elif name.endswith(".arrows"):
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as stream:
            stream.write_table(table)
    else:
        rows = table.set_column(4, "at", table["at"].cast(pa.int64())).to_pylist()
        delimiter = "\t" if ".tsv" in name else ","
        text = "\n".join([delimiter.join(HEADER), *(delimiter.join(map(str, row.values())) for row in rows)])
        if ".json" in name:
            text = "\n\n".join(msgspec.json.encode(row).decode() for row in rows)
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


@pytest.mark.parametrize(
    "name",
    ["p.parquet", "p.arrow", "p.arrows", "p.csv", "p.tsv", "p.jsonl", "p.csv.gz", "p.jsonl.gz"],
)
def test_every_format_gives_the_same_rows(tmp_path: Path, name: str) -> None:
    table = payments(3000)
    seen: list[float] = []
    found = read(write(tmp_path / name, table), progress=lambda stage, rows, share: seen.append(share))
    assert found.rows == 3000
    assert found.bad == []
    expected = table.drop_columns(["at"])
    assert found.table.select(expected.column_names).combine_chunks() == expected.combine_chunks()
    assert found.table["_at"].to_pylist() == table["at"].cast(pa.int64()).to_pylist()
    assert seen == sorted(seen)
    assert 0.9 < seen[-1] <= 1.0


def test_a_json_array_is_read_too(tmp_path: Path) -> None:
    rows = payments(5).set_column(4, "at", pa.array([NOON] * 5)).to_pylist()
    path = tmp_path / "p.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(rows), indent=2))
    assert read(path).table["_id"].to_pylist() == [f"t{i}" for i in range(5)]
    path.write_bytes(b"[" + b'{"id": "t1"},' * 3)
    with pytest.raises(FileError, match="can't be read as JSON"):
        read(path)


def test_a_ragged_row_is_put_aside_by_its_number_and_the_rest_goes_on(tmp_path: Path) -> None:
    rows: list[list[object]] = [[f"t{i}", "c", i, "SE", AT] for i in range(40_000)]
    rows[7] = rows[7][:3]
    rows[39_990] = [*rows[39_990], "extra", "more"]
    found = read(write_csv(tmp_path / "p.csv", [HEADER, *rows]))
    assert [bad.source for bad in found.bad] == ["p.csv row 8", "p.csv row 39991"]
    assert [bad.reason for bad in found.bad] == [f"{n} cells where the header has 5" for n in (3, 7)]
    assert msgspec.json.decode(found.bad[0].row) == "t7,c,7"
    assert found.rows == 40_000
    assert len(found.table) == 39_998
    assert found.table["_row"].to_pylist()[-1] == 40_000


def test_only_ragged_rows(tmp_path: Path) -> None:
    found = read(write_csv(tmp_path / "p.csv", [HEADER, ["a"], ["b", "c"]]))
    assert (found.rows, len(found.bad), len(found.table)) == (2, 2, 0)


def test_cells_that_mean_null(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text(f'id,card,amount,country,items,note,at\nt1,c,1,NA,"",NA,{AT}\n')
    assert read(path).table.select(["country", "items", "note"]).to_pylist() == [
        {"country": "NA", "items": None, "note": "NA"}
    ]
    found = read(path, FileOptions(nulls=("NA", "-")))
    assert [bad.reason for bad in found.bad] == ["country: missing"]


def test_text_with_newlines_quotes_and_other_encodings(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    head = b"\xef\xbb\xbfid,card,amount,country,note,at\r\n"
    path.write_bytes(head + f't1,c,1,SE,"a ""b""\n,c",{AT}\r\nt2,c,1,'.encode() + b"\xd6," + f"x,{AT}\r\n".encode())
    found = read(path)
    assert found.table["note"].to_pylist() == ['a "b"\n,c']
    assert [bad.reason for bad in found.bad] == ["country: not valid Unicode text"]


def test_a_quotation_mark_that_is_never_closed_refuses_the_file(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text(f'id,card,amount,country,at\nt1,c,1,"SE,{AT}\nt2,c,1,SE,{AT}\n')
    with pytest.raises(FileError, match="never closed"):
        read(path)
    path.write_text(f'id,card,amount,country,at\nt1,c,1,5" pipe,{AT}\n')
    assert read(path).table["country"].to_pylist() == ['5" pipe']


def test_json_lines_are_strict_unless_a_mapping_says_what_is_wanted(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    good = {"id": "t1", "card": 5, "amount": 1, "country": "SE", "at": AT}
    lines = [good, {**good, "id": "t2", "contry": "x"}, {**good, "amount": "1"}, {**good, "id": "t3", "due": NOON}]
    path.write_bytes(b"\n".join(map(msgspec.json.encode, lines)) + b'\n{"id": \n[1]\n')
    found = read(path)
    assert [bad.source for bad in found.bad] == [f"p.jsonl row {n}" for n in (2, 3, 5, 6)]
    assert "no column 'contry', did you mean 'country'?" in found.bad[0].reason
    assert found.table["_id"].to_pylist() == ["t1", "t3"]
    found = read(path, FileOptions(mapping={"note": "contry", "id": "id"}))
    assert found.table["note"].to_pylist() == [None, "x", None]


def test_a_mapping_of_json_fields_drops_the_rest_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_bytes(b'{"nr": 1, "card": "c", "eur": 2, "country": "SE", "when": "2013-01-01T00:00:00Z", "rest": []}\n')
    mapping = {"id": "nr", "amount": "eur", "at": "when"}
    assert open_file(path, PAYMENT, FileOptions(mapping=mapping)).dropped[-1:] == ("rest",)
    found = read(path, FileOptions(mapping=mapping))
    assert found.table.select(["id", "amount", "_at"]).to_pylist() == [{"id": "1", "amount": 2.0, "_at": NOON}]
    found = read(path, FileOptions(mapping={**mapping, "note": "when"}))
    assert found.table["note"].to_pylist() == [AT]


def test_numbers_beyond_what_float_holds_are_found_in_fast_batches(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    line = b'{"id": "t%d", "card": "c", "amount": %s, "country": "SE", "at": 1}\n'
    path.write_bytes(line % (1, b"9007199254740993") + line % (2, b"9007199254740993.0") + line % (3, b"1"))
    found = read(path)
    assert found.table["_id"].to_pylist() == ["t2", "t3"]
    assert "beyond 2^53" in found.bad[0].reason


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("p.parquet", b"", "the file is empty"),
        ("p.csv", b" \n", "the file is empty"),
        ("p.parquet", b"PAR1 and then it ends", "can't be read as Parquet, it is truncated or damaged"),
        ("p.parquet", b"id,card\n1,2\n", "this is no parquet file: it begins with b'id,card"),
        ("p.csv", b"PAR1....", "this is no csv file: it looks like parquet"),
        ("p.arrow", b"ARROW1\0\0 and then it ends", "truncated or damaged"),
        ("p.arrows", b"\xff\xff\xff\xff\x10\0\0\0 ends", "truncated or damaged"),
        ("p.data", b"whatever", "can't tell the file's format"),
        ("p.csv.gz", b"\x1f\x8b\x08 and then it ends", "can't be read"),
        ("p.csv", b"\0\0\0\0", "can't be read as CSV"),
        ("p.csv", b"id,id\n1,2\n", "two columns of the file have one name"),
        ("p.csv", "id,card\n1,2\n".encode("utf-16"), "can't be read as CSV"),
        ("p.csv", "id,k\xf6p\n1,2\n".encode("latin-1"), "check its quotation marks and encoding (UTF-8)"),
        ("p.csv", b"id;card\n1;2\n", "its cells seem to be separated by ';'; write it with ',' between cells"),
        ("p.csv", b"id\tcard\n1\t2\n", "its cells seem to be separated by '\\t'; say --format tsv"),
    ],
)
def test_files_that_are_not_what_they_claim(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(FileError) as caught:
        read(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", ["p.parquet", "p.arrow", "p.arrows", "p.csv.gz", "p.jsonl.gz"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_truncated_file_is_refused_whole(tmp_path: Path, name: str, share: float) -> None:
    path = write(tmp_path / name, payments(20_000))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(FileError, match="can't be read"):
        read(path)


def test_damage_inside_a_file_is_an_error_and_no_crash(tmp_path: Path) -> None:
    path = write(tmp_path / "p.parquet", payments(20_000))
    content = bytearray(path.read_bytes())
    content[2000:4000] = b"\xff" * 2000
    path.write_bytes(content)
    with pytest.raises(FileError, match="can't be read"):
        read(path)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no such file"):
        read(tmp_path / "nothing.csv")
    with pytest.raises(FileError, match="this is a folder; name one file in it at a time"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (FileOptions(mapping={"amuont": "amount"}), "Payment has no column 'amuont'; did you mean 'amount'?"),
        (FileOptions(mapping={"amount": "amuont"}), "no column 'amuont' (for amount); did you mean 'amount'?"),
        (FileOptions(arrived_column="loaded"), "no column 'loaded' (for arrivals)"),
        (FileOptions(format="xml"), "no format 'xml'; one of parquet"),
    ],
)
def test_options_that_fit_no_file(tmp_path: Path, options: FileOptions, said: str) -> None:
    with pytest.raises(FileError) as caught:
        open_file(write(tmp_path / "p.parquet", payments(1)), PAYMENT, options)
    assert said in str(caught.value)


def test_the_format_is_seen_from_the_first_bytes(tmp_path: Path) -> None:
    formats = {"p.parquet": "parquet", "p.arrow": "arrow", "p.arrows": "arrow-stream", "p.jsonl": "jsonl"}
    for name, format in formats.items():
        spool = spooled(io.BytesIO(write(tmp_path / name, payments(3)).read_bytes()), tmp_path / "spool")
        assert format_of(spool) == format
        assert len(read(spool).table) == 3
    spool = spooled(io.BytesIO(write(tmp_path / "p.csv", payments(3)).read_bytes()), tmp_path / "spool")
    assert len(read(spool, FileOptions(format="csv")).table) == 3


def test_a_full_disk_while_standard_input_is_kept(tmp_path: Path) -> None:
    class Full(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError(28, "No space left on device")

    with pytest.raises(FullError, match="could not be copied"):
        spooled(Full(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_nothing_but_bad_rows_is_refused_whole_past_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidewheel.collect.importing.gathering.MOST_BAD_ROWS", 50)
    rows: list[list[object]] = [["t", "c", "x", "SE", AT]] * 51
    with pytest.raises(FileError, match="more than 50 rows are bad; 51 of them: amount: expected a number"):
        read(write_csv(tmp_path / "p.csv", [HEADER, *rows]))
