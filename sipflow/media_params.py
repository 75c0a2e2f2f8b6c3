"""What SIP tells media: the one value that crosses between them.

`sipflow.sip` makes a `MediaParams` out of offer and answer (RFC 3264); `sipflow.media` starts or changes a leg with
it. Neither imports the other; both import this leaf.
"""

from __future__ import annotations

import enum

from sipflow.values import dataclass, field


class Direction(enum.Enum):
    """Direction attribute of a media stream as seen by its owner (RFC 3264 section 5.1)."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"

    @property
    def sends(self) -> bool:
        """Whether the owner of this direction sends media."""
        return self in (Direction.SENDRECV, Direction.SENDONLY)

    @property
    def receives(self) -> bool:
        """Whether the owner of this direction receives media."""
        return self in (Direction.SENDRECV, Direction.RECVONLY)

    @property
    def reversed(self) -> Direction:
        """The same stream seen from the other side."""
        return _REVERSED[self]


_REVERSED = {
    Direction.SENDRECV: Direction.SENDRECV,
    Direction.SENDONLY: Direction.RECVONLY,
    Direction.RECVONLY: Direction.SENDONLY,
    Direction.INACTIVE: Direction.INACTIVE,
}


@dataclass(frozen=True, slots=True)
class RtpFormat:
    """One RTP payload format: an entry of an `m=` line with its `a=rtpmap` and `a=fmtp` (RFC 4566 section 6)."""

    name: str
    """Encoding name in the registry's spelling: PCMU, PCMA, telephone-event, opus, G722."""
    payload_type: int
    """0-127."""
    clock_rate: int = 8000
    """RTP clock in Hz."""
    channels: int = 1
    fmtp: str = ""
    """Text after the payload type of `a=fmtp`, empty when there was none."""

    @property
    def parameters(self) -> dict[str, str]:
        """What `a=fmtp` says, as far as it is `name=value` (`mode=20; crc=0`), names in lower case."""
        return fmtp_parameters(self.fmtp)

    @property
    def passes_only(self) -> bool:
        """Whether nobody here encodes or decodes it."""
        return self.name.lower() in _PASSED


def fmtp_parameters(fmtp: str) -> dict[str, str]:
    """The parameters of the text of `a=fmtp`, names in lower case (RFC 4855 section 3)."""
    pairs = (part.partition("=") for part in fmtp.split(";"))
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


PCMU = RtpFormat("PCMU", 0)
"""What every endpoint has (RFC 3551 table 4)."""

PASSED_THROUGH = frozenset({"GSM", "G729", "G723", "iLBC", "AMR", "AMR-WB"})
"""Encoding names of codecs that nobody here encodes or decodes: files of their frames are sent, what comes is counted,
and how it sounds is not known."""

FRAME_FILES = {
    ".gsm": "GSM", ".g729": "G729", ".g723": "G723", ".amr": "AMR", ".awb": "AMR-WB", ".lbc": "iLBC", ".ilbc": "iLBC"
}  # fmt: skip
"""Files of encoded frames: how their names end, and whose frames they hold."""

CAPTURE_FILES = (".pcap", ".pcapng", ".cap", ".rtpdump")
"""How the names of files end that hold packets."""

ANY_CODEC = "?"
"""In the place of an encoding name: packets of a dynamic payload type, whose codec nothing in their file tells."""

_PASSED = frozenset(name.lower() for name in PASSED_THROUGH)

SRTP_KEY_BYTES = {
    "AES_CM_128_HMAC_SHA1_80": 30,
    "AEAD_AES_256_GCM": 44,
    "AEAD_AES_128_GCM": 28,
    "AES_CM_128_HMAC_SHA1_32": 30,
}
"""Crypto suites by their names in RFC 4568 section 6.2 and RFC 7714 section 14.2, and the bytes of master key and salt.
The order is that of our offers: first the one that everybody has to know and phones prefer."""


@dataclass(frozen=True, slots=True)
class SrtpKeys:
    """Keys of one stream under SRTP (RFC 3711), one for each direction. What shows them hides the keys."""

    suite: str
    """Name of the crypto suite, as RFC 4568 and RFC 7714 have it: AES_CM_128_HMAC_SHA1_80."""
    send_key: bytes = field(repr=False)
    """Master key and master salt of what the local side sends."""
    receive_key: bytes = field(repr=False)
    """Master key and master salt of what the peer sends."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a certificate has to hash to (RFC 8122)."""

    algorithm: str
    """sha-1, sha-256, …; in lower case."""
    value: str
    """Pairs of hex digits in capitals, with colons between."""

    def __str__(self) -> str:
        return f"{self.algorithm} {self.value}"


@dataclass(frozen=True, slots=True)
class DtlsParams:
    """A DTLS handshake that has yet to agree on the keys (RFC 5764)."""

    active: bool
    """Whether the local side begins it, as the TLS client (RFC 4145)."""
    fingerprints: tuple[Fingerprint, ...]
    """Of the certificate that the peer must show; one has to fit."""
    suites: tuple[str, ...]
    """Crypto suites that are taken, in the order of preference."""


@dataclass(frozen=True, slots=True)
class MediaParams:
    """A negotiated audio stream, as the local side must send and receive it."""

    local_address: str
    local_port: int
    remote_address: str
    """Where RTP is sent, and the only source that is accepted."""
    remote_port: int
    """0 when the stream was rejected: nothing is sent or received."""
    remote_rtcp_port: int
    """That of RTP where both share one port (RFC 5761); 0 for no RTCP."""
    send_format: RtpFormat
    """Codec and payload type to send: the peer's most preferred one that both know (RFC 3264 section 6.1)."""
    receive_formats: tuple[RtpFormat, ...]
    """Codecs that may arrive, with the payload types that the local side announced; never telephone-event."""
    dtmf_send_payload_type: int | None
    """telephone-event payload type to send (RFC 4733), None when the peer does not take it."""
    dtmf_receive_payload_type: int | None
    ptime_ms: int
    """Packet time to send with: the peer's `a=ptime`, else the local one."""
    direction: Direction
    """As seen by the local side."""
    protocol: str = "RTP/AVP"
    """Of the `m=` lines, as agreed on."""
    srtp: SrtpKeys | None = None
    """Keys by which the stream is protected; None for plain RTP, and where `dtls` has yet to agree on them."""
    dtls: DtlsParams | None = None
    """None unless a DTLS handshake on the media path gives the keys."""
    dtmf_send_clock_rate: int = 0
    """RTP clock of the telephone-event that is sent, 0 for that of the codec."""
    dtmf_receive_clock_rate: int = 0
    noise_send_payload_type: int | None = None
    """Comfort noise (RFC 3389) that takes the place of silence, None when the peer does not take it."""
    noise_receive_payload_type: int | None = None
    latching: bool = False
    """Whether media goes to where the first packet of media comes from (symmetric RTP, RFC 4961)."""
    rtcp_reduced: bool = False
    """Whether RTCP of reduced size was agreed on (RFC 5506)."""
    voip_metrics: bool = False
    """Whether reports with VoIP metrics were agreed on (RFC 3611)."""

    @property
    def unheard(self) -> str:
        """Why nobody here can know how the call sounds; empty when what comes can be decoded."""
        if not self.receive_formats or not all(each.passes_only for each in self.receive_formats):
            return ""
        names = " and ".join(dict.fromkeys(each.name for each in self.receive_formats))
        return f"{names} only passes through: it is not decoded here, and how it sounds is not known"


@dataclass(frozen=True, slots=True)
class Listening:
    """What a leg can be asked about what it hears. What nobody will ask for costs nothing."""

    levels: bool = False
    """Sound and silence."""
    prompts: bool = False
    tones: bool = False
    digits: bool = False
    """Digits in the audio, where the peer cannot send them as events."""
    always_digits: bool = False
    """Digits in the audio, whatever was negotiated."""
    history_ms: int = 60_000
    """How much of what was heard is remembered."""

    @property
    def wanted(self) -> bool:
        """Whether there is anything to listen for."""
        return self.levels or self.prompts or self.tones or self.digits


NOT_LISTENING = Listening()
"""Nothing will be asked for."""
