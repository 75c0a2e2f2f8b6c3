"""Every diagnostic code, as people read it. The golden files are the review."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sipflow.lang import compile_text, render
from sipflow.lang.codes import CODES, OF_LOADS, OF_RUNS
from sipflow.lang.diagnostics import Diagnostic, Fix, apply_fix, diagnostic_to_json
from tests.conftest import Golden
from tests.lang.probe import FakeLibrary

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(GOLDEN.glob("*.sflow"))


def read(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "surrogateescape")


def diagnose(path: Path) -> tuple[str, tuple[Diagnostic, ...]]:
    text = read(path)
    return text, compile_text(text, path.name, files=FakeLibrary()).diagnostics


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_what_is_said_about_it(path: Path, golden: Golden) -> None:
    result = compile_text(read(path), path.name, files=FakeLibrary())
    diagnostics = result.diagnostics
    golden.check(path.with_suffix(".txt"), "\n".join(map(result.render, diagnostics)))
    golden.check(path.with_suffix(".json"), json.dumps(list(map(diagnostic_to_json, diagnostics)), indent=1) + "\n")
    assert path.stem in {diagnostic.code for diagnostic in diagnostics}


def test_every_code_has_a_case_and_every_case_a_code() -> None:
    """Save for what only a run or a machine can show: tests/run and tests/load have those."""
    assert {path.stem for path in CASES} | {"SF101"} == set(CODES) - OF_RUNS - OF_LOADS
    assert {path.stem for path in GOLDEN.glob("*.json")} == {path.stem for path in CASES}
    assert {path.stem for path in GOLDEN.glob("*.txt")} == {path.stem for path in CASES}


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_diagnostic_is_complete_and_becomes_json(path: Path) -> None:
    text, diagnostics = diagnose(path)
    for diagnostic in diagnostics:
        assert diagnostic.code in CODES
        assert diagnostic.message and "\n" not in diagnostic.message
        assert 0 <= diagnostic.span.start <= diagnostic.span.end <= len(text)
        json.dumps(diagnostic_to_json(diagnostic))
    assert diagnostics == tuple(sorted(diagnostics, key=lambda diagnostic: diagnostic.span.start))


def fixes() -> list[tuple[str, int]]:
    """Cases whose golden file has a fix, and where: compiling them all would cost whoever only collects tests."""
    said = ((path.stem, json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))) for path in CASES)
    return [(case, number) for case, found in said for number, one in enumerate(found) if one.get("fix") is not None]


@pytest.mark.parametrize(("case", "number"), fixes())
def test_a_fix_makes_its_mistake_go_away(case: str, number: int) -> None:
    text, diagnostics = diagnose(GOLDEN / f"{case}.sflow")
    wrong = diagnostics[number]
    assert wrong.fix is not None
    after = compile_text(apply_fix(text, wrong.fix), f"{case}.sflow", files=FakeLibrary()).diagnostics
    said = [(found.code, found.message) for found in diagnostics]
    left = [(found.code, found.message) for found in after]
    assert left.count((wrong.code, wrong.message)) == said.count((wrong.code, wrong.message)) - 1


def test_the_example_of_the_language_page_word_for_word() -> None:
    text = "\n" * 4 + 'on bob: answer\n\non alice: call bbo; play "greet.wav"\n'
    (diagnostic,) = compile_text(text, "ivr.sflow").diagnostics
    assert render(diagnostic, text) == (
        "error[SF203]: unknown agent `bbo`\n"
        "  --> ivr.sflow:7:16\n"
        "   |\n"
        ' 7 | on alice: call bbo; play "greet.wav"\n'
        "   |                ^^^ not declared, and no lane has this name\n"
        "   |\n"
        "help: did you mean `bob`? (declared at line 5)\n"
    )


def test_all_mistakes_of_a_file_come_in_one_pass() -> None:
    text = 'on alice: pley "x.wav"; call bbo; wait 5; send dtmf "x"\non bob: answer\nagent c { codecs foo }\n'
    codes = [diagnostic.code for diagnostic in compile_text(text).diagnostics]
    assert codes == ["SF111", "SF203", "SF207", "SF403", "SF202", "SF210"]


def caret_line(text: str) -> tuple[str, str]:
    lines = render(compile_text(text, "t").diagnostics[0], text).splitlines()
    return lines[3].partition("| ")[2], lines[4].partition("| ")[2]


def test_carets_stand_under_what_is_meant_behind_tabs_and_wide_characters() -> None:
    source, carets = caret_line('on a {\n\tcall bob; log "日本"; call bbo\n}\non bob: answer\n')
    assert source.startswith("    call bob")
    wide = 2  # each of the two characters takes two columns
    assert carets.index("^") == source.index("bbo") + wide


def test_a_long_line_is_shown_as_a_window_around_the_mistake() -> None:
    text = f'on a: call bob; log "{"x" * 5000}"; call bbo; log "{"y" * 5000}"\non bob: answer\n'
    source, carets = caret_line(text)
    assert len(source) < 200 and source[carets.index("^") :].startswith("bbo")


def test_control_characters_never_reach_the_terminal() -> None:
    text = 'on a: call bbo; log "\x1b[31m\x07"\non bob: answer\n'
    assert "\x1b" not in render(compile_text(text, "\x1b[0m").diagnostics[0], text)


def test_edits_of_a_fix_do_not_disturb_each_other() -> None:
    result = compile_text("on a: call bob within 5; wait 3\non bob: answer\n")
    edits = tuple(edit for found in result.diagnostics if found.fix for edit in found.fix.edits)
    assert apply_fix(result.source.text, Fix("all", edits)).startswith("on a: call bob within 5s; wait 3s\n")
