"""The verdict on the generator: what is its own fault, and what is the peer's."""

from __future__ import annotations

import pytest

from sipflow.load.health import Evidence, Standing, judge
from sipflow.load.histogram import Histogram
from sipflow.load.machine import MachineUse
from sipflow.load.metrics import Metrics


def of(value: float, count: int = 1000) -> Histogram:
    histogram = Histogram()
    for _ in range(count):
        histogram.add(value)
    return histogram


def metrics(*, late: float = 1.0, lag: float = 1.0, counts: dict[str, int] | None = None) -> Metrics:
    return Metrics(
        {"started": 1000, **(counts or {})}, {"generator.start_lateness": of(late), "generator.loop_lag": of(lag)}
    )


def test_a_generator_that_keeps_its_plan_is_valid() -> None:
    assert judge(Evidence(metrics())).standing is Standing.VALID


def test_a_peer_that_is_slow_or_drops_calls_leaves_the_generator_valid() -> None:
    slow = metrics(counts={"failed": 900, "sip/retransmissions_sent": 5000, "code/408": 900, "not_started": 300})
    slow.histograms["sip.setup_time"] = of(4000)
    verdict = judge(Evidence(slow))
    assert verdict.standing is Standing.VALID
    assert any("not their fault" in symptom.text for symptom in verdict.symptoms)


@pytest.mark.parametrize(
    ("evidence", "standing", "cause"),
    [
        (Evidence(metrics(late=50)), Standing.DEGRADED, "start lateness"),
        (Evidence(metrics(late=150)), Standing.INVALID, "start lateness"),
        (Evidence(metrics(lag=30)), Standing.DEGRADED, "event loop lag"),
        (Evidence(metrics(lag=300)), Standing.INVALID, "event loop lag"),
        (Evidence(metrics(), lateness=of(5.0), floor=of(1.0)), Standing.DEGRADED, "media lateness"),
        (Evidence(metrics(), lateness=of(20.0), floor=of(1.0)), Standing.INVALID, "media lateness"),
        (Evidence(metrics(counts={"generator/drops": 1})), Standing.DEGRADED, "socket drops"),
        (Evidence(metrics(counts={"generator/drops": 20})), Standing.INVALID, "socket drops"),
        (Evidence(metrics(counts={"media/socket_drops": 3})), Standing.INVALID, "socket drops"),
        (
            Evidence(metrics(counts={"media/socket_drops": 3, "media/received": 50_000})),
            Standing.DEGRADED,
            "socket drops",
        ),
        (Evidence(metrics(counts={"generator/send_errors": 1})), Standing.DEGRADED, "send errors"),
        (Evidence(metrics(), machine=MachineUse(steal=0.1)), Standing.DEGRADED, "CPU steal"),
        (Evidence(metrics(), machine=MachineUse(steal=0.4)), Standing.INVALID, "CPU steal"),
        (
            Evidence(metrics(), machine=MachineUse(least_available_bytes=1 << 20), memory_bytes=1 << 30),
            Standing.INVALID,
            "memory",
        ),
        (Evidence(metrics(), workers_lost=("worker 1: killed",)), Standing.INVALID, "workers"),
    ],
)
def test_what_the_generator_did_wrong_is_named(evidence: Evidence, standing: Standing, cause: str) -> None:
    verdict = judge(evidence)
    assert verdict.standing is standing
    assert verdict.causes[0].name == cause


def test_what_other_programs_of_the_machine_lose_is_told_and_not_laid_to_the_generator() -> None:
    verdict = judge(Evidence(metrics(), machine=MachineUse(udp_receive_drops=3)))
    assert verdict.standing is Standing.VALID
    assert any("3 datagrams of all programs" in symptom.text for symptom in verdict.symptoms)


def test_a_machine_that_is_no_better_by_itself_excuses_late_packets() -> None:
    assert judge(Evidence(metrics(), lateness=of(20.0), floor=of(19.0))).standing is Standing.VALID


def test_messages_sent_again_count_when_the_loop_stood_still_for_as_long() -> None:
    held_up = metrics(counts={"sip/retransmissions_sent": 20})
    held_up.histograms["generator.loop_lag"].add(600)
    names = [symptom.name for symptom in judge(Evidence(held_up)).causes]
    assert "own retransmissions" in names
