"""`import`: what other files bring in, and whose lines a diagnostic shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from sipflow.assets import Assets
from sipflow.lang import CompileResult, compile_text
from tests.lang.probe import FakeLibrary

MAIN = 'import "other.sflow"\non alice { call bob; greet("x"); log "${patience} ${users.name}" }\non bob: answer\n'
OTHER = """\
scenario "Other" tagged common
timeout 3s
data users from "users.csv" once
let patience = 2s
agent bob { number 1002 }
agent lonely { number 1 }
agent pbx = "sip:pbx.example.com"
define greet(whom) { log "hello ${whom}"; wait patience }
on lonely: call nobody; answer
"""


def compiled(text: str = MAIN, **texts: str) -> CompileResult:
    return compile_text(text, "main.sflow", files=FakeLibrary(**{"other": OTHER, **texts}))


def said(result: CompileResult) -> list[tuple[str, str, int]]:
    return [(found.code, found.span.source, found.span.line) for found in result.diagnostics]


def errors(result: CompileResult) -> list[tuple[str, str, int]]:
    return [(f.code, f.span.source, f.span.line) for f in result.diagnostics if f.severity.value == "error"]


def test_agents_variables_tables_and_definitions_come_in_and_the_rest_stays_out() -> None:
    result = compiled()
    graph = result.graph
    assert graph is not None, [result.render(found) for found in result.diagnostics]
    assert [agent.name for agent in graph.agents] == ["bob", "alice"], "of the imported agents those that are used"
    assert [variable.name for variable in graph.variables] == ["patience"]
    assert [(table.name, table.order) for table in graph.tables] == [("users", "once")]
    assert [lane.id for lane in graph.lanes] == ["alice", "bob"]
    assert (graph.scenario.name, graph.scenario.timeout_ms) == ("", 10_000)
    assert graph.node("alice.2.greet.1").span.source == "other.sflow"
    assert graph.node("alice.2.greet.1").via[0].source == "main.sflow"
    assert list(result.sources) == ["main.sflow", "other.sflow"]


def test_a_shared_file_may_be_a_test_of_its_own() -> None:
    result = compile_text(OTHER, "other.sflow", files=FakeLibrary())
    assert [found.code for found in result.diagnostics if found.code in ("SF203", "SF202")] == ["SF202", "SF203"]
    assert errors(compiled()) == [], "its lanes are not those of whoever imports it"


def test_files_may_import_each_other_and_each_is_read_once() -> None:
    result = compiled(
        'import "other.sflow"\nimport "third.sflow"\nimport "main.sflow"\non alice: call bob; f()\non bob: answer\n',
        other='import "third.sflow"\nimport "main.sflow"\nagent bob { number 1 }\n',
        third='import "other.sflow"\ndefine f() { wait 1s }\n',
        main="this text is the one that is compiled, and not read again",
    )
    assert errors(result) == []
    assert sorted(result.sources) == ["main.sflow", "other.sflow", "third.sflow"]


def test_what_is_wrong_in_an_imported_file_is_said_there_and_nothing_at_the_import() -> None:
    result = compiled(other=OTHER.replace("wait patience", "wait 5; pley 1").replace("number 1002", "codecs foo"))
    assert errors(result) == [("SF210", "other.sflow", 5), ("SF207", "other.sflow", 8), ("SF111", "other.sflow", 8)]
    assert ' 8 | define greet(whom) { log "hello ${whom}"; wait 5; pley 1 }' in result.render(result.diagnostics[1])


@pytest.mark.parametrize("declaration", ["agent bob {}", "let patience = 1s", "define greet(x) { log x }",
                                         'data users from "users.csv"'])  # fmt: skip
def test_names_that_collide_are_shown_at_both_places(declaration: str) -> None:
    result = compiled(f"{MAIN}{declaration}\n")
    (found,) = [found for found in result.diagnostics if found.code == "SF201"]
    assert (found.span.source, found.span.line) == ("main.sflow", 4)
    assert [label.span.source for label in found.secondary] == ["other.sflow"]
    shown = result.render(found)
    assert "--> main.sflow:4:" in shown and "::: other.sflow:" in shown


def test_a_file_that_is_missing_or_no_text_is_said_at_the_import_and_names_are_doubtful_then() -> None:
    assert said(compiled(MAIN.replace("other", "ohter"))) == [("SF229", "main.sflow", 1)]
    assert said(compiled(MAIN.replace("other.sflow", "notes.txt"))) == [("SF229", "main.sflow", 1)]


def test_without_files_nothing_is_said_of_names_that_may_come_from_elsewhere() -> None:
    assert compile_text(MAIN).diagnostics == ()


def test_an_imported_agent_that_is_called_and_nowhere_is_an_error_at_its_declaration() -> None:
    result = compiled(MAIN.replace("call bob", "call lonely"))
    assert ("SF202", "other.sflow", 6) in errors(result)


def test_a_chain_of_imports_without_an_end_is_cut() -> None:
    class Endless(FakeLibrary):
        def text(self, path, importer):  # type: ignore[no-untyped-def]
            number = int(path.removesuffix(".sflow"))
            self.texts[path] = f'import "{number + 1}.sflow"\n'
            return super().text(path, importer)

    result = compile_text('import "1.sflow"\non a: call b\non b: answer\n', files=Endless())
    assert [found.code for found in result.diagnostics] == ["SF229"]


def test_files_are_looked_for_beside_the_one_that_imports_them(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "one.sflow").write_text('import "two.sflow"\nimport "../main.sflow"\n')
    (tmp_path / "shared" / "two.sflow").write_text("define f() { wait 1s }\n")
    main = tmp_path / "main.sflow"
    main.write_text('import "shared/one.sflow"\nimport "shared/../shared/two.sflow"\non a: call b; f()\non b: answer\n')
    result = compile_text(main.read_text(), str(main), files=Assets([tmp_path]))
    assert errors(result) == []
    assert len(result.sources) == 3
