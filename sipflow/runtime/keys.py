"""SRTP keys of calls: made here, of the system's randomness, and nowhere else."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from sipflow.errors import MachineError
from sipflow.media.dtls import DtlsIdentity
from sipflow.media.srtp import srtp_library
from sipflow.media_params import SRTP_KEY_BYTES, Fingerprint
from sipflow.plan.plan import AgentPlan
from sipflow.sdp.crypto import CryptoLine, KeyParameter
from sipflow.sdp.security import UNPROTECTED, Security, SecurityMode


def require_srtp(agent: AgentPlan) -> None:
    """Raises `MachineError` when the agent needs what this machine has not: known before the first call."""
    if agent.srtp != "off":
        try:
            srtp_library()
            if agent.srtp == "dtls":
                DtlsIdentity()
        except MachineError as error:
            raise MachineError(f"`srtp {agent.srtp}` of {agent.name}: {error}") from error


def fresh_security(agent: AgentPlan, fingerprint: Callable[[], Fingerprint]) -> Security:
    """What a call of the agent does about SRTP, with keys that were never used before.

    `fingerprint` makes that of the run's certificate. Keys are random whatever the seed of the run: a key that could be
    foretold would protect nothing.
    """
    mode = SecurityMode(agent.srtp)
    if mode is SecurityMode.OFF:
        return UNPROTECTED
    if mode is SecurityMode.DTLS:
        return Security(mode, suites=agent.srtp_suites, fingerprint=fingerprint())
    lines = tuple(
        CryptoLine(tag, suite, (KeyParameter(secrets.token_bytes(SRTP_KEY_BYTES[suite])),))
        for tag, suite in enumerate(agent.srtp_suites, 1)
    )
    return Security(mode, lines, agent.srtp_suites)
