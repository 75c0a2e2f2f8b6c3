"""Statements that send, record and measure media."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from sipflow import events
from sipflow.flow import commands
from sipflow.flow.call import CallState, LaneCall
from sipflow.flow.outcome import CHECK_FALSE, COMMAND_FAILED, ENVIRONMENT, Failure, Outcome, Success
from sipflow.flow.statements.base import CallStatement, OpT
from sipflow.ir import ops
from sipflow.ir.expr import Expr, Unit
from sipflow.plan.evaluate import evaluate_number, evaluate_quantity

DEFAULT_TONE_MS = 100.0
DEFAULT_GAP_MS = 100.0


class MediaStatement(CallStatement[OpT]):
    """A statement that needs a call whose media is negotiated."""

    needs_media: ClassVar[bool] = True

    def act(self, call: LaneCall, now: float) -> Outcome | None:
        """Refuse to act on a call that has no media yet: what nobody can hear must not pass."""
        if self.needs_media and call.media is None:
            return Failure(
                self.expected(), "the call has no media yet: it is not answered, and there is no early media"
            )
        self.token = self.lane.new_token()
        return self.start(call, now)

    @abstractmethod
    def start(self, call: LaneCall, now: float) -> Outcome | None:
        """Send the command."""

    def over(self, call: LaneCall) -> Failure | None:
        """The command was refused. The end of the call needs no look: the engine answers every command then, too."""
        return self.failed_command(call)


class PlayStatement(MediaStatement[ops.Play]):
    """`play`: waits to the end of the file unless it plays in background."""

    def start(self, call: LaneCall, now: float) -> Outcome | None:
        """Begin to play."""
        op = self.op
        tone = 0.0 if op.tone is None else evaluate_quantity(op.tone, self.lane.scope, Unit.HERTZ, "a frequency")
        gain = 0.0 if op.gain is None else evaluate_quantity(op.gain, self.lane.scope, Unit.DECIBEL, "a gain in dB")
        start_ms, duration_ms = self.ms(op.start) or 0.0, self.ms(op.duration)
        path = self.text(op.path)
        self.lane.command(
            commands.StartPlay(
                self.lane.agent,
                call.id,
                self.token,
                path,
                tone,
                op.times,
                duration_ms,
                start_ms,
                gain,
                self.text(op.digits),
            )
        )
        return None

    def look(self, call: LaneCall, now: float) -> Outcome | None:
        """Played to the end, or cut short."""
        finished = self.answered(call, events.PlayFinished)
        if finished is not None:
            return self._judge(finished, call)
        if self.op.background and self.answered(call, events.CommandDone) is not None:
            return Success()
        return self.over(call)

    def _judge(self, finished: events.PlayFinished, call: LaneCall) -> Outcome:
        if finished.completed:
            remark = f": {finished.error}" if finished.error else ""
            return Success(f"played {finished.played_ms / 1000:.2f} s{remark}")
        why = f": {call.why_over()}" if call.state is CallState.ENDED else ""
        why = f": {finished.error}" if finished.error else why
        return Failure(self.expected(), f"it stopped after {finished.played_ms / 1000:.2f} s{why}", COMMAND_FAILED)

    def expected(self) -> str:
        """The whole of it."""
        return f"`{self.node.text}` to its end"


class StopPlayStatement(CallStatement[ops.StopPlay]):
    """`stop play`: done when the last packet of it is out; fine when nothing plays."""

    def act(self, call: LaneCall, now: float) -> Outcome | None:
        """Stop."""
        self.lane.command(commands.StopPlay(self.lane.agent, call.id))
        return Success()


class RecordStatement(MediaStatement[ops.Record]):
    """`record`: starts, and goes on at once. A recording may begin before there is media."""

    needs_media = False

    def start(self, call: LaneCall, now: float) -> Outcome | None:
        """Open the file."""
        op = self.op
        call.open_recordings[self.token] = self.node
        self.lane.command(
            commands.StartRecord(
                self.lane.agent, call.id, self.token, self.lane.scope.file_name(self.text(op.path)), op.channels,
                self.ms(op.duration), call.name or call.id,
            )
        )  # fmt: skip
        return None

    def look(self, call: LaneCall, now: float) -> Outcome | None:
        """The file is open."""
        done = self.answered(call, events.CommandDone)
        if done is not None:
            return Success(done.detail)
        return self.over(call)


class PauseRecordStatement(CallStatement[ops.PauseRecord | ops.ResumeRecord]):
    """`pause record`."""

    on: ClassVar[bool] = True

    def act(self, call: LaneCall, now: float) -> Outcome | None:
        """Leave out what comes from now on."""
        if not call.open_recordings:
            return Failure(self.expected(), "nothing is being recorded")
        self.lane.command(commands.PauseRecord(self.lane.agent, call.id, self.on))
        return Success()


class ResumeRecordStatement(PauseRecordStatement):
    """`resume record`."""

    on = False


class StopRecordStatement(CallStatement[ops.StopRecord]):
    """`stop record`: done when the file is closed, which `expect recorded` may still wait for."""

    needs_live_call = False

    def act(self, call: LaneCall, now: float) -> Outcome | None:
        """Close the file."""
        if not call.open_recordings and not call.take(_is_recording_finished, leave=True):
            return Failure(self.expected(), "nothing is being recorded")
        self.lane.command(commands.StopRecord(self.lane.agent, call.id))
        return self.look(call, now)

    def look(self, call: LaneCall, now: float) -> Outcome | None:
        """The file is closed."""
        arrival = None if call.open_recordings else call.take(_is_recording_finished, leave=True)
        if arrival is None or not isinstance(arrival.payload, events.RecordingFinished):
            return None
        call.broken_recordings.pop(arrival.payload.token, None)
        return judge_recording(arrival.payload, self.expected())


def judge_recording(finished: events.RecordingFinished, expected: str) -> Outcome:
    """A recording is good when its file is whole."""
    if finished.error:
        return Failure(expected, f"{finished.path} is not whole: {finished.error}", ENVIRONMENT)
    return Success(f"{finished.duration_ms / 1000:.2f} s in {finished.path}")


def _is_recording_finished(payload: events.Payload) -> bool:
    return isinstance(payload, events.RecordingFinished)


class SendDtmfStatement(MediaStatement[ops.SendDtmf]):
    """`send dtmf`: waits until the last end packet is out."""

    def start(self, call: LaneCall, now: float) -> Outcome | None:
        """Queue the digits."""
        tone, gap = self.ms(self.op.tone), self.ms(self.op.gap)
        self.lane.command(
            commands.SendDigits(
                self.lane.agent,
                call.id,
                self.token,
                self.text(self.op.digits),
                DEFAULT_TONE_MS if tone is None else tone,
                DEFAULT_GAP_MS if gap is None else gap,
                self.op.via or "",
            )
        )
        return None

    def look(self, call: LaneCall, now: float) -> Outcome | None:
        """All digits are out."""
        sent = self.answered(call, events.DtmfSent) or self.answered(call, events.PlayFinished)
        if sent is not None:
            return Success() if sent.completed else self._cut_short(call)
        return self.over(call)

    def _cut_short(self, call: LaneCall) -> Failure:
        why = f": {call.why_over()}" if call.state is CallState.ENDED else ""
        return Failure(self.expected(), f"the digits were cut short{why}", COMMAND_FAILED)


class MuteStatement(CallStatement[OpT]):
    """`mute` and `unmute`."""

    on: ClassVar[bool] = True

    def act(self, call: LaneCall, now: float) -> Outcome | None:
        """Switch."""
        self.lane.command(commands.MuteCall(self.lane.agent, call.id, self.on))
        return Success()


class UnmuteStatement(MuteStatement[ops.Unmute]):
    """`unmute`."""

    on = False


_MOST_DELAY_MS, _MOST_JITTER_MS, _MOST_SKEW_PPM = 2000.0, 500.0, 10_000.0


def _why_impossible(command: commands.ImpairCall) -> str:
    """What is wrong with an impairment, empty when nothing is."""
    shares = (command.loss, command.reorder, command.duplicate, command.corrupt, command.density)
    if not all(0 <= share <= 1 for share in shares):
        return "a share lies between 0% and 100%"
    if not 0 <= command.delay_ms <= _MOST_DELAY_MS or not 0 <= command.jitter_ms <= _MOST_JITTER_MS:
        return f"a delay is {_MOST_DELAY_MS:g}ms at most, jitter {_MOST_JITTER_MS:g}ms"
    if abs(command.skew_ppm) > _MOST_SKEW_PPM:
        return f"a clock is {_MOST_SKEW_PPM:g}ppm fast or slow at most"
    return _why_no_burst(command)


def _why_no_burst(command: commands.ImpairCall) -> str:
    density = command.density or 1.0
    if command.burst == 0:
        return "density is said of bursts: `loss 3% burst 4 density 50%`" if command.density else ""
    if command.burst < 1:
        return "a burst is one packet long at least"
    if command.loss >= density:
        return "bursts that lose so few of their packets cannot make so much loss"
    if command.loss > density * command.burst / (command.burst + 1):
        return "so much loss takes longer bursts"
    return ""


class ImpairStatement(CallStatement[ops.Impair]):
    """`impair`."""

    def act(self, call: LaneCall, now: float) -> Outcome | None:
        """Set what the leg does from now on."""
        command = self._command(call)
        why = _why_impossible(command)
        if why:
            return Failure(self.expected(), why, COMMAND_FAILED)
        self.lane.command(command)
        return Success()

    def _command(self, call: LaneCall) -> commands.ImpairCall:
        op = self.op
        return commands.ImpairCall(
            self.lane.agent,
            call.id,
            loss=self._share(op.loss),
            jitter_ms=self.ms(op.jitter) or 0.0,
            reorder=self._share(op.reorder),
            duplicate=self._share(op.duplicate),
            burst=0.0 if op.burst is None else evaluate_number(op.burst, self.lane.scope, "a number of packets"),
            density=self._share(op.density),
            delay_ms=self.ms(op.delay) or 0.0,
            corrupt=self._share(op.corrupt),
            skew_ppm=self._quantity(op.skew, Unit.PARTS_PER_MILLION, "a deviation such as 50ppm"),
        )

    def _share(self, expression: Expr | None) -> float:
        return self._quantity(expression, Unit.PERCENT, "a share such as 3%") / 100

    def _quantity(self, expression: Expr | None, unit: Unit, what: str) -> float:
        return 0.0 if expression is None else evaluate_quantity(expression, self.lane.scope, unit, what)


class ClearImpairmentStatement(CallStatement[ops.ClearImpairment]):
    """`clear impairment`."""

    def act(self, call: LaneCall, now: float) -> Outcome | None:
        """Send as it should be from now on."""
        self.lane.command(commands.ImpairCall(self.lane.agent, call.id))
        return Success()


class CheckStatement(CallStatement[ops.Check]):
    """`check`: the measurements were taken before it began."""

    needs_live_call = False

    def begin(self, now: float) -> Outcome | None:
        """Judge."""
        self.call = self.lane.call_for(self.node.call)
        truth, told = self.judge_condition(self.op.condition)
        return Success(told) if truth else Failure(self.expected(), told or "it is false", CHECK_FALSE)
