"""The four transaction machines: every (state, input) pair of their tables, exact timers, and matching."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from sipflow.sip import transaction_tables as tables
from sipflow.sip.hop import Hop, Transport
from sipflow.sip.message import Request, Response, parse_message
from sipflow.sip.timers import TimerProfile, Timers
from sipflow.sip.transaction import (
    ClientTransaction,
    InviteClientTransaction,
    InviteServerTransaction,
    ServerTransaction,
    TransactionLayer,
)
from sipflow.sip.transaction_tables import Action, Input, State

PEER = Hop("192.0.2.2", 5060)
CALLER = Hop("192.0.2.1", 5060)
BRANCH = "z9hG4bK-1"
TIMERS = {item for item in Input if item.name.startswith("TIMER_")}

KINDS = {
    tables.INVITE_CLIENT: InviteClientTransaction,
    tables.NON_INVITE_CLIENT: ClientTransaction,
    tables.INVITE_SERVER: InviteServerTransaction,
    tables.NON_INVITE_SERVER: ServerTransaction,
}


def request(method: str = "INVITE", branch: str = BRANCH, host: str = "192.0.2.1", **changes: str) -> bytes:
    fields = {
        "Via": f"SIP/2.0/UDP {host}:5060;branch={branch}",
        "From": "<sip:a@192.0.2.1>;tag=a",
        "To": "<sip:b@192.0.2.2>",
        "Call-ID": "c",
        "CSeq": f"1 {method}",
        "Max-Forwards": "70",
    } | changes
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{method} sip:b@192.0.2.2 SIP/2.0\r\n{lines}\r\n".encode()


def received(*arguments: str, **changes: str) -> Request:
    message = parse_message(request(*arguments, **changes))
    assert isinstance(message, Request)
    return message


def response(code: int, method: str = "INVITE") -> Response:
    data = request(method).partition(b"\r\n")[2].replace(b"192.0.2.2>", b"192.0.2.2>;tag=b")
    message = parse_message(f"SIP/2.0 {code} X\r\n".encode() + data)
    assert isinstance(message, Response)
    return message


class Bench:
    """A layer with a clock, that notes what is sent and what the TU hears."""

    def __init__(self, *, reliable: bool = False, **profile: float) -> None:
        self.now = 0.0
        self.sent: list[tuple[float, bytes, bool]] = []
        self.heard: list[tuple[float, str]] = []
        self.timers = Timers()
        self.profile = TimerProfile(**profile)
        self.transport = Transport.TCP if reliable else Transport.UDP
        self.layer = TransactionLayer(self.timers, self.profile, self._transmit)

    def _transmit(self, data: bytes, destination: Any, call: str | None, retransmission: bool) -> None:
        assert destination[:2] in (PEER[:2], CALLER[:2])
        self.sent.append((self.now, data, retransmission))

    # the TU of both kinds

    def response_received(self, transaction: Any, message: Response, now: float) -> None:
        self.heard.append((now, f"{message.status_code}"))

    def request_failed(self, transaction: Any, code: int, reason: str, now: float) -> None:
        self.heard.append((now, f"failed {code}"))

    def ack_received(self, transaction: Any, message: Request | None, now: float) -> None:
        self.heard.append((now, "confirmed" if message is None else "ACK"))

    def response_failed(self, transaction: Any, code: int, reason: str, now: float) -> None:
        self.heard.append((now, f"failed {code}"))

    def run(self, until: float = 1000.0) -> None:
        while (deadline := self.timers.next_deadline()) is not None and deadline <= until:
            self.now = deadline
            self.timers.fire(deadline)
        self.now = until

    def client(self, method: str = "INVITE") -> ClientTransaction:
        hop = PEER._replace(transport=self.transport)
        return self.layer.send_request(method, BRANCH, request(method), hop, self, None, self.now)

    def server(self, method: str = "INVITE") -> ServerTransaction:
        transaction = self.layer.open_server(received(method), CALLER._replace(transport=self.transport), self.now)
        transaction.user = self
        return transaction

    def sent_at(self, first_word: bytes) -> list[float]:
        return [at for at, data, _ in self.sent if data.startswith(first_word)]


def make(table: tables.Table, bench: Bench) -> Any:
    """A transaction of that table in its first state."""
    method = "INVITE" if table in (tables.INVITE_CLIENT, tables.INVITE_SERVER) else "OPTIONS"
    return bench.client(method) if "client" in table.title else bench.server(method)


def feed(transaction: Any, happening: Input, bench: Bench) -> None:
    """Let an input happen in the way it would."""
    code = {Input.PROVISIONAL: 180, Input.SUCCESS: 200, Input.FAILURE: 486}.get(happening)
    method = "INVITE" if "Invite" in type(transaction).__name__ else "OPTIONS"
    if code is None:
        transaction.fire(happening, "unreachable" if happening is Input.TRANSPORT_ERROR else received("ACK"), bench.now)
    elif isinstance(transaction, ClientTransaction):
        transaction.receive(response(code, method), bench.now)
    else:
        transaction.reply(bench.now, code, None, "<sip:b@192.0.2.2>;tag=b")


def path_to(table: tables.Table, state: State) -> list[Input]:
    """The shortest way from the start to a state; the figures are small enough to search."""
    rows = table.lookup()
    for length in range(5):
        for way in itertools.product(table.inputs(), repeat=length):
            at = rows[State.INITIAL, Input.START][0]
            for happening in way:
                at = rows.get((at, happening), (State.INITIAL, ()))[0]
            if at is state:
                return list(way)
    raise AssertionError(f"{table.title}: {state} cannot be reached")


PAIRS = [
    pytest.param(table, state, happening, id=f"{KINDS[table].__name__}-{state}-{happening}")
    for table in tables.TABLES
    for state in table.states()
    if state is not State.INITIAL
    for happening in Input
    if happening is not Input.START
]


@pytest.mark.parametrize(("table", "state", "happening"), PAIRS)
def test_every_state_takes_every_input_as_its_table_says(table: tables.Table, state: State, happening: Input) -> None:
    bench = Bench()
    transaction = make(table, bench)
    for step in path_to(table, state):
        feed(transaction, step, bench)
    assert transaction.state is state
    heard, sent = len(bench.heard), len(bench.sent)
    if isinstance(transaction, ServerTransaction) and happening in (Input.PROVISIONAL, Input.SUCCESS, Input.FAILURE):
        transaction.data = b"SIP/2.0 as if\r\n\r\n"
        transaction.fire(happening, None, bench.now)
    else:
        feed(transaction, happening, bench)
    following, actions = table.lookup().get((state, happening), (state, ()))
    assert transaction.state is following
    assert len(bench.sent) - sent == sum(_sends(action, table, state) for action in actions)
    assert len(bench.heard) - heard == sum(_is_heard(action, table, state) for action in actions)
    kept = bench.layer.clients if isinstance(transaction, ClientTransaction) else bench.layer.servers
    assert (transaction in kept.values()) == (following is not State.TERMINATED)
    if following is State.TERMINATED:
        assert len(bench.timers) == 0


SENDERS = {
    "SEND_REQUEST",
    "RESEND_REQUEST",
    "SEND_ACK",
    "SEND_RESPONSE",
    "RESEND_RESPONSE",
    "SEND_TRYING",
}


def _sends(action: Action, table: tables.Table, state: State) -> bool:
    """Every sending action sends, but a server that has not answered yet has nothing to repeat."""
    nothing_yet = table is tables.INVITE_SERVER and state is State.PROCEEDING and action is Action.RESEND_RESPONSE
    return action.name in SENDERS and not nothing_yet


def _is_heard(action: Action, table: tables.Table, state: State) -> bool:
    """What reaches the TU, unless it let go of the transaction already (Action.SHRINK)."""
    told = {"PASS_RESPONSE", "PASS_ACK", "INFORM_TIMEOUT", "INFORM_TRANSPORT", "INFORM_CONFIRMED"}
    let_go = state is State.COMPLETED and table is not tables.INVITE_SERVER
    return action.name in told and not let_go


@pytest.mark.parametrize("table", tables.TABLES, ids=lambda table: table.title.partition(" (")[0])
def test_tables_are_whole(table: tables.Table) -> None:
    rows = table.lookup()
    reached = {row[0] for row in rows.values()}
    assert {state for state, _ in rows} - reached == {State.INITIAL}
    actions = {action.name for _, done in rows.values() for action in done}
    started = {name.removeprefix("START_") for name in actions if name.startswith("START_")}
    awaited = {happening.name.removeprefix("TIMER_") for _, happening in rows if happening in TIMERS}
    assert started == awaited, "a timer that starts is a timer that somebody waits for"


# --- exact timers ---


def test_an_invite_is_sent_again_at_doubling_intervals_until_timer_b() -> None:
    bench = Bench()
    bench.client()
    bench.run()
    assert bench.sent_at(b"INVITE") == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert bench.heard == [(32.0, "failed 408")]
    assert len({data for _, data, _ in bench.sent}) == 1
    assert len(bench.layer) == 0


def test_a_provisional_response_stops_the_retransmission_of_an_invite_for_good() -> None:
    bench = Bench()
    transaction = bench.client()
    bench.run(0.6)
    transaction.receive(response(180), bench.now)
    bench.run()
    assert bench.sent_at(b"INVITE") == [0, 0.5]
    assert transaction.state is State.PROCEEDING


def test_another_request_is_sent_again_up_to_t2_and_at_t2_after_a_provisional_response() -> None:
    bench = Bench()
    bench.client("OPTIONS")
    bench.run()
    assert bench.sent_at(b"OPTIONS") == [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert bench.heard == [(32.0, "failed 408")]

    bench = Bench()
    transaction = bench.client("OPTIONS")
    bench.run(0.6)
    transaction.receive(response(100, "OPTIONS"), bench.now)
    bench.run()
    assert bench.sent_at(b"OPTIONS") == [0, 0.5, 1.5, 5.5, 9.5, 13.5, 17.5, 21.5, 25.5, 29.5]
    assert bench.heard == [(0.6, "100"), (32.0, "failed 408")]


def test_a_rejected_invite_is_acknowledged_each_time_until_timer_d() -> None:
    bench = Bench()
    transaction = bench.client()
    for at in (0.0, 0.5, 31.0):
        bench.run(at)
        transaction.receive(response(486), bench.now)
    bench.run()
    acks = [data for _, data, _ in bench.sent if data.startswith(b"ACK")]
    assert len(acks) == 3 and len(set(acks)) == 1
    assert bench.heard == [(0.0, "486")]
    ack = parse_message(acks[0])
    assert (ack.branch, ack.to_tag, ack.headers.get("CSeq")) == (BRANCH, "b", "1 ACK")


def test_timer_d_k_and_m_end_clients() -> None:
    for method, code, end in (("INVITE", 486, 32.0), ("OPTIONS", 200, 5.0), ("INVITE", 200, 32.0)):
        bench = Bench()
        bench.client(method).receive(response(code, method), 0.0)
        bench.run(end - 0.001)
        assert len(bench.layer) == 1
        bench.run(end)
        assert len(bench.layer) == 0


def test_every_2xx_of_an_invite_is_passed_on_until_timer_m() -> None:
    bench = Bench()
    transaction = bench.client()
    for _ in range(3):
        transaction.receive(response(200), 0.0)
    assert bench.heard == [(0.0, "200")] * 3


def test_a_server_repeats_its_rejection_until_the_ack_then_absorbs_acks_for_t4() -> None:
    bench = Bench()
    transaction = bench.server()
    feed(transaction, Input.FAILURE, bench)
    bench.run(4.0)
    transaction.fire(Input.ACK, received("ACK"), bench.now)
    transaction.fire(Input.ACK, received("ACK"), bench.now)
    bench.run(8.999)
    assert len(bench.layer) == 1
    bench.run()
    assert bench.sent_at(b"SIP/2.0 486") == [0, 0.5, 1.5, 3.5]
    assert bench.heard == [(4.0, "confirmed")]
    assert len(bench.layer) == 0


def test_a_server_gives_a_rejection_up_at_timer_h() -> None:
    bench = Bench()
    feed(bench.server(), Input.FAILURE, bench)
    bench.run()
    assert bench.sent_at(b"SIP/2.0 486") == [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert bench.heard == [(32.0, "failed 408")]


def test_timer_l_and_j_end_servers() -> None:
    for method in ("INVITE", "OPTIONS"):
        bench = Bench()
        feed(bench.server(method), Input.SUCCESS, bench)
        bench.run(31.999)
        assert len(bench.layer) == 1
        bench.run()
        assert len(bench.layer) == 0
        assert bench.sent_at(b"SIP/2.0 200") == [0]


@pytest.mark.parametrize(("wait", "times"), [(0.2, [0.2]), (0.0, [0.0]), (0.7, [0.7])])
def test_trying_is_sent_when_the_user_is_slow(wait: float, times: list[float]) -> None:
    bench = Bench(trying=wait)
    transaction = bench.server()
    bench.run(10.0)
    assert bench.sent_at(b"SIP/2.0 100") == times
    transaction.fire(Input.REQUEST, received(), bench.now)
    assert bench.sent[-1][2] and bench.sent[-1][1] == bench.sent[0][1]


def test_a_reliable_transport_has_no_retransmissions_and_no_waiting() -> None:
    for method in ("INVITE", "OPTIONS"):
        bench = Bench(reliable=True)
        bench.client(method)
        bench.run()
        assert len(bench.sent) == 1 and bench.heard == [(32.0, "failed 408")]
    for method, code in (("INVITE", 486), ("OPTIONS", 200)):
        bench = Bench(reliable=True)
        bench.client(method).receive(response(code, method), 0.0)
        assert len(bench.layer) == 0
    bench = Bench(reliable=True)
    rejected = bench.server()
    feed(rejected, Input.FAILURE, bench)
    bench.run(20.0)
    rejected.fire(Input.ACK, received("ACK"), bench.now)
    assert bench.sent_at(b"SIP/2.0 486") == [0] and len(bench.layer) == 0
    feed(bench.server("OPTIONS"), Input.SUCCESS, bench)
    assert len(bench.layer) == 0


def test_two_profiles_live_side_by_side() -> None:
    slow, fast = Bench(), Bench(t1=0.01, t2=0.04, t4=0.05, d=0.64)
    for bench in (slow, fast):
        bench.client("OPTIONS")
        bench.run()
    assert slow.heard == [(32.0, "failed 408")]
    assert fast.heard == [(pytest.approx(0.64), "failed 408")]


# --- matching ---


def test_responses_match_by_branch_and_method() -> None:
    bench = Bench()
    invite = bench.client()
    cancel = bench.client("CANCEL")
    assert bench.layer.find_client(response(180)) is invite
    assert bench.layer.find_client(response(200, "CANCEL")) is cancel
    assert bench.layer.find_client(response(200, "BYE")) is None


def test_requests_match_by_branch_sent_by_and_method() -> None:
    layer = Bench().layer
    invite = layer.open_server(received(), CALLER, 0.0)
    assert layer.find_server(received()) is invite
    assert layer.find_server(received("ACK")) is invite
    assert layer.find_server(received("CANCEL")) is None
    assert layer.find_server(received("CANCEL"), "INVITE") is invite
    assert layer.find_server(received("INVITE", BRANCH, "192.0.2.9")) is None
    assert layer.find_server(received("INVITE", "z9hG4bK-2")) is None


def test_rfc_2543_clients_match_by_what_identified_requests_then() -> None:
    layer = Bench().layer
    invite = layer.open_server(received("INVITE", "1"), CALLER, 0.0)
    assert layer.find_server(received("INVITE", "1")) is invite
    assert layer.find_server(received("ACK", "1", To="<sip:b@192.0.2.2>;tag=ours")) is invite
    assert layer.find_server(received("INVITE", "1", CSeq="2 INVITE")) is None
    assert layer.find_server(received("INVITE", "1", **{"Call-ID": "other"})) is None


def test_a_request_that_came_by_two_paths_is_merged() -> None:
    layer = Bench().layer
    first = layer.open_server(received(), CALLER, 0.0)
    second = layer.open_server(received("INVITE", "z9hG4bK-other"), CALLER, 0.0)
    assert not layer.is_merged(first) and layer.is_merged(second)
    in_dialog = layer.open_server(received("BYE", "z9hG4bK-3", To="<sip:b@192.0.2.2>;tag=b"), CALLER, 0.0)
    assert not layer.is_merged(in_dialog)


def test_a_transport_error_reaches_only_who_sends_there() -> None:
    bench = Bench()
    bench.client("OPTIONS")
    bench.layer.transport_failed(Hop("192.0.2.99", 5060), "unreachable", 0.0)
    assert bench.heard == []
    bench.layer.transport_failed(PEER, "unreachable", 0.0)
    assert bench.heard == [(0.0, "failed 503")]


def test_icmp_counts_for_the_request_that_it_quotes_only() -> None:
    """A router quotes all of a datagram or its beginning; who forges does not know the branch."""
    bench = Bench()
    bench.client("OPTIONS")
    for at, quoted in (
        (Hop("192.0.2.99", 5060), request("OPTIONS")),
        (Hop(PEER.host, 5061), request("OPTIONS")),
        (PEER, request("OPTIONS", "z9hG4bK-guessed")),
        (PEER, b"BYE"),
    ):
        bench.layer.datagram_refused(at, quoted, "nothing listens there", 0.0)
    assert bench.heard == []
    bench.layer.datagram_refused(PEER, request("OPTIONS")[:90], "nothing listens there", 0.0)
    assert bench.heard == [(0.0, "failed 503")]


def test_icmp_without_a_quotation_counts_for_all_requests_to_that_place() -> None:
    bench = Bench()
    bench.client("OPTIONS")
    bench.client("MESSAGE")
    bench.server("INVITE")
    bench.layer.datagram_refused(PEER, b"", "nothing listens there", 0.0)
    assert bench.heard == [(0.0, "failed 503")] * 2


def test_icmp_ends_no_invite_that_was_heard_of_and_nothing_that_goes_by_tcp() -> None:
    bench = Bench()
    bench.client().receive(response(180), 0.0)
    bench.layer.datagram_refused(PEER, request(), "nothing listens there", 0.0)
    assert bench.heard == [(0.0, "180")]
    connected = Bench(reliable=True)
    connected.client()
    connected.layer.datagram_refused(PEER, request(), "nothing listens there", 0.0)
    assert connected.heard == []


def test_icmp_about_a_response_ends_nothing() -> None:
    bench = Bench()
    server = bench.server()
    server.reply(0.0, 486, None, "<sip:b@192.0.2.2>;tag=b")
    bench.layer.datagram_refused(CALLER, server.data, "nothing listens there", 0.0)
    assert bench.heard == [] and server.state is State.COMPLETED


# --- the heap of timers ---


def test_timers_fire_in_order_and_cancelled_ones_not_at_all() -> None:
    timers, fired = Timers(), []
    handles = [timers.start(at, lambda argument, now: fired.append((argument, now)), at) for at in (3.0, 1.0, 2.0, 2.0)]
    timers.cancel(handles[2])
    timers.cancel(handles[2])
    assert (len(timers), timers.next_deadline()) == (3, 1.0)
    timers.fire(2.5)
    assert fired == [(1.0, 2.5), (2.0, 2.5)]
    assert timers.next_deadline() == 3.0
    timers.cancel(handles[0])
    assert timers.next_deadline() is None and len(timers) == 0


def test_a_callback_may_start_and_cancel_timers() -> None:
    timers, fired = Timers(), []
    victim = timers.start(2.0, lambda argument, now: fired.append("victim"))

    def act(argument: object, now: float) -> None:
        timers.cancel(victim)
        timers.start(now, lambda *_: fired.append("at once"))

    timers.start(1.0, act)
    timers.fire(5.0)
    assert fired == ["at once"] and len(timers) == 0


def test_thousands_of_cancelled_timers_do_not_pile_up() -> None:
    timers = Timers()
    alive = timers.start(50.0, lambda *_: None)
    for number in range(10_000):
        timers.cancel(timers.start(100.0 + number, lambda *_: None))
    assert len(timers) == 1 and len(timers._heap) < 2000
    assert timers.next_deadline() == 50.0
    timers.cancel(alive)
    timers.cancel(None)
