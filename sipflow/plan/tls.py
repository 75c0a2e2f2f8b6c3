"""TLS of an agent, as a run will use it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TlsPlan:
    """Certificates and what they have to prove. Files are named as in the scenario; empty: none."""

    ca: str
    """Certificates that are trusted; empty: those of the system."""
    certificate: str
    key: str
    """Empty: in the file of the certificate."""
    name: str = ""
    """Name that the peer's certificate must have, and that is asked for (SNI); empty: the host of the target."""
    verify: bool = True
    require_client_certificate: bool = False
