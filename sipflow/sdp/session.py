"""Session descriptions: tolerant reading, exact writing (RFC 4566)."""

from __future__ import annotations

from dataclasses import dataclass

from sipflow.errors import ProtocolError


class SdpError(ProtocolError):
    """Text that is no session description."""


@dataclass(frozen=True, slots=True)
class SessionDescription:
    """Values; `str(description)` writes CRLF lines."""

    @classmethod
    def parse(cls, text: str | bytes) -> SessionDescription: ...
