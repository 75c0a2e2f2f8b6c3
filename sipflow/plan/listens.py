"""Where an agent takes SIP, as a run will use it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ListenPlan:
    """One place."""

    transport: str
    """udp, tcp, tls, ws, wss."""
    host: str
    port: int
    """0: any free port."""
