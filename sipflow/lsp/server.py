"""The language server's loop: which texts wait to be checked, and where their diagnostics go.

A change starts a short wait. Whatever comes in the meantime starts it again, so that a burst of edits is compiled once;
questions about a text wait for its check, and one that the editor takes back meanwhile has cost nothing.
"""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import logging
import threading
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.exceptions import FeatureRequestError
from pygls.io_ import run_async
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol, lsp_method

import sipflow
from sipflow import __version__
from sipflow.lsp.analysis import DEBOUNCE_MS, Document, Settings
from sipflow.lsp.diagnostics import by_source, to_protocol
from sipflow.lsp.workspace import Workspace

logger = logging.getLogger(__name__)

_OBJECTS_BETWEEN_COLLECTIONS = 100_000
"""More than one check makes: what a check makes has no cycles, so looking for them in its midst finds nothing."""
MAX_DEBOUNCE_MS = 5000
PATIENCE = 10
"""A text that is never still is compiled all the same, after so many times the wait for silence."""


class Protocol(LanguageServerProtocol):
    """The protocol without pygls' copies of the texts: `Workspace` keeps them, with the line ends of the protocol."""

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(self, params: types.DidOpenTextDocumentParams) -> Generator[Any, Any, None]:
        """Hand it on."""
        yield self.fm.features[types.TEXT_DOCUMENT_DID_OPEN], (params,), None

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: types.DidChangeTextDocumentParams) -> Generator[Any, Any, None]:
        """Hand it on."""
        yield self.fm.features[types.TEXT_DOCUMENT_DID_CHANGE], (params,), None

    @lsp_method(types.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(self, params: types.DidCloseTextDocumentParams) -> Generator[Any, Any, None]:
        """Hand it on."""
        yield self.fm.features[types.TEXT_DOCUMENT_DID_CLOSE], (params,), None


class Server(LanguageServer):
    """One editor's server."""

    def __init__(self) -> None:
        super().__init__(
            "sipflow",
            __version__,
            text_document_sync_kind=types.TextDocumentSyncKind.Incremental,
            protocol_cls=Protocol,
        )
        self.texts = Workspace()
        self.snippets = True
        """Whether the editor understands fields in what completion puts in."""
        self.pulls = False
        """Whether the editor asks for diagnostics, and is not told."""
        self.said_goodbye = False
        """Whether the editor asked for the end."""
        self._waiting: dict[str, _Wait] = {}
        self._found: dict[str, dict[str, list[types.Diagnostic]]] = {}
        """By the text that was checked, then by the name of the text that they are about."""

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Log what went wrong in a handler; whoever asked gets an error as the answer, the others a message."""
        logger.error("a handler failed", exc_info=error)
        if source != FeatureRequestError and self.protocol.writer is not None:
            message = "The sipflow language server made a mistake; its log (`--log FILE`) says more."
            self.window_log_message(types.LogMessageParams(types.MessageType.Error, message))

    # --- checks ----------------------------------------------------------------------------------------------------

    def check_soon(self, uri: str) -> None:
        """Compile a text once it is still, and tell the editor what is wrong."""
        wait = self._waiting.get(uri)
        if wait is None:
            wait = self._waiting[uri] = _Wait(self.texts.settings.debounce_ms / 1000)
        wait.restart(self._check, uri)

    async def document(self, uri: str) -> Document | None:
        """The text as the editor has it now; waits for the check when one is about to come."""
        while uri in self._waiting:
            await self._waiting[uri].over.wait()
        return self.texts.document(uri)

    def check_all_soon(self) -> None:
        """Files or settings are others."""
        self.texts.forget_all()
        for uri in self.texts.open_uris:
            self.check_soon(uri)

    def _check(self, uri: str) -> None:
        wait = self._waiting.pop(uri, None)
        try:
            document = self.texts.document(uri) if uri in self.texts.open_uris else None
            if document is not None and not self.pulls:
                self._keep(uri, document)
        except Exception as error:  # whatever it is, the next edit deserves another try
            self.report_server_error(error, type(error))
        finally:
            if wait is not None:
                wait.over.set()

    def stop_checking(self, uri: str) -> None:
        """The text is closed: what was said about it is taken back, unless another text says it, too."""
        wait = self._waiting.pop(uri, None)
        if wait is not None:
            wait.stop()
        names = self._found.pop(uri, {})
        for name in names:
            self._publish(name, None)

    def _keep(self, uri: str, document: Document) -> None:
        sources = by_source(document)
        docs = self.texts.settings.docs
        found = {name: to_protocol(document, some, self.texts.uri_of, docs) for name, some in sources.items()}
        gone = self._found.get(uri, {}).keys() - found.keys()
        self._found[uri] = found
        self._publish(document.name, document.version)
        for name in [*gone, *(name for name in found if name != document.name)]:
            self._publish(name, None)

    def _publish(self, name: str, version: int | None) -> None:
        """Tell what is wrong with a text, whoever found it."""
        found: list[types.Diagnostic] = []
        for some in self._found.values():
            found += [diagnostic for diagnostic in some.get(name, ()) if diagnostic not in found]
        params = types.PublishDiagnosticsParams(self.texts.uri_of(name), found, version)
        self.text_document_publish_diagnostics(params)


class _Wait:
    """The time until a text is compiled."""

    def __init__(self, silence_s: float) -> None:
        self.over = asyncio.Event()
        self._silence_s = silence_s
        self._latest = asyncio.get_running_loop().time() + PATIENCE * silence_s
        self._timer: asyncio.TimerHandle | None = None

    def restart(self, check: Any, uri: str) -> None:
        self.stop_timer()
        loop = asyncio.get_running_loop()
        when = min(loop.time() + self._silence_s, self._latest)
        self._timer = loop.call_at(when, check, uri)

    def stop(self) -> None:
        self.stop_timer()
        self.over.set()

    def stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


def settings_from(options: Any, before: Settings) -> Settings:
    """Settings as an editor gives them, in its own words or under `sipflow`; what is unknown is passed over."""
    given = options.get("sipflow", options) if isinstance(options, dict) else {}
    given = given if isinstance(given, dict) else {}
    media_dir, variables, docs = (given.get(key) for key in ("mediaDir", "variables", "docs"))
    debounce = given.get("debounceMs")
    return dataclasses.replace(
        before,
        media_dir=Path(media_dir).expanduser() if isinstance(media_dir, str) and media_dir else None,
        variables=tuple(name for name in variables if isinstance(name, str)) if isinstance(variables, list) else (),
        docs=docs.rstrip("/") if isinstance(docs, str) else default_docs(),
        debounce_ms=min(debounce, MAX_DEBOUNCE_MS) if isinstance(debounce, int) and debounce >= 0 else DEBOUNCE_MS,
    )


def default_docs() -> str:
    """The documentation of a checkout; an installation from a wheel has none, and then codes have no links."""
    pages = Path(sipflow.__file__).parents[1] / "docs"
    return pages.as_uri() if (pages / "diagnostics.md").is_file() else ""


def serve_stdio() -> bool:
    """Serve the editor at standard input and output until it goes; True when it said goodbye."""
    server = make_server()
    server.start_io()
    return server.said_goodbye


def serve_tcp(host: str, port: int, tell: Callable[[str], None]) -> bool:
    """Serve one editor that connects to a port (0: a free one); `tell` gets the address once it can be connected to."""
    server = make_server()
    asyncio.run(_serve_one(server, host, port, tell))
    return server.said_goodbye


async def _serve_one(server: Server, host: str, port: int, tell: Callable[[str], None]) -> None:
    done = asyncio.Event()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        listening.close()  # one editor, one server
        server.protocol.set_writer(writer)
        try:
            await run_async(threading.Event(), reader, server.protocol, logger)
        finally:
            done.set()

    listening = await asyncio.start_server(connected, host, port)
    address = listening.sockets[0].getsockname()
    tell(f"{address[0]}:{address[1]}")
    await done.wait()


def make_server() -> Server:
    """A server that answers everything."""
    from sipflow.lsp.handlers import register

    server = Server()
    register(server)
    gc.collect()
    gc.freeze()  # tables and modules stay: no collection need look at them
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    return server
