"""``tidewheel features diff`` between two versions, each by the definitions that it was trained with."""

from __future__ import annotations

from pathlib import Path

from tests.shop import done, tidewheel

CHANGES = (
    ("    amount: float\n", "    amount: float\n    coupon: tw.Category | None\n"),
    ('tw.sum(Order.amount, "30d")', 'tw.sum(Order.amount, "30d", where=Order.amount > 20)'),
    ("    idle =", '    spread_90d = tw.std(Order.amount, "90d")\n    idle ='),
    ("    over_mean = Order.amount / customer.mean_90d\n", "    scaled = tw.transform.standardise(Order.amount)\n"),
)


def test_two_versions_are_compared_by_their_own_definitions(trained: Path) -> None:
    module = trained / "project.py"
    text = module.read_text()
    for before, after in CHANGES:
        assert before in text
        text = text.replace(before, after, 1)
    module.write_text(text)
    done("train", "SentBack", folder=trained)
    (found,) = done("features", "diff", "SentBack@1", "SentBack@3", "--sample", "400", "--json", folder=trained).json
    assert (found["view"], found["rows"]) == ("OrderView", 400)
    assert (found["removed"], found["added"]) == (["over_mean"], ["customer.spread_90d", "scaled"])
    differing = {column["name"]: column["differing"] for column in found["columns"]}
    spent = differing.pop("customer.spent_30d")
    assert spent == found["differing"] > 0
    assert set(differing.values()) == {0}, "what was not changed is the same to the bit"
    assert len(differing) == 6
    shown = done("features", "diff", "SentBack@1", "SentBack@2", folder=trained).out
    assert "SentBack@1 against SentBack@2 on 1,000 events: 0 differ" in shown
    back = done("features", "diff", "SentBack@3", "SentBack@1", "--sample", "400", "--json", folder=trained).json[0]
    assert (back["removed"], back["added"], back["differing"]) == (found["added"], found["removed"], spent)
    shown = done("features", "diff", "SentBack@3", folder=trained).out
    assert "0 differ" in shown
    missing = tidewheel("features", "diff", "SentBack@1", "SentBack@9", folder=trained)
    assert missing.code == 1
    assert "SentBack@9" in missing.err
