"""The pages' Python compiles, the README's project loads, and links between pages lead somewhere."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

from tidewheel.definitions import load_project

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
FENCE = re.compile(r"^```python\n(.*?)^```", re.S | re.M)
LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_python_on_a_page_is_python(page: Path) -> None:
    for block in FENCE.findall(page.read_text()):
        compile(block, str(page), "exec")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = [link for link in LINK.findall(page.read_text()) if "://" not in link]
    missing = [link for link in links if not (page.parent / link).exists()]
    assert not missing


def test_the_readmes_project_loads(tmp_path: Path) -> None:
    block = next(block for block in FENCE.findall((ROOT / "README.md").read_text()) if "class Screen" in block)
    (tmp_path / "project.py").write_text(block)
    (tmp_path / "tidewheel.toml").write_text('project = "project.py"\n')
    graph = load_project(tmp_path).graph
    assert [service.name for service in graph.services] == ["Screen"]
    assert graph.models[0].retrain is not None


def test_the_page_of_commands_tells_of_each_form_once_in_whole_tables() -> None:
    lines = (ROOT / "docs" / "commands.md").read_text().splitlines()
    told = [line.split(" | ")[0] for line in lines if line.startswith("| `tidewheel")]
    assert sorted(set(told)) == sorted(told)
    rows = itertools.pairwise(lines)
    assert all(above.startswith("|") for above, row in rows if row.startswith("| `tidewheel"))
