"""What the media desk keeps of one call."""

from __future__ import annotations

from dataclasses import dataclass

from sipflow.flow import commands
from sipflow.media import KeptAudio, Leg, LegStatistics
from sipflow.media.formats import find_codec
from sipflow.media.hearing import Features
from sipflow.media.pesq import Recorded
from sipflow.media_params import MediaParams, RtpFormat
from sipflow.sdp.security import Security


@dataclass(slots=True)
class CallMedia:
    """From the first offer or answer of a call until the flow forgets it."""

    agent: str
    formats: tuple[RtpFormat, ...]
    """What its offers and answers name, the preferred one first."""
    whole_call: bool
    """Whether a prompt may be looked for in all of it."""
    leg: Leg | None = None
    """None when its port pair was given back."""
    wanted: bool = False
    """Whether the scenario asked for anything to be sent, recorded or listened for."""
    security: Security | None = None
    offered: tuple[RtpFormat, ...] = ()
    """Formats of a re-INVITE whose answer has not come."""
    params: MediaParams | None = None
    """What was agreed; None before the first answer."""
    sent: tuple[RtpFormat, int] | None = None
    """Format and packet time in ms of what the leg sends; None before the first answer of any call that shares it."""
    playing: commands.StartPlay | None = None
    playing_since: float = 0
    """When that began, in seconds of the loop."""
    recording: Recorded | None = None
    """The newest one."""
    final: LegStatistics | None = None
    """What was counted, once the leg is closed."""
    heard: Features | None = None
    """What had been heard when the leg was closed, of a call of which the whole is kept."""

    kept: KeptAudio | None = None
    """The last seconds of the leg when it was closed, where they are kept."""

    def shared(self) -> CallMedia:
        """Another call with the same leg: what plays and what is recorded goes on in it."""
        return CallMedia(
            self.agent,
            self.formats,
            self.whole_call,
            self.leg,
            self.wanted,
            sent=self.sent,
            playing=self.playing,
            playing_since=self.playing_since,
            recording=self.recording,
        )

    @property
    def side_channels(self) -> int:
        """In how many channels each side is recorded: two where our side of the session asks for two."""
        codecs = map(find_codec, self.offered or self.formats)
        return 2 if any(codec is not None and codec.decoded_channels > 1 for codec in codecs) else 1

    @property
    def send_format(self) -> RtpFormat | None:
        """What is sent; None before the first answer."""
        return None if self.params is None else self.params.send_format
