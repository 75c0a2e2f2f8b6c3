"""Offer and answer (RFC 3264): two lists of formats in, `MediaParams` out."""

from __future__ import annotations

from dataclasses import dataclass

from sipflow.media_params import Direction, MediaParams, RtpFormat
from sipflow.sdp.session import SessionDescription


@dataclass(frozen=True, slots=True)
class LocalMedia:
    """What the local side can do: formats in the order of preference, telephone-event among them."""

    address: str
    port: int
    formats: tuple[RtpFormat, ...]
    ptime_ms: int = 20
    direction: Direction = Direction.SENDRECV


@dataclass(frozen=True, slots=True)
class Answer:
    description: SessionDescription
    params: MediaParams | None
    """None when no audio stream was accepted; `reason` then says why."""
    reason: str = ""


def make_offer(
    local: LocalMedia, *, session_id: int, session_version: int, username: str = "-"
) -> SessionDescription: ...


def make_answer(
    offer: SessionDescription, local: LocalMedia, *, session_id: int, session_version: int, username: str = "-"
) -> Answer: ...


def apply_answer(offer: SessionDescription, answer: SessionDescription, local: LocalMedia) -> MediaParams | str:
    """What the offerer does after the answer; a text says in plain words why it cannot be used."""
