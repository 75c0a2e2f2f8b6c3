"""What the flow tells the runtime to do. A command with a `token` is answered by an event that carries the token."""

from __future__ import annotations

from dataclasses import dataclass

from sipflow.media_params import Direction, RtpFormat
from sipflow.plan.plan import AgentPlan


@dataclass(frozen=True, slots=True)
class Command:
    """Base of all commands."""

    agent: str


@dataclass(frozen=True, slots=True)
class MessageEdit:
    """A rule of SIP that a message breaks on purpose: `sipflow.ir.ops.Edit`, evaluated."""

    kind: str
    name: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """What a SIP message carries beyond the usual: the `with { … }` block, evaluated."""

    headers: tuple[tuple[str, str], ...] = ()
    body: str | None = None
    content_type: str | None = None
    edits: tuple[MessageEdit, ...] = ()
    """Made to the finished message, in their order, and kept by its retransmissions."""


@dataclass(frozen=True, slots=True)
class PlaceCall(Command):
    """INVITE; answered by the call's own events."""

    call: str
    target: str
    """URI, or the name of an agent of this run when `local` is set."""
    local: bool
    formats: tuple[RtpFormat, ...]
    message: Message
    caller: AgentPlan | None = None
    """The agent as this scenario's rows make it; None: as it was opened."""


@dataclass(frozen=True, slots=True)
class RingCall(Command):
    """180 Ringing; answered by CommandDone or CommandFailed."""

    call: str
    token: int
    message: Message


@dataclass(frozen=True, slots=True)
class ProgressCall(Command):
    """183 with a session description."""

    call: str
    message: Message


@dataclass(frozen=True, slots=True)
class AnswerCall(Command):
    """200 with a session description."""

    call: str
    formats: tuple[RtpFormat, ...]
    message: Message


@dataclass(frozen=True, slots=True)
class RejectCall(Command):
    """A final response from 300 on."""

    call: str
    code: int
    reason: str
    message: Message


@dataclass(frozen=True, slots=True)
class RedirectCall(Command):
    """302 with a Contact."""

    call: str
    target: str
    local: bool
    message: Message = Message()


@dataclass(frozen=True, slots=True)
class RespondCall(Command):
    """A response to the call's latest request of a method, whatever the state of its transaction; answered by
    CommandDone or CommandFailed."""

    call: str
    token: int
    method: str
    """Upper case."""
    code: int
    reason: str
    """Empty: the usual one of the code."""
    message: Message


@dataclass(frozen=True, slots=True)
class ReleaseCall(Command):
    """BYE, CANCEL or a rejection, as the call's state needs; nothing when it is over."""

    call: str
    message: Message = Message()


@dataclass(frozen=True, slots=True)
class ModifyCall(Command):
    """re-INVITE with a new direction, or with other codecs."""

    call: str
    direction: Direction
    message: Message = Message()
    formats: tuple[RtpFormat, ...] = ()
    """Offered from now on, if the peer takes them; empty: those of before."""
    fresh_keys: bool = False
    """Whether the offer has SRTP keys that were never used before."""


@dataclass(frozen=True, slots=True)
class TransferCall(Command):
    """REFER; with `other`, REFER with Replaces."""

    call: str
    target: str
    local: bool
    other: str | None
    message: Message = Message()


@dataclass(frozen=True, slots=True)
class FollowTransfer(Command):
    """As transferee: INVITE the target of the REFER as `new_call`, with the media of `call`."""

    call: str
    new_call: str


@dataclass(frozen=True, slots=True)
class TakeOver(Command):
    """Answer `new_call`, whose INVITE replaces `call`, with the media of `call`."""

    call: str
    new_call: str


@dataclass(frozen=True, slots=True)
class SendSipRequest(Command):
    """One request inside (`call`) or outside (`target`) a dialog; answered by ResponseReceived with this token."""

    token: int
    call: str | None
    method: str
    target: str
    local: bool
    message: Message


@dataclass(frozen=True, slots=True)
class SendRawText(Command):
    """A text as it is, to the peer of `call` or to `target`; answered by CommandDone or CommandFailed."""

    token: int
    call: str | None
    target: str
    local: bool
    text: str


@dataclass(frozen=True, slots=True)
class RegisterAgent(Command):
    """REGISTER, refreshed until UnregisterAgent; answered by Registered or RegistrationFailed with this token."""

    token: int
    expires_s: float | None
    """None: the agent's own interval, else what the registrar gives."""
    contacts: tuple[str, ...]
    """URIs; empty: the agent's own address."""
    message: Message


@dataclass(frozen=True, slots=True)
class UnregisterAgent(Command):
    """REGISTER with Expires: 0; answered by Unregistered or RegistrationFailed with this token."""

    token: int
    all: bool
    """`Contact: *`: every contact of the address, whoever registered it."""
    message: Message


@dataclass(frozen=True, slots=True)
class StartPlay(Command):
    """Play a file, or a tone when `path` is empty; answered by CommandDone when it began, PlayFinished at its end."""

    call: str
    token: int
    path: str
    tone_hz: float
    times: int | None
    duration_ms: float | None
    start_ms: float
    gain_db: float
    digits: str = ""
    """Played as tones when there is no path."""


@dataclass(frozen=True, slots=True)
class StopPlay(Command):
    """Stop what plays."""

    call: str


@dataclass(frozen=True, slots=True)
class StartRecord(Command):
    """Record into a file, a made-up name when `path` is empty; answered by CommandDone, then RecordingFinished."""

    call: str
    token: int
    path: str
    channels: str
    duration_ms: float | None
    name: str
    """Name of the call for a made-up file name."""


@dataclass(frozen=True, slots=True)
class PauseRecord(Command):
    """Leave out of the recording what is said from now on; `on` False: go on."""

    call: str
    on: bool


@dataclass(frozen=True, slots=True)
class StopRecord(Command):
    """Close the recording."""

    call: str


@dataclass(frozen=True, slots=True)
class SendDigits(Command):
    """Digits; answered by DtmfSent, those in the audio by PlayFinished."""

    call: str
    token: int
    digits: str
    tone_ms: float
    gap_ms: float
    via: str = ""
    """rfc4733, info, inband; empty: as the agent does."""


@dataclass(frozen=True, slots=True)
class Listen(Command):
    """Listen for something; answered by HearingProgress, then HearingFinished, or by CommandFailed."""

    call: str
    token: int
    kind: str
    """audio, silence, tone, prompt."""
    path: str = ""
    """Of a prompt."""
    frequencies: tuple[int, ...] = ()
    """Of a tone, in Hz."""
    cadence_ms: tuple[int, ...] = ()
    lasting_ms: float = 0.0
    score: float | None = None
    """Of a prompt, 0-1; None: the usual one."""
    look_back: bool = True
    """Whether what was heard before counts, too, when nothing took it."""
    what: str = ""
    """In words; the same for the same thing."""


@dataclass(frozen=True, slots=True)
class StopListening(Command):
    """Listen no more for what the command with this token asked for."""

    call: str
    token: int


@dataclass(frozen=True, slots=True)
class JudgeHeard(Command):
    """Look for a prompt in all that was heard in a call; answered by HearingFinished, or by CommandFailed."""

    call: str
    token: int
    path: str
    score: float | None
    pesq: float | None
    """The least score by PESQ; None: it is not asked for."""


@dataclass(frozen=True, slots=True)
class MuteCall(Command):
    """Send silence whatever plays, or stop to do so."""

    call: str
    on: bool


@dataclass(frozen=True, slots=True)
class ImpairCall(Command):
    """What the leg does to the packets that it sends; all as it is by default clears. Shares are 0-1."""

    call: str
    loss: float = 0.0
    jitter_ms: float = 0.0
    reorder: float = 0.0
    duplicate: float = 0.0
    burst: float = 0.0
    density: float = 0.0
    delay_ms: float = 0.0
    corrupt: float = 0.0
    skew_ppm: float = 0.0


@dataclass(frozen=True, slots=True)
class Measure(Command):
    """Take the measurements of a call; answered by CallMeasured."""

    call: str
    token: int


@dataclass(frozen=True, slots=True)
class ForgetCall(Command):
    """Nobody asks for anything of this call any more."""

    call: str
