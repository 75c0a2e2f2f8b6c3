"""HTTP on loopback: look at a load run, change its rate, pause and stop it; and figures for Prometheus.

    GET  /status               the run as JSON
    GET  /metrics              figures for Prometheus (extra `metrics`)
    POST /rate?value=80        a rate of new calls; ?factor=1.1 multiplies it
    POST /pause /resume /stop

A hundred lines of HTTP/1.1 over asyncio: one request a connection, no body, no path of any file. A page in a browser
cannot reach it unseen: requests that carry an Origin are refused, and so is every Host but loopback's.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from sipflow.errors import MachineError
from sipflow.load.plan import rate_of
from sipflow.load.report.as_json import calls_of
from sipflow.load.run import LoadRun, Status

MAX_HEAD_BYTES = 8192
HEAD_WAIT_S = 5.0
_REASONS = {200: "OK", 400: "Bad Request", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
            409: "Conflict", 501: "Not Implemented"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """A response."""

    code: int
    body: str
    content_type: str = "application/json"


class Control:
    """Serves one run. `open` binds, `close` ends."""

    def __init__(self, run: LoadRun, metrics_page: Callable[[Status], str] | None = None) -> None:
        self._run = run
        self._metrics_page = metrics_page
        self._server: asyncio.Server | None = None
        self._actions: dict[str, Callable[[dict[str, str]], Answer]] = {
            "/rate": self._paced(self._rate),
            "/pause": self._paced(self._simply(run.pause)),
            "/resume": self._paced(self._simply(run.resume)),
            "/stop": self._simply(run.stop),
        }

    async def open(self, port: int) -> int:
        """Listen on loopback; 0: a free port. Gives the port; raises `MachineError`."""
        try:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, limit=MAX_HEAD_BYTES)
        except OSError as error:
            raise MachineError(f"cannot listen on 127.0.0.1 port {port}: {error.strerror}") from error
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """End."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), HEAD_WAIT_S)
            answer = self.answer(head.decode("latin-1"))
            writer.write(_response(answer))
            await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # whoever does not ask gets no answer
        finally:
            writer.close()

    def answer(self, head: str) -> Answer:
        """The response to a request's head, whatever it is."""
        request, *lines = head.split("\r\n")
        words = request.split(" ")
        if len(words) != 3:
            return _problem(400, "this is no HTTP request")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if "origin" in headers or headers.get("host", "").rpartition(":")[0] not in ("127.0.0.1", "localhost"):
            return _problem(403, "this is for programs on this machine, not for pages")
        method, target, _ = words
        url = urlsplit(target)
        if url.path in self._actions:
            if method != "POST":
                return _problem(405, f"{url.path} takes POST")
            return self._actions[url.path]({name: values[-1] for name, values in parse_qs(url.query).items()})
        return self._look(url.path) if method == "GET" else _problem(404, f"there is no {url.path[:80]}")

    def _look(self, path: str) -> Answer:
        if path == "/status":
            return Answer(200, json.dumps(status_to_json(self._run.status())))
        if path == "/metrics":
            if self._metrics_page is None:
                return _problem(501, "figures for Prometheus need prometheus-client: pip install 'sipflow[metrics]'")
            return Answer(200, self._metrics_page(self._run.status()), "text/plain; version=0.0.4; charset=utf-8")
        return _problem(404, f"there is no {path[:80]}; there are /status, /metrics, /rate, /pause, /resume, /stop")

    def _rate(self, query: dict[str, str]) -> Answer:
        value, factor = rate_of(query.get("value", "")), rate_of(query.get("factor", ""))
        if value:
            self._run.set_rate(value)
        elif factor:
            self._run.scale(factor)
        else:
            return _problem(400, "?value=80/s or ?factor=1.1 is meant; /pause is for a rate of 0")
        return self._look("/status")

    def _paced(self, action: Callable[[dict[str, str]], Answer]) -> Callable[[dict[str, str]], Answer]:
        def act(query: dict[str, str]) -> Answer:
            if not self._run.paced:
                return _problem(409, "calls begin when others make them, at no rate of ours; there is /stop")
            return action(query)

        return act

    def _simply(self, action: Callable[[], None]) -> Callable[[dict[str, str]], Answer]:
        def act(_query: dict[str, str]) -> Answer:
            action()
            return self._look("/status")

        return act


def status_to_json(status: Status) -> dict[str, Any]:
    """A run as it stands."""
    return {
        "elapsed_s": round(status.elapsed_s, 3),
        "target_rate": round(status.target_rate, 3),
        "paused": status.paused,
        "stopping": status.stopping,
        "open": status.active,
        "workers": status.workers,
        "lost_workers": list(status.lost_workers),
        "calls": calls_of(status.timeline.total),
    }


def _problem(code: int, text: str) -> Answer:
    return Answer(code, json.dumps({"problem": text}))


def _response(answer: Answer) -> bytes:
    body = answer.body.encode() + b"\n"
    head = (
        f"HTTP/1.1 {answer.code} {_REASONS[answer.code]}\r\nContent-Type: {answer.content_type}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\nCache-Control: no-store\r\n\r\n"
    )
    return head.encode() + body
