"""JsSIP, a client library from npm, by WebSocket, plain and secure: it registers with digest, sends a MESSAGE, and
takes itself back; by TLS it refuses a certificate that nobody vouches for."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import sipflow
from sipflow.events import Record, RequestReceived
from tests.interop.peers import needs, wait_until, where_is
from tests.interop.proof import Proved
from tests.ports import free_port, is_taken

pytestmark = [pytest.mark.interop, pytest.mark.wire, needs("node", "nodejs"), needs("npm", "npm")]

CLIENT = Path(__file__).with_name("jssip")
CERTIFICATES = Path(__file__).parents[2] / "scenarios" / "certificates"
AUTHORITY = CERTIFICATES / "ca.pem"
CERTIFIED = f'tls {{ certificate "{CERTIFICATES}/agent.pem"; key "{CERTIFICATES}/agent.key" }}'
RIGHT = "open sesame"
Client = subprocess.CompletedProcess[str]
"""One that has ended."""


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


def talk(client: Path, port: int, password: str, scheme: str = "ws", trusted: Path | None = None) -> Client:
    """Run the client once the agent listens. `trusted`: the authority that it knows beside those of the system."""
    wait_until(lambda: is_taken("127.0.0.1", port, socket.SOCK_STREAM), "the agent to listen")
    command = [where_is("node"), "client.js", f"{scheme}://127.0.0.1:{port}", "phone", password]
    environment = {**os.environ, **({} if trusted is None else {"NODE_EXTRA_CA_CERTS": str(trusted)})}
    return subprocess.run(command, cwd=client, env=environment, capture_output=True, text=True, timeout=30, check=False)


def run_with(
    folder: Path, scheme: str, talk_to: Callable[[int], list[Client]]
) -> tuple[sipflow.Report, list[Client], list[str]]:
    """The agent and clients, one after the other; the last one has to make the scenario pass. Report, what became of
    the clients, and the methods of the requests that the scenario got."""
    port = free_port()
    text = f"""
    agent gate {{
      listen {scheme} "127.0.0.1:{port}"
      {CERTIFIED if scheme == "wss" else ""}
      challenge realm "gate.test" user "phone" password "open sesame" algorithm md5
    }}
    on gate {{
      expect request REGISTER within 25s
      expect message where body == "hello from JsSIP" and header("Via") contains "SIP/2.0/{scheme.upper()} "
      expect request REGISTER where header("Expires") == "0" or header("Contact") contains "expires=0"
    }}
    """
    outcome: list[Client] = []
    came: list[str] = []

    def note(record: Record) -> None:
        if isinstance(record.event, RequestReceived):
            came.append(record.event.method)

    clients = threading.Thread(target=lambda: outcome.extend(talk_to(port)))
    clients.start()
    report = sipflow.run(text, out=folder, timeout_s=30, sinks=[note])
    clients.join()
    return report, outcome, came


WELL = (0, ["registered", "message", "delivered", "unregistered"])
REQUESTS = ["REGISTER", "MESSAGE", "REGISTER"]


def of(client: Client) -> tuple[int, list[str]]:
    """Exit code and words."""
    return client.returncode, client.stdout.split()


@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_it_registers_and_sends_a_message(client: Path, tmp_path: Path, proved: Proved, scheme: str) -> None:
    report, (told,), came = run_with(tmp_path, scheme, lambda port: [talk(client, port, RIGHT, scheme, AUTHORITY)])
    assert report.passed, report.failures
    assert (of(told), came) == (WELL, REQUESTS)
    proved("JsSIP", f"registers with digest by {scheme}, sends a MESSAGE, and takes itself back")


def test_a_certificate_that_nobody_vouches_for_is_refused(client: Path, tmp_path: Path, proved: Proved) -> None:
    """The client that knows the authority then finds the same agent to be there."""
    report, (refusing, trusting), came = run_with(
        tmp_path,
        "wss",
        lambda port: [talk(client, port, RIGHT, "wss"), talk(client, port, RIGHT, "wss", AUTHORITY)],
    )
    assert refusing.returncode == 3 and refusing.stdout.startswith("disconnected"), refusing.stdout
    assert report.passed, report.failures
    assert (of(trusting), came) == (WELL, REQUESTS), "nothing comes over a connection that the client did not take"
    proved("JsSIP", "refuses a certificate that nobody vouches for")


def test_a_wrong_password_does_not_register_it(client: Path, tmp_path: Path, proved: Proved) -> None:
    """The client that has the right one then finds the same agent to be there."""
    report, (wrong, right), came = run_with(
        tmp_path, "ws", lambda port: [talk(client, port, "open barley"), talk(client, port, RIGHT)]
    )
    assert wrong.returncode == 2 and "Authentication" in wrong.stdout, wrong.stdout
    assert report.passed, report.failures
    assert (of(right), came) == (WELL, REQUESTS), "what was not let through is nothing that a scenario sees"
    proved("JsSIP", "is not registered with a wrong password")
