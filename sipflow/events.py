"""The closed union of everything that happens in a run, and the record that stamps it.

Machines yield the small payload classes below; `sipflow.runtime.driver` stamps each with time, agent, call, node in
a `Record`. Every report is a fold over records. Payloads name calls by their *call id* (a text such as `bob-2`,
unique in a run), never by object.
"""

from __future__ import annotations

from typing import Any

from sipflow.media_params import MediaParams
from sipflow.values import dataclass, field

EVENT_STREAM_VERSION = 1
"""Raised when a field changes its meaning or goes; new fields and new events do not raise it."""


@dataclass(frozen=True, slots=True)
class Payload:
    """Base of all events. The class name is the event's name in every output."""


# --- SIP: what a user agent (sipflow.sip) reports -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CallIncoming(Payload):
    """An INVITE outside a dialog arrived; nothing but 100 Trying was answered yet."""

    call: str
    from_uri: str
    to_uri: str
    request_uri: str
    replaces: str | None = None
    """Call id of the local dialog that the INVITE's Replaces header names (RFC 3891), already checked to exist."""
    headers: tuple[tuple[str, str], ...] = ()
    """Of the INVITE."""
    body: str = ""
    """Of the INVITE: a session description, or nothing when the offer is left to us."""


@dataclass(frozen=True, slots=True)
class CallPlaced(Payload):
    """An INVITE was handed to the transport."""

    call: str
    target: str
    call_id: str = ""
    """Call-ID of its dialog, by which the other side knows it."""


@dataclass(frozen=True, slots=True)
class CallRinging(Payload):
    """The peer answered 180 (or another 18x without a session description)."""

    call: str
    code: int


@dataclass(frozen=True, slots=True)
class CallProgressed(Payload):
    """The peer answered 183, or any provisional response with a session description: early media may flow."""

    call: str
    code: int


@dataclass(frozen=True, slots=True)
class CallAnswered(Payload):
    """As a caller: the first 2xx came and its ACK was sent."""

    call: str
    code: int = 200


@dataclass(frozen=True, slots=True)
class CallConfirmed(Payload):
    """As a callee: the ACK of our 2xx came."""

    call: str


@dataclass(frozen=True, slots=True)
class CallRejected(Payload):
    """As a caller: the INVITE ended with a final response other than 2xx, or without any."""

    call: str
    code: int
    """Status code; 408 when nobody answered (Timer B), 503 when the transport failed, 487 after our own CANCEL."""
    reason: str
    contacts: tuple[str, ...] = ()
    """URIs of the Contact headers of a 3xx, in the order of preference."""
    local: bool = False
    """Whether the code was made here (time-out, transport) rather than received."""
    environment: bool = False
    """Whether the machine is to blame: no free port, no keys. Then nothing was sent."""


@dataclass(frozen=True, slots=True)
class CallEnded(Payload):
    """The call is over for its user: BYE sent or received, CANCEL received, or our rejection was sent."""

    call: str
    by: str
    """`local` or `remote`."""
    cause: str
    """bye, cancel, rejected, timeout (no ACK, no answer to re-INVITE), error."""
    reason: str = ""
    """Text of a Reason header (RFC 3326), or what broke."""
    headers: tuple[tuple[str, str], ...] = ()
    """Of the BYE or CANCEL that came."""
    body: str = ""


@dataclass(frozen=True, slots=True)
class CallReleased(Payload):
    """The last transaction of an ended call is done: the BYE was answered (or given up, `code` 408). A call on which we
    asked for a transfer, and which the peer hung up before it told the outcome, is released behind that."""

    call: str
    code: int
    reason: str = ""
    """Why the BYE did not arrive; empty when it was answered, or given up."""


@dataclass(frozen=True, slots=True)
class CallHeld(Payload):
    """The peer put the call on hold: its re-INVITE made our side unable to receive its media (RFC 3264 section 8.4)."""

    call: str


@dataclass(frozen=True, slots=True)
class CallResumed(Payload):
    """The peer took a held call back."""

    call: str


@dataclass(frozen=True, slots=True)
class CallModified(Payload):
    """Our own re-INVITE was answered 2xx."""

    call: str


@dataclass(frozen=True, slots=True)
class CallModifyRejected(Payload):
    """Our own re-INVITE was refused or timed out; the session stays as it was (RFC 3261 section 14.1)."""

    call: str
    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class TransferRequested(Payload):
    """A REFER came in the call and was accepted with 202; the user of the call decides when it is followed."""

    call: str
    refer_to: str
    """The target URI without its embedded headers."""
    replaces: str = ""
    """Text of the Replaces header embedded in Refer-To, empty for a blind transfer."""


@dataclass(frozen=True, slots=True)
class TransferAccepted(Payload):
    """Our REFER was answered 2xx."""

    call: str
    code: int
    subscribed: bool = True
    """Whether NOTIFYs will tell how it goes on; not when the peer answered `Refer-Sub: false` (RFC 4488)."""


@dataclass(frozen=True, slots=True)
class TransferRejected(Payload):
    """Our REFER was refused or timed out."""

    call: str
    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class TransferProgressed(Payload):
    """A NOTIFY of our REFER's subscription came (RFC 3515 section 2.4.4)."""

    call: str
    code: int
    """Status code in its message/sipfrag body."""
    final: bool
    """Whether the code is final or the subscription was terminated."""


@dataclass(frozen=True, slots=True)
class RequestReceived(Payload):
    """A request that is not the call's own machinery came: OPTIONS, INFO, MESSAGE, NOTIFY, SUBSCRIBE, …"""

    call: str | None
    method: str
    headers: tuple[tuple[str, str], ...]
    body: str
    code: int
    """Status code with which it was answered by default."""


@dataclass(frozen=True, slots=True)
class ResponseReceived(Payload):
    """The final response of a request that the user sent with `UserAgent.request`."""

    call: str | None
    request: int
    """The number that `UserAgent.request` returned."""
    method: str
    code: int
    reason: str
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""


@dataclass(frozen=True, slots=True)
class Registered(Payload):
    """The registrar took the agent's contacts, for the first time or again."""

    request: int
    """The number that `UserAgent.register` returned; 0 for a refresh."""
    contacts: tuple[str, ...]
    """URIs of all contacts that the registrar has for this address, other phones' included."""
    expires_s: int
    """For how long the agent's own are good, in seconds."""
    code: int = 200


@dataclass(frozen=True, slots=True)
class Unregistered(Payload):
    """The registrar took the agent's contacts back."""

    request: int
    """The number that `UserAgent.unregister` returned."""
    code: int = 200


@dataclass(frozen=True, slots=True)
class RegistrationFailed(Payload):
    """A REGISTER was refused, or nobody answered it (408, 503)."""

    request: int
    """Number of the request; 0 for a refresh."""
    code: int
    reason: str
    unanswered_retry_s: float | None = None
    """In how many seconds it is sent again because nobody answered; None: the registrar's answer, or the end of it."""


@dataclass(frozen=True, slots=True)
class MediaNegotiated(Payload):
    """Start or change the call's leg: offer and answer are complete (again). `early` until the call is answered.

    Comes before the answer, too, when an offer of ours takes reception back up or offers other codecs: the leg is ready
    for them from then on. After a re-INVITE of the peer that changes codecs it comes with those of before beside the
    new ones, and once more without them when the ACK has come.
    """

    call: str
    params: MediaParams
    early: bool


@dataclass(frozen=True, slots=True)
class MediaRefused(Payload):
    """Offer and answer left no common audio stream; `reason` says why, for a person."""

    call: str
    reason: str


@dataclass(frozen=True, slots=True)
class SipSent(Payload):
    """One SIP message that was handed to the transport, every retransmission included."""

    call: str | None
    data: bytes
    destination: tuple[str, int]
    retransmission: bool = False
    redacted: bool = False
    """Whether a secret was taken out of `data`, whose Content-Length is then that of the message on the wire."""
    transport: str = "udp"
    """udp, tcp, tls, ws or wss."""


@dataclass(frozen=True, slots=True)
class SipReceived(Payload):
    """One datagram from the network, as it came."""

    call: str | None
    data: bytes
    source: tuple[str, int]
    problem: str = ""
    """Why it was discarded or only half understood; empty when it was fine."""
    redacted: bool = False
    """As in `SipSent`."""
    transport: str = "udp"


# --- media: what the native engine (sipflow.media) reports --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MediaFirstPacket(Payload):
    """The first RTP packet of a leg's current stream arrived."""

    call: str


@dataclass(frozen=True, slots=True)
class MediaSecured(Payload):
    """A DTLS handshake gave the keys of a call: its media flows from now on."""

    call: str
    suite: str
    """Crypto suite, as RFC 4568 names it."""
    fingerprint: str
    """Of the certificate that the peer showed: what its session description said."""


@dataclass(frozen=True, slots=True)
class MediaUnprotected(Payload):
    """A stream that has to be protected is not: the keys do not fit what comes, or none could be agreed on."""

    call: str
    reason: str
    """For a person."""


@dataclass(frozen=True, slots=True)
class DtmfReceived(Payload):
    """One digit came, whatever of it was lost, repeated or reordered on the way; told when it ends (RFC 4733)."""

    call: str
    digit: str
    """0-9 * # A-D."""
    duration_ms: int
    """How long it lasted, by the longest duration in its packets."""
    via: str = "rfc4733"
    """By which way it came: rfc4733, inband, info."""
    level_dbm0: int | None = None
    """Power, -63 to 0: what its packets say, or what both frequencies had in the audio; INFO tells none."""


@dataclass(frozen=True, slots=True)
class DigitSent(Payload):
    """One digit went out, by whatever way. A telephone-event is told with its first end packet (RFC 4733), an INFO when
    it is sent, digits in the audio when all of them are over."""

    call: str
    digit: str
    duration_ms: int
    via: str
    """rfc4733, inband, info."""
    level_dbm0: int | None = None
    """Power, as the packets say it, or of both frequencies in the audio together."""
    ago_ms: int = 0
    """How long ago it ended."""


@dataclass(frozen=True, slots=True)
class Hearing(Payload):
    """What was heard of something that a statement listens for."""

    call: str
    token: int
    what: str
    """A prompt's name, `tone 440Hz`, `silence`, `audio`."""
    ago_ms: int | None
    """How long ago it began, None when it did not."""
    length_ms: int
    """Of the prompt, the tone, the silence."""
    score: float
    """0-1, of a prompt: how alike."""
    gain_db: float
    """How much louder than its file a prompt was."""
    clipped_ms: int
    """Missing at the start of a prompt."""
    missing_ms: int
    """Missing at its end."""
    gap_ms: int
    """Missing in between."""
    tone_hz: int | None
    """The newest steady tone."""
    level_dbov: int | None
    """The loudest moment, None for digital silence."""


@dataclass(frozen=True, slots=True)
class HearingProgress(Hearing):
    """Something came nearer than all before; at most every 200 ms."""


@dataclass(frozen=True, slots=True)
class HearingFinished(Hearing):
    """It was heard, or nobody listens for it any more."""

    found: bool = False
    topic: int = 0
    """The same number for the same thing; 0: whatever is heard from now on."""
    pesq: float | None = None
    """Score by ITU-T P.862 of what was recorded of a prompt, where it was asked for."""


@dataclass(frozen=True, slots=True)
class DtmfSent(Payload):
    """All digits of a `send dtmf` are out (or `completed` is false: it was cut short)."""

    call: str
    token: int
    digits: str
    completed: bool


@dataclass(frozen=True, slots=True)
class MediaProgress(Payload):
    """How far a play or a recording is; comes every 500 ms."""

    call: str
    token: int
    kind: str
    """`play` or `record`."""
    elapsed_ms: int
    total_ms: int | None
    """None when it has no end of its own."""
    percent: float | None


@dataclass(frozen=True, slots=True)
class PlayFinished(Payload):
    """A play came to its end (`completed`) or was stopped before."""

    call: str
    token: int
    played_ms: int
    completed: bool
    error: str = ""
    """Why not all of it could be heard (a damaged file, one that was cut off and played `completed` as far as it
    goes, …); empty when all was, or it was stopped."""


@dataclass(frozen=True, slots=True)
class RecordingFinished(Payload):
    """A recording is closed: its file is complete on disk."""

    call: str
    token: int
    path: str
    duration_ms: int
    error: str = ""
    """Why the file is not whole (disk full, …), empty when it is."""
    began_s: float | None = None
    """When its first sample was sent and heard, in seconds since the run started (of an engine alone: on the clock of
    its ticks); None when it has none."""


@dataclass(frozen=True, slots=True)
class MediaMeasured(Payload):
    """What was counted on a leg, when it closes (and whenever a check asked)."""

    call: str
    statistics: dict[str, Any]
    """Keys of `sipflow.media.LegStatistics`, units in the names."""


@dataclass(frozen=True, slots=True)
class CommandDone(Payload):
    """A command of the flow that is done at once was carried out (a recording runs, a play in the background began)."""

    call: str
    token: int
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CommandFailed(Payload):
    """A command of the flow could not be carried out; nothing else will come for its token."""

    call: str
    token: int
    reason: str
    environment: bool = False
    """Whether the machine is to blame (a missing file, no free port) rather than the call: exit code 3."""


@dataclass(frozen=True, slots=True)
class CallMeasured(Payload):
    """The measurements that the flow asked for, taken at one instant."""

    call: str
    token: int
    media: dict[str, Any]
    """Names after `media.` in a check; a name without a measurement is absent."""
    sip: dict[str, Any]
    """Names after `sip.` in a check."""
    headers: tuple[tuple[str, str], ...]
    """Headers of the last message of the call that `sip.header("…")` looks at."""


@dataclass(frozen=True, slots=True)
class CallTransferred(Payload):
    """The call goes on in another dialog: it followed a transfer, or an INVITE with Replaces took it over."""

    call: str
    to: str


# --- run: what the flow and the runtime report --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RunStarted(Payload):
    """First record of every run."""

    scenario: str
    source: str
    wallclock: str
    """ISO 8601 with offset."""
    version: str
    seed: int
    stream_version: int = EVENT_STREAM_VERSION
    rows: dict[str, int] = field(default_factory=dict)
    """Which row of each table the run took, from 1. Their values are never told as such."""
    virtual: bool = False
    """Whether the time of the run is virtual: nothing took as long as it says."""
    network: str = ""
    """What the network of a run in virtual time did on purpose."""


@dataclass(frozen=True, slots=True)
class NodeStarted(Payload):
    """A lane entered a node of the graph."""

    text: str
    """The statement as a person would say it, with its variables filled in."""


@dataclass(frozen=True, slots=True)
class NodeSucceeded(Payload):
    """A node left by its success edge; `detail` says what came."""

    detail: str = ""


@dataclass(frozen=True, slots=True)
class NodeFailed(Payload):
    """A node left by its failure edge."""

    lane: str
    code: str
    """Code of the diagnostic, SF501 to SF507."""
    statement: str
    expected: str
    got: str
    column: int
    end_column: int
    """Columns of the statement in its line, which the record names."""
    source: str = ""
    """Text that the line is in, empty for the run's own: a definition may come from another file."""
    via: tuple[tuple[str, int], ...] = ()
    """(source, line) of the calls of definitions through which the statement came, the outermost first."""


@dataclass(frozen=True, slots=True)
class NodeRecovered(Payload):
    """The failure of a node was provided for: `recover` was reached."""

    lane: str
    failed_node: str


@dataclass(frozen=True, slots=True)
class LaneStarted(Payload):
    """A lane begins; lanes start in source order."""

    lane: str


@dataclass(frozen=True, slots=True)
class LaneEnded(Payload):
    """A lane is over."""

    lane: str
    passed: bool
    why: str
    statements: int
    """How many statements succeeded."""


@dataclass(frozen=True, slots=True)
class Logged(Payload):
    """A `log` statement, or a note of the runtime that a user should see."""

    text: str
    level: str = "info"


@dataclass(frozen=True, slots=True)
class AgentRefused(Payload):
    """The machine does not grant what an agent needs; nothing was run. The record names agent and line."""

    code: str
    message: str
    column: int
    end_column: int
    source: str = ""
    """Text that the line is in, empty for the run's own."""


@dataclass(frozen=True, slots=True)
class RunFinished(Payload):
    """Last record of every run."""

    verdict: str
    """passed, failed, error, interrupted."""
    exit_code: int
    duration_s: float
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Record:
    """A stamped event: one line of the event stream."""

    time: float
    """Seconds since the run started, on the monotonic clock of the run (real or virtual)."""
    agent: str
    call: str
    """Call id, empty when the event belongs to none."""
    node: str
    """Id of the graph node that was current in the call's or agent's lane, empty when there was none."""
    line: int
    """Line of that node in its source, 0 when there was none."""
    event: Payload
