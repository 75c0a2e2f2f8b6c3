"""What the documents name is there: links, make targets, commands, scenario files."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from sipflow.cli.main import cli

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "scenarios").rglob("*.md")])
CODE = re.compile(r"^```\w*\n(.*?)^```|`([^`\n]+)`", re.DOTALL | re.MULTILINE)
MAKEFILE = (ROOT / "Makefile").read_text()


def page_id(path: Path) -> str:
    return str(path.relative_to(ROOT))


def anchors(text: str) -> set[str]:
    """Anchors of a page's headings, made as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if re.match(r"\w+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name) if name else page
        if not target.exists() or (anchor and target.is_file() and anchor not in anchors(target.read_text())):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_commands_exist(page: Path) -> None:
    code = "\n".join(inline or block for block, inline in CODE.findall(page.read_text()))
    targets = set(re.findall(r"^(?:\$ )?make ([a-z]+)\b", code, re.MULTILINE))
    assert {target for target in targets if not re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)} == set()
    commands = set(re.findall(r"^(?:\$ )?(?:\.venv/bin/)?sipflow ([a-z]+)\b", code, re.MULTILINE))
    assert commands <= set(cli.list_commands(None))  # type: ignore[arg-type]  # the table needs no context


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_scenarios_that_are_named_are_there(page: Path) -> None:
    named = re.findall(r"\bscenarios/[\w./-]+\.sflow\b", page.read_text())
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_pages_drawn_from_tables_are_what_the_tables_say() -> None:
    spec = importlib.util.spec_from_file_location("write_docs", ROOT / "scripts" / "write_docs.py")
    assert spec and spec.loader
    write_docs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(write_docs)
    stale = [name for name, page in write_docs.PAGES.items() if (ROOT / name).read_text(encoding="utf-8") != page()]
    assert stale == [], "make docs writes them anew"
