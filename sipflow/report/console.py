"""A run as a person watches it: a line for every statement, bars for what plays and records, then the verdict.

In a terminal the lanes stand live below the lines; without one (a pipe, CI) there are plain lines only.
"""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from sipflow import events
from sipflow.events import Record

_AGENT_WIDTH = 8


class ConsoleReporter:
    """Prints records as they come. Use as a context manager: the live part must be taken down."""

    def __init__(self, console: Console, *, sip: bool = False, quiet: bool = False) -> None:
        self._console = console
        self._sip = sip
        self._quiet = quiet
        self._statements: dict[str, str] = {}
        self._live = _LiveLanes(console) if console.is_terminal and not quiet else None

    def __enter__(self) -> ConsoleReporter:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def take(self, record: Record) -> None:
        """Print what a person wants to see of it."""
        event = record.event
        if isinstance(event, events.NodeStarted):
            self._statements[record.node] = event.text
        if self._live is not None:
            self._live.take(record)
        line = None if self._quiet else self._line(record)
        if line:
            self._console.print(line, highlight=False, soft_wrap=True)

    def _line(self, record: Record) -> str:
        statement = escape(self._statements.get(record.node, ""))
        match record.event:
            case events.NodeSucceeded(detail=detail):
                return self._lane_line(record, "[green]✓[/]", statement, escape(detail))
            case events.NodeFailed(got=got):
                return self._lane_line(record, "[red]✗[/]", statement, f"[red]{escape(got)}[/]")
            case events.Logged(text=text, level="info"):
                return self._lane_line(record, "[cyan]•[/]", escape(text), "")
            case events.Logged(text=text, level=level):
                return self._lane_line(record, "[yellow]![/]", f"[yellow]{level}: {escape(text)}[/]", "")
            case events.RegistrationFailed(request=0, code=code, reason=reason) as failed:  # no statement tells of it
                again = failed.unanswered_retry_s
                why = f"{code} {reason}" + ("" if again is None else f"; again in {again:g} s")
                return self._lane_line(record, "[yellow]![/]", "[yellow]not registered[/]", escape(why))
            case events.SipSent(data=data, retransmission=again) if self._sip:
                return self._lane_line(record, "[blue]→[/]", f"[blue]{_start_line(data)}[/]", "again" if again else "")
            case events.SipReceived(data=data, problem=problem) if self._sip:
                return self._lane_line(record, "[blue]←[/]", f"[blue]{_start_line(data)}[/]", escape(problem))
            case _:
                return ""

    def _lane_line(self, record: Record, mark: str, text: str, detail: str) -> str:
        tail = f"  [dim]{detail}[/]" if detail else ""
        return f"[dim]{record.time:8.3f}[/]  {escape(record.agent):<{_AGENT_WIDTH}} {mark} {text}{tail}"


class _LiveLanes:
    """The part of the screen that moves: what each lane waits for, how far plays and recordings are."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.fields[agent]:<8} {task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[position]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._lanes: dict[str, TaskID] = {}
        self._media: dict[tuple[str, int], TaskID] = {}

    def start(self) -> None:
        """Put it on the screen."""
        self._progress.start()

    def stop(self) -> None:
        """Take it off."""
        self._progress.stop()

    def take(self, record: Record) -> None:
        """Move what the record moves."""
        match record.event:
            case events.NodeStarted(text=text):
                self._show_lane(record.agent, text)
            case events.LaneEnded():
                self._drop(self._lanes.pop(record.agent, None))
            case events.MediaProgress() as progress:
                self._show_media(record, progress)
            case events.PlayFinished(call=call, token=token) | events.RecordingFinished(call=call, token=token):
                self._drop(self._media.pop((call, token), None))
            case _:
                pass

    def _show_lane(self, agent: str, text: str) -> None:
        if agent in self._lanes:
            self._drop(self._lanes.pop(agent))
        self._lanes[agent] = self._progress.add_task(escape(text), total=None, agent=agent, position="")

    def _show_media(self, record: Record, progress: events.MediaProgress) -> None:
        key = (progress.call, progress.token)
        if key not in self._media:
            self._media[key] = self._progress.add_task(progress.kind, agent=record.agent, position="")
        self._progress.update(
            self._media[key],
            completed=progress.elapsed_ms,
            total=progress.total_ms,
            position=_position(progress),
        )

    def _drop(self, task: TaskID | None) -> None:
        if task is not None:
            self._progress.remove_task(task)


def _position(progress: events.MediaProgress) -> str:
    elapsed = f"{progress.elapsed_ms / 1000:.1f} s"
    if progress.total_ms is None:
        return elapsed
    share = "" if progress.percent is None else f" {progress.percent:.0f} %"
    return f"{elapsed} of {progress.total_ms / 1000:.1f} s{share}"


def _start_line(data: bytes) -> str:
    return escape(data.split(b"\r\n", 1)[0].decode("utf-8", "backslashreplace"))


def coloured_verdict(line: str) -> str:
    """A line of a verdict as markup for rich: its first word in the colour of what it says."""
    for word, style in _STYLES.items():
        if line.startswith(word):
            return f"[{style}]{escape(line)}[/]"
    return escape(line)


_STYLES = {
    "PASSED": "bold green",
    "FAILED": "bold red",
    "INVALID": "bold red",
    "ERROR": "bold red",
    "INTERR": "yellow",
}
