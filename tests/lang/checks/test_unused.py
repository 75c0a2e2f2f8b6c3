"""Names that nothing uses."""

from __future__ import annotations

import pytest

from sipflow.lang.diagnostics import apply_fix
from tests.lang.checks.said import BOB, codes, only, words

TABLE = 'data t from "users.csv"\n'


def in_lane(statements: str, head: str = "") -> str:
    return f"{head}on alice {{ call bob; {statements}; release }}{BOB}"


@pytest.mark.parametrize(
    ("code", "unused", "used"),
    [
        ("SF321", in_lane('log "x"', 'define d() { log "x" }\n'), in_lane("d()", 'define d() { log "x" }\n')),
        ("SF322", in_lane('d("x")', 'define d(a) { log "x" }\n'), in_lane('d("x")', "define d(a) { log a }\n")),
        ("SF323", in_lane('log "x"', "let a = 1\n"), in_lane("log a", "let a = 1\n")),
        ("SF323", in_lane("let a = 1; let a = 2"), in_lane('let a = 1; log "${a}"')),
        ("SF324", in_lane('log "x"', TABLE), in_lane('log "${t.number} ${t.name}"', TABLE)),
        ("SF327", in_lane("log t.name", TABLE), in_lane("log t.name; log t.number", TABLE)),
        ("SF325", in_lane('label x; log "x"'), in_lane("label x; hold else goto x")),
        ("SF326", in_lane('log "x"', 'import "common.sflow"\n'), in_lane("shared()", 'import "common.sflow"\n')),
    ],
)
def test_a_name_is_there_to_be_used(code: str, unused: str, used: str) -> None:
    assert codes(unused) == [code]
    assert [found for found in codes(used) if found >= "SF321"] == []


@pytest.mark.parametrize(
    "text",
    [
        in_lane("d()", 'let a = 1\ndefine d() { log "${a}" }\n'),
        in_lane("let a = 1; d()", "define d() { log a }\n"),
        in_lane("expect dtmf matching /1/ as pin else recover"),
        in_lane('log "x"', "let a = 1\nagent bob { number a }\n").replace("number a", 'number "${a}"'),
        in_lane('log "x"', "let a = 1\nlet b = a\n").replace('log "x"', "log b"),
        in_lane("call pbx else recover", 'import "common.sflow"\n'),
        in_lane("label x; hold else recover at x"),
    ],
)
def test_any_use_counts(text: str) -> None:
    assert codes(text) == []


def test_a_shared_file_may_have_more_than_one_program_needs() -> None:
    shared = 'let a = 1\ndefine one() { log "1" }\ndefine two(x) { log "2" }\n'
    assert codes(in_lane("one()", 'import "all.sflow"\n'), all=shared) == []


def test_a_file_that_imports_for_others_may_be_imported() -> None:
    assert codes(in_lane('log "x"', 'import "hub.sflow"\n'), hub='import "common.sflow"\n') == []


def test_a_column_that_nothing_uses_is_told_where_its_table_is_named() -> None:
    text = in_lane("log t.number", TABLE)
    assert only(text, "SF327").message == "nothing uses the column `name` of `t`"
    assert words(text, only(text, "SF327")) == "t"


def test_a_mistake_in_a_name_is_not_told_twice() -> None:
    assert codes(in_lane("log greting", 'let greeting = "hi"\n')) == ["SF205"]


@pytest.mark.parametrize("line", ['let a = "x"  # why', "let a = 1", "let a = 200ms"])
def test_the_fix_takes_the_line_out(line: str) -> None:
    text = f"{line}\non alice: call bob; release{BOB}"
    found = only(text, "SF323")
    assert words(text, found) == "a" and found.fix is not None
    assert apply_fix(text, found.fix) == text.partition("\n")[2]


def test_there_is_no_fix_for_a_statement_among_others() -> None:
    assert only(in_lane("let a = 1"), "SF323").fix is None
    assert only(f'let a = """\nx\n"""\non alice: call bob; release{BOB}', "SF323").fix is None
