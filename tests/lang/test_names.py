"""Tables, functions, secrets, and where every name of a program stands."""

from __future__ import annotations

import pytest

from sipflow.ir.functions import FUNCTIONS
from sipflow.ir.graph import Table
from sipflow.ir.span import NOWHERE
from sipflow.lang import CompileResult, compile_text
from sipflow.lang.symbols import Symbol, SymbolKind
from tests.lang.probe import FakeLibrary
from tests.lang.test_graphs import bare


def compiled(text: str) -> CompileResult:
    return compile_text(text, "t.sflow", files=FakeLibrary())


def codes(expression: str) -> list[str]:
    text = f'data users from "users.csv"\non a: call b; log {expression}\non b: answer; expect hangup\n'
    return [found.code for found in compiled(text).diagnostics if found.code.startswith("SF2")]


# --- tables --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "order"), [("", "order"), (" in order", "order"), (" random", "random"), (" once", "once")]
)
def test_a_table_is_part_of_the_graph(written: str, order: str) -> None:
    graph = compiled(f'data users from "users.csv"{written}\non a: call b; log users.name\non b: answer\n').graph
    assert graph is not None
    assert bare(graph.tables) == (Table("users", "users.csv", order, NOWHERE),)


def test_columns_are_texts_in_lanes_settings_definitions_and_variables() -> None:
    text = (
        'data users from "users.csv"\nlet who = users.name\n'
        'agent a { number users.number; header "X" = "${users.name}${who}" }\n'
        'define f(x) { send dtmf users.number; log "${users.name}${x}" }\n'
        "on a: call b; f(users.number); wait users.name\non b: answer; expect hangup\n"
    )
    assert [found.message for found in compiled(text).diagnostics] == ["the time to wait must be a duration"]


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ("users.number", None),
        ("users.nmber", "SF230"),
        ("usres.number", "SF206"),
        ("users", "SF208"),
        ("users.number.x", "SF206"),
    ],
)
def test_columns_that_are_not_there(expression: str, code: str | None) -> None:
    assert codes(expression) == ([code] if code else [])


def test_of_a_table_that_cannot_be_read_any_column_may_be_meant() -> None:
    text = 'data users from "nowhere.csv"\non a: call b; log users.anything\non b: answer\n'
    assert [found.code for found in compiled(text).diagnostics] == ["SF231"]
    assert compile_text(text).diagnostics == (), "nobody looked"


def test_a_table_cannot_have_the_name_of_what_is_measured() -> None:
    text = 'data media from "users.csv"\non a: call b; log media.number\non b: answer\n'
    assert "SF201" in [found.code for found in compiled(text).diagnostics]


# --- functions and secrets -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ('number("1") + 1', None),
        ("number(1)", "SF208"),
        ("text(5s)", None),
        ('text(1) + "x"', None),
        ('length("abc") * 2', None),
        ("length(3)", "SF208"),
        ('lower(upper("x"))', None),
        ('upper("x") + 1', None),
        ("random(1, 6)", None),
        ("random(1s, 2s) + 1s", None),
        ("random(1s, 2s) + 1", "SF208"),
        ("random(1, 2s)", "SF208"),
        ('random("a", 2)', "SF208"),
        ("random(1)", "SF221"),
        ("length()", "SF221"),
        ("lenght(users.name)", "SF206"),
        ("2 * random(1s, 2s) + 1ms", None),
    ],
)
def test_functions_and_the_kinds_of_their_values(expression: str, code: str | None) -> None:
    assert codes(expression) == ([code] if code else [])


def test_functions_have_no_call_to_ask_and_stand_at_the_top_too() -> None:
    text = 'let x = length("abc") + number("2")\non a: call b; wait x * 1s\non b: answer; expect hangup\n'
    assert compiled(text).diagnostics == ()


def test_every_function_says_what_it_does() -> None:
    assert all(function.meaning and str(function).startswith(f"{name}(") for name, function in FUNCTIONS.items())


def test_a_secret_of_the_file_is_a_warning_and_one_from_outside_is_not() -> None:
    assert codes('secret "4711"') == ["SF233"]
    assert codes("secret env.TOKEN") == codes("secret users.number") == []


# --- symbols -------------------------------------------------------------------------------------------------------

PROGRAM = """\
data users from "users.csv"
let top = "x"
agent bob { number users.number }
define menu(who, digit) { call who as leg; label again; send dtmf digit; goto again }
on alice {
  let pin = top
  menu(bob, "${pin}")
  release leg
  call bob as c1 else { recover at place }
  label place
  check c1.media.mos > 3
  expect dtmf matching /1/ as pin
  log "${pin} ${users.name}"; signal go
  transfer c1 to leg
}
on bob: answer as c1; await go
"""


def where(result: CompileResult, symbol: Symbol) -> list[tuple[int, int, bool]]:
    return sorted((o.span.line, o.span.column, o.declares) for o in result.symbols.of(symbol))


@pytest.mark.parametrize(
    ("symbol", "places"),
    [
        (Symbol(SymbolKind.AGENT, "bob"), [(3, 7, True), (7, 8, False), (9, 8, False), (16, 4, False)]),
        (Symbol(SymbolKind.AGENT, "alice"), [(5, 4, True)]),
        (Symbol(SymbolKind.VARIABLE, "top"), [(2, 5, True), (6, 13, False)]),
        (Symbol(SymbolKind.VARIABLE, "pin", "alice"), [(6, 7, True), (7, 16, False), (12, 31, False), (13, 10, False)]),
        (Symbol(SymbolKind.DEFINITION, "menu"), [(4, 8, True), (7, 3, False)]),
        (Symbol(SymbolKind.PARAMETER, "who", "define menu"), [(4, 13, True), (4, 32, False)]),
        (Symbol(SymbolKind.PARAMETER, "digit", "define menu"), [(4, 18, True), (4, 67, False)]),
        (Symbol(SymbolKind.LABEL, "again", "define menu"), [(4, 50, True), (4, 79, False)]),
        (Symbol(SymbolKind.LABEL, "place", "alice"), [(9, 36, False), (10, 9, True)]),
        (Symbol(SymbolKind.CALL, "leg", "define menu"), [(4, 39, True), (8, 11, False), (14, 18, False)]),
        (Symbol(SymbolKind.CALL, "c1", "alice"), [(9, 15, True), (11, 9, False), (14, 12, False)]),
        (Symbol(SymbolKind.CALL, "c1", "bob"), [(16, 19, True)]),
        (Symbol(SymbolKind.SIGNAL, "go"), [(13, 38, True), (16, 29, False)]),
        (Symbol(SymbolKind.TABLE, "users"), [(1, 6, True), (3, 20, False), (13, 17, False)]),
        (Symbol(SymbolKind.COLUMN, "name", "users"), [(13, 23, False)]),
    ],
    ids=str,
)
def test_every_place_of_a_name_is_known(symbol: Symbol, places: list[tuple[int, int, bool]]) -> None:
    assert where(compiled(PROGRAM), symbol) == places


def test_each_place_has_the_name_that_stands_there() -> None:
    result = compiled(PROGRAM)
    for occurrence in result.symbols.occurrences.values():
        assert PROGRAM[occurrence.span.start : occurrence.span.end] == occurrence.symbol.name


def test_names_of_a_text_with_mistakes_are_known_as_far_as_it_was_read() -> None:
    result = compiled(PROGRAM.replace("check c1", "chekc c1 ( ]").replace("release leg", "release leg x"))
    assert result.graph is None
    assert where(result, Symbol(SymbolKind.SIGNAL, "go")) == [(13, 38, True), (16, 29, False)]
    assert len(where(result, Symbol(SymbolKind.AGENT, "bob"))) == 4
