"""baresip under SRTP: keys by SDES and by DTLS, offered by either side, and what both heard is compared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

import sipflow
from sipflow.report.fold import Report
from tests.interop.peers import PATIENT, baresip, needs
from tests.interop.proof import Proved
from tests.interop.test_baresip import likeness, read
from tests.media.signals import round_trip, speech, write_wav
from tests.ports import free_port

pytestmark = [pytest.mark.interop, pytest.mark.wire, needs("baresip", "baresip-core")]

SECONDS = 2


@dataclass(frozen=True)
class Case:
    """What both say about encryption, and what has to come of it."""

    encryption: str
    srtp: str
    suite: str = "AES_CM_128_HMAC_SHA1_80"


ANSWERED = [
    Case("srtp-mand", "required"),
    Case("srtp", "optional AES_CM_128_HMAC_SHA1_32", "AES_CM_128_HMAC_SHA1_32"),
    Case("srtp-mand", "required AEAD_AES_256_GCM", "AEAD_AES_256_GCM"),
    Case("dtls_srtp", "dtls"),
]
CALLED = [Case("srtp-mand", "required"), Case("srtp", "optional"), Case("dtls_srtp", "dtls")]
"""baresip 1.0 offers one suite, and answers any."""


def prepare(folder: Path) -> None:
    """The two prompts."""
    write_wav(folder / "ours.wav", speech(SECONDS, seed=1))
    write_wav(folder / "theirs.wav", speech(SECONDS + 2, seed=2))


def verify(report: Report, heard_by_peer: Path, folder: Path) -> None:
    """Passed, and what each of the two heard is what the other one said."""
    assert report.passed, report.failures
    assert likeness(round_trip(speech(SECONDS, seed=1), "PCMU"), read(heard_by_peer)) > 0.99
    heard = read(folder / "heard.wav")
    assert likeness(round_trip(speech(SECONDS + 2, seed=2), "PCMU")[:24000], heard) > 0.99


def checks(case: Case) -> str:
    """What holds at the end of each call."""
    return f'check media.srtp == "{case.suite}"; check media.srtp_failures == 0; check media.loss < 1%'


@pytest.mark.parametrize("case", ANSWERED, ids=lambda case: f"{case.encryption}, {case.srtp}")
def test_baresip_answers(tmp_path: Path, case: Case, proved: Proved) -> None:
    prepare(tmp_path)
    with baresip(tmp_path, tmp_path / "theirs.wav", encryption=case.encryption) as peer:
        text = f"""
        agent alice {{ srtp {case.srtp}; {PATIENT} }}
        agent peer = "sip:peer@127.0.0.1:{peer.port}"
        on alice {{ call peer; record "heard.wav" received; play "ours.wav"; wait 1s; release; {checks(case)} }}
        """
        report = sipflow.run(text, out=tmp_path, media_dir=tmp_path, timeout_s=30)
    verify(report, peer.heard(), tmp_path)
    proved("baresip", f"answers under {case.suite} ({case.encryption}); no packet failed authentication")


@pytest.mark.parametrize("case", CALLED, ids=lambda case: f"{case.encryption}, {case.srtp}")
def test_baresip_calls(tmp_path: Path, case: Case, proved: Proved) -> None:
    prepare(tmp_path)
    port = free_port()
    text = f"""
    agent bob {{ listen udp "127.0.0.1:{port}"; srtp {case.srtp}; {PATIENT} }}
    on bob {{
      answer within 20s; record "heard.wav" received; play "ours.wav"; wait 1s; release; {checks(case)}
    }}
    """
    dial = f"/dial sip:bob@127.0.0.1:{port}"
    with baresip(tmp_path, tmp_path / "theirs.wav", execute=dial, encryption=case.encryption) as peer:
        report = sipflow.run(text, out=tmp_path, media_dir=tmp_path, timeout_s=30)
    verify(report, peer.heard(), tmp_path)
    proved("baresip", f"calls under {case.suite} ({case.encryption}); no packet failed authentication")
