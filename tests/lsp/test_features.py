"""Diagnostics, fixes, semantic tokens, inlay hints, formatting, signatures."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from lsprotocol import types

from sipflow.lang.diagnostics import Edit
from sipflow.lsp import actions, diagnostics, formatting, inlays, signatures, tokens
from sipflow.lsp.analysis import Document
from tests.lsp.marked import PAIR, document, marked, uri_of, write_wav


def protocol(found: Document, docs: str = "") -> list[types.Diagnostic]:
    return diagnostics.to_protocol(found, found.result.diagnostics, uri_of, docs)


def applied(found: Document, edits: list[types.TextEdit]) -> str:
    text = found.text
    for edit in sorted(edits, key=lambda edit: found.positions.offset(edit.range.start), reverse=True):
        start, end = found.positions.offsets(edit.range)
        text = text[:start] + edit.new_text + text[end:]
    return text


# --- diagnostics ---------------------------------------------------------------------------------------------------


def test_a_diagnostic_has_its_place_its_code_and_its_help() -> None:
    (found,) = protocol(document("on alice: call bbo\n" + PAIR), "https://docs.example.com")
    assert (found.code, found.severity, found.source) == ("SF203", types.DiagnosticSeverity.Error, "sipflow")
    assert "unknown agent `bbo`" in found.message and "did you mean `bob`?" in found.message
    assert (found.range.start.character, found.range.end.character) == (15, 18)
    assert found.code_description is not None
    assert found.code_description.href == "https://docs.example.com/diagnostics.md#sf203-an-unknown-agent"


def test_links_lead_to_headings_of_the_page() -> None:
    page = (Path(__file__).parents[2] / "docs" / "diagnostics.md").read_text()
    heading = next(line for line in page.splitlines() if line.startswith("### SF203"))
    anchor = heading.removeprefix("### ").lower().replace(":", "").replace(" ", "-")
    assert diagnostics.href_of("SF203", "x").endswith(f"#{anchor}")


def test_without_documentation_there_is_no_link() -> None:
    (found,) = protocol(document("on alice: call bbo\n" + PAIR))
    assert found.code_description is None


def test_the_other_place_of_a_mistake_is_related_information() -> None:
    found = protocol(document("on alice {\n  call bob\n" + PAIR))
    related = [one for diagnostic in found for one in diagnostic.related_information or []]
    assert [(one.location.range.start.line, one.message) for one in related] == [(0, "this block is not closed")]


def test_what_is_never_reached_is_faded() -> None:
    found = protocol(document("on alice { end; wait 1s }\n"))
    assert [one.tags for one in found if one.code == "SF302"] == [[types.DiagnosticTag.Unnecessary]]


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        ("define greet() { wait 1s }\n", types.DiagnosticSeverity.Information),
        ("timeout 5s\n", types.DiagnosticSeverity.Error),
    ],
)
def test_a_file_to_be_imported_needs_no_lane(text: str, severity: types.DiagnosticSeverity) -> None:
    assert [(one.code, one.severity) for one in protocol(document(text))] == [("SF307", severity)]


def test_what_nothing_uses_is_faded() -> None:
    found = protocol(document("define greet() { wait 1s }\non alice: wait 1s\n"))
    assert [(one.code, one.tags) for one in found] == [("SF321", [types.DiagnosticTag.Unnecessary])]


def test_mistakes_of_an_imported_file_belong_to_that_file(tmp_path: Path) -> None:
    (tmp_path / "common.sflow").write_text("agent desk { ptime 20 }\n")
    found = document('import "common.sflow"\non desk: wait 1s\n', tmp_path)
    sources = diagnostics.by_source(found)
    assert [one.code for one in sources[str(tmp_path / "common.sflow")]] == ["SF207"]
    assert sources[found.name] == []


# --- fixes ---------------------------------------------------------------------------------------------------------


def of_kind(found: list[types.CodeAction], kind: str) -> list[types.CodeAction]:
    return [action for action in found if action.kind == kind and action.edit is not None]


def edits_of(action: types.CodeAction) -> list[types.TextEdit]:
    assert action.edit is not None and action.edit.changes is not None
    ((_, edits),) = action.edit.changes.items()
    return list(edits)


def test_a_fix_makes_its_mistake_go_away() -> None:
    found, offset = marked("on alice: call bb|o\n" + PAIR)
    (fix,) = of_kind(actions.actions(found, offset, offset, uri_of), types.CodeActionKind.QuickFix)
    assert fix.is_preferred and [one.code for one in fix.diagnostics or []] == ["SF203"]
    repaired = applied(found, edits_of(fix))
    assert document(repaired).result.diagnostics == ()


def test_a_fix_is_offered_at_its_mistake_only() -> None:
    found, offset = marked("on al|ice: call bbo\n" + PAIR)
    assert of_kind(actions.actions(found, offset, offset, uri_of), types.CodeActionKind.QuickFix) == []


def test_all_fixes_at_once_leave_nothing_that_has_a_fix() -> None:
    found = document("on alice: call bbo; wait 5; expect hangpu\n" + PAIR)
    (fix,) = actions.actions(found, 0, 0, uri_of, [actions.FIX_ALL])
    repaired = document(applied(found, edits_of(fix)))
    assert [one.code for one in repaired.result.diagnostics if one.fix is not None] == []
    assert [one.kind for one in actions.actions(found, 0, 0, uri_of, ["source"])] == [actions.FIX_ALL]


def test_fixes_that_touch_each_other_wait_for_the_next_round() -> None:
    found = document("on alice: call bbo; wait 5\n" + PAIR)
    edits: list[Edit] = actions.all_fixes(found)
    spans = sorted((edit.span.start, edit.span.end) for edit in edits)
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))


def test_each_mistake_can_be_explained() -> None:
    found, offset = marked("on alice: call bb|o\n" + PAIR)
    explained = [one.command for one in actions.actions(found, offset, offset, uri_of) if one.command]
    assert [(one.command, list(one.arguments or [])) for one in explained] == [(actions.EXPLAIN, ["SF203"])]


# --- semantic tokens -----------------------------------------------------------------------------------------------


def coloured(found: Document, *where: int) -> list[tuple[str, str]]:
    """Text and type of each token."""
    numbers = tokens.semantic_tokens(found, *where)
    line = column = 0
    result = []
    for index in range(0, len(numbers), 5):
        down, right, length, kind, _ = numbers[index : index + 5]
        line, column = line + down, right if down else column + right
        start = found.positions.offset(types.Position(line, column))
        end = found.positions.offset(types.Position(line, column + length))
        result.append((found.text[start:end], tokens.TYPES[kind]))
    return result


def test_words_are_coloured_by_what_they_mean() -> None:
    text = "agent bob { codecs pcma }  # 😀 him\non alice: call bob as c1; check c1.media.loss < 1%\n"
    text += 'on bob: log "${c1.media.mos}!"\n'
    found = dict(coloured(document(text)))
    assert found["agent"] == "keyword" and found["bob"] == "class" and found["pcma"] == "enumMember"
    assert found["# 😀 him"] == "comment" and found["c1"] == "variable" and found["media"] == "namespace"
    assert found["loss"] == "property" and found["1%"] == "number" and found["<"] == "operator"
    assert found['"${'] == "string" and found['}!"'] == "string"


def test_what_cannot_be_read_has_colours_too() -> None:
    found = dict(coloured(document('on alice { expect ) call "x" 5s }\n')))
    assert found['"x"'] == "string" and found["5s"] == "number"


def test_a_string_of_many_lines_is_a_token_a_line() -> None:
    found = coloured(document('on alice: send message to bob { body """one\ntwo""" }\n' + PAIR))
    assert ('"""one', "string") in found and ('two"""', "string") in found


def test_a_range_has_the_tokens_of_the_range_only() -> None:
    text = "on alice: wait 1s\non bob: wait 2s\n"
    second = text.index("on bob")
    assert [word for word, _ in coloured(document(text), second, len(text))] == ["on", "bob", "wait", "2s"]


# --- inlay hints ---------------------------------------------------------------------------------------------------


def hints(text: str, folder: Path | None = None) -> list[str]:
    found = document(text, folder)
    return [str(hint.label) for hint in inlays.hints(found, 0, len(text))]


def test_a_played_file_shows_its_length(tmp_path: Path) -> None:
    write_wav(tmp_path / "greet.wav", 2.5)
    assert hints('on alice: play "greet.wav"\n', tmp_path) == ["2.5 s"]
    assert hints('on alice: play "missing.wav"\n', tmp_path) == []


def test_a_duration_in_an_unhandy_unit_shows_the_handy_one() -> None:
    assert hints("on alice { wait 45000ms; wait 45s; wait 200ms }\n") == ["= 45s"]


def test_digits_show_how_long_they_take() -> None:
    assert hints('on alice: send dtmf "1,2" gap 50ms tone 150ms\n') == ["2.4 s"]
    assert hints('on alice: send dtmf "12"\n') == ["0.4 s"]


def test_what_waits_without_a_limit_shows_the_files_limit() -> None:
    assert hints("on alice: expect hangup\n") == ["within 10s"]
    assert hints("timeout 3s\non alice { expect hangup; expect dtmf within 1s; await go }\n") == ["within 3s"] * 2


# --- formatting ----------------------------------------------------------------------------------------------------

UGLY = "on alice {\ncall   bob\n}\n\n\n\non bob {\nanswer;expect hangup\n}\n"


def test_formatting_gives_the_one_layout() -> None:
    from sipflow.lang.format import format_text

    found = document(UGLY)
    assert applied(found, formatting.format_document(found)) == format_text(UGLY).text


def test_formatting_what_is_formatted_changes_nothing() -> None:
    found = document(UGLY)
    again = document(applied(found, formatting.format_document(found)))
    assert formatting.format_document(again) == []


def test_a_range_is_formatted_alone() -> None:
    found = document(UGLY)
    start = UGLY.index("on bob")
    changed = applied(found, formatting.format_range(found, start, len(UGLY)))
    assert "call   bob" in changed and "answer;expect" not in changed


def test_a_brace_that_was_typed_formats_its_block() -> None:
    found, offset = marked("on alice {\ncall   bob\n}|\non   bob { answer }\n")
    changed = applied(found, formatting.format_block(found, offset))
    assert "  call bob\n" in changed and "on   bob" in changed


def test_a_text_with_syntax_errors_is_left_alone() -> None:
    assert formatting.format_document(document("on alice { call }\n")) == []


# --- signatures ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "label", "argument"),
    [
        ('define ask(whom, key) { log key }\non alice: ask(|', "ask(whom, key)", 0),
        ('define ask(whom, key) { log key }\non alice: ask(bob, |', "ask(whom, key)", 1),
        ("on alice: log random(1, |", "random(A, B)", 1),
        ("on alice: check sip.header(|", 'sip.header("NAME")', 0),
        ('on alice: log "${upper(|', "upper(T)", 0),
    ],
)  # fmt: skip
def test_arguments_show_the_parameters(text: str, label: str, argument: int) -> None:
    found, offset = marked(text)
    help_ = signatures.signature(found, offset)
    assert help_ is not None
    assert (help_.signatures[0].label, help_.active_parameter) == (label, argument)


@pytest.mark.parametrize("text", ["on alice: |", "on alice: nothing(|", "on alice: log (1 + |", "|"])
def test_other_places_show_no_parameters(text: str) -> None:
    assert signatures.signature(*marked(text)) is None
