"""What comes from the network, up to the part of the user agent that it concerns (RFC 3261 sections 8.2 and 18.1.2)."""

from __future__ import annotations

from sipflow.events import SipReceived
from sipflow.sip.bodies import ACCEPT_LINE, accepts_descriptions, is_understood
from sipflow.sip.call import Call, CallState
from sipflow.sip.challenger import Granted
from sipflow.sip.core import Core
from sipflow.sip.dialog import dialog_key
from sipflow.sip.hop import Hop
from sipflow.sip.incoming_invite import receive_call
from sipflow.sip.message import MessageError, Request, Response, parse_message
from sipflow.sip.plain_requests import answer_by_default, stray_response
from sipflow.sip.received_modification import receive_modification, receive_update
from sipflow.sip.reliable_provisional import OPTION, is_missing
from sipflow.sip.replaces import find_replaced
from sipflow.sip.responses import Answerable, refusal, with_tag
from sipflow.sip.session_timer import refusal as too_short
from sipflow.sip.subscription import accept, receive_in_subscription, report
from sipflow.sip.transaction import ServerTransaction
from sipflow.sip.transaction_tables import Input
from sipflow.sip.transfer import is_refer_notification, receive_notification, receive_refer
from sipflow.sip.warning import warning_line

_HARMLESS = frozenset(b"\r\n\0 ")
"""What keep-alive datagrams are made of."""

_SCHEMES = frozenset(("sip", "sips", "tel", "urn"))
"""Of a Request-URI (RFC 3261 section 8.2.2.1): `tel` comes from gateways, `urn:service:sos` is an emergency call
(RFC 5031)."""

_NO_FORMAT = "Accept leaves no format for a session description"

Source = Hop


class Reception:
    """Reads datagrams and hands each on; nothing that arrives makes it raise."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._problem = ""
        self._extensions = frozenset(core.config.extensions)
        self._in_dialog = {
            "BYE": self._receive_bye,
            "INVITE": self._receive_reinvite,
            "REFER": self._receive_refer,
            "NOTIFY": self._receive_notify,
            "PRACK": self._receive_prack,
            "UPDATE": self._receive_update,
        }

    def receive(self, data: bytes, source: Source, now: float) -> None:
        """One datagram."""
        core = self._core
        core.statistics.messages_received += 1
        position = len(core.outputs)
        call: str | None
        self._problem = ""
        try:
            message = parse_message(data)
        except MessageError as error:
            call = None
            self._refuse(error, data, source)
        else:
            if isinstance(message, Response):
                call = self._receive_response(message, now)
            else:
                call = self._receive_request(message, source, now)
        if core.trace:
            # Before what it caused, although the call that an INVITE begins is named only while it is handled.
            transport = source.transport.value
            core.outputs.insert(position, SipReceived(call, data, source[:2], self._problem, False, transport))

    # --- what is no message ---

    def _refuse(self, error: MessageError, data: bytes, source: Source) -> None:
        if _HARMLESS.issuperset(data):
            return
        self._core.statistics.parse_failures += 1
        self._problem = error.problem
        response = refusal(error, source, self._core.ids.tag(), self._core.templates.response)
        if response is not None:
            self._core.transmit(*response, None)

    # --- responses ---

    def _receive_response(self, response: Response, now: float) -> str | None:
        transaction = self._core.transactions.find_client(response)
        if transaction is None:
            # RFC 6026 section 8.2: what matches no transaction goes no further.
            self._core.statistics.stray_messages += 1
            self._problem = "no transaction"
            if self._core.tells_strays:
                self._core.emit(stray_response(response))
            return None
        transaction.receive(response, now)
        return transaction.call

    # --- requests ---

    def _receive_request(self, request: Request, source: Source, now: float) -> str | None:
        if request.method == "ACK":
            return self._receive_ack(request, now)
        transactions = self._core.transactions
        known = transactions.find_server(request)
        if known is not None:
            self._core.statistics.retransmissions_received += 1
            known.fire(Input.REQUEST, request, now)
            return known.call
        if len(transactions.servers) >= self._core.config.max_server_transactions:
            self._problem = "too many transactions"
            return None
        if request.method == "CANCEL":
            return self._receive_cancel(request, source, now)
        transaction = transactions.open_server(request, source, now)
        if not self._is_let_in(transaction, request, now):
            pass
        elif request.to_tag:
            self._receive_in_dialog(transaction, request, source, now)
        else:
            self._receive_outside(transaction, request, source, now)
        return transaction.call

    def _is_let_in(self, transaction: ServerTransaction, request: Request, now: float) -> bool:
        """Challenge a request that does not prove who sends it (RFC 3261 section 22.1)."""
        challenger = self._core.challenger
        if challenger is None:
            return True
        verdict = challenger.check(request, now)
        if isinstance(verdict, Granted):
            return True
        self._problem = verdict.problem
        self._reply(transaction, request, verdict.code, now, verdict.lines)
        return False

    def _receive_ack(self, request: Request, now: float) -> str | None:
        # The ACK of a 2xx comes first because it is the usual one; its branch is new, so no transaction would match.
        call = self._core.dialogs.get(dialog_key(request))
        waiting = None if call is None else call.awaiting_ack.get(request.cseq.number)
        if waiting is not None:
            waiting.acknowledge(request, now)
            return None if call is None else call.id
        transaction = self._core.transactions.find_server(request)
        if transaction is not None:
            transaction.fire(Input.ACK, request, now)
            return transaction.call
        if call is None:
            self._core.statistics.stray_messages += 1
            self._problem = "no dialog"
        return None if call is None else call.id

    def _receive_cancel(self, request: Request, source: Source, now: float) -> str | None:
        core = self._core
        invite = core.transactions.find_server(request, "INVITE")
        transaction = core.transactions.open_server(request, source, now)
        call = None if invite is None else core.calls.get(invite.call or "")
        if invite is None:
            self._reply(transaction, request, 481, now)
            return None
        transaction.call = invite.call
        if call is None or call.incoming is None:
            self._reply(transaction, request, 200, now)
            return invite.call
        _keep(call, transaction, request)
        transaction.reply(now, 200, None, call.dialog.local, core.templates.response)
        if call.state is CallState.INCOMING:
            call.incoming.cancelled(_reason_text(request), now, request)
        return call.id

    # --- outside dialogs ---

    def _receive_outside(self, transaction: ServerTransaction, request: Request, source: Source, now: float) -> None:
        if self._core.transactions.is_merged(transaction):
            self._reply(transaction, request, 482, now)
            return
        if request.uri.partition(":")[0].lower() not in _SCHEMES:
            self._reply(transaction, request, 416, now)
            return
        if self._asks_too_much(transaction, request, now):
            return
        if request.method == "INVITE":
            self._receive_invite(transaction, request, source, now)
        elif request.method == "SUBSCRIBE":
            report(self._core, request, accept(self._core, transaction, request, source, now))
        else:
            answer_by_default(self._core, None, transaction, request, now)

    def _receive_invite(self, transaction: ServerTransaction, request: Request, source: Source, now: float) -> None:
        core = self._core
        if core.closing or len(core.calls) >= core.config.max_calls:
            self._reply(transaction, request, 503, now)
            return
        if not is_understood(request):
            self._reply(transaction, request, 415, now, ACCEPT_LINE)
            return
        if not accepts_descriptions(request):
            self._reply(transaction, request, 406, now, warning_line(core.config.host, _NO_FORMAT))
            return
        if is_missing(core, request):
            self._reply(transaction, request, 421, now, f"Require: {OPTION}\r\n")
            return
        if core.config.session_timer is not None and (lines := too_short(core.config.session_timer, request)):
            self._reply(transaction, request, 422, now, lines)
            return
        replaced, code = find_replaced(core, request)
        if code:
            self._reply(transaction, request, code, now)
            return
        receive_call(core, transaction, request, source, replaced, now)

    def _asks_too_much(self, transaction: ServerTransaction, request: Request, now: float) -> bool:
        """Refuse what requires extensions that we lack (section 8.2.2.3)."""
        if "Require" not in request.headers:
            return False
        unknown = [tag for tag in request.headers.values("Require") if tag.lower() not in self._extensions]
        if unknown:
            self._reply(transaction, request, 420, now, f"Unsupported: {', '.join(unknown)}\r\n")
        return bool(unknown)

    # --- in dialogs ---

    def _receive_in_dialog(self, transaction: ServerTransaction, request: Request, source: Source, now: float) -> None:
        core = self._core
        call = core.dialogs.get(dialog_key(request))
        if call is None:
            if not receive_in_subscription(core, transaction, request, source, now):
                self._reply(transaction, request, 481, now)
            return
        transaction.call = call.id
        _keep(call, transaction, request)
        call.turn_to(request.from_tag)
        if not call.is_live and call.sent_refer is not None and is_refer_notification(request):
            receive_notification(core, call, transaction, request, now)
        elif not call.dialog.accepts(request):
            self._reply(transaction, request, 500, now)
        elif not call.is_live and request.method not in ("BYE", "PRACK"):
            self._reply(transaction, request, 481, now)
        elif not self._asks_too_much(transaction, request, now):
            handle = self._in_dialog.get(request.method, self._receive_other)
            handle(call, transaction, request, now)

    def _receive_bye(self, call: Call, transaction: ServerTransaction, request: Request, now: float) -> None:
        self._reply(transaction, request, 200, now)
        reason = _reason_text(request)
        if not call.is_live:
            return  # Both hung up at the same time; ours is still to be answered.
        if call.state is CallState.INCOMING and call.incoming is not None:
            call.incoming.cancelled(reason, now, request, cause="bye")
            return
        if call.outgoing is not None:
            call.outgoing.stop_waiting()
        if call.incoming is not None:
            call.incoming.hung_up_on()
        call.end("remote", "bye", reason, now, request)
        call.hung_up_on(now)

    def _receive_reinvite(self, call: Call, transaction: ServerTransaction, request: Request, now: float) -> None:
        receive_modification(self._core, call, transaction, request, now)

    def _receive_refer(self, call: Call, transaction: ServerTransaction, request: Request, now: float) -> None:
        if call.state is CallState.ESTABLISHED:
            receive_refer(self._core, call, transaction, request, now)
        else:
            self._reply(transaction, request, 603, now)

    def _receive_notify(self, call: Call, transaction: ServerTransaction, request: Request, now: float) -> None:
        if is_refer_notification(request):
            receive_notification(self._core, call, transaction, request, now)
        else:
            self._receive_other(call, transaction, request, now)

    def _receive_prack(self, call: Call, transaction: ServerTransaction, request: Request, now: float) -> None:
        if call.incoming is None:
            self._reply(transaction, request, 481, now)
        else:
            call.incoming.receive_prack(transaction, request, now)

    def _receive_update(self, call: Call, transaction: ServerTransaction, request: Request, now: float) -> None:
        receive_update(self._core, call, transaction, request, now)

    def _receive_other(self, call: Call, transaction: ServerTransaction, request: Request, now: float) -> None:
        answer_by_default(self._core, call, transaction, request, now)

    def _reply(self, transaction: ServerTransaction, request: Request, code: int, now: float, lines: str = "") -> None:
        to = with_tag(request.headers.get("To") or "", self._core.ids.tag())
        transaction.reply(now, code, None, to, lines + self._core.templates.response)


def _keep(call: Call, transaction: ServerTransaction, request: Request) -> None:
    """A scenario may answer it once more, or late."""
    to = request.headers.get("To") or ""
    call.received[request.method] = Answerable(transaction.echo, to, transaction.destination)


def _reason_text(request: Request) -> str:
    """Reason header (RFC 3326) as a person reads it: the text parameter, else the whole value."""
    value = request.headers.get("Reason") or ""
    text = value.partition('text="')[2].partition('"')[0]
    return text or value
