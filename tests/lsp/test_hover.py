from __future__ import annotations

from pathlib import Path

import pytest
from lsprotocol import types

from sipflow.lsp.hover import hover
from tests.lsp.marked import PAIR, marked, write_wav


def read(text: str, folder: Path | None = None) -> str:
    """What is to be read at the cursor; empty for nothing."""
    document, offset = marked(text, folder)
    found = hover(document, offset)
    if found is None:
        return ""
    assert isinstance(found.contents, types.MarkupContent)
    return found.contents.value


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("on alice: ca|ll bob\n" + PAIR, ["call TARGET", "INVITE", "RFC 3261 section 13"]),
        ("on alice: call bob; ho|ld\n" + PAIR, ["re-INVITE", "RFC 3264"]),
        ("on alice: call bob; expect ha|ngup\n" + PAIR, ["BYE", "CANCEL"]),
        ("on alice: call bob; exp|ect hangup\n" + PAIR, ["first come first served"]),
        ("on alice: call bob; expect hangup wit|hin 5s\n" + PAIR, ["time limit"]),
        ("on alice: call bob el|se release\n" + PAIR, ["when the statement fails"]),
        ("on alice: call bob; send opt|ions\n" + PAIR, ["OPTIONS"]),
        ("on alice: call bob; record ster|eo\n" + PAIR, ["one time line"]),
        ("agent alice { cod|ecs pcma }", ["order of its preference", "RFC 3264"]),
        ("agent alice { codecs pc|ma }", ["A-law", "RFC 3551"]),
        ("on alice: wait 45|000ms", ["45000 ms, 45 s, 45s", "Milliseconds"]),
        ("on alice: play tone 44|0Hz for 1s", ["440Hz", "cycles"]),
        ("on alice: call bob; check media.lo|ss < 1%\n" + PAIR, ["`media.loss`: share in %", "did not come"]),
        ("on alice: call bob as c1; check c1.sip.set|up_time < 1s\n" + PAIR, ["duration in ms"]),
        ('on alice: call bob; check sip.hea|der("X") == "1"\n' + PAIR, ["header field"]),
        ('on alice: log upp|er("a")', ["capitals"]),
        ("on alice: log env.HO|ME", ["environment"]),
        ("sce|nario \"A\"\n", ["name of the test"]),
        ("lo|ad { ramp 1/s to 2/s over 3s }", ["load test"]),
    ],
)  # fmt: skip
def test_words_say_what_they_do(text: str, parts: list[str]) -> None:
    found = read(text)
    for part in parts:
        assert part in found


def test_an_agent_shows_all_its_settings_and_which_are_defaults() -> None:
    text = 'agent alice { number 1001; codecs opus, pcma; header "X" = "1" }\non al|ice: call bob\n' + PAIR
    found = read(text)
    assert "| number | `1001` |" in found and "| codecs | `opus, pcma` |" in found
    assert "| ptime | `20ms` | default |" in found and "| srtp | `off` | default |" in found


def test_an_agent_without_a_declaration_has_the_defaults() -> None:
    assert "| codecs | `pcmu, pcma` | default |" in read("on alice: call bo|b\n" + PAIR)


def test_an_agent_of_a_file_with_mistakes_is_described_all_the_same() -> None:
    assert "`1001`" in read("agent alice { number 1001 }\non al|ice: call call call\n")


def test_a_remote_agent_says_so() -> None:
    assert "does not play" in read('agent pbx = "sip:pbx.example.com"\non alice: call p|bx\n')


def test_a_variable_shows_what_it_is_made_of() -> None:
    assert "let slow = 2 * 250ms" in read("let slow = 2 * 250ms\non alice: wait sl|ow\n")


def test_a_call_shows_where_it_begins_and_a_label_where_it_is() -> None:
    assert "call bob as first" in read("on alice {\n  call bob as first\n  release fir|st\n}\n" + PAIR)
    assert "line 2" in read("on alice {\n  label here\n  wait 1s\n  goto he|re\n}\n")


def test_a_definition_shows_its_parameters_and_how_often_it_is_used() -> None:
    text = 'define greet(text, digit) { log text; send dtmf digit }\non alice: call bob; gr|eet("a", "1")\n' + PAIR
    assert "define greet(text, digit)" in read(text) and "Used once." in read(text)


def test_a_file_shows_its_length_and_its_format(tmp_path: Path) -> None:
    write_wav(tmp_path / "greet.wav", 3.25, rate=16000, channels=2)
    assert "3.2 s, 16000 Hz, stereo" in read('on alice: play "gre|et.wav"', tmp_path)
    assert "no file" in read('on alice: play "miss|ing.wav"', tmp_path)


def test_a_table_shows_its_columns_and_how_many_rows_it_has(tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_text("number,name\n1,a\n2,b\n")
    found = read('data users from "users.csv"\non alice: log us|ers.name\n', tmp_path)
    assert "2 rows of `number`, `name`" in found
    assert "2 rows" in read('data users from "use|rs.csv"\n', tmp_path)


def test_a_mistake_is_explained_at_its_place() -> None:
    found = read("on alice: call bb|o\n" + PAIR)
    assert "**SF203**" in found


@pytest.mark.parametrize("text", ["|", "on alice { call bob }  | \n", "# not|hing\n"])
def test_places_without_anything_say_nothing(text: str) -> None:
    assert read(text) == ""
