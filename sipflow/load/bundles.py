"""What a failed call leaves: its events, the SIP messages of all its legs, what was measured on its media, and the last
seconds of its audio.

Successful calls leave nothing: the newest events and seconds of every call are kept in memory while it lasts, and
dropped with it.
"""

from __future__ import annotations

import json
import shutil
import wave
from collections.abc import Callable
from pathlib import Path

from sipflow import events
from sipflow.events import Record
from sipflow.flow.outcome import LaneResult
from sipflow.load.crowd import Ended
from sipflow.load.messages import FailureKept
from sipflow.load.meter import cause_of
from sipflow.media import KeptAudio
from sipflow.media.digit_mask import without_digits
from sipflow.report.serialise import record_to_json

FOLDER = "failures"
"""Below that of the output."""
_CALL = "call.json"


def clear(folder: Path) -> None:
    """Take away what failed calls of earlier runs left there: their numbers would be those of this run's calls."""
    for old in folder.glob("call-*"):
        if (old / _CALL).is_file() and old.name.removeprefix("call-").isdigit():
            shutil.rmtree(old, ignore_errors=True)


class BundleWriter:
    """Writes the first so many failures of a worker, each into a folder of its own."""

    def __init__(self, folder: Path, most: int, tell: Callable[[FailureKept], None]) -> None:
        self._folder = folder
        self._left = most
        self._tell = tell
        self.problem = ""
        """Why a failed call could not be kept, empty while all were."""

    @property
    def wanted(self) -> bool:
        """Whether one more would be kept."""
        return self._left > 0

    def take(self, ended: Ended, audio_of: Callable[[str], KeptAudio | None]) -> None:
        """A failed call, and what is kept of the audio of each of its legs."""
        if not self.wanted or not ended.records:
            return
        self._left -= 1
        folder = self._folder / f"call-{ended.number + 1}"
        redact = ended.plan.redactor.record
        records = [redact(record) for record in ended.records]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _write(folder, ended, records)
            for call in ended.calls:
                audio = audio_of(call)
                if audio is not None:
                    hides = ended.plan.redactor.hides_digits
                    _write_audio(folder / f"{call}.wav", without_digits(audio) if hides else audio)
        except OSError as error:  # a full disk is no reason to end a load run; the failure itself is counted
            self.problem = f"failed calls could not be kept in {self._folder}: {error.strerror or error}"
            return
        self._tell(FailureKept(ended.number, folder, ended.plan.redactor.told(cause_of(ended.results))))


def _write(folder: Path, ended: Ended, records: list[Record]) -> None:
    (folder / "events.jsonl").write_text(
        "".join(f"{json.dumps(record_to_json(record), ensure_ascii=False)}\n" for record in records), encoding="utf-8"
    )
    (folder / "sip.txt").write_text("".join(map(_message, records)), encoding="utf-8", errors="replace")
    measured = {r.call: r.event.statistics for r in records if isinstance(r.event, events.MediaMeasured)}
    told = ended.plan.redactor.told
    call = {
        "number": ended.number + 1,
        "why": told(cause_of(ended.results)),
        "planned_s": round(ended.planned_at, 6),
        "started_s": round(ended.started_at, 6),
        "ended_s": round(ended.ended_at, 6),
        "rows": dict(ended.plan.row_numbers),
        "calls": list(ended.calls),
        "failures": [_failure(result, told) for result in ended.results if result.failure is not None],
        "media": measured,
    }
    (folder / _CALL).write_text(json.dumps(call, indent=2, default=str) + "\n", encoding="utf-8")


def _write_audio(file: Path, audio: KeptAudio) -> None:
    """Left what was sent, right what was heard."""
    with wave.open(str(file), "wb") as writer:
        writer.setparams((2, 2, audio.sample_rate, 0, "NONE", ""))
        writer.writeframes(audio.frames)


def _failure(result: LaneResult, told: Callable[[str], str]) -> dict[str, object]:
    entry = result.failure
    assert entry is not None, "only lanes that failed are asked"
    return {
        "lane": result.lane.id,
        "line": entry.node.span.line,
        "statement": told(entry.node.text),
        "expected": told(entry.failure.expected),
        "got": told(entry.failure.got),
        "at_s": round(entry.time, 6),
    }


def _message(record: Record) -> str:
    """A SIP message with when, which way and to whom."""
    event = record.event
    if isinstance(event, events.SipSent):
        head = f"--- {record.time:.6f} s  {record.agent} → {event.destination[0]}:{event.destination[1]}"
        head += "  (again)" if event.retransmission else ""
    elif isinstance(event, events.SipReceived):
        head = f"--- {record.time:.6f} s  {record.agent} ← {event.source[0]}:{event.source[1]}"
    else:
        return ""
    return f"{head}  {record.call}\n{event.data.decode('utf-8', 'replace').replace(chr(13), '')}\n"
