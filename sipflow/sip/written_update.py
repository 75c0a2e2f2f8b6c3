"""An UPDATE that the user wrote: what its answer means for the session (RFC 3311 section 5.1)."""

from __future__ import annotations

from sipflow.events import MediaRefused
from sipflow.sip.bodies import find_description, session_description
from sipflow.sip.call import Call
from sipflow.sip.core import Core
from sipflow.sip.message import Response
from sipflow.sip.transaction import ClientTransaction, ClientUser


class WrittenUpdate:
    """Stands before the user of the request, who hears all of it, too.

    A session description in it is our offer, unless another offer is open: then it breaks the rules on purpose, and
    nothing follows from it here.
    """

    __slots__ = ("_call", "_core", "_offers", "_user")

    def __init__(self, core: Core, call: Call, user: ClientUser, body: bytes, content_type: str) -> None:
        self._core = core
        self._call = call
        self._user = user
        media = call.negotiation.media
        described = find_description(content_type, body)
        self._offers = bool(described) and not call.offer_in_the_way()
        if self._offers and media is not None:
            call.negotiation.offer_as_written(described, media)

    def response_received(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        """A 2xx refreshes the remote target and the session timer, and answers the offer."""
        if response.status_code >= 200 and self._call.is_live:
            if response.status_code < 300:
                self._accepted(response, now)
            if self._offers:
                self._call.negotiation.close_offer()
        self._user.response_received(transaction, response, now)

    def request_failed(self, transaction: ClientTransaction | None, code: int, reason: str, now: float) -> None:
        """Nobody answered: the session stays as it was."""
        if self._offers:
            self._call.negotiation.close_offer()
        self._user.request_failed(transaction, code, reason, now)

    def _accepted(self, response: Response, now: float) -> None:
        call = self._call
        call.dialog.refresh_target(response)
        if call.session_timer is not None and "Session-Expires" in response.headers:
            call.session_timer.accepted(response, now)
        if not self._offers:
            return
        problem = call.negotiation.apply(session_description(response))
        if problem:
            self._core.emit(MediaRefused(call.id, problem))
        else:
            call.report_media(early=call.is_early)
