"""`expect heard`, `expect tone`, `expect audio`, `expect silence`, `check heard`: what is in the audio of a call."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from sipflow import events
from sipflow.events import Payload
from sipflow.flow import commands
from sipflow.flow.call import Arrival, CallState, LaneCall
from sipflow.flow.outcome import CHECK_FALSE, COMMAND_FAILED, Failure, Outcome, Success
from sipflow.flow.statements.base import CallStatement, Find, OpT
from sipflow.flow.statements.events import ExpectStatement
from sipflow.ir import ops
from sipflow.ir.expr import Expr, Unit
from sipflow.ir.tones import COUNTRIES, DEFAULT_COUNTRY
from sipflow.plan.evaluate import NoValueError, evaluate_quantity

AUDIO_MS = 100
"""Sound that lasts as long is audio; a click is not."""
TONE_MS = 100
"""A steady tone is one once it has been there for this long, and 0.1 s before it for its frequency to be known."""


class HearingStatement(ExpectStatement[OpT]):
    """An `expect` that has somebody listen. Nothing that was heard is lost between two statements."""

    look_back: ClassVar[bool] = True
    """Whether it is an event, which may have come before; audio and silence are states, and are about now."""

    remedy: ClassVar[str] = ""
    """What judges a call that is over, in words that follow."""

    def prepare(self) -> Failure | None:
        """Have somebody listen."""
        failure = super().prepare()
        self.nearest: events.Hearing | None = None
        self.nearest_at: float | None = None
        self.began: float | None = None
        self.refused: Failure | None = None
        self.listening = False
        if failure is None and self.call is not None and self.call.state is not CallState.ENDED:
            self.token = self.lane.new_token()
            self.listening = True
            self.lane.command(self.listen(self.call))
        return failure

    @abstractmethod
    def listen(self, call: LaneCall) -> commands.Listen:
        """The command."""

    @abstractmethod
    def what(self) -> str:
        """What is listened for; the same words for the same thing."""

    def look(self, call: LaneCall, now: float) -> Outcome | None:
        """Whether it was heard."""
        self.began = now if self.began is None else self.began
        self._drain(call)
        return self.refused or super().look(call, now) or self._deaf(call)

    def find(self) -> Find | None:
        """For a `choose`."""
        if self.call is not None:
            self._drain(self.call)
        return super().find()

    def hopeless(self) -> Failure | None:
        """Nobody listens."""
        deaf = None if self.call is None else self._deaf(self.call)
        return self.refused or deaf or super().hopeless()

    def _deaf(self, call: LaneCall) -> Failure | None:
        """What comes is not decoded: neither sound nor silence is heard."""
        why = "" if call.media is None else call.media.unheard
        return Failure(self.expected(), why, COMMAND_FAILED) if why else None

    def _drain(self, call: LaneCall) -> None:
        """Take what is told on the way, so that an inbox does not grow with it."""
        while (arrival := call.take(self._is_news)) is not None:
            assert isinstance(arrival.payload, events.Hearing), "_is_news() lets nothing else through"
            self.nearest, self.nearest_at = arrival.payload, arrival.time
            self.listening = self.listening and not isinstance(arrival.payload, events.HearingFinished)
        self.refused = self.refused or (self.failed_command(call) if self.token else None)

    def _is_news(self, payload: Payload) -> bool:
        mine = isinstance(payload, events.Hearing) and payload.token == self.token
        return mine and not (isinstance(payload, events.HearingFinished) and payload.found)

    def wanted(self, payload: Payload) -> bool:
        """It was heard: by this statement, or by one that another event made superfluous."""
        if not isinstance(payload, events.HearingFinished) or not payload.found:
            return False
        return payload.token == self.token or (self.look_back and payload.topic != 0 and payload.what == self.what())

    def judge(self, arrival: Arrival, call: LaneCall) -> Outcome:
        """Tell what was heard."""
        heard = arrival.payload
        assert isinstance(heard, events.HearingFinished), "wanted() lets nothing else through"
        after = "" if self.began is None else f", after {arrival.time - self.began:.3f} s"
        return Success(f"{told(heard, arrival.time)}{after}")

    def spoiled(self, call: LaneCall) -> Failure | None:
        """Nothing is heard after the end of the call; who listened until then is told of it a moment later."""
        if call.state is not CallState.ENDED or self.listening:
            return None
        if not self.token:
            return Failure(self.expected(), f"{call.why_over()}, before this was listened for{self.remedy}")
        return Failure(self.expected(), f"{self.instead_of_it()}; {call.why_over()}")

    def expire(self, limit: str) -> Failure:
        """It was not heard in time."""
        if self.call is not None:
            self._drain(self.call)
        self.abandon()
        return Failure(self.expected(), f"{self.instead_of_it()} within {limit}{self.instead()}")

    def abandon(self) -> None:
        """Nobody needs to listen any more."""
        if self.call is not None and self.token:
            self.lane.command(commands.StopListening(self.lane.agent, self.call.id, self.token))

    def instead_of_it(self) -> str:
        """What was heard instead, as far as it is known."""
        return f"it was not heard{_level(self.nearest)}"


class ExpectHeardStatement(HearingStatement[ops.ExpectHeard]):
    """`expect heard "x.wav" [score >= S]`."""

    remedy = ": `check heard` judges a call that is over"

    def listen(self, call: LaneCall) -> commands.Listen:
        """A prompt."""
        return commands.Listen(
            self.lane.agent, call.id, self.token, "prompt", self.text(self.op.path), score=self.op.score,
            what=self.what(),
        )  # fmt: skip

    def what(self) -> str:
        """The file."""
        return f'"{self.text(self.op.path)}"'

    def instead_of_it(self) -> str:
        """The best score, and where."""
        nearest = self.nearest
        if nearest is None or nearest.score <= 0:
            return f"nothing like it was heard{_level(nearest)}"
        return f"it was not heard: {how_near(nearest, self.nearest_at)}{_level(nearest)}"


class ExpectToneStatement(HearingStatement[ops.ExpectTone]):
    """`expect tone F[, F] [for D]`, `expect tone NAME [country C]`."""

    def prepare(self) -> Failure | None:
        """Know the tone."""
        op = self.op
        self.cadence: tuple[int, ...] = ()
        if op.name is None:
            self.frequencies = tuple(self._hertz(one) for one in (op.frequency, op.second) if one is not None)
        else:
            country = DEFAULT_COUNTRY if op.country is None else self.text(op.country).lower()
            if country not in COUNTRIES:
                raise NoValueError(f'no tones are known of "{country}"; there are {", ".join(COUNTRIES)}')
            tone = COUNTRIES[country][op.name]
            self.frequencies, self.cadence = tone.frequencies, tone.cadence_ms
        return super().prepare()

    def _hertz(self, frequency: Expr) -> int:
        return round(evaluate_quantity(frequency, self.lane.scope, Unit.HERTZ, "a frequency"))

    def listen(self, call: LaneCall) -> commands.Listen:
        """A tone."""
        lasting = self.ms(self.op.duration)
        return commands.Listen(
            self.lane.agent, call.id, self.token, "tone", frequencies=self.frequencies, cadence_ms=self.cadence,
            lasting_ms=TONE_MS if lasting is None else max(lasting, TONE_MS), what=self.what(),
        )  # fmt: skip

    def what(self) -> str:
        """The frequencies."""
        name = "" if self.op.name is None else f"{self.op.name} "
        return f"tone {name}{' + '.join(f'{one}Hz' for one in self.frequencies)}"

    def instead_of_it(self) -> str:
        """Another tone, perhaps."""
        nearest = self.nearest
        if nearest is not None and nearest.tone_hz is not None:
            lasted = f" for {nearest.length_ms / 1000:.2f} s" if nearest.length_ms else ""
            return f"it was not heard: a tone of {nearest.tone_hz} Hz was{lasted}, {_loudest(nearest)}"
        return super().instead_of_it()


class ExpectAudioStatement(HearingStatement[ops.ExpectAudio]):
    """`expect audio`: something that is not silence, from now on."""

    look_back = False

    def listen(self, call: LaneCall) -> commands.Listen:
        """Sound."""
        return commands.Listen(
            self.lane.agent, call.id, self.token, "audio", lasting_ms=AUDIO_MS, look_back=False, what=self.what()
        )  # fmt: skip

    def what(self) -> str:
        """Anything."""
        return "audio"

    def instead_of_it(self) -> str:
        """Silence."""
        return f"only silence was heard{_level(self.nearest)}"


class ExpectSilenceStatement(HearingStatement[ops.ExpectSilence]):
    """`expect silence for D`: that long, from now on."""

    look_back = False

    def listen(self, call: LaneCall) -> commands.Listen:
        """Silence."""
        lasting = self.ms(self.op.duration) or 0.0
        return commands.Listen(
            self.lane.agent, call.id, self.token, "silence", lasting_ms=lasting, look_back=False, what=self.what()
        )  # fmt: skip

    def what(self) -> str:
        """Nothing."""
        return "silence"

    def instead_of_it(self) -> str:
        """For how long it was silent."""
        lasted = 0 if self.nearest is None else self.nearest.length_ms
        return f"it was silent for {lasted / 1000:.2f} s at most{_level(self.nearest)}"


class CheckHeardStatement(CallStatement[ops.CheckHeard]):
    """`check heard "x.wav"`: whether a prompt was anywhere in the call, which may be over."""

    needs_live_call = False

    def act(self, call: LaneCall, now: float) -> Outcome | None:
        """Have it looked for."""
        self.token = self.lane.new_token()
        path, op = self.text(self.op.path), self.op
        self.lane.command(commands.JudgeHeard(self.lane.agent, call.id, self.token, path, op.score, op.pesq))
        return None

    def look(self, call: LaneCall, now: float) -> Outcome | None:
        """The judgement."""
        heard = self.answered(call, events.HearingFinished)
        if heard is None:
            return self.failed_command(call)
        end = call.ended_at if call.state is CallState.ENDED else now
        if not heard.found:
            return Failure(self.expected(), how_near(heard, end) + _level(heard), CHECK_FALSE)
        if heard.pesq is None:
            return Success(told(heard, end))
        score = f"{told(heard, end)}, PESQ {heard.pesq:.2f}"
        enough = self.op.pesq is None or heard.pesq >= self.op.pesq
        return Success(score) if enough else Failure(self.expected(), score, CHECK_FALSE)


def told(heard: events.Hearing, now: float) -> str:
    """What was heard, in the words of a report; `now` is when it was told."""
    began = now if heard.ago_ms is None else now - heard.ago_ms / 1000
    parts = [f"heard {heard.what} from {max(began, 0.0):.2f} s on"]
    if heard.score > 0:
        parts.append(f"score {heard.score:.2f}, {heard.gain_db:+.1f} dB")
    return ", ".join(parts + _missing(heard))


def how_near(heard: events.Hearing, now: float | None = None) -> str:
    """What came nearest to a prompt that was not heard."""
    where = "" if heard.ago_ms is None or now is None else f" at {max(now - heard.ago_ms / 1000, 0.0):.2f} s"
    return ", ".join([f"best score {heard.score:.2f}{where}", *_missing(heard)])


def _missing(heard: events.Hearing) -> list[str]:
    parts = (
        ("missing at its start", heard.clipped_ms),
        ("missing at its end", heard.missing_ms),
        ("missing in between", heard.gap_ms),
    )
    return [f"{ms / 1000:.2f} s {words}" for words, ms in parts if ms]


def _loudest(heard: events.Hearing) -> str:
    return "nothing louder than digital silence" if heard.level_dbov is None else f"{heard.level_dbov} dBov at most"


def _level(heard: events.Hearing | None) -> str:
    return "" if heard is None else f" ({_loudest(heard)})"
