"""A user agent: many calls behind one address, as a machine without clock or socket.

Three inputs (`receive`, `handle_timer`, commands), two outputs (`outputs`, `next_deadline`): after every input drain
`outputs` and arm a timer for `next_deadline`. All times are seconds on one clock that only the caller knows.

A call is known by an id that the caller of a command chooses, or `new_call_id` does for incoming ones. The last event
of every call is CallReleased.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import AbstractContextManager

from sipflow.errors import MisuseError
from sipflow.sdp.negotiate import LocalMedia
from sipflow.sip.call import Call, CallState, Session
from sipflow.sip.config import Identity, UserAgentConfig
from sipflow.sip.core import Core, Statistics
from sipflow.sip.edits import Edits
from sipflow.sip.hop import Hop
from sipflow.sip.incoming_invite import IncomingInvite
from sipflow.sip.invitation import Invitation
from sipflow.sip.modification import Modification
from sipflow.sip.out_of_turn import respond, send_raw
from sipflow.sip.outgoing_invite import place_call
from sipflow.sip.outputs import Output
from sipflow.sip.plain_requests import UserRequest, check_method, send_in_call, send_outside
from sipflow.sip.reception import Reception
from sipflow.sip.registration import DEFAULT_EXPIRES_S, OWN, Registration, Wish
from sipflow.sip.requests import one_line
from sipflow.sip.transfer import SentRefer, refer_to_dialog
from sipflow.sip.uri import check_uri
from sipflow.values import replace

__all__ = ["Session", "UserAgent", "UserAgentConfig"]

HeaderPairs = tuple[tuple[str, str], ...]


class UserAgent:
    """One agent's SIP side.

    Commands raise MisuseError when there is no such call or its state does not allow them; what the network does
    is told by events.
    """

    def __init__(self, config: UserAgentConfig, source: random.Random, new_call_id: Callable[[], str]) -> None:
        self.config = config
        self._core = Core(config, source, new_call_id)
        self._reception = Reception(self._core)
        self._registration = Registration(self._core)
        self._requests = 0

    # --- inputs from outside ---

    def receive(self, data: bytes, source: Hop, now: float) -> None:
        """A message or a datagram came; any bytes are fine."""
        self._reception.receive(data, source, now)

    def handle_timer(self, now: float) -> None:
        """Do what is due; calling it too early does nothing."""
        self._core.timers.fire(now)
        self._registration.timers.fire(now)

    def transport_failed(self, destination: Hop, reason: str, now: float) -> None:
        """What was sent to this hop does not arrive."""
        self._core.transactions.transport_failed(destination, reason, now)

    def datagram_refused(self, destination: Hop, quoted: bytes, reason: str, now: float) -> None:
        """ICMP says that a datagram that began with `quoted` did not arrive there."""
        self._core.transactions.datagram_refused(destination, quoted, reason, now)

    def resolved(self, number: int, hops: tuple[Hop, ...], problem: str, now: float) -> None:
        """The answer to a `Lookup`: hops in the order in which they are to be tried, or the reason for none."""
        done = self._core.lookups.pop(number, None)
        if done is not None:
            done(hops, problem, now)

    # --- outputs ---

    def unfinished(self) -> dict[str, int]:
        """See `Core.unfinished`."""
        return self._core.unfinished()

    def next_deadline(self) -> float | None:
        """When `handle_timer` wants to be called next, None when nothing is waited for."""
        refresh = self._registration.timers.next_deadline()
        deadline = self._core.timers.next_deadline()
        return deadline if refresh is None or (deadline is not None and deadline <= refresh) else refresh

    def outputs(self) -> list[Output]:
        """What is to be sent and what happened, in causal order; a second call gives only what came since."""
        outputs, self._core.outputs = self._core.outputs, []
        return outputs

    def tell_messages(self, on: bool) -> None:
        """Whether every message is reported from now on (SipSent, SipReceived): half of all events of a call."""
        self._core.trace = on

    def editing(self, edits: Edits) -> AbstractContextManager[None]:
        """Commands inside send messages that break the rules: finished as always, then changed by these edits."""
        return self._core.editing(edits)

    # --- calling ---

    def invite(
        self,
        call: str,
        target: str,
        media: LocalMedia,
        now: float,
        *,
        headers: HeaderPairs = (),
        body: bytes | str | None = None,
        content_type: str | None = None,
        replaces: str = "",
        referred_by: str = "",
        identity: Identity | None = None,
    ) -> None:
        """Place a call. `body` takes the place of our offer (empty: the callee makes the offer); `replaces` and
        `referred_by` are header values; `identity` is who calls, None for the user of the configuration."""
        content = body.encode() if isinstance(body, str) else body
        for name, value in (("Replaces", replaces), ("Referred-By", referred_by), ("Content-Type", content_type or "")):
            one_line(value, name)
        invitation = Invitation(target, media, headers, content, content_type, replaces, referred_by, identity)
        place_call(self._core, call, invitation, now)

    # --- being called ---

    def ring(self, call: str, now: float, headers: HeaderPairs = ()) -> None:
        """Send 180."""
        self._ringing(call).ring(now, headers)

    def progress(self, call: str, media: LocalMedia, now: float, headers: HeaderPairs = ()) -> None:
        """Send 183 with a session description: early media."""
        self._ringing(call).progress(media, now, headers)

    def answer(self, call: str, media: LocalMedia, now: float, headers: HeaderPairs = ()) -> None:
        """Send 200, or 488 when offer and media share no codec."""
        self._ringing(call).answer(media, now, headers)

    def reject(self, call: str, code: int, reason: str | None, now: float, headers: HeaderPairs = ()) -> None:
        """Send a final response from 300 to 699; `reason` None or empty: the RFC's phrase."""
        if not 300 <= code <= 699:
            raise MisuseError(f"{code} does not reject a call: 300 to 699 do")
        self._ringing(call).reject(code, one_line(reason or "", "the reason phrase") or None, now, headers)

    def redirect(self, call: str, contacts: tuple[str, ...], now: float, headers: HeaderPairs = ()) -> None:
        """Send 302 with these URIs, most wanted first."""
        targets = tuple(("Contact", f"<{uri}>") for uri in contacts)
        self._ringing(call).reject(302, None, now, (*targets, *headers))

    # --- in the call ---

    def release(self, call: str, now: float, headers: HeaderPairs = ()) -> None:
        """End a call in the way its state needs: CANCEL, a rejection or BYE. One that is over already is fine."""
        found = self._core.calls.get(call)
        if found is not None:
            _release(found, now, headers)
        elif call not in self._core.ended:
            raise MisuseError(f"call {call} does not exist")

    def modify(self, call: str, media: LocalMedia | None, now: float, headers: HeaderPairs = ()) -> None:
        """Send a re-INVITE with another session description: hold, resume, other codecs or address. None leaves the
        offer to the peer."""
        Modification(self._core, self._established(call), media, headers=headers).request(now)

    def update(self, call: str, media: LocalMedia | None, now: float, headers: HeaderPairs = ()) -> None:
        """Send an UPDATE (RFC 3311), which a call that is not answered yet may have, too; None leaves the session as it
        is."""
        found = self._core.call(call)
        if not found.is_live or not found.dialog.remote_tag:
            raise MisuseError(f"call {call} has no dialog for UPDATE: it is {found.state}")
        if media is not None and found.offer_in_the_way():
            raise MisuseError(f"call {call} has an offer without answer: an UPDATE may not make another")
        Modification(self._core, found, media, method="UPDATE", headers=headers).request(now)

    def refer(self, call: str, refer_to_uri: str, now: float, headers: HeaderPairs = ()) -> None:
        """Ask the peer to call this URI: blind transfer."""
        refer_to = f"<{one_line(refer_to_uri, 'Refer-To')}>"
        SentRefer(self._core, self._established(call)).send(refer_to, now, headers)

    def refer_replacing(self, call: str, other_call: str, now: float, headers: HeaderPairs = ()) -> None:
        """Ask the peer of `call` to take our place in `other_call`: attended transfer."""
        refer_to = refer_to_dialog(self._core.call(other_call))
        SentRefer(self._core, self._established(call)).send(refer_to, now, headers)

    def follow_transfer(self, call: str, new_call: str, media: LocalMedia, now: float) -> None:
        """Call whom the peer's REFER named, and let the peer know by NOTIFY how that goes. The call that the REFER
        came in may be over."""
        found = self._core.calls.get(call) or self._core.ended.get(call)
        refer = None if found is None else found.refer
        if refer is None:
            raise MisuseError(f"call {call} was not asked to transfer")
        target = refer.refer_to
        invitation = Invitation(target.uri, media, replaces=str(target.replaces or ""), referred_by=refer.referred_by)
        try:
            place_call(self._core, new_call, invitation, now, observer=refer.notify)
        except MisuseError:
            refer.notify(400, "", now)
            raise

    def request(
        self,
        method: str,
        now: float,
        *,
        call: str | None = None,
        target: str | None = None,
        headers: HeaderPairs = (),
        body: bytes | str = b"",
        content_type: str | None = None,
    ) -> int:
        """Send a request in a call's dialog or to a target; its final response is the ResponseReceived with the number
        that this returns."""
        check_method(method, call)
        content = body.encode() if isinstance(body, str) else body
        lines = headers, one_line(content_type or "text/plain", "Content-Type") if content else ""
        self._requests += 1
        user = UserRequest(self._core, self._requests, method, call)
        if call is not None:
            send_in_call(self._core, user, method, self._core.call(call), lines, content, now)
        elif target is not None:
            send_outside(self._core, user, method, target, lines, content, now)
        else:
            raise MisuseError(f"{method} needs a call or a target")
        return self._requests

    # --- out of turn ---

    def respond(
        self,
        call: str,
        code: int,
        reason: str | None,
        now: float,
        *,
        method: str = "INVITE",
        headers: HeaderPairs = (),
        body: bytes | str | None = None,
        content_type: str | None = None,
    ) -> None:
        """Send a response to the latest request of a call with this method, whatever the state of its transaction:
        late, twice, after another final one. The call may be over."""
        found = self._core.calls.get(call) or self._core.ended.get(call) or self._core.call(call)
        content = body.encode() if isinstance(body, str) else body
        described = content, one_line(content_type or "application/sdp", "Content-Type")
        respond(self._core, found, method, code, reason, headers, described)

    def send_raw(self, data: bytes, now: float, *, call: str | None = None, target: str = "") -> None:
        """Send bytes as they are, to the peer of a call or to a URI; nothing is awaited. Responses that belong to no
        transaction are reported from then on, as ResponseReceived with the number 0."""
        found = None if call is None else self._core.calls.get(call) or self._core.ended.get(call)
        if target:
            check_uri(target)
        send_raw(self._core, data, None if target else found, target, now)

    # --- registration ---

    def register(
        self,
        now: float,
        *,
        expires_s: int | None = None,
        contacts: tuple[str, ...] = (),
        headers: HeaderPairs = (),
        persistent: bool = False,
    ) -> int:
        """Register contacts (URIs; none: the agent's own address) and keep them registered; the outcome is the
        Registered or RegistrationFailed with the number that this returns. A `persistent` one is tried again when it
        fails."""
        self._requests += 1
        wanted = DEFAULT_EXPIRES_S if expires_s is None else expires_s
        for uri in contacts:
            check_uri(uri)
        wish = Wish(self._requests, wanted, contacts or (OWN,), headers=headers, persistent=persistent)
        self._registration.register(wish, now)
        return self._requests

    def unregister(self, now: float, *, everything: bool = False, headers: HeaderPairs = ()) -> int:
        """Take back what was registered, or every contact of the address; the outcome is the Unregistered or
        RegistrationFailed with the number that this returns."""
        self._requests += 1
        self._registration.unregister(self._requests, everything, headers, now)
        return self._requests

    @property
    def registered(self) -> bool:
        """Whether a registration is being kept."""
        return self._registration.is_kept

    @property
    def registering(self) -> bool:
        """Whether a REGISTER is on its way."""
        return self._registration.busy

    @property
    def has_outputs(self) -> bool:
        """Whether `outputs` has something to give."""
        return bool(self._core.outputs)

    # --- the end, and questions ---

    def close(self, now: float) -> None:
        """Release all calls and take no new ones; `idle` tells when the last transaction is done."""
        self._core.closing = True
        for call in list(self._core.calls.values()):
            _release(call, now, ())
        for call in list(self._core.dialogs.values()):
            if call.sent_refer is not None:
                call.sent_refer.close(now)
        for subscription in list(self._core.subscriptions.values()):
            subscription.leave(now)

    @property
    def idle(self) -> bool:
        """Whether no call, dialog, transaction or timer is left."""
        core = self._core
        kept = core.calls, core.dialogs, core.subscriptions, core.lookups, core.transactions, core.timers
        return not any(len(each) for each in kept)

    def statistics(self) -> Statistics:
        """What was counted so far; a copy."""
        return replace(self._core.statistics)

    def session(self, call: str) -> Session | None:
        """A call as it is, or was when it ended; None when it never was or is long gone."""
        found = self._core.calls.get(call) or self._core.ended.get(call)
        return None if found is None else found.session()

    def _ringing(self, call: str) -> IncomingInvite:
        found = self._core.call(call)
        if found.incoming is None or found.state is not CallState.INCOMING:
            raise MisuseError(f"call {call} does not wait for an answer: it is {found.state}")
        return found.incoming

    def _established(self, call: str) -> Call:
        found = self._core.call(call)
        if found.state is not CallState.ESTABLISHED:
            raise MisuseError(f"call {call} is not established: it is {found.state}")
        return found


def _release(call: Call, now: float, headers: HeaderPairs) -> None:
    match call.state:
        case CallState.CALLING | CallState.PROCEEDING if call.outgoing is not None:
            call.outgoing.cancel(now, headers)
        case CallState.INCOMING | CallState.ANSWERED if call.incoming is not None:
            call.incoming.release(now, headers)
        case CallState.ESTABLISHED:
            call.hang_up(now, headers=headers)
        case CallState.RELEASING:
            call.stop_waiting(now)
        case _:
            pass
