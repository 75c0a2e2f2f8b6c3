"""`sipflow doctor` against the real machine, and against the same machine with something taken away."""

from __future__ import annotations

import json
import os
import resource
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from sipflow.doctor import DEFAULT_FIRST_PORT, LOOPBACK, PROBES, Mark

ONE_PROBE = """
import json, sys
from dataclasses import asdict
from sipflow.doctor import PROBES
print(json.dumps(asdict(PROBES[sys.argv[1]]())))
"""


def probe_elsewhere(topic: str, prepare: Callable[[], None], *prefix: str) -> dict[str, Any]:
    """The finding of one probe in a process of its own, which `prepare` robs of something first."""
    command = [*prefix, sys.executable, "-c", ONE_PROBE, topic]
    done = subprocess.run(command, capture_output=True, text=True, check=True, preexec_fn=prepare)
    return dict(json.loads(done.stdout))


def doctor(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "sipflow", "doctor", *options], capture_output=True, text=True)


@pytest.mark.wire
def test_every_topic_is_answered_and_every_complaint_names_what_to_do() -> None:
    done = doctor("--json")
    findings = json.loads(done.stdout)["findings"]
    assert done.returncode == 0, done.stderr
    assert [finding["topic"] for finding in findings] == list(PROBES)
    assert [finding for finding in findings if finding["mark"] != "ok" and not finding["fix"]] == []


@pytest.mark.wire
def test_without_a_terminal_the_lines_are_plain() -> None:
    done = doctor()
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert [line.split()[0] in ("ok", "warn") for line in done.stdout.splitlines() if "  native  " in line] == [True]


def test_a_low_descriptor_limit_is_told_with_the_command_that_raises_it() -> None:
    def lower() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (264, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))

    finding = probe_elsewhere("descriptors", lower)
    assert finding["mark"] == Mark.WARN
    assert "about 100 call legs" in finding["fact"]
    assert "ulimit -n" in finding["fix"] or "nofile" in finding["fix"]


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_RTPRIO"), reason="this system does not limit real-time priority")
def test_missing_real_time_priority_is_told_with_the_line_that_grants_it() -> None:
    prefix: tuple[str, ...] = ()
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("setpriv is missing (Debian: util-linux): root cannot be robbed of its priority")
        prefix = ("setpriv", "--bounding-set=-sys_nice", "--inh-caps=-sys_nice")

    def forbid() -> None:
        resource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0))

    finding = probe_elsewhere("priority", forbid, *prefix)
    assert finding["mark"] == Mark.WARN
    assert "rtprio 20" in finding["fix"]
    assert "setcap cap_sys_nice" in finding["fix"]


@pytest.mark.wire
@pytest.mark.timed  # a neighbour takes and leaves ports
def test_a_port_that_somebody_holds_is_counted() -> None:
    before = PROBES["ports"]().values["free_pairs"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as held:
        held.bind((LOOPBACK, DEFAULT_FIRST_PORT + 9))
        assert PROBES["ports"]().values["free_pairs"] == int(str(before)) - 1


def test_without_the_media_engine_nothing_can_run() -> None:
    """The module is there in every environment that runs tests, so the import is barred."""
    script = "import sys; sys.modules['sipflow.native._native'] = None; from sipflow.cli.main import main; main()"
    done = subprocess.run([sys.executable, "-c", script, "doctor"], capture_output=True, text=True)
    assert done.returncode == 3
    assert "FAIL  native" in done.stdout
    assert "make native" in done.stdout
