from __future__ import annotations

from lsprotocol import types

from sipflow.lsp import outline
from tests.lsp.marked import document, marked, uri_of

TEXT = """scenario "Menu" tagged smoke
import "a.sflow"
import "b.sflow"

# about alice,
# in two lines
agent alice {
  number 1001
}
let limit = 5s
define ask(whom, key) {
  call whom
}
on alice {
  label again
  call bob as first with {
    header "X" = "1"
  }
  expect hangup within limit
}
"""


def test_the_outline_has_the_parts_and_what_they_name() -> None:
    found = outline.symbols(document(TEXT))
    names = ["Menu", "a.sflow", "b.sflow", "alice", "limit", "ask", "on alice"]
    assert [symbol.name for symbol in found] == names
    assert [(symbol.name, symbol.detail) for symbol in found[4:6]] == [("limit", "5s"), ("ask", "(whom, key)")]
    assert [child.name for child in found[-1].children or []] == ["label again", "first"]


def test_the_name_of_a_symbol_lies_within_it() -> None:
    found = document(TEXT)
    for symbol in outline.symbols(found):
        assert symbol.range.start <= symbol.selection_range.start
        assert symbol.selection_range.end <= symbol.range.end


def test_symbols_of_a_workspace_are_found_by_letters_in_order() -> None:
    found = outline.workspace_symbols([document(TEXT)], "onal", uri_of)
    assert [symbol.name for symbol in found] == ["on alice"]
    assert outline.workspace_symbols([document(TEXT)], "zz", uri_of) == []


def test_blocks_comments_and_imports_fold() -> None:
    found = {(fold.start_line, fold.end_line): fold.kind for fold in outline.folds(document(TEXT))}
    kind = types.FoldingRangeKind
    assert found[1, 2] is kind.Imports
    assert found[4, 5] is kind.Comment
    assert found[6, 7] is kind.Region
    assert found[13, 18] is kind.Region
    assert found[15, 16] is kind.Region


def test_a_selection_grows_from_the_word_to_the_text() -> None:
    found, offset = marked("on alice {\n  check media.lo|ss < 1%\n}\n")
    step: types.SelectionRange | None = outline.selection(found, offset)
    texts = []
    while step is not None:
        start, end = found.positions.offsets(step.range)
        texts.append(found.text[start:end])
        step = step.parent
    assert texts[:4] == ["loss", "media.loss", "media.loss < 1%", "check media.loss < 1%"]
    assert texts[-1] == found.text
