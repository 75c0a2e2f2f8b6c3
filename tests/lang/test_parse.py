"""The grammar, its tables, and the parser that runs on them."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from pathlib import Path

import pytest
from lark import Lark

from sipflow.lang import compile_text, parse
from sipflow.lang.syntax import Node, Token
from sipflow.lang.tables import GRAMMAR_FILE, TABLES_FILE, build, load_tables
from tests.lang.samples import ROOT, STATEMENTS, examples, in_a_lane, scenarios

PAGES = [ROOT / "docs" / "language.md", ROOT.parent / "shared" / "design" / "language.md"]


def resource(name: str) -> str:
    return files("sipflow.grammar").joinpath(name).read_text(encoding="utf-8")


@cache
def lark() -> Lark:
    return Lark(resource(GRAMMAR_FILE), parser="lalr", lexer="contextual", start=["file", "expression"])


def test_the_stored_tables_are_those_of_the_grammar() -> None:
    stored = json.loads(resource(TABLES_FILE))
    assert stored == build(resource(GRAMMAR_FILE)), "run: python -m sipflow.lang.tables"


def test_tables_of_another_grammar_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    from sipflow.lang import tables

    changed = resource(GRAMMAR_FILE) + "\n// changed\n"
    monkeypatch.setattr(tables, "_resource", lambda name: changed if name == GRAMMAR_FILE else resource(name))
    load_tables.cache_clear()
    try:
        assert tables._stored(changed) is None
        assert load_tables().rows.lines == build(changed)["rows"]
    finally:
        load_tables.cache_clear()


def good_files() -> list[str]:
    texts = [path.read_text(encoding="utf-8") for path in scenarios()]
    return [*texts, *(text for page in PAGES if page.exists() for text in examples(page)), *map(in_a_lane, STATEMENTS)]


@pytest.mark.parametrize("text", good_files(), ids=lambda text: text.strip().splitlines()[-1][:40])
def test_a_good_file_parses_and_lark_alone_thinks_so_too(text: str) -> None:
    assert parse(text).diagnostics == ()
    lark().parse(text, start="file")


@pytest.mark.parametrize("page", PAGES, ids=["docs", "design"])
def test_every_example_of_the_language_page_is_right(page: Path) -> None:
    if not page.exists():
        pytest.skip(f"{page} is not there")
    texts = examples(page)
    assert len(texts) >= 4
    for text in texts:
        found = {diagnostic.code for diagnostic in compile_text(text).diagnostics}
        fragment = "\non " not in f"\n{text}"  # declarations alone are no program
        assert found <= ({"SF307"} if fragment else set()), text


def tokens_of(node: Node) -> list[Token]:
    return [token for child in node.children for token in (tokens_of(child) if isinstance(child, Node) else [child])]


@pytest.mark.parametrize("path", scenarios(), ids=lambda path: path.stem)
def test_the_tree_keeps_every_token_and_every_comment_at_its_place(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tree = parse(text).tree
    parts = sorted([*tokens_of(tree.root), *tree.comments], key=lambda token: token.start)
    position = 0
    for token in parts:
        assert set(text[position : token.start]) <= set(" \t\r\n;"), "only layout lies between tokens"
        assert text[token.start : token.end] == token.text
        position = token.end
    assert set(text[position:]) <= set(" \t\r\n;")


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("on a: call b;; mute ;\non b: answer", "on a { call b; mute }\non b { answer }"),
        ("on a\n{\n call b\n else\n {\n log 1\n }\n}\non b: answer", "on a { call b else { log 1 } }\non b: answer"),
        ("on a: call b; check (1 ==\n 1)\non b: answer", "on a: call b; check (1 == 1)\non b: answer"),
        (
            "agent a { codecs pcmu, # best\n pcma }\r\non a: call b\r\non b: answer\r\n",
            "agent a { codecs pcmu, pcma }\non a: call b\non b: answer",
        ),
        ("\ufeffon a: call b\non b: answer", "on a: call b\non b: answer"),
    ],
)  # fmt: skip
def test_layout_that_means_nothing(text: str, same: str) -> None:
    one, other = compile_text(text), compile_text(same)
    assert one.diagnostics == other.diagnostics == ()
    assert one.graph is not None and other.graph is not None
    assert [(node.id, node.text) for node in one.graph.nodes] == [(node.id, node.text) for node in other.graph.nodes]


def test_keywords_are_names_where_no_keyword_may_stand() -> None:
    lanes = 'on call: call message as end; hold end\non message: answer; log "${tone}"\n'
    assert compile_text(f"agent call {{ number 1 }}\nlet tone = 1\n{lanes}").diagnostics == ()


def test_a_keyword_is_no_prefix_of_another_word() -> None:
    (diagnostic,) = parse("on alice: byee\n").diagnostics
    assert diagnostic.span.start == 10 and diagnostic.span.end == 14
