"""Load runs against SIPp, in both roles: every call of ours is one of SIPp's."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest

from sipflow.load.links import ProcessLink
from sipflow.load.plan import LoadOverrides
from sipflow.load.result import LoadResult
from sipflow.load.run import LoadRun, Status
from sipflow.loading import LoadOptions, arun_load, prepare
from tests.interop.proof import Proved
from tests.interop.test_sipp import SIPP, needs_sipp, sipp_uas
from tests.ports import free_port

pytestmark = [pytest.mark.interop, pytest.mark.wire, pytest.mark.timed]


@needs_sipp
def test_sipps_uas_answers_every_call_of_a_load_run(tmp_path: Path, proved: Proved) -> None:
    port, file = free_port(), tmp_path / "calls.sflow"
    file.write_text(f'agent peer = "sip:service@127.0.0.1:{port}"\non caller: call peer; wait 100ms; release\n')
    options = LoadOptions(LoadOverrides(rate=40.0, calls=40), out=tmp_path / "out", workers=2)
    with sipp_uas(port, tmp_path):
        result = asyncio.run(arun_load(file, options))
    total = result.total
    assert total.named("cause/") == {}
    assert (total.get("ended"), total.get("sip/answered"), result.lost) == (40, 40, 0)
    assert total.histograms["sip.release_time"].count == 40
    proved("SIPp", "uas answers all 40 calls of a load run at 40/s")


@needs_sipp
def test_a_file_that_only_answers_takes_every_call_of_sipps_uac(tmp_path: Path, proved: Proved) -> None:
    """Each incoming call begins a scenario; the run is over when it has had all of them."""
    assert SIPP is not None
    port, file = free_port(), tmp_path / "desk.sflow"
    file.write_text(f'agent desk {{ listen udp "127.0.0.1:{port}" }}\non desk: ring; answer; expect hangup\n')
    prepared = prepare(file, LoadOptions(LoadOverrides(calls=30), out=tmp_path / "out"))
    callers: list[subprocess.Popen[bytes]] = []

    def call(status: Status) -> None:
        if not callers and status.elapsed_s >= 0:
            command = [SIPP or "", "-sn", "uac", f"127.0.0.1:{port}", "-i", "127.0.0.1", "-p", str(free_port())]
            command += ["-r", "30", "-m", "30", "-d", "100", "-nostdin", "-timeout", "60s"]
            callers.append(
                subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            )

    async def work() -> LoadResult:
        return await LoadRun(prepared, [ProcessLink(0)], on_tick=call).run()

    result = asyncio.run(work())
    assert callers[0].wait(60) == 0
    total = result.total
    assert (total.get("started"), total.get("ended"), total.get("failed")) == (30, 30, 0)
    assert total.get("sip/received") == 30
    proved("SIPp", "all 30 calls of uac at 30/s are answered by a load run")
