"""Session descriptions: tolerant reading, exact writing (RFC 4566, RFC 8866).

A description is its lines. They are kept in their order, also those that nobody here knows, and the accessors read out
of them what offer and answer need.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from string import ascii_letters
from typing import Final, NamedTuple, Self

from sipflow.errors import ProtocolError
from sipflow.media_params import Direction, RtpFormat
from sipflow.values import dataclass

Lines = tuple[tuple[str, str], ...]
"""Lines as (type, value): `("a", "ptime:20")`. The type is empty for a line that is none; its value is all of it."""


class SdpError(ProtocolError):
    """Text that is no session description."""


_LINE_END: Final = re.compile(r"\r\n|\n|\r")
_MEDIA_START: Final = re.compile(r"(?:\A|(?<=[\r\n]))m=")
_FIRST_LINE: Final = re.compile(r"([^\r\n]*+)(\r\n|\n|\r)?+(.*)", re.DOTALL)
_ORIGIN: Final = re.compile(r"([^ ]++) ++([^ ]++) ++([^ ]++) ++IN ++(IP4|IP6) ++([^ ]++)")
_CONNECTION: Final = re.compile(r"IN ++(?:IP4|IP6) ++([^ /]++)(?:/[^ ]*+)?+ *+", re.IGNORECASE)
_MEDIA: Final = re.compile(
    r"([^ \t]++)[ \t]++([0-9]{1,5})(?:/([0-9]{1,5}))?+[ \t]++([^ \t]++)((?:[ \t]++[^ \t]++)*+)[ \t]*+"
)
_RTPMAP: Final = re.compile(r"([0-9]{1,3})[ \t]++([^ \t/]++)/([0-9]{1,6})(?:/([0-9]{1,2}))?+[ \t]*+")
_FMTP: Final = re.compile(r"([0-9]{1,3})[ \t]+(.*)", re.DOTALL)
_TYPES: Final = frozenset(ascii_letters)
_RTCP: Final = re.compile(r"([0-9]{1,5})(?:[ \t]|$)")
_MILLISECONDS: Final = re.compile(r"[ \t]*([0-9]{1,4})(?![0-9])")

_DIRECTIONS: Final = {direction.value: direction for direction in Direction}

_HELD_ADDRESSES: Final = frozenset({"0.0.0.0", "::"})
"""Connection addresses that mean: send me nothing (RFC 3264 section 8.4, of RFC 2543)."""

MIN_PTIME_MS: Final = 5
MAX_PTIME_MS: Final = 200
"""Packet times outside of these are passed over: a peer must not make us send thousands of packets, or huge ones."""

STATIC_FORMATS: Final[dict[int, tuple[str, int, int]]] = {
    0: ("PCMU", 8000, 1),
    3: ("GSM", 8000, 1),
    4: ("G723", 8000, 1),
    5: ("DVI4", 8000, 1),
    6: ("DVI4", 16000, 1),
    7: ("LPC", 8000, 1),
    8: ("PCMA", 8000, 1),
    9: ("G722", 8000, 1),
    10: ("L16", 44100, 2),
    11: ("L16", 44100, 1),
    12: ("QCELP", 8000, 1),
    13: ("CN", 8000, 1),
    14: ("MPA", 90000, 1),
    15: ("G728", 8000, 1),
    16: ("DVI4", 11025, 1),
    17: ("DVI4", 22050, 1),
    18: ("G729", 8000, 1),
}
"""Encoding name, clock rate in Hz and channels of the audio payload types that need no rtpmap (RFC 3551 table 4)."""

_REGISTERED: Final = (
    *(name for name, _, _ in STATIC_FORMATS.values()),
    *("telephone-event", "opus", "iLBC", "speex", "AMR", "AMR-WB", "EVS", "red", "tone", "G7221"),
)
_SPELLINGS: Final = {name.lower(): name for name in _REGISTERED}


@dataclass(frozen=True, slots=True)
class Origin:
    """The `o=` line (RFC 4566 section 5.2): who made the session, and which version of it this is."""

    username: str
    session_id: str
    session_version: str
    """Digits; text because some are longer than any integer type."""
    address: str

    @classmethod
    def parse(cls, value: str) -> Self:
        """SdpError when the value is no origin."""
        match = _ORIGIN.fullmatch(value.strip(" \t"))
        if match is None:
            raise SdpError(f"bad o= line: {value[:80]!r}")
        return cls(match[1], match[2], match[3], match[5])

    def __str__(self) -> str:
        return f"{self.username} {self.session_id} {self.session_version} {format_connection(self.address)}"


def format_connection(address: str) -> str:
    """Value of a `c=` line, without TTL: `IN IP4 192.0.2.1`."""
    return f"IN {'IP6' if ':' in address else 'IP4'} {address}"


def find_attribute(lines: Lines, name: str) -> str | None:
    """Value of the first `a=name:value` line; empty for a flag, None when there is none."""
    return next(_attributes(lines, name), None)


def _find_direction(lines: Lines) -> Direction | None:
    """Direction attribute of one level; the first one counts."""
    values = (_DIRECTIONS.get(value.strip(" \t").lower()) for kind, value in lines if kind == "a")
    return next((direction for direction in values if direction), None)


def _attributes(lines: Lines, name: str) -> Iterator[str]:
    length = len(name)
    for kind, value in lines:
        if kind == "a" and value[length : length + 1] in (":", "", " ") and value[:length].lower() == name:
            yield value[length + 1 :].strip(" \t")


def _connection_address(lines: Lines) -> str | None:
    """Address of the first `c=` line that can be read, without TTL and number of addresses."""
    for kind, value in lines:
        if kind == "c" and (address := _address_in(value)):
            return address
    return None


# A peer describes every call of a run in the same words but for ports and numbers of the session. What those words mean
# is remembered by their text: few of them, for they come from strangers.


class RtcpFeatures(NamedTuple):
    """What a stream says about RTCP: whether it comes on the port of RTP (RFC 5761 section 5.1.1), without a whole
    compound (RFC 5506 section 5), and with VoIP metrics (RFC 3611 section 5.1)."""

    mux: bool = False
    reduced: bool = False
    voip_metrics: bool = False


@dataclass(frozen=True, slots=True)
class _Said:
    """What the lines after an `m=` line say."""

    attributes: dict[str, tuple[str, ...]]
    """Values by the names of attributes in lower case, in their order."""
    direction: Direction | None
    address: str | None
    ptime_ms: int | None
    maxptime_ms: int | None
    rtcp_port: int | None
    rtcp: RtcpFeatures


@lru_cache(maxsize=4)
def _said(lines: Lines) -> _Said:
    found: dict[str, list[str]] = {}
    for kind, value in lines:
        if kind == "a":
            name = value.partition(":")[0].partition(" ")[0]
            found.setdefault(name.lower(), []).append(value[len(name) + 1 :].strip(" \t"))
    attributes = {name: tuple(values) for name, values in found.items()}
    first = {name: values[0] for name, values in found.items()}
    reports = [part.partition("=")[0] for value in found.get("rtcp-xr", ()) for part in value.split()]
    return _Said(
        attributes,
        _find_direction(lines),
        _connection_address(lines),
        _milliseconds(first.get("ptime")),
        _milliseconds(first.get("maxptime")),
        _port(first.get("rtcp")),
        RtcpFeatures("rtcp-mux" in found, "rtcp-rsize" in found, "voip-metrics" in reports),
    )


@lru_cache(maxsize=256)
def _address_in(connection: str) -> str | None:
    match = _CONNECTION.fullmatch(connection.strip(" \t"))
    return match[1] if match else None


@lru_cache(maxsize=64)
def _rtp_formats(formats: tuple[str, ...], lines: Lines) -> tuple[RtpFormat, ...]:
    mapped, parameters = _rtpmaps(lines), _format_parameters(lines)
    numbers = dict.fromkeys(int(text) for text in formats if text.isascii() and text.isdigit() and len(text) < 4)
    return tuple(
        RtpFormat(name, number, clock_rate, channels, parameters.get(number, ""))
        for number in numbers
        if number < 128 and (found := mapped.get(number) or STATIC_FORMATS.get(number))
        for name, clock_rate, channels in (found,)
    )


def _rtpmaps(lines: Lines) -> dict[int, tuple[str, int, int]]:
    """Meaning of payload types by their rtpmap; the first one of a type counts."""
    matches = [match for value in _attributes(lines, "rtpmap") if (match := _RTPMAP.fullmatch(value))]
    return {
        int(match[1]): (_SPELLINGS.get(match[2].lower(), match[2]), int(match[3]), int(match[4] or 1))
        for match in reversed(matches)
    }


def _format_parameters(lines: Lines) -> dict[int, str]:
    matches = [match for value in _attributes(lines, "fmtp") if (match := _FMTP.fullmatch(value))]
    return {int(match[1]): match[2].strip(" \t") for match in reversed(matches)}


@lru_cache(maxsize=64)
def _read_media_lines(text: str) -> Lines:
    """The lines after an `m=` line, none of them another one."""
    return tuple(_read_lines(text))


def _read_lines(text: str) -> list[tuple[str, str]]:
    """Type and value of each line; a line that has no type is kept as a value without one."""
    return [
        (line[0], line[2:]) if line[1:2] == "=" and line[0] in _TYPES else ("", line)
        for line in _LINE_END.split(text)
        if line.strip(" \t")
    ]


@dataclass(frozen=True, slots=True)
class MediaDescription:
    """One `m=` line and the lines after it (RFC 4566 section 5.14)."""

    kind: str
    """audio, video, application, image, … as written."""
    port: int
    """0 when the stream is rejected or not wanted (RFC 3264 section 6)."""
    protocol: str
    """RTP/AVP, RTP/SAVP, udptl, … as written."""
    formats: tuple[str, ...]
    """Payload types in the order of preference; anything else for protocols other than RTP."""
    lines: Lines = ()
    """All lines after the `m=` line."""
    port_count: int | None = None
    """Number of ports after a slash, None when there is none."""

    @classmethod
    def parse(cls, value: str, lines: Lines = ()) -> Self:
        """Read the value of an `m=` line; SdpError when it is none."""
        match = _MEDIA.fullmatch(value)
        if match is None or int(match[2]) > 65_535:
            raise SdpError(f"bad m= line: {value[:80]!r}")
        kind, port, count, protocol, formats = match.groups()
        numbers = tuple(formats.replace("\t", " ").strip(" ").split(" ")) if formats else ()
        return cls(kind, int(port), protocol, tuple(filter(None, numbers)), lines, int(count) if count else None)

    def __str__(self) -> str:
        ports = self.port if self.port_count is None else f"{self.port}/{self.port_count}"
        return _join((("m", " ".join((self.kind, str(ports), self.protocol, *self.formats))), *self.lines))

    def attribute(self, name: str) -> str | None:
        """Value of the first attribute of that name (lower case); empty for a flag, None when there is none."""
        values = _said(self.lines).attributes.get(name)
        return values[0] if values else None

    def attributes(self, name: str) -> tuple[str, ...]:
        """Values of all attributes of that name (lower case)."""
        return _said(self.lines).attributes.get(name, ())

    def rtp_formats(self) -> tuple[RtpFormat, ...]:
        """The payload formats of an RTP stream in its order; those without a known meaning are left out."""
        return _rtp_formats(self.formats, self.lines)

    @property
    def ptime_ms(self) -> int | None:
        """Packet time the owner wants to receive, None when it says nothing sensible."""
        return _said(self.lines).ptime_ms

    @property
    def maxptime_ms(self) -> int | None:
        """Longest packet time the owner takes, None when it says nothing sensible."""
        return _said(self.lines).maxptime_ms

    @property
    def rtcp_port(self) -> int:
        """Where the owner wants RTCP: `a=rtcp` (RFC 3605), else the port after that of RTP; 0 for a rejected stream."""
        port = _said(self.lines).rtcp_port
        if port is not None:
            return port
        return self.port + 1 if 0 < self.port < 65_535 else 0

    @property
    def rtcp(self) -> RtcpFeatures:
        """What the owner would have of RTCP, or has."""
        return _said(self.lines).rtcp


def _milliseconds(text: str | None) -> int | None:
    match = _MILLISECONDS.match(text or "")
    return int(match[1]) if match and MIN_PTIME_MS <= int(match[1]) <= MAX_PTIME_MS else None


def _port(text: str | None) -> int | None:
    match = _RTCP.match(text or "")
    return int(match[1]) if match and int(match[1]) <= 65_535 else None


@dataclass(frozen=True, slots=True)
class SessionDescription:
    """A whole description. `str` writes CRLF lines, and gives back what was parsed if that did."""

    lines: Lines
    """All lines before the first `m=` line, `v=` first."""
    media: tuple[MediaDescription, ...] = ()
    """One for each `m=` line, in their order."""

    @classmethod
    def parse(cls, text: str | bytes) -> Self:
        """Read a description; SdpError when it does not start with `v=0` or an `m=` line makes no sense.

        Bare LF or CR, empty lines, a missing last line end and lines of no known type are taken.
        """
        shown = text if isinstance(text, str) else text.decode("utf-8", "surrogateescape")
        head, *sections = _MEDIA_START.split(shown)
        lines = _read_lines(head)
        if not lines or lines[0][0] != "v":
            raise SdpError("no session description: it does not start with v=")
        if lines[0][1].strip(" \t") != "0":
            raise SdpError(f"session description of version {lines[0][1][:20]!r}")
        return cls(tuple(lines), tuple(map(_read_section, sections)))

    def __str__(self) -> str:
        return _join(self.lines) + "".join(map(str, self.media))

    def to_bytes(self) -> bytes:
        """The body of a message."""
        return str(self).encode("utf-8", "surrogateescape")

    @property
    def origin(self) -> Origin:
        """The `o=` line; SdpError when there is none."""
        value = next((value for kind, value in self.lines if kind == "o"), None)
        if value is None:
            raise SdpError("no o= line")
        return Origin.parse(value)

    def attribute(self, name: str) -> str | None:
        """Value of the first attribute of that name (lower case) at session level; None when there is none."""
        return find_attribute(self.lines, name)

    def address_of(self, media: MediaDescription) -> str | None:
        """Connection address of a stream: its own, else that of the session; None when neither can be read."""
        return _said(media.lines).address or _connection_address(self.lines)

    def direction_of(self, media: MediaDescription) -> Direction:
        """Direction of a stream as its owner sees it: its own, else that of the session, else sendrecv.

        A stream whose address is 0.0.0.0 cannot receive, whatever its attribute says (RFC 3264 section 8.4).
        """
        direction = _said(media.lines).direction or _find_direction(self.lines) or Direction.SENDRECV
        if self.address_of(media) not in _HELD_ADDRESSES:
            return direction
        return Direction.SENDONLY if direction.sends else Direction.INACTIVE


def _read_section(text: str) -> MediaDescription:
    """A stream, from behind its `m=` on."""
    first, end, rest = _FIRST_LINE.match(text).groups()  # type: ignore[union-attr]  # it matches any text
    return MediaDescription.parse(first, _read_media_lines(rest) if end else ())


def _join(lines: Lines) -> str:
    return "".join([f"{kind}={value}\r\n" if kind else f"{value}\r\n" for kind, value in lines])
