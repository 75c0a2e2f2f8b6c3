"""Keys of SRTP in whole runs: a wrong one is told of at once, and none is in any output unless it was asked for."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from sipflow.cli.run import run as run_command
from sipflow.media.srtp import SrtpLibrary, srtp_library
from sipflow.media_params import SrtpKeys
from sipflow.report.fold import Report
from tests.run import meddling

# --- a key that does not fit ---

LINE = re.compile(rb"(a=crypto:[^\r]* inline:)[A-Za-z0-9+/]{4}")


class WrongKeys:
    """Changes the n-th messages that carry keys, from 1, as a border controller with a fault would."""

    def __init__(self, meddled: tuple[int, ...]) -> None:
        self.meddled, self.passed = meddled, 0

    def __call__(self, data: bytes) -> bytes:
        """One message; those with keys are counted."""
        if LINE.search(data) is None:
            return data
        self.passed += 1
        return LINE.sub(rb"\1AAAA", data) if self.passed in self.meddled else data


def run_meddled(text: str, out: Path, *meddled: int) -> Report:
    """Run in virtual time; the n-th messages that carry keys, from 1, get others."""
    return meddling.run(text, out, WrongKeys(meddled))


AGENTS = "agent alice { srtp required }\nagent bob { srtp required }\n"
OFFER, ANSWER, NEW_OFFER, NEW_ANSWER = 1, 2, 3, 4


def told(report: Report) -> list[tuple[str, str]]:
    """(lane's agent, what it got) of each failure for want of protection."""
    return [(failure.agent, failure.got) for failure in report.failures if failure.code == "SF507"]


def test_a_wrong_key_in_the_offer_is_told_by_the_side_that_hears_nothing(tmp_path: Path) -> None:
    text = AGENTS + "on alice: call bob; wait 2s; release\non bob: answer; wait 1s; expect hangup\n"
    assert run_meddled(text, tmp_path).passed
    report = run_meddled(text, tmp_path, OFFER)
    assert report.exit_code == 1
    ((agent, got),) = told(report)
    assert agent == "bob"
    assert got.startswith("SRTP authentication has failed for every packet that the peer sent, half a second long")


def test_failures_of_a_wrong_key_can_be_checked(tmp_path: Path) -> None:
    text = AGENTS + (
        "on alice: call bob; wait 2s; release\n"
        "on bob { answer; wait 1s else {\n"
        'check media.srtp_failures > 20; check media.packets_received == 0; log "nothing heard"; recover }\n'
        'check media.srtp == "AES_CM_128_HMAC_SHA1_80"; expect hangup }\n'
    )
    report = run_meddled(text, tmp_path, OFFER)
    assert report.passed, report.failures  # what was provided for once is not told again at the end
    assert [log[3] for log in report.logs] == ["nothing heard"]


def test_a_call_that_is_over_before_half_a_second_tells_it_at_its_end(tmp_path: Path) -> None:
    text = AGENTS + "on alice: call bob; wait 300ms; release\non bob: answer; expect hangup\n"
    ((agent, got),) = told(run_meddled(text, tmp_path, ANSWER))
    assert agent == "alice"
    assert re.match(r"SRTP authentication failed for all 1\d packets that the peer sent$", got), got


REKEYED = AGENTS + "on alice: call bob; wait 2s; rekey; wait AFTER; release\non bob: answer; expect hangup\n"


@pytest.mark.parametrize("after", ["3s", "300ms"])
def test_a_wrong_key_in_mid_call_is_told_although_much_was_heard_before(tmp_path: Path, after: str) -> None:
    text = REKEYED.replace("AFTER", after)
    assert run_meddled(text, tmp_path).passed
    report = run_meddled(text, tmp_path, NEW_OFFER)
    ((agent, got),) = told(report)
    assert agent == "bob"
    expected = "every packet that the peer sent, half a second long" if after == "3s" else "under the newest keys"
    assert expected in got


# --- keys in outputs ---

SPEAKING = """scenario "Keys everywhere"
agent alice { srtp required }
agent bob { srtp optional }
agent carol { srtp dtls }
agent dave { srtp dtls }
on alice { call bob; record "a.wav"; wait 300ms; rekey; wait 300ms; log "suite ${media.srtp}"; release }
on bob { expect call; let t = sip.header("Content-Type"); log "${t}"; answer; expect hangup; check media.loss > 5% }
on carol { call dave; wait 300ms; release }
on dave { answer; expect hangup }
"""


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Every key that any leg gets, by SDES or DTLS."""
    srtp_library()  # proves itself once in a process, with a key of its own
    seen: list[bytes] = []
    create = SrtpLibrary.create_keys

    def spy(self: SrtpLibrary, keys: SrtpKeys, former: SrtpKeys | None = None) -> object:
        seen.extend((keys.send_key, keys.receive_key))
        return create(self, keys, former)

    monkeypatch.setattr(SrtpLibrary, "create_keys", spy)
    return seen


def forms(key: bytes) -> Iterator[bytes]:
    """How a key, or its first half, the master key, may have been written."""
    for part in (key, key[:16]):
        yield part
        yield base64.b64encode(part).rstrip(b"=")[:-1]  # its last letter depends on what follows
        yield base64.urlsafe_b64encode(part).rstrip(b"=")[:-1]
        yield from (part.hex().encode(), part.hex().upper().encode(), repr(part)[2:-1].encode())


def outputs(folder: Path, *extra: str) -> dict[str, bytes]:
    """All that a run writes, by name."""
    (folder / "keys.sflow").write_text(SPEAKING)
    arguments = ["-v", "--json", "r.json", "--junit", "r.xml", "--events", "e.jsonl", "--out", "out", *extra]
    result = CliRunner(env={"COLUMNS": "400"}).invoke(run_command, [*arguments, "keys.sflow"])
    assert result.exit_code == 1, result.output
    files = {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert {"r.json", "r.xml", "e.jsonl"} <= {Path(name).name for name in files}
    return files | {"the terminal": result.output.encode()}


@pytest.mark.wire
def test_no_output_has_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: list[bytes]) -> None:
    monkeypatch.chdir(tmp_path)
    written = outputs(tmp_path)
    assert len(set(keys)) == 5  # two by SDES of which one was renewed, two by DTLS
    for name, data in written.items():
        assert [form for key in keys for form in forms(key) if form in data] == [], name
        assert b"PRIVATE KEY" not in data, name
    assert re.findall(rb"inline:(?!\*{5})", b"".join(written.values())) == []
    assert b"inline:*****" in written[str(tmp_path / "e.jsonl")]


@pytest.mark.wire
def test_keys_are_shown_to_those_who_ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: list[bytes]) -> None:
    monkeypatch.chdir(tmp_path)
    written = outputs(tmp_path, "--srtp-keys")
    shown = [key for key in set(keys) if base64.b64encode(key) in written[str(tmp_path / "e.jsonl")]]
    assert len(shown) == 3  # those of SDES; keys by DTLS are in no message
