"""Random scenarios over a network that loses, delays, doubles and reorders: every dialog ends, and nothing is left."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sipflow.plan.network import parse_network
from tests.sim.generator import scenario
from tests.sim.harness import run_simulated

ALL = 300
FEW = 100
COUNT = ALL if os.environ.get("SIPFLOW_SLOW") else FEW
NETWORK = parse_network("loss 10% delay 20ms jitter 30ms reorder 10%")
TWICE_EVERY = 4
"""How often one is run again for its log when not all are."""


@pytest.mark.parametrize("number", range(COUNT))
def test_all_ends_and_nothing_is_left(number: int, tmp_path: Path) -> None:
    text = scenario(number)
    first = run_simulated(text, NETWORK, number + 1, tmp_path)
    failures = [(failed.lane, failed.line, failed.got) for lane in first.report.lanes for failed in lane.failures]
    assert first.report.passed, (failures, text)
    assert first.left == {}
    ended = first.log.count('"event": "CallReleased"')
    assert ended == first.log.count('"event": "CallPlaced"') + first.log.count('"event": "CallIncoming"')
    if COUNT == ALL or number % TWICE_EVERY == 0:
        assert run_simulated(text, NETWORK, number + 1, tmp_path).log == first.log


def test_the_network_does_what_it_says(tmp_path: Path) -> None:
    """Else the tests above would show nothing."""
    log = run_simulated(scenario(0), NETWORK, 1, tmp_path).log
    assert log.count('"event": "SipSent"') > 1.05 * log.count('"event": "SipReceived"')
    assert '"retransmission": true' in log


def test_what_is_left_would_be_seen(tmp_path: Path) -> None:
    """Right after the last statement transactions still wait for what may come late."""
    left = run_simulated(scenario(0), NETWORK, 1, tmp_path, patience_s=0.0).left
    assert any(what.startswith("transactions of") for what in left)
    assert any(what.startswith("timers of") for what in left)
