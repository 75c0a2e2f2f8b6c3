"""Offers and answers of one call (RFC 3264), as the INVITEs, their responses and ACKs carry them."""

from __future__ import annotations

from collections.abc import Callable

from sipflow.media_params import MediaParams
from sipflow.sdp.negotiate import Answer, LocalMedia, apply_answer, make_answer, make_offer
from sipflow.sdp.session import SdpError, SessionDescription
from sipflow.values import replace


class Negotiation:
    """What was offered, what was answered, and what follows for the media.

    `media` and `params` are those of the session as it is; an offer that is out changes them only when its answer
    comes, so that a refused re-INVITE leaves everything as it was (RFC 3261 section 14.1).
    """

    __slots__ = (
        "_applied_to",
        "_local_text",
        "_offer",
        "_offered",
        "_remote_text",
        "_session_id",
        "_version",
        "media",
        "params",
    )

    def __init__(self, session_id: int) -> None:
        self.media: LocalMedia | None = None
        """What our side can do in the session as it is."""
        self.params: MediaParams | None = None
        """The negotiated stream, None before the first answer."""
        self._session_id = session_id
        self._version = 1
        self._local_text = ""
        self._offer: SessionDescription | None = None
        self._offered: LocalMedia | None = None
        self._applied_to: SessionDescription | None = None
        self._remote_text = b""

    @property
    def offering(self) -> bool:
        """Whether an offer of ours waits for its answer."""
        return self._offer is not None

    @property
    def complete(self) -> bool:
        """Whether an offer was answered, and none is open."""
        return self.params is not None and self._offer is None

    @property
    def local_description(self) -> bytes:
        """Our latest offer or answer; empty before the first."""
        return self._local_text.encode("utf-8", "surrogateescape")

    def fork(self) -> Negotiation:
        """The same offer for another early dialog, where its answer may be another one."""
        other = Negotiation(self._session_id)
        other._version, other._local_text = self._version, self._local_text
        other._offer, other._offered = self._offer, self._offered
        return other

    @property
    def held_by_peer(self) -> bool:
        """Whether the peer does not want to hear us although we would speak (RFC 3264 section 8.4)."""
        if self.media is None or self.params is None:
            return False
        return self.media.direction.sends and not self.params.direction.sends

    def offer(self, media: LocalMedia) -> bytes:
        """Our offer as a body."""

        def make(version: int) -> SessionDescription:
            agreed = "" if self.params is None else self.params.protocol
            return make_offer(media, session_id=self._session_id, session_version=version, protocol=agreed)

        self._offer = self._describe(make(self._version), make)
        self._offered = media
        return self._local_text.encode("utf-8", "surrogateescape")

    def offer_as_written(self, body: bytes, media: LocalMedia) -> None:
        """Take a body that the user wrote for our offer; one that cannot be read leaves no offer to answer."""
        try:
            self._offer = SessionDescription.parse(body)
        except SdpError:
            self._offer = None
        self._offered = media

    def close_offer(self) -> None:
        """The INVITE that carried our offer is through, or was refused: what was applied last is what counts."""
        self._offer = self._offered = self._applied_to = None

    def answer(self, offer: bytes, media: LocalMedia) -> tuple[bytes, str]:
        """Our answer as a body and, when it accepts no stream, why; the session changes only when it accepts one."""
        try:
            description = SessionDescription.parse(offer)
        except SdpError as error:
            return b"", f"the offer cannot be read: {error}"

        local = self._in_association(media)

        def make(version: int) -> Answer:
            return make_answer(description, local, session_id=self._session_id, session_version=version)

        reply = make(self._version)
        if reply.params is None:
            return b"", reply.reason
        self._describe(reply.description, lambda version: make(version).description)
        self.media, self.params = media, reply.params
        return self._local_text.encode("utf-8", "surrogateescape"), ""

    def _in_association(self, media: LocalMedia) -> LocalMedia:
        """`media` with our part in the DTLS association that is there: it stays as it is (RFC 8842 section 5.3)."""
        dtls = None if self.params is None else self.params.dtls
        return media if dtls is None else replace(media, security=replace(media.security, active=dtls.active))

    def apply(self, answer: bytes) -> str:
        """Take the peer's answer to our offer; returns why it cannot be used, empty when it can."""
        if self._offer is None or self._offered is None:
            return "no offer is open"
        if self._applied_to is self._offer and answer == self._remote_text:
            return ""
        try:
            params = apply_answer(self._offer, SessionDescription.parse(answer), self._offered)
        except SdpError as error:
            return f"the answer cannot be read: {error}"
        if isinstance(params, str):
            return params
        self.media, self.params = self._offered, params
        self._applied_to, self._remote_text = self._offer, answer
        return ""

    def _describe(
        self, description: SessionDescription, make: Callable[[int], SessionDescription]
    ) -> SessionDescription:
        """Our next description: its version grows by one, and only if it differs from the last (RFC 3264 section 8)."""
        text = str(description)
        if self._local_text and text != self._local_text:
            self._version += 1
            description = make(self._version)
            text = str(description)
        self._local_text = text
        return description
