"""Offer and answer (RFC 3264): what the local side can do and what the peer wrote in, `MediaParams` out.

One audio stream is negotiated, over RTP/AVP or protected (`sipflow.sdp.security`). Whatever else is offered is rejected
in its place, so that the `m=` lines of offer and answer always pair up. Nothing here remembers anything: who holds the
session passes it in.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

from sipflow.media_params import Direction, MediaParams, RtpFormat
from sipflow.problems import AddressFormat, MediaFormat, MediaType
from sipflow.sdp.security import (
    PLAIN,
    SDES,
    UNPROTECTED,
    Agreement,
    Security,
    SecurityMode,
    accept_offer,
    offered_lines,
    offered_protocol,
    take_answer,
)
from sipflow.sdp.session import (
    Lines,
    MediaDescription,
    Origin,
    RtcpFeatures,
    SessionDescription,
    format_connection,
)
from sipflow.values import dataclass, replace

TELEPHONE_EVENT: Final = "telephone-event"
COMFORT_NOISE: Final = "cn"

_NOT_CODECS: Final = frozenset({TELEPHONE_EVENT, COMFORT_NOISE, "red", "tone"})
"""Formats that come beside a codec and carry no speech of their own, in lower case."""

_DIGIT_EVENTS: Final = "0-15"
"""Events of the sixteen DTMF digits (RFC 4733 section 3.2)."""


@dataclass(frozen=True, slots=True)
class LocalMedia:
    """What the local side can do in a call."""

    address: str
    """IP address where media is received."""
    port: int
    """RTP port; RTCP is received on the next one."""
    formats: tuple[RtpFormat, ...]
    """In the order of preference, telephone-event among them; payload types are those that are offered."""
    ptime_ms: int = 20
    """Packet time that is asked for, and sent with when the peer asks for none."""
    direction: Direction = Direction.SENDRECV
    """What the local side is willing to do: sendonly or inactive puts the peer on hold."""
    hold_by_address: bool = False
    """Whether a hold says `c=IN IP4 0.0.0.0` as RFC 2543 had it, in place of `a=sendonly` (RFC 3264 section 8.4)."""
    rtcp_mux: bool = False
    """Whether an offer asks for RTP and RTCP on one port (RFC 5761). An answer agrees to it wherever it was offered."""
    rtcp_reduced: bool = False
    """The same for RTCP of reduced size (RFC 5506)."""
    voip_metrics: bool = False
    """The same for reports with VoIP metrics (RFC 3611)."""
    security: Security = UNPROTECTED
    """What the local side does about SRTP."""
    latching: bool = False
    """Whether the peer is where its media comes from, should that be another place than it says."""


RTCP_ATTRIBUTES: Final = ("rtcp-mux", "rtcp-rsize", "rtcp-xr:voip-metrics")


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to an offer, and what it means for the local side."""

    description: SessionDescription
    """Has an `m=` line for each of the offer; all of port 0 when `params` is None."""
    params: MediaParams | None
    """None when no audio stream was accepted."""
    reason: str = ""
    """Why none was, for a person; empty when one was."""


# --- the three moves ---


def make_offer(
    local: LocalMedia,
    *,
    session_id: int,
    session_version: int,
    username: str = "sipflow",
    previous: SessionDescription | None = None,
    protocol: str = "",
) -> SessionDescription:
    """The offer of one audio stream (RFC 3264 section 5).

    `previous` is what was last agreed on in the session, by whichever side: a new offer has all of its `m=` lines in
    their places, the unused ones with port 0 (section 8). `protocol` is what a session that is there has agreed on.
    """
    old = previous.media if previous else ()
    own = _own_position(old)
    # A port of its own would need a handshake of its own (RFC 5764 section 4).
    by_dtls = local.security.mode is SecurityMode.DTLS
    said = old[own].rtcp if own is not None else RtcpFeatures()
    wanted = RtcpFeatures(local.rtcp_mux or by_dtls, local.rtcp_reduced, local.voip_metrics)
    rtcp = RtcpFeatures(*map(any, zip(said, wanted, strict=True)))
    chosen = protocol or offered_protocol(local.security)
    stream = _stream(local, local.formats, local.direction, chosen, rtcp, offered_lines(local.security))
    media = _in_place(old, own, stream) if own is not None else (*map(_rejected, old), stream)
    return _session(local, session_id, session_version, username, (("t", "0 0"),), media)


def make_answer(
    offer: SessionDescription,
    local: LocalMedia,
    *,
    session_id: int,
    session_version: int,
    username: str = "sipflow",
    prefer_local: bool = False,
) -> Answer:
    """The answer to an offer (RFC 3264 section 6).

    Accepts the first audio stream with a common codec. The formats come in the offerer's order with the offerer's
    payload types, as section 6.1 recommends; `prefer_local` orders them by the local preference instead. The `t=` line
    is that of the offer, as it has to be. Never raises: an offer without a usable stream gives an answer that rejects
    all of its streams, and the reason.
    """
    chosen = _choose(offer, local)
    times = tuple(line for line in offer.lines if line[0] == "t")[:1] or (("t", "0 0"),)
    if isinstance(chosen, str):
        rejected = tuple(map(_rejected, offer.media))
        return Answer(_session(local, session_id, session_version, username, times, rejected), None, chosen)
    position, agreement = chosen
    offered = offer.media[position]
    use = _answering(offered.rtp_formats(), local.formats, prefer_local)
    direction = _intersect(offer.direction_of(offered).reversed, local.direction)
    rtcp = offered.rtcp
    stream = _stream(local, use.receive, direction, offered.protocol, rtcp, agreement.lines)
    media = _in_place(offer.media, position, stream)
    description = _session(local, session_id, session_version, username, times, media)
    return Answer(description, _params(offer, offered, local, direction, use, agreement, rtcp))


def apply_answer(offer: SessionDescription, answer: SessionDescription, local: LocalMedia) -> MediaParams | str:
    """What the offerer does after the answer (RFC 3264 section 7), or in plain words why the answer cannot be used.

    Formats that were not offered are passed over as long as one remains that was. Payload types may differ from those
    of the offer: what is sent carries the answerer's, what is received the offerer's.
    """
    if len(answer.media) != len(offer.media):
        return f"the answer has {_count(answer.media)}, the offer has {_count(offer.media)}"
    own = _own_position(offer.media)
    if own is None:
        return "the offer has no audio stream"
    offered, answered = offer.media[own], answer.media[own]
    problem = _answer_problem(offered, answered) or _address_problem(answer, answered, local)
    if problem:
        return problem
    use = _answered(answered.formats, answered.rtp_formats(), offered.rtp_formats())
    if isinstance(use, str):
        return use
    agreement = take_answer(local.security, offered, answer, answered)
    if isinstance(agreement, str):
        return agreement
    direction = _intersect(offer.direction_of(offered), answer.direction_of(answered).reversed)
    rtcp = RtcpFeatures(*map(all, zip(offered.rtcp, answered.rtcp, strict=True)))
    return _params(answer, answered, local, direction, use, agreement, rtcp)


# --- formats ---
#
# Thousands of calls of a run compare the same few lists of formats: what came of it is remembered, within bounds.

_remembered = lru_cache(maxsize=64)


def _same(one: RtpFormat, other: RtpFormat) -> bool:
    """Whether both name the same format whatever its payload type (names ignore case, RFC 4855 section 3), with those
    parameters that make another one of it."""
    named = one.clock_rate == other.clock_rate and one.channels == other.channels
    return named and one.name.lower() == other.name.lower() and _framing(one) == _framing(other)


_FRAMINGS: Final = {
    "amr": {"octet-align": "0", "crc": "0", "robust-sorting": "0", "interleaving": ""},
    "ilbc": {"mode": "30"},
}
_FRAMINGS["amr-wb"] = _FRAMINGS["amr"]


@_remembered
def _framing(format_: RtpFormat) -> tuple[str, ...]:
    """How packets of the format are laid out, as its `a=fmtp` says: both sides have to say the same, and what they
    leave out has a meaning (RFC 4867 section 8.3.1, RFC 3952 section 5)."""
    meant = _FRAMINGS.get(format_.name.lower(), {})
    said = format_.parameters if meant else {}
    return tuple(said.get(name, default) for name, default in meant.items())


def _common(
    theirs: tuple[RtpFormat, ...], ours: tuple[RtpFormat, ...], prefer_ours: bool = False
) -> tuple[RtpFormat, ...]:
    """Those of their formats that are ours too, with their payload types; in their order or in ours."""
    theirs = _in_one_mode(theirs, ours)
    ours = _in_one_mode(ours, theirs)
    if prefer_ours:
        return tuple(dict.fromkeys(other for own in ours for other in theirs if _same(own, other)))
    return tuple(other for other in theirs if any(_same(own, other) for own in ours))


def _in_one_mode(formats: tuple[RtpFormat, ...], others: tuple[RtpFormat, ...]) -> tuple[RtpFormat, ...]:
    """`formats` with iLBC in the mode of 30 ms where the other side has another one: of two modes both use that of the
    lower bandwidth (RFC 3952 section 5)."""
    modes, theirs = _ilbc_modes(formats), _ilbc_modes(others)
    if not modes or not theirs or modes & theirs:
        return formats
    return tuple(replace(each, fmtp=_ILBC_30) if each.name.lower() == "ilbc" else each for each in formats)


def _ilbc_modes(formats: tuple[RtpFormat, ...]) -> frozenset[str]:
    return frozenset(_framing(each)[0] for each in formats if each.name.lower() == "ilbc")


_ILBC_30: Final = "mode=30"


@_remembered
def _have_common_codec(theirs: tuple[RtpFormat, ...], ours: tuple[RtpFormat, ...]) -> bool:
    return bool(_codecs(_common(theirs, ours)))


@_remembered
def _codecs(formats: tuple[RtpFormat, ...]) -> tuple[RtpFormat, ...]:
    return tuple(format_ for format_ in formats if format_.name.lower() not in _NOT_CODECS)


def _named(formats: tuple[str, ...], meanings: tuple[RtpFormat, ...]) -> tuple[RtpFormat, ...]:
    """Formats of an answer; a dynamic type that it forgets to map means what the offer said it does."""
    known = {format_.payload_type: format_ for format_ in meanings}
    numbers = (int(text) for text in formats if text.isascii() and text.isdigit() and len(text) < 4)
    return tuple(known[number] for number in dict.fromkeys(numbers) if number in known)


def _telephone_event(formats: tuple[RtpFormat, ...], clock_rate: int) -> RtpFormat | None:
    """The telephone-event to use: at the codec's clock rate, as its packets share the codec's time stamps (RFC
    4733 section 2.1), else at the lowest one: a rule that leads both sides to the same format, whatever their order."""
    events = [format_ for format_ in formats if format_.name.lower() == TELEPHONE_EVENT]
    return min(events, key=lambda event: (event.clock_rate != clock_rate, event.clock_rate), default=None)


def _comfort_noise(formats: tuple[RtpFormat, ...], clock_rate: int) -> int | None:
    """Payload type of comfort noise, which has the codec's clock or is not for it (RFC 3389 section 4)."""
    noises = (each for each in formats if each.name.lower() == COMFORT_NOISE and each.clock_rate == clock_rate)
    return next((each.payload_type for each in noises), None)


def _other_clock(event: RtpFormat | None, codec: RtpFormat) -> int:
    """RTP clock of telephone-event where it is not the codec's, else 0."""
    return 0 if event is None or event.clock_rate == codec.clock_rate else event.clock_rate


# --- judging ---


def _own_position(media: tuple[MediaDescription, ...]) -> int | None:
    """Position of the stream that is ours to negotiate: the first audio stream in use, else the first one."""
    audio = [at for at, each in enumerate(media) if each.kind.lower() == "audio"]
    return next((at for at in audio if media[at].port), audio[0] if audio else None)


def _choose(offer: SessionDescription, local: LocalMedia) -> tuple[int, Agreement] | str:
    """Position of the first stream that can be accepted, and how it is protected; else why none can."""
    refusals = []
    for position, media in enumerate(offer.media):
        verdict = _judge(offer, media, local)
        if isinstance(verdict, Agreement):
            return position, verdict
        if media.kind.lower() == "audio":
            refusals.append(verdict)
    return refusals[0] if refusals else MediaType("the offer has no audio stream")


def _judge(offer: SessionDescription, media: MediaDescription, local: LocalMedia) -> Agreement | str:
    """How a stream is protected when it is accepted, or why it cannot be."""
    if media.kind.lower() != "audio":
        return MediaType(f"{media.kind} is not taken here")
    if media.port == 0:
        return MediaType("the audio stream was offered with port 0")
    agreement = accept_offer(local.security, offer, media)
    if isinstance(agreement, str):
        return agreement
    theirs = media.rtp_formats()
    if not _have_common_codec(theirs, local.formats):
        return _no_common_codec("offered", theirs or _as_written(media), "here", local.formats)
    return _address_problem(offer, media, local) or agreement


def _answer_problem(offered: MediaDescription, answered: MediaDescription) -> str:
    if answered.kind.lower() != offered.kind.lower():
        return f"{offered.kind} was offered, {answered.kind} was answered in its place"
    if answered.port == 0:
        return "the peer rejected the audio stream (port 0)"
    if offered.port == 0:
        return "the audio stream was offered with port 0"
    if answered.protocol.upper() != offered.protocol.upper() and not _upgraded(offered, answered):
        return f"{offered.protocol} was offered, {answered.protocol} was answered"
    return ""


def _upgraded(offered: MediaDescription, answered: MediaDescription) -> bool:
    """Some PBXs answer RTP/SAVP to what was offered as RTP/AVP with crypto lines: it is meant as it was offered."""
    return (offered.protocol.upper(), answered.protocol.upper()) == (PLAIN, SDES) and bool(offered.attribute("crypto"))


def _address_problem(description: SessionDescription, media: MediaDescription, local: LocalMedia) -> str:
    address = description.address_of(media)
    if address is None:
        return "the audio stream has no connection address"
    family, own = _family(address), _family(local.address)
    if family and own and family != own:
        return AddressFormat(f"the peer's media address is IPv{family}, here it is IPv{own}")
    return ""


@lru_cache(maxsize=256)
def _family(address: str) -> int | None:
    """4 or 6, None for a name and for addresses that mean none."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    return None if parsed.is_unspecified else parsed.version


def _no_common_codec(where: str, theirs: Iterable[RtpFormat], here: str, ours: Iterable[RtpFormat]) -> str:
    return MediaFormat(f"no common codec: {where} {_names(tuple(theirs))}, {here} {_names(tuple(ours))}")


def _names(formats: tuple[RtpFormat, ...]) -> str:
    return ", ".join(dict.fromkeys(format_.name for format_ in _codecs(formats))) or "none"


def _as_written(media: MediaDescription) -> list[RtpFormat]:
    """Formats of which nothing but the number is known, for a message."""
    return [RtpFormat(f"payload type {text}", 0) for text in media.formats[:8]]


def _count(media: tuple[MediaDescription, ...]) -> str:
    return f"{len(media)} media line{'' if len(media) == 1 else 's'}"


def _intersect(one: Direction, other: Direction) -> Direction:
    """What both allow, both seen from the same side."""
    sends, receives = one.sends and other.sends, one.receives and other.receives
    if sends:
        return Direction.SENDRECV if receives else Direction.SENDONLY
    return Direction.RECVONLY if receives else Direction.INACTIVE


def ready_for(params: MediaParams, offered: LocalMedia) -> MediaParams:
    """A session while an offer of ours to receive waits for its answer: it hears what the offer says beside what was
    agreed (RFC 3264 section 5.1)."""
    direction = Direction.SENDRECV if params.direction.sends else Direction.RECVONLY
    return replace(hears_too(params, offered.formats), direction=direction)


def hears_too(params: MediaParams, formats: Iterable[RtpFormat]) -> MediaParams:
    """A session that takes these codecs beside its own. A payload type keeps its meaning for the whole session (RFC
    3264 section 8.3.2)."""
    taken = {format_.payload_type for format_ in params.receive_formats} | {params.dtmf_receive_payload_type}
    new = [
        format_
        for format_ in _codecs(tuple(formats))
        if format_.payload_type not in taken and not any(_same(format_, known) for known in params.receive_formats)
    ]
    return replace(params, receive_formats=(*params.receive_formats, *new)) if new else params


# --- building ---


def _params(
    description: SessionDescription,
    remote: MediaDescription,
    local: LocalMedia,
    direction: Direction,
    use: _Payloads,
    agreement: Agreement,
    rtcp: RtcpFeatures,
) -> MediaParams:
    """The remote stream has an address: the callers made sure."""
    ptime_ms = remote.ptime_ms or local.ptime_ms
    return MediaParams(
        local_address=local.address,
        local_port=local.port,
        remote_address=description.address_of(remote) or "",
        remote_port=remote.port,
        remote_rtcp_port=_rtcp_port(remote, agreement, rtcp.mux),
        send_format=use.send_format,
        receive_formats=use.receive_formats,
        dtmf_send_payload_type=use.dtmf_send.payload_type if use.dtmf_send else None,
        dtmf_receive_payload_type=use.dtmf_receive.payload_type if use.dtmf_receive else None,
        ptime_ms=min(ptime_ms, remote.maxptime_ms or ptime_ms),
        direction=direction,
        dtmf_send_clock_rate=_other_clock(use.dtmf_send, use.send_format),
        dtmf_receive_clock_rate=_other_clock(use.dtmf_receive, use.send_format),
        noise_send_payload_type=use.noise_send,
        noise_receive_payload_type=use.noise_receive,
        protocol=remote.protocol,
        srtp=agreement.srtp,
        dtls=agreement.dtls,
        latching=local.latching,
        rtcp_reduced=rtcp.reduced,
        voip_metrics=rtcp.voip_metrics,
    )


class _Payloads(NamedTuple):
    """What each payload type of a session is for."""

    receive: tuple[RtpFormat, ...]
    """What is announced, telephone-event and comfort noise among it."""
    send_format: RtpFormat
    receive_formats: tuple[RtpFormat, ...]
    dtmf_send: RtpFormat | None
    dtmf_receive: RtpFormat | None
    noise_send: int | None
    noise_receive: int | None


@_remembered
def _answering(theirs: tuple[RtpFormat, ...], ours: tuple[RtpFormat, ...], prefer_ours: bool) -> _Payloads:
    """What comes of an offer that has a codec of ours."""
    send = _common(theirs, ours, prefer_ours)
    return _payloads(send, _announced(send, ours))


@_remembered
def _answered(formats: tuple[str, ...], theirs: tuple[RtpFormat, ...], ours: tuple[RtpFormat, ...]) -> _Payloads | str:
    """What comes of an answer to our offer, or why nothing does; `formats` are those of its `m=` line."""
    named = _named(formats, (*ours, *theirs))
    send = _common(named, ours)
    if not _codecs(send):
        return _no_common_codec("answered", named, "offered", ours)
    return _payloads(send, _common(ours, send))


def _payloads(send: tuple[RtpFormat, ...], receive: tuple[RtpFormat, ...]) -> _Payloads:
    """Both have a codec."""
    send_format = _codecs(send)[0]
    rate = send_format.clock_rate
    events = _telephone_event(send, rate), _telephone_event(receive, rate)
    noises = _comfort_noise(send, rate), _comfort_noise(receive, rate)
    return _Payloads(receive, send_format, _codecs(receive), *events, *noises)


def _rtcp_port(remote: MediaDescription, agreement: Agreement, muxed: bool) -> int:
    """Where the peer wants RTCP; 0: nowhere.

    Both sides said `a=rtcp-mux`: RTCP goes where RTP goes, whatever `a=rtcp` says (RFC 5761 section 5.1.1). Keys that
    came by DTLS are those of one port: a peer that wants RTCP at another one gets none.
    """
    if muxed:
        return remote.port
    return 0 if agreement.dtls is not None else remote.rtcp_port


def _in_place(
    media: tuple[MediaDescription, ...], position: int, stream: MediaDescription
) -> tuple[MediaDescription, ...]:
    """One stream at its position, all others rejected."""
    return tuple(stream if at == position else _rejected(old) for at, old in enumerate(media))


def _stream(
    local: LocalMedia,
    formats: tuple[RtpFormat, ...],
    direction: Direction,
    protocol: str,
    rtcp: RtcpFeatures,
    security: Lines,
) -> MediaDescription:
    """The local audio stream with these formats and payload types."""
    said = None if _holds_by_address(local) and direction is Direction.SENDONLY else direction
    numbers, lines = _stream_lines(formats, local.ptime_ms, said, rtcp)
    return MediaDescription("audio", local.port, protocol, numbers, lines + security)


@_remembered
def _stream_lines(
    formats: tuple[RtpFormat, ...], ptime_ms: int, direction: Direction | None, rtcp: RtcpFeatures
) -> tuple[tuple[str, ...], Lines]:
    """Payload types for the `m=` line, and the lines after it."""
    lines = [("a", f"rtpmap:{format_.payload_type} {_encoding(format_)}") for format_ in formats]
    lines += [("a", f"fmtp:{format_.payload_type} {text}") for format_ in formats if (text := _fmtp(format_))]
    lines.append(("a", f"ptime:{ptime_ms}"))
    if direction is not None:
        lines.append(("a", direction.value))
    lines += [("a", text) for text, is_said in zip(RTCP_ATTRIBUTES, rtcp, strict=True) if is_said]
    return tuple(str(format_.payload_type) for format_ in formats), tuple(lines)


def _holds_by_address(local: LocalMedia) -> bool:
    return local.hold_by_address and not local.direction.receives


def _held_address(local: LocalMedia) -> str:
    return "::" if ":" in local.address else "0.0.0.0"


def _encoding(format_: RtpFormat) -> str:
    """`PCMU/8000`, `opus/48000/2` (RFC 4566 section 6)."""
    channels = f"/{format_.channels}" if format_.channels != 1 else ""
    return f"{format_.name}/{format_.clock_rate}{channels}"


def _fmtp(format_: RtpFormat) -> str:
    return format_.fmtp or (_DIGIT_EVENTS if format_.name.lower() == TELEPHONE_EVENT else "")


def _announced(theirs: tuple[RtpFormat, ...], ours: tuple[RtpFormat, ...]) -> tuple[RtpFormat, ...]:
    """Formats of the offer as the answer announces them: the peer's payload types, our own parameters."""
    ours = _in_one_mode(ours, theirs)
    return tuple(
        replace(next(own for own in ours if _same(own, each)), payload_type=each.payload_type) for each in theirs
    )


def _rejected(media: MediaDescription) -> MediaDescription:
    """A stream in its place that is not wanted (RFC 3264 section 6): port 0, the formats mean nothing."""
    return MediaDescription(media.kind, 0, media.protocol, media.formats[:1] or ("0",))


def _session(
    local: LocalMedia,
    session_id: int,
    session_version: int,
    username: str,
    times: Lines,
    media: tuple[MediaDescription, ...],
) -> SessionDescription:
    origin = Origin(username, str(session_id), str(session_version), local.address)
    address = _held_address(local) if _holds_by_address(local) else local.address
    head = (("v", "0"), ("o", str(origin)), ("s", "-"), ("c", format_connection(address)))
    return SessionDescription((*head, *times), media)
