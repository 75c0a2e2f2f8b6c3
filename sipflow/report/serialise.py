"""Records and reports as JSON, one shape for files and for programs."""

from __future__ import annotations

import dataclasses
import enum
import json
from typing import Any, TextIO

from sipflow.events import Record
from sipflow.report.fold import Report
from sipflow.report.text import encodable

REPORT_VERSION = 1


def record_to_json(record: Record) -> dict[str, Any]:
    """A record as one flat object: time, event, agent, call, node, line, then the event's own fields."""
    stamped: dict[str, Any] = {"time": round(record.time, 6), "event": type(record.event).__name__}
    for name in ("agent", "call", "node", "line"):
        value = getattr(record, name)
        if value:
            stamped[name] = value
    for field in dataclasses.fields(record.event):
        if field.name not in stamped:
            stamped[field.name] = _plain(getattr(record.event, field.name))
    return stamped


def report_to_json(report: Report) -> dict[str, Any]:
    """A report as an object; `version` is raised when a field changes its meaning or goes."""
    from sipflow.lang.diagnostics import diagnostic_to_json  # who writes records needs no compiler

    body = {"version": REPORT_VERSION, "sipflow": report.version}
    for field in dataclasses.fields(report):
        if field.name not in ("version", "logs", "diagnostics"):
            body[field.name] = _plain(getattr(report, field.name))
    body["logs"] = [
        dict(zip(("time_s", "agent", "level", "text"), map(_plain, log), strict=True)) for log in report.logs
    ]
    body["diagnostics"] = [diagnostic_to_json(diagnostic) for diagnostic in report.diagnostics]
    return body


class EventsFile:
    """JSON lines, each written out as it happens: a kill loses nothing that was before it.

    A disk that takes no more ends the file and not the run, whose calls have to be released: `error` tells of it.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.error: OSError | None = None

    def take(self, record: Record) -> None:
        """Write one line."""
        if self.error is not None:
            return
        try:
            self._stream.write(json.dumps(record_to_json(record), ensure_ascii=False) + "\n")
            self._stream.flush()
        except OSError as error:
            self.error = error


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, str) and not isinstance(value, enum.Enum):
        return encodable(value)
    if isinstance(value, enum.Enum):
        return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return value
