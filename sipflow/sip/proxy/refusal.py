"""A request that goes no further."""

from __future__ import annotations

from sipflow.errors import ProtocolError


class RefusedError(ProtocolError):
    """What a request is answered with because it cannot be carried out or forwarded."""

    def __init__(self, code: int, reason: str | None = None, lines: str = "") -> None:
        super().__init__(reason or str(code))
        self.code = code
        """300-699."""
        self.reason = reason
        """None: the RFC's phrase."""
        self.lines = lines
        """Whole header lines."""
