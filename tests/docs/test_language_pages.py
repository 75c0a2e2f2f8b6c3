"""The examples of the pages that teach the language: each is a program, and together they have the whole grammar."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sipflow.lang import FileProblem, ImportedText, MediaInfo, TableInfo, compile_text
from sipflow.lang.syntax import Token, Tree
from sipflow.lang.tables import load_tables

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "docs" / name
    for name in ("language.md", "tutorial.md", "coming-from-sipp.md", "registration.md", "transports.md", "srtp.md")
]
PAGES.append(ROOT / "README.md")
BLOCK = re.compile(r"^```sflow\n(.*?)^```", re.DOTALL | re.MULTILINE)
NO_EXAMPLE = {"file", "expression", "broken"}
"""The file itself, what stands between `${` and `}`, and what could not be read."""


class Everything:
    """Every file that an example names is there."""

    COMMON = "define greet(text) { log text }\nagent desk { number 2000 }\non desk: answer\n"

    def probe(self, path: str) -> MediaInfo | FileProblem:
        return MediaInfo(path, 8000, 1, 4000.0)

    def missing_for(self, codec: str) -> str:
        return ""

    def text(self, path: str, importer: str) -> ImportedText | FileProblem:
        return ImportedText(path, self.COMMON)

    def table(self, path: str) -> TableInfo | FileProblem:
        return TableInfo(path, ("number", "name", "key") if path == "people.csv" else ("number", "name"), 3)


def blocks(page: Path) -> list[tuple[str, str]]:
    """Examples of a page with where they begin, for the name of the test."""
    text = page.read_text(encoding="utf-8")
    found = BLOCK.finditer(text)
    return [(f"{page.name}:{text.count(chr(10), 0, m.start()) + 1}", m[1]) for m in found]


def every() -> list[pytest.ParameterSet]:
    return [pytest.param(text, id=where) for page in PAGES for where, text in blocks(page)]


@pytest.mark.parametrize("text", every())
def test_an_example_checks_clean(text: str) -> None:
    result = compile_text(text, "example.sflow", files=Everything())
    assert [result.render(diagnostic) for diagnostic in result.diagnostics] == []
    assert result.graph is not None


def rules_of(tree: Tree) -> set[str]:
    return {node.rule for node in tree.root.walk()}


def test_every_production_of_the_grammar_has_an_example_on_the_reference_page() -> None:
    grammar = (ROOT / "grammar" / "sflow.lark").read_text(encoding="utf-8")
    productions = set(re.findall(r"^([a-z][a-z0-9_]*):", grammar, re.MULTILINE)) - NO_EXAMPLE
    texts = [text for _, text in blocks(PAGES[0])]
    shown = set().union(*(rules_of(compile_text(text, files=Everything()).tree) for text in texts))
    assert productions - shown == set()


def test_every_keyword_and_event_has_an_example_on_the_reference_page() -> None:
    texts = [text for _, text in blocks(PAGES[0])]
    trees = [compile_text(text, files=Everything()).tree for text in texts]
    nodes = (node for tree in trees for node in tree.root.walk())
    shown = {child.kind for node in nodes for child in node.children if isinstance(child, Token)}
    assert set(load_tables().words.values()) - shown == set()
