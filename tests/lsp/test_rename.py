from __future__ import annotations

from pathlib import Path

import pytest

from sipflow.lsp.rename import RenameRefusedError, prepare, rename
from tests.lsp.marked import PAIR, document, marked, uri_of


def renamed(text: str, new_name: str) -> str:
    """The text after the thing at the cursor has another name."""
    found, offset = marked(text)
    edit = rename(found, offset, new_name, uri_of)
    assert edit is not None and edit.changes is not None
    ((_, edits),) = edit.changes.items()
    result = found.text
    for one in sorted(edits, key=lambda one: found.positions.offset(one.range.start), reverse=True):
        start, end = found.positions.offsets(one.range)
        result = result[:start] + one.new_text + result[end:]
    return result


@pytest.mark.parametrize(
    ("before", "new_name", "after"),
    [
        (
            "agent bob { number 1 }\non alice: call b|ob\non bob: answer\n",
            "desk",
            "agent desk { number 1 }\non alice: call desk\non desk: answer\n",
        ),
        (
            "on alice {\n  call bob as c|1\n  check c1.media.loss < 1%\n  release c1\n}\n" + PAIR,
            "first",
            "on alice {\n  call bob as first\n  check first.media.loss < 1%\n  release first\n}\n" + PAIR,
        ),
        (
            'let p|in = "1"\non alice: send dtmf pin; log "pin ${pin}"\n',
            "code",
            'let code = "1"\non alice: send dtmf code; log "pin ${code}"\n',
        ),
        (
            "on alice {\n  label ag|ain\n  wait 1s\n  goto again\n}\n",
            "start",
            "on alice {\n  label start\n  wait 1s\n  goto start\n}\n",
        ),
        (
            "define greet(te|xt) { log text }\non alice: greet(\"a\")\n",
            "words",
            "define greet(words) { log words }\non alice: greet(\"a\")\n",
        ),
        (
            "on alice { signal g|o }\non bob: await go\n",
            "ready",
            "on alice { signal ready }\non bob: await ready\n",
        ),
    ],
)  # fmt: skip
def test_a_new_name_stands_wherever_the_old_one_did(before: str, new_name: str, after: str) -> None:
    assert renamed(before, new_name) == after


@pytest.mark.parametrize("name", ["", "on", "1st", "a b", "größe", "with", "x-y"])
def test_what_is_no_name_is_refused(name: str) -> None:
    found, offset = marked("on ali|ce: call bob\n" + PAIR)
    with pytest.raises(RenameRefusedError):
        rename(found, offset, name, uri_of)


def test_a_name_that_is_taken_is_refused() -> None:
    found, offset = marked("on ali|ce: call bob\n" + PAIR)
    with pytest.raises(RenameRefusedError, match=r"agent `bob` already, in line 2"):
        rename(found, offset, "bob", uri_of)


def test_a_name_that_another_lane_has_for_a_call_is_free() -> None:
    text = "on alice {\n  call bob as a|1\n}\non bob {\n  answer as b1\n}\n"
    assert "call bob as b1" in renamed(text, "b1")


def test_words_and_columns_are_not_renamed(tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_text("number\n1\n")
    for text in ("on alice: ca|ll bob\n", 'data users from "users.csv"\non alice: log users.num|ber\n'):
        found, offset = marked(text, tmp_path)
        assert prepare(found, offset) is None


def test_the_editor_is_told_what_would_be_renamed() -> None:
    found, offset = marked("on alice: call b|ob\n" + PAIR)
    prepared = prepare(found, offset)
    assert prepared is not None and prepared.placeholder == "bob"
    assert prepared.range.start.character == len("on alice: call ")


def test_a_rename_goes_through_imports(tmp_path: Path) -> None:
    shared = "define greet() { wait 1s }\n"
    (tmp_path / "common.sflow").write_text(shared)
    found, offset = marked('import "common.sflow"\non alice: gr|eet()\n', tmp_path)
    other = document('import "common.sflow"\non carol: greet()\n', tmp_path, "other.sflow")
    edit = rename(found, offset, "hello", uri_of, [other])
    assert edit is not None and edit.changes is not None
    assert {Path(uri).name: len(edits) for uri, edits in edit.changes.items()} == {
        "common.sflow": 1,
        "main.sflow": 1,
        "other.sflow": 1,
    }
