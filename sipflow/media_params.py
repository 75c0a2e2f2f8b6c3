"""What SIP tells media: the one value that crosses between them.

`sipflow.sip` makes a `MediaParams` out of offer and answer (RFC 3264); `sipflow.media` starts or changes a leg with
it. Neither imports the other; both import this leaf.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


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
