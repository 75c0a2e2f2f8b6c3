"""What a node of the graph does: one frozen class for every statement of the language.

`kind` is the node kind of the graph (command, event, check, control), `word` its name in graph JSON. Times are
expressions because the language lets a variable stand wherever a duration may. A field that is None was not written.

What has no fields of its own is a plain subclass: it inherits being frozen, equality and the rest, and a check of a
file need not wait for as many methods to be made anew.
"""

from __future__ import annotations

from typing import ClassVar

from sipflow.ir.expr import Expr
from sipflow.values import dataclass

HeaderField = tuple[str, Expr]


@dataclass(frozen=True, slots=True)
class Op:
    """Base of all operations."""

    kind: ClassVar[str] = "command"
    word: ClassVar[str] = ""
    flow_name: ClassVar[str] = ""
    """Name in the SIPFLOW desktop application's graph, empty when it has none."""
    call_bound: ClassVar[bool] = True
    """Whether it acts on a call (the lane's current one unless the statement says `on NAME`)."""
    waits: ClassVar[bool] = False
    """Whether it waits for the other side, so that the default time limit applies to it."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A rule of SIP that a message breaks on purpose. Edits are made to the finished message, in their order."""

    kind: str
    """`replace`, `add`, `remove`, `double` (a header); `start_line`, `cseq`, `content_length`, `copies` (a value);
    `no_ack`, `late_offer`. `part`, which adds to the body, breaks none."""
    name: str = ""
    """The header's name, the media type of a part; empty for what is done to neither."""
    value: Expr | None = None


@dataclass(frozen=True, slots=True)
class With:
    """The `with { … }` block of a statement: what its SIP message carries beyond the usual."""

    headers: tuple[HeaderField, ...] = ()
    body: Expr | None = None
    content_type: Expr | None = None
    codecs: tuple[str, ...] = ()
    """Replaces the agent's codecs for this call when not empty; canonical names: PCMU, PCMA, opus, G722, L16, CN
    for comfort noise, and `opus stereo`."""
    edits: tuple[Edit, ...] = ()


# --- calls ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Call(Op):
    """`call TARGET [as NAME] [with {…}]`: INVITE, and wait for the answer. Follows redirects (3xx)."""

    word: ClassVar[str] = "call"
    flow_name: ClassVar[str] = "MakeCall"
    call_bound: ClassVar[bool] = False
    waits: ClassVar[bool] = True
    target: Expr
    """Name of an agent as a `Literal` string when `target_agent` is set, else a SIP URI or `user@host`."""
    target_agent: str | None = None
    name: str | None = None
    extra: With = With()


@dataclass(frozen=True, slots=True)
class Dial(Op):
    """`dial TARGET [as NAME] [with {…}]`: INVITE, and go on at once."""

    word: ClassVar[str] = "dial"
    flow_name: ClassVar[str] = "MakeCall"
    call_bound: ClassVar[bool] = False
    target: Expr
    target_agent: str | None = None
    name: str | None = None
    extra: With = With()


@dataclass(frozen=True, slots=True)
class Answer(Op):
    """`answer [as NAME] [with {…}]`: wait for a call if none is ringing in this lane, then 200."""

    word: ClassVar[str] = "answer"
    flow_name: ClassVar[str] = "Answer"
    call_bound: ClassVar[bool] = False
    waits: ClassVar[bool] = True
    name: str | None = None
    extra: With = With()


@dataclass(frozen=True, slots=True)
class Ring(Op):
    """`ring`: 180 Ringing. Waits for a call if none came yet, like `answer`."""

    word: ClassVar[str] = "ring"
    call_bound: ClassVar[bool] = False
    waits: ClassVar[bool] = True
    name: str | None = None
    extra: With = With()


@dataclass(frozen=True, slots=True)
class Progress(Op):
    """`progress`: 183 with a session description; media may be played before the answer."""

    word: ClassVar[str] = "progress"
    call_bound: ClassVar[bool] = False
    waits: ClassVar[bool] = True
    name: str | None = None
    extra: With = With()


@dataclass(frozen=True, slots=True)
class Reject(Op):
    """`reject 486 ["Busy Here"]`: a final response from 300 to 699."""

    word: ClassVar[str] = "reject"
    call_bound: ClassVar[bool] = False
    waits: ClassVar[bool] = True
    code: int
    reason: Expr | None = None
    extra: With = With()


@dataclass(frozen=True, slots=True)
class Redirect(Op):
    """`redirect TARGET [with {…}]`: 302 Moved Temporarily."""

    word: ClassVar[str] = "redirect"
    call_bound: ClassVar[bool] = False
    waits: ClassVar[bool] = True
    target: Expr
    target_agent: str | None = None
    extra: With = With()


@dataclass(frozen=True, slots=True)
class Respond(Op):
    """`respond 200 ["OK"] [to METHOD] [with {…}]`: a response to the latest request of the call with this method.

    It is sent whatever the state of the transaction: late, twice, or after another final response.
    """

    word: ClassVar[str] = "respond"
    code: int
    reason: Expr | None = None
    method: str = "INVITE"
    """Upper case."""
    extra: With = With()


@dataclass(frozen=True, slots=True)
class Release(Op):
    """`release [NAME] [with {…}]`: BYE, CANCEL or a rejection, as the call's state needs; fine when it is over."""

    word: ClassVar[str] = "release"
    flow_name: ClassVar[str] = "Release"
    waits: ClassVar[bool] = True
    extra: With = With()


@dataclass(frozen=True, slots=True)
class Hold(Op):
    """`hold [NAME] [with {…}]`: re-INVITE that stops the peer's media."""

    word: ClassVar[str] = "hold"
    flow_name: ClassVar[str] = "Hold"
    waits: ClassVar[bool] = True
    extra: With = With()


@dataclass(frozen=True, slots=True)
class Resume(Op):
    """`resume [NAME] [with {…}]`: re-INVITE back to sendrecv."""

    word: ClassVar[str] = "resume"
    flow_name: ClassVar[str] = "Retrieve"
    waits: ClassVar[bool] = True
    extra: With = With()


@dataclass(frozen=True, slots=True)
class Rekey(Op):
    """`rekey [NAME] [with {…}]`: re-INVITE with fresh SRTP keys."""

    word: ClassVar[str] = "rekey"
    waits: ClassVar[bool] = True
    extra: With = With()


@dataclass(frozen=True, slots=True)
class Transfer(Op):
    """`transfer [NAME] to TARGET`: REFER (blind), or with `other` REFER with Replaces (attended).

    Succeeds at the NOTIFY that says that the transfer target answered; our own leg is released then.
    """

    word: ClassVar[str] = "transfer"
    flow_name: ClassVar[str] = "BlindTransfer"
    waits: ClassVar[bool] = True
    target: Expr | None = None
    target_agent: str | None = None
    other: str | None = None
    """Name of the consultation call: `transfer c1 to c2`."""
    extra: With = With()


@dataclass(frozen=True, slots=True)
class Register(Op):
    """`register [for D] [contact E]… [with {…}]`: REGISTER, and wait for its 200; refreshed until `unregister`."""

    word: ClassVar[str] = "register"
    call_bound: ClassVar[bool] = False
    waits: ClassVar[bool] = True
    expires: Expr | None = None
    contacts: tuple[Expr, ...] = ()
    """Addresses to register instead of the agent's own."""
    extra: With = With()


@dataclass(frozen=True, slots=True)
class Unregister(Op):
    """`unregister [all] [with {…}]`: takes back what this agent registered, or every contact of its address (`*`)."""

    word: ClassVar[str] = "unregister"
    call_bound: ClassVar[bool] = False
    waits: ClassVar[bool] = True
    all: bool = False
    extra: With = With()


@dataclass(frozen=True, slots=True)
class SendRequest(Op):
    """`send info|message|options|notify|subscribe|publish|update [to TARGET] {…}`: a request, to its final response."""

    word: ClassVar[str] = "send request"
    call_bound: ClassVar[bool] = False
    waits: ClassVar[bool] = True
    method: str
    """Upper case."""
    target: Expr | None = None
    """None: in the current call's dialog."""
    target_agent: str | None = None
    extra: With = With()


@dataclass(frozen=True, slots=True)
class SendRaw(Op):
    '''`send raw """…""" [to TARGET]`: the text as it is written, and nothing is awaited.'''

    word: ClassVar[str] = "send raw"
    call_bound: ClassVar[bool] = False
    text: Expr
    target: Expr | None = None
    """None: to the peer of the current call."""
    target_agent: str | None = None


# --- media ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Play(Op):
    """`play "x.wav" [loop | N times] [for D] [from D] [at G] [in background]`, `play tone F for D`, `play dtmf "1"`."""

    word: ClassVar[str] = "play"
    flow_name: ClassVar[str] = "PlayMedia"
    path: Expr | None = None
    tone: Expr | None = None
    """Frequency; set when there is neither path nor digits."""
    times: int | None = 1
    """None: loop until stopped."""
    duration: Expr | None = None
    start: Expr | None = None
    gain: Expr | None = None
    background: bool = False
    digits: Expr | None = None
    """Digits as tones in the audio."""


class StopPlay(Op):
    """`stop play`."""

    __slots__ = ()
    word: ClassVar[str] = "stop play"


@dataclass(frozen=True, slots=True)
class Record(Op):
    """`record ["x.wav"] [stereo | mono | received | sent] [for D]`: starts, and goes on at once."""

    word: ClassVar[str] = "record"
    flow_name: ClassVar[str] = "Record"
    path: Expr | None = None
    """None: `recordings/rec_<agent>_<call>_<time>.wav`."""
    channels: str = "stereo"
    """stereo (left sent, right received), mono (both mixed), received, sent."""
    duration: Expr | None = None


class StopRecord(Op):
    """`stop record`: waits until the file is closed."""

    __slots__ = ()
    word: ClassVar[str] = "stop record"
    flow_name: ClassVar[str] = "StopRecord"


class PauseRecord(Op):
    """`pause record`: what is said from now on does not come into the file."""

    __slots__ = ()
    word: ClassVar[str] = "pause record"


class ResumeRecord(Op):
    """`resume record`: the file goes on, without a gap."""

    __slots__ = ()
    word: ClassVar[str] = "resume record"


@dataclass(frozen=True, slots=True)
class SendDtmf(Op):
    """`send dtmf "123#" [gap D] [tone D] [via rfc4733|info|inband]`: waits until all are out."""

    word: ClassVar[str] = "send dtmf"
    flow_name: ClassVar[str] = "SendDTMF"
    digits: Expr
    gap: Expr | None = None
    tone: Expr | None = None
    via: str | None = None


class Mute(Op):
    """`mute`: send silence, whatever plays."""

    __slots__ = ()
    word: ClassVar[str] = "mute"


class Unmute(Op):
    """`unmute`."""

    __slots__ = ()
    word: ClassVar[str] = "unmute"


@dataclass(frozen=True, slots=True)
class Impair(Op):
    """`impair loss 3% burst 4 delay 100ms jitter 30ms skew 50ppm`: what this leg does to the packets that it sends."""

    word: ClassVar[str] = "impair"
    loss: Expr | None = None
    jitter: Expr | None = None
    reorder: Expr | None = None
    duplicate: Expr | None = None
    burst: Expr | None = None
    """Mean length of the bursts in packets; without it each packet is lost on its own."""
    density: Expr | None = None
    """Share that is lost within a burst; without it all of it."""
    delay: Expr | None = None
    corrupt: Expr | None = None
    skew: Expr | None = None


class ClearImpairment(Op):
    """`clear impairment`."""

    __slots__ = ()
    word: ClassVar[str] = "clear impairment"


# --- flow ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wait(Op):
    """`wait D`: the SIPFLOW graph's TIMEOUT."""

    word: ClassVar[str] = "wait"
    flow_name: ClassVar[str] = "TIMEOUT"
    call_bound: ClassVar[bool] = False
    duration: Expr


@dataclass(frozen=True, slots=True)
class Log(Op):
    """`log "…"`."""

    word: ClassVar[str] = "log"
    call_bound: ClassVar[bool] = False
    text: Expr


@dataclass(frozen=True, slots=True)
class Let(Op):
    """`let x = E`: a variable of the lane; a lane sees those that stand at the top of the file, too."""

    word: ClassVar[str] = "let"
    call_bound: ClassVar[bool] = False
    name: str
    value: Expr


@dataclass(frozen=True, slots=True)
class Fail(Op):
    """`fail "…"`: fails here, always."""

    kind: ClassVar[str] = "control"
    word: ClassVar[str] = "fail"
    call_bound: ClassVar[bool] = False
    text: Expr


class End(Op):
    """`end`: the lane is over; inside an `else` the failure stands."""

    __slots__ = ()
    kind: ClassVar[str] = "control"
    word: ClassVar[str] = "end"
    call_bound: ClassVar[bool] = False


class Recover(Op):
    """`recover [at LABEL]`: last statement of an `else`; the failure was provided for, and the lane goes on."""

    __slots__ = ()
    kind: ClassVar[str] = "control"
    word: ClassVar[str] = "recover"
    call_bound: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class Branching(Op):
    """Base of what has several ways on, `Node.arms`. It fails only when it cannot choose."""

    kind: ClassVar[str] = "control"
    call_bound: ClassVar[bool] = False

    def arm_names(self) -> tuple[str, ...]:
        """What is written at each way out, for a person, in the order of `Node.arms`."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class If(Branching):
    """`if CONDITION { … } else { … }`: arms `then` and `else`."""

    word: ClassVar[str] = "if"
    condition: Expr

    def arm_names(self) -> tuple[str, ...]:
        """Two."""
        return ("then", "else")


@dataclass(frozen=True, slots=True)
class Repeat(Branching):
    """`repeat N times { … }`: arms `again` and `done`; the body leads back to the node.

    It counts anew whenever it is entered from a node that is not in its body, and a node is in its body when its id
    begins with the id of the `Repeat` node and a dot.
    """

    word: ClassVar[str] = "repeat"
    times: Expr
    """A number, 0 or more."""

    def arm_names(self) -> tuple[str, ...]:
        """Two."""
        return ("again", "done")


@dataclass(frozen=True, slots=True)
class While(Branching):
    """`while CONDITION { … }`: arms `again` and `done`; the body leads back to the node."""

    word: ClassVar[str] = "while"
    condition: Expr

    def arm_names(self) -> tuple[str, ...]:
        """Two."""
        return ("again", "done")


@dataclass(frozen=True, slots=True)
class Arm:
    """One way out of a `choose`: an event, on the call that it names or on the one of the `choose`."""

    event: Expect
    call: str | None = None


@dataclass(frozen=True, slots=True)
class Choose(Branching):
    """`choose [on NAME] [within D] { EVENT => …; timeout => … }`: the way of whichever event comes first.

    With `timeout` the last arm is the way when the time is over; without it the `choose` fails then.
    """

    kind: ClassVar[str] = "event"
    word: ClassVar[str] = "choose"
    waits: ClassVar[bool] = True
    events: tuple[Arm, ...]
    timeout: bool = False

    def arm_names(self) -> tuple[str, ...]:
        """The events as they are written, without `expect`."""
        from sipflow.ir.text import event_text

        return (*(event_text(arm) for arm in self.events), *(("timeout",) if self.timeout else ()))


@dataclass(frozen=True, slots=True)
class Signal(Op):
    """`signal NAME`: releases everyone who awaits it, now and later."""

    word: ClassVar[str] = "signal"
    call_bound: ClassVar[bool] = False
    name: str


@dataclass(frozen=True, slots=True)
class Await(Op):
    """`await NAME [within D]`."""

    kind: ClassVar[str] = "event"
    word: ClassVar[str] = "await"
    call_bound: ClassVar[bool] = False
    waits: ClassVar[bool] = True
    name: str


# --- checks --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Check(Op):
    """`check CONDITION`: fails when it is false, and when there is nothing to judge."""

    kind: ClassVar[str] = "check"
    word: ClassVar[str] = "check"
    condition: Expr


@dataclass(frozen=True, slots=True)
class CheckHeard(Op):
    """`check heard "menu.wav" [score >= S] [pesq >= S]`: fails when the prompt was nowhere in the call so far."""

    kind: ClassVar[str] = "check"
    word: ClassVar[str] = "check heard"
    path: Expr
    score: float | None = None
    """0-1; None: 0.8."""
    pesq: float | None = None
    """-0.5 to 4.5 (ITU-T P.862), of what was recorded; None: not asked for."""


# --- events --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Expect(Op):
    """Base of `expect WHAT [on NAME] [within D]`."""

    kind: ClassVar[str] = "event"
    waits: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class ExpectCall(Expect):
    """`expect call [from X] [as NAME] [where C]`: an INVITE for this agent; the lane's next `answer` answers it."""

    word: ClassVar[str] = "call"
    flow_name: ClassVar[str] = "INCOMING"
    call_bound: ClassVar[bool] = False
    caller: Expr | None = None
    """An agent's name, a user part, or a URI."""
    caller_agent: str | None = None
    name: str | None = None
    where: Expr | None = None


class ExpectRinging(Expect):
    """`expect ringing`: 180 (or 18x without a session description)."""

    __slots__ = ()
    word: ClassVar[str] = "ringing"
    flow_name: ClassVar[str] = "RINGING"


class ExpectProgress(Expect):
    """`expect progress`: a provisional response with a session description."""

    __slots__ = ()
    word: ClassVar[str] = "progress"


class ExpectAnswered(Expect):
    """`expect answered`."""

    __slots__ = ()
    word: ClassVar[str] = "answered"


@dataclass(frozen=True, slots=True)
class ExpectRejected(Expect):
    """`expect rejected [CODE]`."""

    word: ClassVar[str] = "rejected"
    code: int | None = None


@dataclass(frozen=True, slots=True)
class ExpectHangup(Expect):
    """`expect hangup [where C]`: the peer ended the call (BYE, or CANCEL before the answer)."""

    word: ClassVar[str] = "hangup"
    flow_name: ClassVar[str] = "DISCONNECTED"
    where: Expr | None = None


@dataclass(frozen=True, slots=True)
class ExpectDtmf(Expect):
    """`expect dtmf ["1" | matching /…/ [as NAME]]`: digits in order; a wrong one fails at once."""

    word: ClassVar[str] = "dtmf"
    flow_name: ClassVar[str] = "DTMF_RECEIVED"
    digits: Expr | None = None
    """None with no pattern: any one digit."""
    pattern: str | None = None
    """Python regular expression that all digits collected so far must match whole."""
    capture: str | None = None


class ExpectHeld(Expect):
    """`expect held`: the peer put this call on hold."""

    __slots__ = ()
    word: ClassVar[str] = "held"
    flow_name: ClassVar[str] = "HELD"


class ExpectResumed(Expect):
    """`expect resumed`: the peer took this call back."""

    __slots__ = ()
    word: ClassVar[str] = "resumed"
    flow_name: ClassVar[str] = "RETRIEVED"


class ExpectTransfer(Expect):
    """`expect transfer`: a REFER came; it is followed by itself."""

    __slots__ = ()
    word: ClassVar[str] = "transfer"


class ExpectTransferred(Expect):
    """`expect transferred`: as transferor, the NOTIFY of success; as transferee, the new call is answered."""

    __slots__ = ()
    word: ClassVar[str] = "transferred"
    flow_name: ClassVar[str] = "TRANSFERRED"


@dataclass(frozen=True, slots=True)
class ExpectNotify(Expect):
    """`expect notify [where C]`: any NOTIFY in the call."""

    word: ClassVar[str] = "notify"
    flow_name: ClassVar[str] = "NOTIFY"
    where: Expr | None = None


class ExpectRecorded(Expect):
    """`expect recorded`: a recording came to its end and its file is closed."""

    __slots__ = ()
    word: ClassVar[str] = "recorded"
    flow_name: ClassVar[str] = "RECORD_COMPLETED"


class ExpectPlayed(Expect):
    """`expect played`: a play in the background came to its end."""

    __slots__ = ()
    word: ClassVar[str] = "played"


class ExpectAudio(Expect):
    """`expect audio`: audio above silence arrives, from now on."""

    __slots__ = ()
    word: ClassVar[str] = "audio"


@dataclass(frozen=True, slots=True)
class ExpectSilence(Expect):
    """`expect silence for D`: nothing above silence arrives for so long, from now on."""

    word: ClassVar[str] = "silence"
    duration: Expr


@dataclass(frozen=True, slots=True)
class ExpectTone(Expect):
    """`expect tone F[, F] [for D]`, `expect tone NAME [country C] [for D]`."""

    word: ClassVar[str] = "tone"
    frequency: Expr | None = None
    """None when `name` is set."""
    second: Expr | None = None
    """The other frequency of a tone of two."""
    name: str | None = None
    """A call progress tone: dial, ringback, busy, congestion."""
    country: Expr | None = None
    """ISO 3166 code; None: us."""
    duration: Expr | None = None


@dataclass(frozen=True, slots=True)
class ExpectHeard(Expect):
    """`expect heard "menu.wav" [score >= S]`."""

    word: ClassVar[str] = "heard"
    path: Expr
    score: float | None = None
    """0-1; None: 0.8."""


class ExpectRegistered(Expect):
    """`expect registered`: the agent registered, or renewed its registration."""

    __slots__ = ()
    word: ClassVar[str] = "registered"
    call_bound: ClassVar[bool] = False


class ExpectUnregistered(Expect):
    """`expect unregistered`: the agent's registration is over."""

    __slots__ = ()
    word: ClassVar[str] = "unregistered"
    call_bound: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class ExpectResponse(Expect):
    """`expect response [CODE] [where C]`: the final response of the lane's latest `send`."""

    word: ClassVar[str] = "response"
    code: int | None = None
    where: Expr | None = None


@dataclass(frozen=True, slots=True)
class ExpectRequest(Expect):
    """`expect info|message|options|subscribe|update|request METHOD [where C]`."""

    word: ClassVar[str] = "request"
    call_bound: ClassVar[bool] = False
    method: str
    where: Expr | None = None
