from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types

from sipflow.lsp.positions import UTF8, UTF16, UTF32, Positions, apply_changes, units

ENCODINGS = st.sampled_from([UTF8, UTF16, UTF32])
TEXTS = st.text(st.one_of(st.sampled_from("a\n\r\u2028\x0b é€😀𝄞"), st.characters()), max_size=60)


@pytest.mark.parametrize(
    ("encoding", "column"),
    [(UTF8, 4), (UTF16, 2), (UTF32, 1)],
)
def test_a_character_beyond_the_basic_plane_takes_what_it_takes_in_each_encoding(encoding: str, column: int) -> None:
    positions = Positions("😀x", encoding)
    assert positions.position(1) == types.Position(0, column)
    assert positions.offset(types.Position(0, column)) == 1


def test_a_column_inside_of_a_character_is_where_the_character_begins() -> None:
    assert Positions("a😀b", UTF16).offset(types.Position(0, 2)) == 1


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_lines_end_at_the_three_line_ends_of_the_protocol(line_end: str) -> None:
    positions = Positions(f"a{line_end}b")
    assert positions.position(1 + len(line_end)) == types.Position(1, 0)


@pytest.mark.parametrize("other", ["\u2028", "\x0b", "\x0c", "\x85"])
def test_no_other_character_ends_a_line(other: str) -> None:
    assert Positions(f"a{other}b").position(2).line == 0


def test_what_lies_behind_a_line_or_the_text_is_its_end() -> None:
    positions = Positions("ab\ncd")
    assert positions.offset(types.Position(0, 99)) == 2
    assert positions.offset(types.Position(99, 0)) == 5


@given(TEXTS, ENCODINGS, st.data())
def test_the_position_of_an_offset_leads_back_to_it(text: str, encoding: str, data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, len(text)))
    positions = Positions(text, encoding)
    inside_line_end = text[offset - 1 : offset + 1] == "\r\n"
    assert positions.offset(positions.position(offset)) == offset - inside_line_end


@given(TEXTS, ENCODINGS, st.integers(0, 70), st.integers(0, 70))
def test_any_position_has_an_offset_in_the_text(text: str, encoding: str, line: int, column: int) -> None:
    assert 0 <= Positions(text, encoding).offset(types.Position(line, column)) <= len(text)


@given(TEXTS, ENCODINGS)
def test_units_are_the_length_in_the_encoding(text: str, encoding: str) -> None:
    width = {UTF8: 1, UTF16: 2, UTF32: 4}[encoding]
    codec = {UTF8: "utf-8", UTF16: "utf-16-le", UTF32: "utf-32-le"}[encoding]
    assert units(text, encoding) == len(text.encode(codec, "surrogatepass")) // width


@given(TEXTS, TEXTS, ENCODINGS, st.data())
def test_an_incremental_change_is_the_change_of_the_characters(
    text: str, put_in: str, encoding: str, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    positions = Positions(text, encoding)
    where = positions.range(start, end)
    real_start, real_end = positions.offsets(where)
    changed = apply_changes(text, [types.TextDocumentContentChangePartial(where, put_in)], encoding)
    assert changed == text[:real_start] + put_in + text[real_end:]


def test_changes_come_one_after_the_other_and_a_whole_text_replaces_all() -> None:
    first = types.TextDocumentContentChangePartial(types.Range(types.Position(0, 0), types.Position(0, 1)), "xy")
    second = types.TextDocumentContentChangePartial(types.Range(types.Position(0, 1), types.Position(0, 2)), "")
    assert apply_changes("abc", [first, second], UTF16) == "xbc"
    assert apply_changes("abc", [first, types.TextDocumentContentChangeWholeDocument("new")], UTF16) == "new"
