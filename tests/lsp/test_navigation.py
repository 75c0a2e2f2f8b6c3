from __future__ import annotations

from pathlib import Path

import pytest

from sipflow.lsp import navigation
from sipflow.lsp.analysis import Document
from tests.lsp.marked import PAIR, document, marked, uri_of


def lines_of(locations: list[navigation.types.Location]) -> list[int]:
    return [location.range.start.line for location in locations]


def defined(text: str, folder: Path | None = None) -> list[int]:
    """The lines (from 0) to which `go to definition` leads."""
    found, offset = marked(text, folder)
    return lines_of(navigation.definition(found, offset, uri_of))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("agent bob { number 1 }\non alice: call b|ob\n" + PAIR, 0),
        ("on alice: call b|ob\n" + PAIR, 1),
        ("on alice {\n  call bob as first\n  release fi|rst\n}\n" + PAIR, 1),
        ("let pin = \"1\"\non alice: send dtmf p|in\n", 0),
        ("on alice {\n  let pin = \"1\"\n  log \"the ${p|in}\"\n}\n", 1),
        ("on alice {\n  call bob\n  signal go\n}\non bob: await g|o; answer\n", 2),
        ("on alice {\n  label again\n  wait 1s\n  goto aga|in\n}\n", 1),
        ("define greet(text) {\n  log te|xt\n}\non alice: greet(\"a\")\n", 0),
        ("define greet(text) {\n  log text\n}\non alice: gr|eet(\"a\")\n", 0),
    ],
)  # fmt: skip
def test_a_name_leads_to_where_it_comes_from(text: str, line: int) -> None:
    assert defined(text) == [line]


def test_a_table_and_its_columns_lead_to_the_table(tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_text("number\n1\n")
    assert defined('let a = 1\ndata users from "users.csv"\non alice: log us|ers.number\n', tmp_path) == [1]


def test_a_file_leads_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "common.sflow").write_text("define greet() { wait 1s }\n")
    (tmp_path / "a.wav").write_bytes(b"")
    for text in ('import "com|mon.sflow"\n', 'on alice: play "a.|wav"\n'):
        found, offset = marked(text, tmp_path)
        (location,) = navigation.definition(found, offset, uri_of)
        assert location.uri.endswith(("common.sflow", "a.wav"))


def test_an_imported_definition_leads_into_its_file(tmp_path: Path) -> None:
    (tmp_path / "common.sflow").write_text("# shared\ndefine greet() { wait 1s }\n")
    found, offset = marked('import "common.sflow"\non alice: gr|eet()\n', tmp_path)
    (location,) = navigation.definition(found, offset, uri_of)
    assert location.uri.endswith("common.sflow") and location.range.start.line == 1


def test_references_are_all_places_with_or_without_the_declaration() -> None:
    found, offset = marked("agent bob { number 1 }\non alice: call b|ob; transfer to bob\non bob: answer\n")
    occurrence = found.occurrence(offset)
    assert occurrence is not None
    everything = navigation.references(found, occurrence.symbol, uri_of, declarations=True)
    assert lines_of(everything) == [0, 1, 1, 2]
    assert lines_of(navigation.references(found, occurrence.symbol, uri_of, declarations=False)) == [1, 1, 2]


def test_calls_of_two_lanes_with_one_name_are_two() -> None:
    text = "on alice {\n  call bob as c\n  release c|\n}\non bob {\n  answer as c\n  release c\n}\n"
    found, offset = marked(text)
    assert [one.range.start.line for one in navigation.highlights(found, offset)] == [1, 2]


def test_highlights_tell_writing_from_reading() -> None:
    found, offset = marked('let pin = "1"\non alice: send dtmf p|in\n')
    kinds = [one.kind for one in navigation.highlights(found, offset)]
    assert kinds == [navigation.types.DocumentHighlightKind.Write, navigation.types.DocumentHighlightKind.Read]


def test_links_are_the_files_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "common.sflow").write_text("define greet() { wait 1s }\n")
    (tmp_path / "a.wav").write_bytes(b"")
    text = 'import "common.sflow"\non alice: play "a.wav"; play "missing.wav"\n'
    found = navigation.links(document(text, tmp_path), uri_of)
    assert [Path(link.target or "").name for link in found] == ["common.sflow", "a.wav"]
    assert found[1].range.start.character == len('on alice: play "')


def test_an_untitled_text_has_definitions_too() -> None:
    found: Document = document("on alice: call bob\n" + PAIR)
    assert found.name.startswith("<")
    offset = found.text.index("bob")
    assert navigation.definition(found, offset, uri_of)[0].uri == "untitled:main"
