"""The layout of texts. What is in `golden_format` is laid out there, in files beside it that people review."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sipflow.lang.format import format_text
from tests.conftest import Golden
from tests.lang.samples import ROOT
from tests.pace import at_most

GOLDEN = Path(__file__).parent / "golden_format"
CASES = sorted(GOLDEN.glob("*.sflow"))
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def formatted(text: str) -> str:
    result = format_text(text)
    assert result.text is not None, [(found.message, found.span.line) for found in result.diagnostics]
    return result.text


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_golden_layout(path: Path, golden: Golden) -> None:
    after = formatted(path.read_text(encoding="utf-8"))
    golden.check(path.with_suffix(".txt"), after)
    assert formatted(after) == after


@pytest.mark.parametrize("path", sorted((ROOT / "scenarios").rglob("*.sflow")), ids=lambda path: path.stem)
def test_scenarios_are_in_the_layout(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert formatted(text) == text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_examples_are_in_the_layout(page: Path) -> None:
    """Save for those that show a mistake, and those that show statements without their lane."""
    for text in re.findall(r"^```sflow[^\n]*\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
        assert format_text(text).text in (text, None)


# --- what stays ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        'on a: log "\\u{e9}\\"${x + 1}"\n',
        "on a: wait 1000ms; wait 60s; wait 0.50h\n",
        "agent a { number 007 }\n",
        'on a {\n  send raw """\n\t as  written;\n\n\n  """\n}\n',
        "on a: expect dtmf matching /a  b\\/[#;{]/\n",
        'on a: log "a  b # c; {"\n',
        "on a: check (((x)))\n",
    ],
)
def test_words_stay_as_they_are(text: str) -> None:
    assert formatted(text) == text


def test_a_text_with_a_syntax_error_is_not_touched() -> None:
    result = format_text("on a:   call\n", "a.sflow")
    assert result.text is None
    assert [found.span.source for found in result.diagnostics] == ["a.sflow"]


def test_names_that_nothing_has_are_no_matter_of_layout() -> None:
    assert formatted("on a:call nobody;play gone") == "on a: call nobody; play gone\n"


@pytest.mark.parametrize("text", ["", "\n\n", " \t", "\ufeff", ";;\n"])
def test_a_text_of_nothing_is_nothing(text: str) -> None:
    assert formatted(text) == ""


def test_comments_alone() -> None:
    assert formatted("\n\n# a\n\n\n\n  # b") == "# a\n\n# b\n"


# --- lines ---------------------------------------------------------------------------------------------------------


def test_a_file_with_crlf_keeps_it_and_its_raw_strings() -> None:
    text = 'on a {\r\n\tsend raw """x\r\ny\nz"""  # c\r\n}\r\n\r\n\r\non b: answer'
    assert formatted(text) == 'on a {\r\n  send raw """x\r\ny\nz"""  # c\r\n}\r\n\r\non b: answer\r\n'


def test_a_byte_order_mark_goes() -> None:
    assert formatted("\ufeffon a: hold\n") == "on a: hold\n"


def line_of(statement_width: int) -> str:
    """A lane of one line that is so wide."""
    text = 'on a: call b; play ""'
    return text[:-1] + "x" * (statement_width - len(text)) + '"\n'


def test_a_lane_stays_on_its_line_while_that_has_100_columns() -> None:
    assert formatted(line_of(100)) == line_of(100)
    assert formatted(line_of(101)).startswith("on a {\n  call b\n  play")


def test_a_comment_at_the_end_counts_for_nothing_and_goes_with_the_head() -> None:
    assert formatted(line_of(100)[:-1] + " # c\n") == line_of(100)[:-1] + "  # c\n"
    assert formatted(line_of(101)[:-1] + " # c\n").startswith("on a {  # c\n")


def test_blank_lines() -> None:
    text = "\non a {\n\n\n  hold\n\n\n\n  mute\n\n}\non b: answer\non c: answer\n\n\n\non d: answer\n"
    assert formatted(text) == "on a {\n  hold\n\n  mute\n}\n\non b: answer\non c: answer\n\non d: answer\n"


def test_a_comment_right_above_a_part_stays_right_above_it() -> None:
    text = "on a {\n  hold\n}\n# of b\non b: answer\n# of c\non c {\n  hold\n}\n"
    assert formatted(text) == "on a {\n  hold\n}\n\n# of b\non b: answer\n\n# of c\non c {\n  hold\n}\n"


def test_five_thousand_lines_take_less_than_a_second() -> None:
    statements = '  call bob\n  expect dtmf "1" else recover # c\n  release\n  wait 1s # x\n'
    text = "on a {\n" + statements * 1250 + "}\n"
    formatted("on a: hold\n")  # loads the tables
    with at_most(1.0):
        formatted(text)


def test_deep_blocks_are_no_trouble() -> None:
    lines = formatted("on a {" + "if x {" * 35 + "hold" + "}" * 36).splitlines()
    assert max(len(line) for line in lines) <= 100
    assert [line for line in lines if "hold" in line]
