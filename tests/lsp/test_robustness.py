"""Whatever the text is and wherever the cursor stands, every question has an answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sipflow.lsp import actions, formatting, hover, inlays, navigation, outline, rename, signatures, tokens
from sipflow.lsp.analysis import Document
from sipflow.lsp.completion import complete, resolve
from sipflow.lsp.diagnostics import by_source, to_protocol
from tests.lsp.marked import document, uri_of

ROOT = Path(__file__).parents[2]
SCENARIOS = sorted((ROOT / "scenarios").glob("*.sflow"))
LANGUAGE = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")
TEXTS = [path.read_text(encoding="utf-8") for path in SCENARIOS]
TEXTS += [block.partition("\n")[2] for block in LANGUAGE.split("```") if block.startswith("sflow")]
PIECES = [
    "{",
    "}",
    "(",
    '"',
    '"""',
    "${",
    ".",
    "on ",
    "expect ",
    "\n",
    "\r\n",
    "😀",
    "\u2028",
    "#",
    "/",
    "5",
    "\0",
    "\ud800",
]


def _rename(found: Document, offset: int) -> object:
    try:
        return rename.rename(found, offset, "other", uri_of)
    except rename.RenameRefusedError:
        return None


QUESTIONS: dict[str, Callable[[Document, int], object]] = {
    "completion": lambda found, offset: [resolve(item) for item in complete(found, offset)],
    "hover": hover.hover,
    "definition": lambda found, offset: navigation.definition(found, offset, uri_of),
    "highlights": navigation.highlights,
    "prepare rename": rename.prepare,
    "rename": _rename,
    "signature": signatures.signature,
    "selection": outline.selection,
    "actions": lambda found, offset: actions.actions(found, offset, len(found.text), uri_of),
    "format block": formatting.format_block,
    "format range": lambda found, offset: formatting.format_range(found, offset, len(found.text)),
    "symbols": lambda found, offset: outline.symbols(found),
    "folds": lambda found, offset: outline.folds(found),
    "tokens": lambda found, offset: tokens.semantic_tokens(found, offset),
    "inlays": lambda found, offset: inlays.hints(found, offset, len(found.text)),
    "links": lambda found, offset: navigation.links(found, uri_of),
    "diagnostics": lambda found, offset: [
        to_protocol(found, some, uri_of, "docs") for some in by_source(found).values()
    ],
}


def ask_everything(found: Document, offset: int) -> None:
    for question in QUESTIONS.values():
        question(found, offset)


@st.composite
def broken_texts(draw: st.DrawFn) -> str:
    """A good text that is cut off, or has something put in, as texts are while somebody types."""
    text = draw(st.sampled_from(TEXTS))
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.sampled_from([start, min(start + 3, len(text)), len(text)]))
        text = text[:start] + draw(st.sampled_from(PIECES)) + text[end:]
    return text


@settings(deadline=None, max_examples=150)
@given(broken_texts(), st.data())
def test_every_question_about_a_broken_text_has_an_answer(text: str, data: st.DataObject) -> None:
    found = document(text)
    ask_everything(found, data.draw(st.integers(0, len(text))))


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=200), st.data())
def test_every_question_about_any_text_has_an_answer(text: str, data: st.DataObject) -> None:
    ask_everything(document(text), data.draw(st.integers(0, len(text))))


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_every_place_of_a_scenario_has_answers(path: Path) -> None:
    found = document(path.read_text(encoding="utf-8"), path.parent, path.name)
    for offset in range(0, len(found.text) + 1, 3):
        for name in ("completion", "hover", "definition", "signature", "selection", "prepare rename"):
            QUESTIONS[name](found, offset)


@settings(deadline=None, max_examples=60)
@given(broken_texts())
def test_semantic_tokens_are_in_order_and_within_their_lines(text: str) -> None:
    found = document(text)
    numbers = tokens.semantic_tokens(found)
    for down, right, length, kind, _ in zip(*(numbers[index::5] for index in range(5)), strict=True):
        assert down >= 0 and right >= 0 and length > 0 and kind < len(tokens.TYPES)
