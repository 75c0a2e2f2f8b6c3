"""The server as an editor has it: a process, pipes, JSON-RPC."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.lsp.client import COMMAND, Editor, Message, Talk, at, replace
from tests.lsp.marked import PAIR

pytestmark = pytest.mark.wire
URI = "untitled:Untitled-1"
WRONG = "on alice: call bbo\n" + PAIR


def positioned(text: str, edits: list[Message]) -> str:
    """`text` with edits of ASCII lines carried out."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    def offset(position: dict[str, int]) -> int:
        return starts[position["line"]] + position["character"]

    for edit in sorted(edits, key=lambda edit: offset(edit["range"]["start"]), reverse=True):
        text = text[: offset(edit["range"]["start"])] + edit["newText"] + text[offset(edit["range"]["end"]) :]
    return text


def test_a_whole_session() -> None:
    with Editor() as editor:
        capabilities = editor.initialize()["capabilities"]
        assert capabilities["textDocumentSync"]["change"] == 2 and capabilities["renameProvider"]["prepareProvider"]
        editor.open(URI, WRONG)
        (wrong,) = editor.diagnostics(URI, 1)
        assert wrong["code"] == "SF203"
        context = {"diagnostics": [wrong], "only": ["quickfix"]}
        offered = editor.ask(
            "textDocument/codeAction", {"textDocument": {"uri": URI}, "range": wrong["range"], "context": context}
        )
        (edit,) = next(action for action in offered if "edit" in action)["edit"]["changes"][URI]
        editor.change(URI, 2, {"range": edit["range"], "text": edit["newText"]})
        assert editor.diagnostics(URI, 2) == []
        text = positioned(WRONG, [edit])
        renamed = editor.ask("textDocument/rename", {**at(URI, 0, 15), "newName": "desk"})["changes"][URI]
        assert positioned(text, renamed) == "on alice: call desk\non desk: answer; expect hangup\n"
        editor.change(URI, 3, {"text": "on   alice: wait 1s"})
        options = {"tabSize": 4, "insertSpaces": False}
        edits = editor.ask("textDocument/formatting", {"textDocument": {"uri": URI}, "options": options})
        assert positioned("on   alice: wait 1s", edits) == "on alice: wait 1s\n"
        editor.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
        assert editor.diagnostics(URI) == []
        assert editor.leave() == 0


def test_leaving_without_a_goodbye_is_an_error() -> None:
    with Editor() as editor:
        editor.initialize()
        editor.notify("exit", None)
        assert editor.process.wait(timeout=20) == 1


EDITOR_TO_BE_KILLED = """
import sys, time
sys.path.insert(0, sys.argv[1])
from tests.lsp.client import Editor
editor = Editor(stderr=sys.stdout)
editor.initialize()
print("ready", flush=True)
editor.receive()
"""


def test_an_editor_that_is_killed_takes_its_server_along() -> None:
    root = str(Path(__file__).parents[2])
    with subprocess.Popen([sys.executable, "-c", EDITOR_TO_BE_KILLED, root], stdout=subprocess.PIPE) as editor:
        assert editor.stdout is not None
        assert editor.stdout.readline() == b"ready\n"
        editor.kill()
        # The server holds the other end of this pipe as its standard error: it closes when the server is gone.
        assert editor.stdout.read() == b""


@pytest.mark.parametrize(
    ("offered", "chosen", "column"),
    [(None, "utf-16", 4), (["utf-8", "utf-16"], "utf-8", 6), (["utf-32"], "utf-32", 3), (["utf-7"], "utf-16", 4)],
)
def test_columns_are_counted_as_agreed(offered: list[str] | None, chosen: str, column: int) -> None:
    with Editor() as editor:
        general = {} if offered is None else {"general": {"positionEncodings": offered}}
        result = editor.initialize(capabilities={"textDocument": {"publishDiagnostics": {}}, **general})
        assert result["capabilities"]["positionEncoding"] == chosen
        editor.open(URI, "# 😀\n# 😀 @\non alice { @ }\n")
        editor.change(URI, 2, replace((0, column), (0, column), " and more\n@"))
        lines = {one["range"]["start"]["line"] for one in editor.diagnostics(URI, 2)}
        assert lines == {1, 3}
        assert editor.leave() == 0


def test_line_separators_of_unicode_end_no_line() -> None:
    with Editor() as editor:
        editor.initialize()
        editor.open(URI, "# one\u2028still one\non alice: call bbo\n" + PAIR)
        (wrong,) = editor.diagnostics(URI, 1)
        assert wrong["range"]["start"] == {"line": 1, "character": 15}
        editor.change(URI, 2, replace((1, 15), (1, 18), "bob"))
        assert editor.diagnostics(URI, 2) == []


def test_a_burst_of_edits_is_checked_at_its_end_and_questions_wait_for_that() -> None:
    with Editor() as editor:
        editor.initialize(initializationOptions={"debounceMs": 500})
        editor.open(URI, "on alice: call \n" + PAIR)
        editor.diagnostics(URI, 1)
        for version, char in enumerate("bob", 2):
            editor.change(URI, version, replace((0, 13 + version), (0, 13 + version), char))
        found = editor.ask("textDocument/hover", at(URI, 0, 16))
        assert "agent `bob`" in found["contents"]["value"]
        assert [note["params"]["version"] for note in editor.notifications] == [4]


def test_a_question_that_is_taken_back_is_answered_so() -> None:
    with Editor() as editor:
        editor.initialize(initializationOptions={"sipflow": {"debounceMs": 1000}})
        editor.open(URI, WRONG)
        asked = editor.start("textDocument/completion", at(URI, 0, 15))
        editor.notify("$/cancelRequest", {"id": asked})
        answer = editor.answer(asked)
        assert answer["error"]["code"] == -32800
        assert [one["code"] for one in editor.diagnostics(URI, 1)] == ["SF203"]


def test_a_refused_rename_says_why() -> None:
    with Editor() as editor:
        editor.initialize()
        editor.open(URI, "on alice: call bob\n" + PAIR)
        answer = editor.answer(editor.start("textDocument/rename", {**at(URI, 0, 4), "newName": "bob"}))
        assert answer["error"]["code"] == -32803 and "already" in answer["error"]["message"]


@pytest.mark.parametrize(
    "message",
    [
        {"method": "textDocument/hover", "params": {"nonsense": True}},
        {"method": "textDocument/unheard", "params": {}},
        {"method": "textDocument/hover", "params": at("untitled:unknown", 99, 99)},
        {"method": "textDocument/hover", "params": at("file:///no/such/file.sflow", 0, 0)},
        {"method": "workspace/executeCommand", "params": {"command": "sipflow.explain", "arguments": [7]}},
        {"method": "workspace/executeCommand", "params": {"command": "unheard"}},
    ],
)
def test_nonsense_is_survived(message: Message) -> None:
    with Editor() as editor:
        editor.initialize(initializationOptions={"unheard": 1, "sipflow": {"mediaDir": 5, "variables": "x"}})
        editor.send({"id": 99, **message})
        editor.notify("textDocument/didChange", {"textDocument": {"uri": "x:y", "version": 1}, "contentChanges": []})
        editor.notify("workspace/didChangeConfiguration", {"settings": None})
        editor.open(URI, WRONG)
        assert [one["code"] for one in editor.diagnostics(URI, 1)] == ["SF203"]
        assert editor.leave() == 0


def test_a_code_is_explained_on_command() -> None:
    with Editor() as editor:
        editor.initialize()
        found = editor.ask("workspace/executeCommand", {"command": "sipflow.explain", "arguments": ["SF203"]})
        assert found.startswith("**SF203**")
        assert "SF203" in editor.wait_for("window/showMessage")["message"]


# --- several files -------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "common.sflow").write_text("define greet(text) { log text }\n")
    (tmp_path / "main.sflow").write_text('import "common.sflow"\non alice: greet("hello"); wait 1s\n')
    return tmp_path


def test_the_buffer_of_an_imported_file_comes_before_its_file(folder: Path) -> None:
    main, common = (folder / "main.sflow").as_uri(), (folder / "common.sflow").as_uri()
    with Editor() as editor:
        editor.initialize(folder)
        editor.open(main, (folder / "main.sflow").read_text())
        assert editor.diagnostics(main, 1) == []
        editor.open(common, (folder / "common.sflow").read_text())
        editor.change(common, 2, replace((0, 7), (0, 12), "hello"))
        assert any("greet" in one["message"] for one in wait_for_some(editor, main))
        editor.change(common, 3, replace((0, 7), (0, 12), "greet"))
        assert editor.wait_for(
            "textDocument/publishDiagnostics", lambda it: it["uri"] == main and not it["diagnostics"]
        )


def wait_for_some(editor: Editor, uri: str) -> list[Message]:
    """The next diagnostics of a text that are not empty."""
    params = editor.wait_for("textDocument/publishDiagnostics", lambda it: it["uri"] == uri and it["diagnostics"])
    found: list[Message] = params["diagnostics"]
    return found


def test_mistakes_of_an_imported_file_are_told_of_that_file(folder: Path) -> None:
    main, common = (folder / "main.sflow").as_uri(), (folder / "common.sflow").as_uri()
    (folder / "common.sflow").write_text("define greet(text) { wait 5 }\n")
    with Editor() as editor:
        editor.initialize(folder)
        editor.open(main, (folder / "main.sflow").read_text())
        assert "SF207" in [one["code"] for one in wait_for_some(editor, common)]
        editor.notify("textDocument/didClose", {"textDocument": {"uri": main}})
        assert editor.diagnostics(common) == []


def test_a_rename_reaches_files_that_are_not_open(folder: Path) -> None:
    main, common = (folder / "main.sflow").as_uri(), (folder / "common.sflow").as_uri()
    with Editor() as editor:
        editor.initialize(folder)
        editor.open(common, (folder / "common.sflow").read_text())
        changes = editor.ask("textDocument/rename", {**at(common, 0, 8), "newName": "hello"})["changes"]
        assert set(changes) == {main, common}
        references = editor.ask(
            "textDocument/references", {**at(common, 0, 8), "context": {"includeDeclaration": True}}
        )
        assert sorted(one["uri"] for one in references) == sorted([main, common])


def test_symbols_of_the_workspace_come_from_the_disk_too(folder: Path) -> None:
    with Editor() as editor:
        editor.initialize(folder)
        found = editor.ask("workspace/symbol", {"query": "gre"})
        assert [(one["name"], one["location"]["uri"]) for one in found] == [
            ("greet", (folder / "common.sflow").as_uri())
        ]


def test_an_editor_that_only_pulls_may_pull(folder: Path) -> None:
    with Editor() as editor:
        result = editor.initialize(folder, capabilities={"textDocument": {"diagnostic": {}}})
        assert result["capabilities"]["diagnosticProvider"]["interFileDependencies"] is True
        editor.open(URI, WRONG)
        report = editor.ask("textDocument/diagnostic", {"textDocument": {"uri": URI}})
        assert [one["code"] for one in report["items"]] == ["SF203"]
        assert editor.leave() == 0
        assert not editor.notifications


def test_an_editor_that_is_told_is_not_offered_to_pull() -> None:
    with Editor() as editor:
        assert "diagnosticProvider" not in editor.initialize()["capabilities"]


# --- TCP and options -----------------------------------------------------------------------------------------------


def test_one_editor_is_served_over_tcp() -> None:
    with subprocess.Popen([*COMMAND, "--tcp", "0"], stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        host, _, port = process.stderr.readline().decode().removeprefix("listening on ").rpartition(":")
        assert host == "127.0.0.1"
        with socket.create_connection((host, int(port))) as connection, connection.makefile("rwb") as stream:
            editor = Talk(stream, stream)
            editor.initialize()
            editor.open(URI, WRONG)
            assert [one["code"] for one in editor.diagnostics(URI, 1)] == ["SF203"]
            editor.ask("shutdown", None)
            editor.notify("exit", None)
        assert process.wait(timeout=20) == 0


def test_an_editor_that_hangs_up_ends_the_server() -> None:
    with subprocess.Popen([*COMMAND, "--tcp", "127.0.0.1:0"], stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        port = process.stderr.readline().decode().rpartition(":")[2]
        socket.create_connection(("127.0.0.1", int(port))).close()
        assert process.wait(timeout=20) == 1


def test_a_wrong_address_is_an_error_of_the_command_line() -> None:
    done: Any = subprocess.run([*COMMAND, "--tcp", "localhost"], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "HOST:PORT" in done.stderr


def test_what_goes_wrong_is_in_the_log(tmp_path: Path) -> None:
    log = tmp_path / "lsp.log"
    with Editor("--log", str(log)) as editor:
        editor.initialize()
        editor.send({"id": 99, "method": "textDocument/hover", "params": {"nonsense": True}})
        assert editor.leave() == 0
    assert "nonsense" in log.read_text() or "ERROR" in log.read_text()
