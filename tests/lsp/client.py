"""An editor in a few lines: JSON-RPC with a real `sipflow lsp`, over its pipes or a socket."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Self

COMMAND = (sys.executable, "-m", "sipflow", "lsp")
Message = dict[str, Any]


class Talk:
    """The messages of an editor, over whatever carries bytes."""

    def __init__(self, incoming: IO[bytes], outgoing: IO[bytes]) -> None:
        self.incoming = incoming
        self.outgoing = outgoing
        self.notifications: deque[Message] = deque()
        self._last_id = 0

    # --- messages --------------------------------------------------------------------------------------------------

    def send(self, message: Message) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.outgoing.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.outgoing.flush()

    def receive(self) -> Message:
        """The next message; EOFError when the server is gone."""
        length = 0
        while line := self.incoming.readline().strip():
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        if not length:
            raise EOFError
        message: Message = json.loads(self.incoming.read(length))
        return message

    def notify(self, method: str, params: Any) -> None:
        self.send({"method": method, "params": params})

    def start(self, method: str, params: Any) -> int:
        """Send a request and do not wait."""
        self._last_id += 1
        self.send({"id": self._last_id, "method": method, "params": params})
        return self._last_id

    def answer(self, request: int) -> Message:
        """The whole answer to a request; what the server asks of the editor is granted."""
        while True:
            message = self.receive()
            if message.get("id") == request and "method" not in message:
                return message
            if "id" in message and "method" in message:
                self.send({"id": message["id"], "result": None})
            else:
                self.notifications.append(message)

    def ask(self, method: str, params: Any) -> Any:
        """The result of a request."""
        answer = self.answer(self.start(method, params))
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def wait_for(self, method: str, accepts: Callable[[Any], bool] = lambda params: True) -> Any:
        """Parameters of the next notification of a method that is as wanted; earlier ones are gone then."""
        while True:
            message = self.notifications.popleft() if self.notifications else self.receive()
            if "id" in message and "method" in message:
                self.send({"id": message["id"], "result": None})
            elif message.get("method") == method and accepts(message["params"]):
                return message["params"]

    # --- what editors do -------------------------------------------------------------------------------------------

    def initialize(self, folder: Path | None = None, **more: Any) -> Any:
        text_document = {
            "publishDiagnostics": {"relatedInformation": True},
            "completion": {"completionItem": {"snippetSupport": True}},
            "rename": {"prepareSupport": True},
        }
        params = {
            "processId": None,
            "rootUri": folder.as_uri() if folder else None,
            "capabilities": {"textDocument": text_document},
            **more,
        }
        result = self.ask("initialize", params)
        self.notify("initialized", {})
        return result

    def open(self, uri: str, text: str, version: int = 1) -> None:
        document = {"uri": uri, "languageId": "sflow", "version": version, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})

    def change(self, uri: str, version: int, *changes: Message) -> None:
        text_document = {"uri": uri, "version": version}
        self.notify("textDocument/didChange", {"textDocument": text_document, "contentChanges": list(changes)})

    def diagnostics(self, uri: str, version: int | None = None) -> list[Message]:
        """What is said about a text (about this version of it, when one is given)."""
        params = self.wait_for(
            "textDocument/publishDiagnostics",
            lambda params: params["uri"] == uri and version in (None, params.get("version")),
        )
        found: list[Message] = params["diagnostics"]
        return found


class Editor(Talk):
    """Talks to a server of its own; leaves it by `shutdown` and `exit`."""

    def __init__(self, *options: str, stderr: IO[str] | int = subprocess.DEVNULL) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([*COMMAND, *options], stdin=pipe, stdout=pipe, stderr=stderr)
        assert self.process.stdin is not None and self.process.stdout is not None
        super().__init__(self.process.stdout, self.process.stdin)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self.process.kill()
        self.process.wait()
        self.incoming.close()
        with contextlib.suppress(BrokenPipeError):
            self.outgoing.close()

    def leave(self) -> int:
        """Say goodbye; returns the exit code."""
        self.ask("shutdown", None)
        self.notify("exit", None)
        return self.process.wait(timeout=20)


def at(uri: str, line: int, character: int) -> Message:
    """The parameters that most requests have."""
    return {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}}


def replace(start: tuple[int, int], end: tuple[int, int], text: str) -> Message:
    """An incremental change."""
    where = {
        "start": {"line": start[0], "character": start[1]},
        "end": {"line": end[0], "character": end[1]},
    }
    return {"range": where, "text": text}
