"""VoIP metrics (RFC 3611) of a program that we did not write: what linphone's oRTP reports about our packets reads the
same to us as to tshark."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import sipflow
from tests.interop.peers import needs, wait_until, where_is
from tests.interop.proof import Proved
from tests.interop.test_sipp import capturing
from tests.ports import free_port, is_taken

pytestmark = [
    pytest.mark.interop,
    pytest.mark.wire,
    needs("linphonec", "linphone-cli"),
    needs("tshark", "tshark"),
]

CONFIG = """\
[sip]
sip_port={port}
sip_tcp_port=-1
sip_tls_port=-1
use_ipv6=0
guess_hostname=0
bind_address=127.0.0.1
register_only_when_network_is_up=0
[rtp]
audio_rtp_port={media}
rtcp_xr_enabled=1
rtcp_xr_stat_summary_enabled=1
rtcp_xr_stat_summary_flags=loss,dup,jitt,TTL
rtcp_xr_voip_metrics_enabled=1
"""


@contextmanager
def linphone(folder: Path, port: int, media: int) -> Iterator[None]:
    """linphonec without devices, which answers everybody; its RTP port is `media`, that of RTCP the one above."""
    home = folder / "linphone"
    (home / ".local/share/linphone").mkdir(parents=True)  # without its databases it does not listen
    (home / "rc").write_text(CONFIG.format(port=port, media=media))
    command = [where_is("linphonec"), "-a", "-c", str(home / "rc")]
    with (
        (home / "output.txt").open("wb") as sink,
        subprocess.Popen(command, env=os.environ | {"HOME": str(home)}, stdin=subprocess.PIPE, stdout=sink, stderr=sink)
        as peer,
    ):  # fmt: skip
        assert peer.stdin is not None
        try:
            peer.stdin.write(b"soundcard use files\n")
            peer.stdin.flush()
            wait_until(lambda: is_taken("127.0.0.1", port) or peer.poll() is not None, "linphonec to listen")
            yield
        finally:
            peer.kill()


def reports(capture: Path, port: int) -> list[list[str]]:
    """What tshark reads of each packet with VoIP metrics that came from a port, in the order of FIELDS."""
    fields = [option for name in FIELDS for option in ("-e", f"rtcp.{name}")]
    only = f"udp.srcport=={port} && rtcp.xr.bt==7"
    command = [where_is("tshark"), "-r", str(capture), "-d", f"udp.port=={port},rtcp", "-Y", only, "-T", "fields"]
    told = subprocess.run([*command, *fields], capture_output=True, text=True, timeout=60, check=True).stdout
    return [line.split("\t") for line in told.splitlines()]


FIELDS = {
    "ssrc.fraction": lambda media: f"{media['remote_loss'] * 256:.0f}",
    "xr.voipmetrics.burstdensity": lambda media: f"{media['remote_burst_density'] * 256:.0f}",
    "xr.voipmetrics.burstduration": lambda media: f"{media['remote_burst_ms']}",
    "xr.voipmetrics.gapduration": lambda media: f"{media['remote_gap_ms']}",
    "xr.voipmetrics.esdelay": lambda media: f"{media['remote_delay_ms']}",
    "xr.voipmetrics.jbnominal": lambda media: f"{media['remote_buffer_ms']}",
    "xr.voipmetrics.rfactor": lambda media: f"{media['remote_r_factor']}",
    "xr.voipmetrics.moscq": lambda media: f"{media['remote_mos']:g}",
}
"""Of tshark, and what they are of the statistics of a call."""


def test_what_linphone_reports_reads_the_same_to_us_and_to_tshark(tmp_path: Path, proved: Proved) -> None:
    port, rtp = free_port(), free_port(count=2)
    text = f"""
    agent alice {{ codecs pcmu; media {{ rtcp xr }} }}
    agent peer = "sip:peer@127.0.0.1:{port}"
    on alice {{ call peer; impair loss 20%; wait 14s; release }}
    """
    capture = tmp_path / "rtcp.pcapng"
    with linphone(tmp_path, port, rtp), capturing(capture, f"udp port {rtp + 1}"):
        report = sipflow.run(text, out=tmp_path, timeout_s=40)
    assert report.passed, report.failures
    told = reports(capture, rtp + 1)
    media: dict[str, Any] | None = report.calls[0].media
    assert len(told) >= 2 and media is not None
    fractions = [int(part) for part in told[-1][0].split(",")]  # of the report block, then of the metrics
    ours = [read(media) for read in FIELDS.values()]
    assert [str(fractions[0]), *told[-1][1:]] == ours
    assert media["remote_loss"] > 0.05 and 1.0 <= media["remote_mos"] < 4.9, "nothing was measured"
    proved("linphone", f"its {len(told)} VoIP metrics about our packets read the same to us and to tshark")
