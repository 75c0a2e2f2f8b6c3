"""Our RTCP as tshark reads it: VoIP metrics (RFC 3611) and packets of reduced size (RFC 5506) with the same values."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.interop.peers import needs, where_is
from tests.interop.proof import Proved
from tests.interop.test_tshark import PORT, write_capture
from tests.media.stepped import Pair

pytestmark = [pytest.mark.interop, needs("tshark", "tshark")]


def dissected(capture: Path) -> list[dict[str, Any]]:
    """The layers of each packet, every field by its name with all of its values."""
    command = [where_is("tshark"), "-r", str(capture), "-d", f"udp.port=={PORT},rtcp", "-T", "ek", "-x"]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    found = [packet["layers"] for line in told.splitlines() if "layers" in (packet := json.loads(line))]
    for layers in found:  # RTCP is a layer for each packet of the compound
        layers["rtcp"] = {name: value for part in layers["rtcp"] for name, value in part.items()}
    return found


def talk(**params: Any) -> tuple[Pair, list[tuple[int, bytes]]]:
    """A call of half a minute of which a tenth is lost in bursts, and the RTCP of who heard it."""
    call = Pair()
    for leg in (call.a, call.b):
        leg.start(**params)
    call.a.impair(loss_per_million=100_000, burst_thousandths=4000)
    sent = []
    for _ in range(1500):
        call.run(1)
        if report := call.b.rtcp(call.now_ns):
            sent.append((call.now_ns, report))
            assert call.a.receive_rtcp(report, call.now_ns) == 0
    sent.append((call.now_ns, call.b.rtcp(call.now_ns, bye=True)))
    assert call.a.receive_rtcp(sent[-1][1], call.now_ns) == 0
    return call, sent


@pytest.mark.parametrize("reduced", [0, 1])
def test_tshark_reads_what_was_measured(tmp_path: Path, reduced: int, proved: Proved) -> None:
    call, sent = talk(rtcp_xr=1, rtcp_reduced=reduced)
    assert len(sent) > 4
    write_capture(tmp_path / "rtcp.pcap", sent)
    packets = dissected(tmp_path / "rtcp.pcap")
    assert len(packets) == len(sent)
    assert "malformed" not in json.dumps(packets).lower()
    assert "expert" not in json.dumps(packets).lower(), packets
    last: dict[str, Any] = packets[-1]["rtcp"]
    voip: Any = call.a.statistics().remote.voip
    shown = {
        "rtcp_rtcp_xr_voipmetrics_burstdensity": voip.burst_density,
        "rtcp_rtcp_xr_voipmetrics_burstduration": voip.burst_ms,
        "rtcp_rtcp_xr_voipmetrics_gapduration": voip.gap_ms,
        "rtcp_rtcp_xr_voipmetrics_esdelay": voip.end_system_ms,
        "rtcp_rtcp_xr_voipmetrics_gmin": 16,
        "rtcp_rtcp_xr_voipmetrics_jbnominal": voip.buffer_nominal_ms,
    }
    found = {name: number(last[name]) for name in shown}
    assert found == shown, last
    whole = ["rtcp_rtcp_sdes_text" in packet["rtcp"] for packet in packets]
    assert whole[:-1] == [not reduced or n % 4 == 0 for n in range(len(whole) - 1)] and whole[-1]
    proved("tshark", f"reads VoIP metrics of {len(sent)} RTCP packets{' of reduced size' if reduced else ''}")


def number(text: str | list[str]) -> int:
    """A field's value."""
    return int(float(text if isinstance(text, str) else text[0]))
