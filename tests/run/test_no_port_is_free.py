"""A range of ports that is used up is the machine's fault, whoever needs a port."""

from __future__ import annotations

from pathlib import Path

import sipflow


def test_a_caller_without_a_port_says_so_and_blames_the_machine(tmp_path: Path) -> None:
    text = """
    agent alice { media { ports 23000-23001 } }
    on alice: call bob as first; call bob as second
    on bob: answer; expect hangup within 20s
    """
    report = sipflow.run(text, out=tmp_path, sim=True, seed=1)
    (failure,) = report.failures
    assert (failure.code, failure.statement) == ("SF506", "call bob as second")
    assert failure.got.startswith("open RTP ports 23000-23001 on 127.0.0.1: every port pair of the range is taken")
    assert report.exit_code == 3
