"""The four transaction machines against grids written down from RFC 3261 section 17 and RFC 6026, not from our tables.

A grid has a cell for every state and every input, over UDP and over transports that repeat by themselves. The timers
have a table of their own with the second at which each of them does what.
"""

from __future__ import annotations

from typing import Any

import pytest

from sipflow.sip import transaction_tables as tables
from sipflow.sip.transaction import ServerTransaction
from sipflow.sip.transaction_tables import Input, State
from tests.sip.test_transaction import Bench, feed, make, received, response

INPUTS = [happening for happening in Input if happening is not Input.START]
"""Columns of the grids, in the order of the header line."""

HEADER = "request ACK 1xx 2xx 3-6xx error 200ms A B D E F G H I J K L M"

LETTERS = {
    "C": State.CALLING,
    "T": State.TRYING,
    "P": State.PROCEEDING,
    "A": State.ACCEPTED,
    "D": State.COMPLETED,
    "F": State.CONFIRMED,
    "X": State.TERMINATED,
}
# A cell: the next state's letter, `!` when a message is sent, `^` when the TU is told; `.` when nothing happens at all.

GRIDS = {
    # request ACK 1xx 2xx 3-6xx error 200ms A B D E F G H I J K L M
    tables.INVITE_CLIENT: """
        C  .  .  P^ A^ D!^ X^ .  C! X^ .  .  .  .  .  .  .  .  .  .
        P  .  .  P^ A^ D!^ .  .  .  .  .  .  .  .  .  .  .  .  .  .
        A  .  .  .  A^ .   .  .  .  .  .  .  .  .  .  .  .  .  .  X
        D  .  .  .  .  D!  X  .  .  .  X  .  .  .  .  .  .  .  .  .
        X  .  .  .  .  .   .  .  .  .  .  .  .  .  .  .  .  .  .  .
    """,
    tables.NON_INVITE_CLIENT: """
        T  .  .  P^ D^ D^  X^ .  .  .  .  T! X^ .  .  .  .  .  .  .
        P  .  .  P^ D^ D^  X^ .  .  .  .  P! X^ .  .  .  .  .  .  .
        D  .  .  .  .  .   .  .  .  .  .  .  .  .  .  .  .  X  .  .
        X  .  .  .  .  .   .  .  .  .  .  .  .  .  .  .  .  .  .  .
    """,
    tables.INVITE_SERVER: """
        P  .  .  P! A! D!  P^ P! .  .  .  .  .  .  .  .  .  .  .  .
        A  .  A^ .  A! .   A^ .  .  .  .  .  .  .  .  .  .  .  X  .
        D  D! F^ .  .  .   D^ .  .  .  .  .  .  D! X^ .  .  .  .  .
        F  .  .  .  .  .   .  .  .  .  .  .  .  .  .  X  .  .  .  .
        X  .  .  .  .  .   .  .  .  .  .  .  .  .  .  .  .  .  .  .
    """,
    tables.NON_INVITE_SERVER: """
        T  .  .  P! D! D!  .  .  .  .  .  .  .  .  .  .  .  .  .  .
        P  P! .  P! D! D!  X^ .  .  .  .  .  .  .  .  .  .  .  .  .
        D  D! .  .  .  .   X  .  .  .  .  .  .  .  .  .  X  .  .  .
        X  .  .  .  .  .   .  .  .  .  .  .  .  .  .  .  .  .  .  .
    """,
}

RELIABLE_GRIDS = {
    # Timers D, I, J and K take no time: a client's Completed, Confirmed, and a server's Completed without ACK are over
    # at once, so no row begins there.
    tables.INVITE_CLIENT: """
        C  .  .  P^ A^ X!^ X^ .  C! X^ .  .  .  .  .  .  .  .  .  .
        P  .  .  P^ A^ X!^ .  .  .  .  .  .  .  .  .  .  .  .  .  .
        A  .  .  .  A^ .   .  .  .  .  .  .  .  .  .  .  .  .  .  X
        X  .  .  .  .  .   .  .  .  .  .  .  .  .  .  .  .  .  .  .
    """,
    tables.NON_INVITE_CLIENT: """
        T  .  .  P^ X^ X^  X^ .  .  .  .  T! X^ .  .  .  .  .  .  .
        P  .  .  P^ X^ X^  X^ .  .  .  .  P! X^ .  .  .  .  .  .  .
        X  .  .  .  .  .   .  .  .  .  .  .  .  .  .  .  .  .  .  .
    """,
    tables.INVITE_SERVER: """
        P  .  .  P! A! D!  P^ P! .  .  .  .  .  .  .  .  .  .  .  .
        A  .  A^ .  A! .   A^ .  .  .  .  .  .  .  .  .  .  .  X  .
        D  D! X^ .  .  .   D^ .  .  .  .  .  .  D! X^ .  .  .  .  .
        X  .  .  .  .  .   .  .  .  .  .  .  .  .  .  .  .  .  .  .
    """,
    tables.NON_INVITE_SERVER: """
        T  .  .  P! X! X!  .  .  .  .  .  .  .  .  .  .  .  .  .  .
        P  P! .  P! X! X!  X^ .  .  .  .  .  .  .  .  .  .  .  .  .
        X  .  .  .  .  .   .  .  .  .  .  .  .  .  .  .  .  .  .  .
    """,
}

Cells = dict[tuple[State, Input], str]


def cells(grid: str) -> Cells:
    """A grid by state and input."""
    lines = [line.split() for line in grid.strip().splitlines()]
    return {
        (LETTERS[row[0]], happening): cell for row in lines for happening, cell in zip(INPUTS, row[1:], strict=True)
    }


WAYS = {
    (tables.INVITE_CLIENT, State.CALLING): [],
    (tables.INVITE_CLIENT, State.PROCEEDING): [Input.PROVISIONAL],
    (tables.INVITE_CLIENT, State.ACCEPTED): [Input.SUCCESS],
    (tables.INVITE_CLIENT, State.COMPLETED): [Input.FAILURE],
    (tables.INVITE_CLIENT, State.TERMINATED): [Input.TIMER_B],
    (tables.NON_INVITE_CLIENT, State.TRYING): [],
    (tables.NON_INVITE_CLIENT, State.PROCEEDING): [Input.PROVISIONAL],
    (tables.NON_INVITE_CLIENT, State.COMPLETED): [Input.SUCCESS],
    (tables.NON_INVITE_CLIENT, State.TERMINATED): [Input.TIMER_F],
    (tables.INVITE_SERVER, State.PROCEEDING): [],
    (tables.INVITE_SERVER, State.ACCEPTED): [Input.SUCCESS],
    (tables.INVITE_SERVER, State.COMPLETED): [Input.FAILURE],
    (tables.INVITE_SERVER, State.CONFIRMED): [Input.FAILURE, Input.ACK],
    (tables.INVITE_SERVER, State.TERMINATED): [Input.SUCCESS, Input.TIMER_L],
    (tables.NON_INVITE_SERVER, State.TRYING): [],
    (tables.NON_INVITE_SERVER, State.PROCEEDING): [Input.PROVISIONAL],
    (tables.NON_INVITE_SERVER, State.COMPLETED): [Input.SUCCESS],
    (tables.NON_INVITE_SERVER, State.TERMINATED): [Input.PROVISIONAL, Input.TRANSPORT_ERROR],
}
"""How a transaction comes into a state."""


def test_the_columns_are_all_inputs() -> None:
    assert len(HEADER.split()) == len(INPUTS)
    assert [happening.value.removeprefix("Timer ") for happening in INPUTS[7:]] == HEADER.split()[7:]


@pytest.mark.parametrize("table", tables.TABLES, ids=lambda table: table.title.partition(" (")[0])
def test_the_grids_have_a_cell_for_every_state_and_every_input(table: tables.Table) -> None:
    states = {state for state in table.states() if state is not State.INITIAL}
    assert set(cells(GRIDS[table])) == {(state, happening) for state in states for happening in INPUTS}
    resting = {following for following, _ in _outcomes(RELIABLE_GRIDS[table])} | {LETTERS[_first(table)]}
    assert set(cells(RELIABLE_GRIDS[table])) == {(state, happening) for state in resting for happening in INPUTS}


def _first(table: tables.Table) -> str:
    return GRIDS[table].split()[0]


def _outcomes(grid: str) -> list[tuple[State, str]]:
    return [(LETTERS[cell[0]], cell) for cell in cells(grid).values() if cell != "."]


PAIRS = [
    pytest.param(table, state, happening, cell, reliable, id=f"{kind}-{table.title.split(' (')[0]}-{state}-{happening}")
    for kind, reliable, grids in (("udp", False, GRIDS), ("reliable", True, RELIABLE_GRIDS))
    for table, grid in grids.items()
    for (state, happening), cell in cells(grid).items()
]


@pytest.mark.parametrize(("table", "state", "happening", "cell", "reliable"), PAIRS)
def test_a_state_takes_an_input(table: tables.Table, state: State, happening: Input, cell: str, reliable: bool) -> None:
    bench = Bench(reliable=reliable)
    transaction = make(table, bench)
    for step in WAYS[table, state]:
        feed(transaction, step, bench)
    assert transaction.state is state
    sent, heard, pending = len(bench.sent), len(bench.heard), bench.timers.next_deadline()
    _happen(transaction, happening, bench)
    expected = state if cell == "." else LETTERS[cell[0]]
    assert transaction.state is expected
    assert (len(bench.sent) > sent, len(bench.heard) > heard) == ("!" in cell, "^" in cell)
    assert len(bench.sent) - sent <= 1 and len(bench.heard) - heard <= 1
    if cell == ".":
        assert bench.timers.next_deadline() == pending, "what is ignored moves no timer"
    if expected is State.TERMINATED:
        assert (len(bench.layer), len(bench.timers)) == (0, 0)


def _happen(transaction: Any, happening: Input, bench: Bench) -> None:
    """As `feed`, but a server whose request is forgotten has nothing to make a response of: it gets the bare input."""
    final = (Input.PROVISIONAL, Input.SUCCESS, Input.FAILURE)
    if isinstance(transaction, ServerTransaction) and happening in final and transaction.request is None:
        transaction.fire(happening, None, bench.now)
    else:
        feed(transaction, happening, bench)


# --- the timers, to the millisecond ---


def _request_repeated(method: str, *codes: int) -> Any:
    def run(bench: Bench) -> list[float]:
        transaction = bench.client(method)
        for code in codes:
            transaction.receive(response(code, method), bench.now)
        bench.run(1000.0)
        return bench.sent_at(method.encode())

    return run


def _client_over(method: str, *codes: int) -> Any:
    def run(bench: Bench) -> list[float]:
        transaction = bench.client(method)
        for code in codes:
            transaction.receive(response(code, method), bench.now)
        return [_end(bench)]

    return run


def _server_over(method: str, *inputs: Input) -> Any:
    def run(bench: Bench) -> list[float]:
        transaction = bench.server(method)
        for happening in inputs:
            feed(transaction, happening, bench)
        return [_end(bench)]

    return run


def _response_repeated(bench: Bench) -> list[float]:
    feed(bench.server(), Input.FAILURE, bench)
    bench.run(1000.0)
    return bench.sent_at(b"SIP/2.0 486")


def _trying(bench: Bench) -> list[float]:
    bench.server()
    bench.run(1000.0)
    return bench.sent_at(b"SIP/2.0 100")


def _end(bench: Bench) -> float:
    """When the transaction is forgotten."""
    while len(bench.layer):
        deadline = bench.timers.next_deadline()
        assert deadline is not None, "a transaction that rests has a timer"
        bench.now = deadline
        bench.timers.fire(deadline)
    return bench.now


DEADLINES = {
    "200 ms": (_trying, [0.2], [0.2]),
    "A": (_request_repeated("INVITE"), [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5], [0]),
    "A stops": (_request_repeated("INVITE", 180), [0], [0]),
    "B": (_client_over("INVITE"), [32.0], [32.0]),
    "D": (_client_over("INVITE", 486), [32.0], [0]),
    "E": (_request_repeated("OPTIONS"), [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5], [0]),
    "E at T2": (_request_repeated("OPTIONS", 100), [0, 0.5, 4.5, 8.5, 12.5, 16.5, 20.5, 24.5, 28.5], [0]),
    "F": (_client_over("OPTIONS"), [32.0], [32.0]),
    "F in Proceeding": (_client_over("OPTIONS", 100), [32.0], [32.0]),
    "G": (_response_repeated, [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5], [0]),
    "H": (_server_over("INVITE", Input.FAILURE), [32.0], [32.0]),
    "I": (_server_over("INVITE", Input.FAILURE, Input.ACK), [5.0], [0]),
    "J": (_server_over("OPTIONS", Input.SUCCESS), [32.0], [0]),
    "K": (_client_over("OPTIONS", 200), [5.0], [0]),
    "L": (_server_over("INVITE", Input.SUCCESS), [32.0], [32.0]),
    "M": (_client_over("INVITE", 200), [32.0], [32.0]),
}
"""By timer: what happens, at which seconds over UDP, at which over reliable transports."""


@pytest.mark.parametrize(("name", "reliable"), [(name, flag) for name in DEADLINES for flag in (False, True)])
def test_a_timer_does_its_work_to_the_millisecond(name: str, reliable: bool) -> None:
    run, over_udp, over_reliable = DEADLINES[name]
    assert run(Bench(reliable=reliable)) == (over_reliable if reliable else over_udp)


def test_every_timer_has_its_deadlines() -> None:
    timers = {happening.value.removeprefix("Timer ") for happening in Input if happening.name.startswith("TIMER_")}
    assert timers == {name.partition(" stops")[0].partition(" at ")[0].partition(" in ")[0] for name in DEADLINES} - {
        "200 ms"
    } | {"200 ms passed"}


def test_the_numbers_follow_from_the_profile() -> None:
    """Twice T1 gives twice the time: nothing is written into the machines."""
    bench = Bench(t1=1.0, t2=8.0, t4=10.0, d=64.0)
    assert DEADLINES["A"][0](bench) == [0, 1.0, 3.0, 7.0, 15.0, 31.0, 63.0]
    for name, end in (("B", 64.0), ("D", 64.0), ("F", 64.0), ("I", 10.0), ("J", 64.0), ("K", 10.0), ("M", 64.0)):
        assert DEADLINES[name][0](Bench(t1=1.0, t2=8.0, t4=10.0, d=64.0)) == [end]


def test_an_ack_is_no_input_of_a_client() -> None:
    bench = Bench()
    transaction = bench.client()
    transaction.fire(Input.ACK, received("ACK"), 0.0)
    assert transaction.state is State.CALLING and len(bench.sent) == 1
