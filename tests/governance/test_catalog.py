"""The catalog and lineage: read off the declarations, both ways, and exported as OpenLineage says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.governance.bank import KEY, fill, make, opened

from tidewheel.cli.main import cli

DESCRIBED = '''
class CardHistory(tw.Features, by=Card, owner="risk"):
    """What a card did lately."""

    spent_7d = tw.sum(Payment.amount, "7d")  # money spent, in euros
'''


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("catalog")
    folder = make(base / "bank")
    project = folder / "project.py"
    plain = 'class CardHistory(tw.Features, by=Card):\n    spent_7d = tw.sum(Payment.amount, "7d")\n'
    assert plain in project.read_text()
    project.write_text(project.read_text().replace(plain, DESCRIBED.lstrip()))
    with opened(folder) as workspace:
        fill(workspace, base, rows=12)
    return folder


def run(folder: Path, *arguments: str) -> str:
    result = CliRunner().invoke(cli, ["-C", str(folder), *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_catalog_tells_who_owns_and_uses_what(bank: Path) -> None:
    entries = {entry["name"]: entry for entry in json.loads(run(bank, "features", "list", "--json"))}
    assert list(entries) == ["Card", "Dispute", "Payment", "Shop", "CardHistory", "ShopHistory", "Screen"]
    assert entries["CardHistory"]["owner"] == "risk"
    assert entries["Payment"]["used_by"] == ["CardHistory", "Screen", "ShopHistory"]
    assert "What a card did lately." in run(bank, "features", "list")
    found = json.loads(run(bank, "features", "search", "LATELY", "--json"))
    assert [entry["name"] for entry in found] == ["CardHistory"]
    assert "nothing has" in run(bank, "features", "search", "no such thing")


def test_a_card_shows_columns_statistics_and_freshness(bank: Path) -> None:
    card = json.loads(run(bank, "features", "show", "CardHistory", "--json"))
    assert card["columns"][0]["description"] == "money spent, in euros"
    assert (card["behind"], len(card["state"])) == (0, 16)
    payment = json.loads(run(bank, "features", "show", "Payment", "--json"))
    columns = {column["name"]: column for column in payment["columns"]}
    assert payment["rows"] == 12
    assert columns["amount"]["statistics"] == {
        "rows": 12, "nulls": 0, "distinct": 12, "least": 0.0, "greatest": 11.0, "mean": 5.5,
    }  # fmt: skip
    assert columns["email"]["personal"]
    shown = run(bank, "features", "show", "Payment")
    assert KEY not in shown
    assert "used by  CardHistory, Screen, ShopHistory" in shown


def test_lineage_goes_both_ways(bank: Path) -> None:
    down = json.loads(run(bank, "lineage", "Payment.card", "--json"))
    assert [tree["name"] for tree in down["downstream"]] == [
        "CardHistory.spent_7d", "Screen", "ShopHistory.cards_7d",
    ]  # fmt: skip
    up = json.loads(run(bank, "lineage", "ShopHistory.disputes_7d", "--json"))
    assert [tree["name"] for tree in up["upstream"]] == ["Dispute.payment", "Payment.shop"]
    assert "ShopHistory.last_email (feature)" in run(bank, "lineage", "Screen")


def test_the_export_has_what_openlineage_asks_for(bank: Path) -> None:
    events = [json.loads(line) for line in run(bank, "lineage", "--openlineage", "-").splitlines() if line[0] == "{"]
    kinds = [event["schemaURL"].rpartition("/")[2] for event in events]
    assert kinds == ["DatasetEvent"] * 4 + ["JobEvent"] * 2
    for event in events:
        assert {"eventTime", "producer", "schemaURL"} <= set(event)
        assert ("dataset" in event) != ("job" in event)
        for dataset in [*event.get("inputs", []), *event.get("outputs", []), *filter(None, [event.get("dataset")])]:
            assert {"namespace", "name"} <= set(dataset)
            assert all({"_producer", "_schemaURL"} <= set(facet) for facet in dataset["facets"].values())
    card = next(event for event in events if event.get("job", {}).get("name") == "features.CardHistory")
    assert card["job"]["facets"]["ownership"]["owners"] == [{"name": "risk"}]
    fields = card["outputs"][0]["facets"]["columnLineage"]["fields"]["spent_7d"]["inputFields"]
    assert [(field["name"], field["field"]) for field in fields] == [("Payment", "amount"), ("Payment", "card")]
