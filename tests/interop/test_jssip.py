"""JsSIP, a client library from npm, by WebSocket, plain and secure: it registers with digest, sends a MESSAGE, and
takes itself back; by TLS it refuses a certificate that nobody vouches for."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import threading
from pathlib import Path

import pytest

import sipflow
from tests.interop.peers import free_port, is_taken, needs, wait_until, where_is
from tests.interop.proof import Proved

pytestmark = [pytest.mark.interop, pytest.mark.wire, needs("node", "nodejs"), needs("npm", "npm")]

CLIENT = Path(__file__).with_name("jssip")
CERTIFICATES = Path(__file__).parents[2] / "scenarios" / "certificates"
CERTIFIED = f'tls {{ certificate "{CERTIFICATES}/agent.pem"; key "{CERTIFICATES}/agent.key" }}'


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The client with its modules; skips where npm cannot bring them."""
    folder = tmp_path_factory.mktemp("jssip")
    for name in ("package.json", "client.js"):
        shutil.copy(CLIENT / name, folder)
    done = subprocess.run(
        [where_is("npm"), "install", "--no-audit", "--no-fund"], cwd=folder, capture_output=True, text=True, timeout=120
    )
    if done.returncode != 0:
        pytest.skip(f"npm brings no JsSIP here: {done.stderr.strip()[-200:]}")
    return folder


def talk(
    client: Path, port: int, password: str, scheme: str = "ws", trusted: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the client once the agent listens. `trusted`: the authority that it knows beside those of the system."""
    wait_until(lambda: is_taken("127.0.0.1", port, socket.SOCK_STREAM), "the agent to listen")
    command = [where_is("node"), "client.js", f"{scheme}://127.0.0.1:{port}", "phone", password]
    environment = {**os.environ, **({} if trusted is None else {"NODE_EXTRA_CA_CERTS": str(trusted)})}
    return subprocess.run(command, cwd=client, env=environment, capture_output=True, text=True, timeout=30, check=False)


def run_both(
    client: Path, folder: Path, password: str, lane: str, scheme: str = "ws", trusted: Path | None = None
) -> tuple[sipflow.Report, int, str]:
    """The agent and the client at the same time: report, exit code and output of the client."""
    port = free_port()
    text = f"""
    agent gate {{
      listen {scheme} "127.0.0.1:{port}"
      {CERTIFIED if scheme == "wss" else ""}
      challenge realm "gate.test" user "phone" password "open sesame" algorithm md5
    }}
    on gate {{ {lane} }}
    """
    outcome: list[subprocess.CompletedProcess[str]] = []
    other = threading.Thread(target=lambda: outcome.append(talk(client, port, password, scheme, trusted)))
    other.start()
    report = sipflow.run(text, out=folder, timeout_s=30)
    other.join()
    return report, outcome[0].returncode, outcome[0].stdout


@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_it_registers_and_sends_a_message(client: Path, tmp_path: Path, proved: Proved, scheme: str) -> None:
    lane = f"""
    expect request REGISTER within 15s
    expect message where body == "hello from JsSIP" and header("Via") contains "SIP/2.0/{scheme.upper()} "
    expect request REGISTER where header("Expires") == "0" or header("Contact") contains "expires=0"
    """
    report, code, shown = run_both(client, tmp_path, "open sesame", lane, scheme, CERTIFICATES / "ca.pem")
    assert report.passed, report.failures
    assert (code, shown.split()) == (0, ["registered", "message", "delivered", "unregistered"])
    proved("JsSIP", f"registers with digest by {scheme}, sends a MESSAGE, and takes itself back")


def test_a_certificate_that_nobody_vouches_for_is_refused(client: Path, tmp_path: Path, proved: Proved) -> None:
    report, code, shown = run_both(client, tmp_path, "open sesame", "expect request REGISTER within 5s", "wss")
    assert not report.passed, "nothing came over a connection that the client did not take"
    assert code == 3 and shown.startswith("disconnected"), shown
    proved("JsSIP", "refuses a certificate that nobody vouches for")


def test_a_wrong_password_does_not_register_it(client: Path, tmp_path: Path, proved: Proved) -> None:
    report, code, shown = run_both(client, tmp_path, "open barley", "expect request REGISTER within 3s")
    assert not report.passed
    assert code == 2 and "Authentication" in shown, json.dumps(shown)
    proved("JsSIP", "is not registered with a wrong password")
