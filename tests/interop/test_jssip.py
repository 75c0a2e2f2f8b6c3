"""JsSIP, a client library from npm, by WebSocket: it registers with digest, sends a MESSAGE, and takes itself back."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
from pathlib import Path

import pytest

import sipflow
from tests.interop.peers import free_port, is_taken, needs, wait_until, where_is

pytestmark = [pytest.mark.interop, pytest.mark.wire, needs("node", "nodejs"), needs("npm", "npm")]

CLIENT = Path(__file__).with_name("jssip")


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


def talk(client: Path, port: int, password: str) -> subprocess.CompletedProcess[str]:
    """Run the client once the agent listens."""
    wait_until(lambda: is_taken("127.0.0.1", port, socket.SOCK_STREAM), "the agent to listen")
    command = [where_is("node"), "client.js", f"ws://127.0.0.1:{port}", "phone", password]
    return subprocess.run(command, cwd=client, capture_output=True, text=True, timeout=30, check=False)


def run_both(client: Path, folder: Path, password: str, lane: str) -> tuple[sipflow.Report, int, str]:
    """The agent and the client at the same time: report, exit code and output of the client."""
    port = free_port()
    text = f"""
    agent gate {{
      listen ws "127.0.0.1:{port}"
      challenge realm "gate.test" user "phone" password "open sesame" algorithm md5
    }}
    on gate {{ {lane} }}
    """
    outcome: list[subprocess.CompletedProcess[str]] = []
    other = threading.Thread(target=lambda: outcome.append(talk(client, port, password)))
    other.start()
    report = sipflow.run(text, out=folder, timeout_s=30)
    other.join()
    return report, outcome[0].returncode, outcome[0].stdout


def test_it_registers_and_sends_a_message(client: Path, tmp_path: Path) -> None:
    lane = """
    expect request REGISTER within 15s
    expect message where body == "hello from JsSIP" and header("Via") contains "SIP/2.0/WS"
    expect request REGISTER where header("Expires") == "0" or header("Contact") contains "expires=0"
    """
    report, code, shown = run_both(client, tmp_path, "open sesame", lane)
    assert report.passed, report.failures
    assert (code, shown.split()) == (0, ["registered", "message", "delivered", "unregistered"])


def test_a_wrong_password_does_not_register_it(client: Path, tmp_path: Path) -> None:
    report, code, shown = run_both(client, tmp_path, "open barley", "expect request REGISTER within 3s")
    assert not report.passed
    assert code == 2 and "Authentication" in shown, json.dumps(shown)
