"""``export``, and how ``show`` tells of it."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import need_extra
from tests.shop import done, tidewheel


def test_an_export_is_written_and_shown(filled: Path) -> None:
    need_extra("onnx")
    done("train", "SentBack", folder=filled)
    file = filled / "sent-back.onnx"
    told = done("export", "SentBack", "--out", str(file), folder=filled).out
    assert f"{file}: SentBack@1 as onnx, {file.stat().st_size:,} bytes: scores differ by " in told
    shown = done("show", "SentBack@1", folder=filled).out
    assert "exported " in shown
    assert "roc_auc" in shown.partition("exported ")[2].partition("\n")[0]
    exports = done("show", "SentBack@1", "--json", folder=filled).json["exports"]
    assert [export["cost"]["bytes"] for export in exports] == [file.stat().st_size]
    refused = tidewheel("export", "SentBack@1", "--quantise", "int8", folder=filled)
    assert refused.code == 1
    assert "no matrix product in float32" in refused.err
