"""What a plan needs, and what a machine lacks for it: before the first packet."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sipflow.lang import compile_text
from sipflow.lang.codes import CODES
from sipflow.lang.codes.example_files import ExampleFiles
from sipflow.load.plan import LoadOverrides, LoadPlan, make_load_plan
from sipflow.load.preflight import Machine, Need, check, need_of
from sipflow.plan.plan import Plan, make_plan
from sipflow.tables import Rows

LARGE = Machine(
    64, 1 << 30, 1 << 42, lambda host: 100e6 if host.startswith("10.") else None, lambda host: host != "192.0.2.77"
)


def planned(text: str, **overrides: object) -> tuple[Plan, LoadPlan]:
    graph = compile_text(text, "example.sflow", files=ExampleFiles()).graph
    assert graph is not None
    plan = make_plan(graph, rows={"users": {"number": "1001", "name": "Ann"}})
    return plan, make_load_plan(plan, LoadOverrides(**overrides))  # type: ignore[arg-type]


def need(text: str, **overrides: object) -> Need:
    return need_of(*planned(text, **overrides), lambda path: 4000.0)


BOTH = "on a: call b; wait 30s; release\non b: answer; expect hangup within 60s\n"


def test_the_calls_at_the_same_time_are_the_peak_rate_times_what_a_call_waits() -> None:
    wanted = need(BOTH + "load { ramp 1/s to 10/s over 10s }")
    assert (wanted.calls, wanted.estimated, wanted.legs) == (301, True, {"a": 301, "b": 301})
    assert wanted.packets_per_s == 2 * 301 * 100


def test_a_limit_of_calls_or_of_concurrency_is_no_estimate() -> None:
    assert need(BOTH + "load { hold 10/s for 1h; concurrency at most 50 }").calls == 50
    assert need(BOTH + "load { hold 10/s for 1h; concurrency at most 50 }").estimated is False
    assert need(BOTH, calls=7).calls == 7


def test_what_is_played_counts_and_a_second_call_is_a_second_leg() -> None:
    text = 'on a: call b as c1; call b as c2; play "media/menu.wav" on c1; release c1; release c2\n'
    wanted = need(text + "on b: answer; expect hangup\non b: answer; expect hangup\nload { hold 10/s for 1m }")
    assert wanted.calls == 41
    assert wanted.legs == {"a": 82, "b": 82}


SMALL = {
    "SF605": replace(LARGE, descriptors=20_000),
    "SF606": replace(LARGE, available_bytes=1 << 33),
    "SF607": replace(LARGE, cores=2),
}


@pytest.mark.parametrize("code", [code for code in CODES if code.startswith("SF6")])
def test_every_code_is_found_in_its_example_and_not_in_what_is_to_be_written_instead(code: str) -> None:
    machine = SMALL.get(code, LARGE)
    for text, found in ((CODES[code].example, True), (CODES[code].instead, False)):
        plan, load = planned(text)
        tables = [(table.name, table.order, Rows(("number",), (("1",),) * 3)) for table in plan.graph.tables]
        wanted = need_of(plan, load, tables=tables)
        codes = {one.code for one in check(plan, load, 2 if code == "SF601" else 1, machine, wanted)}
        assert (code in codes) is found, text


def test_errors_come_before_what_only_may_go_wrong() -> None:
    plan, load = planned(BOTH + "load { hold 5000/s for 1m }")
    found = check(plan, load, 1, replace(LARGE, cores=1), need_of(plan, load))
    assert [one.error for one in found] == sorted((one.error for one in found), reverse=True)
    assert {one.code for one in found} == {"SF604", "SF607"}
