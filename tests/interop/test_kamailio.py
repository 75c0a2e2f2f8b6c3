"""Kamailio as registrar and record-routing proxy with digest, by every transport and in both address families.

Each test says what it proves: registration with and without the right password, calls through the proxy both ways,
a call given up, one transferred, and that everything inside a dialog follows the recorded route.
"""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

import sipflow
from tests.interop.peers import needs, running, where_is
from tests.interop.proof import Proved
from tests.ports import free_port, is_taken

pytestmark = [pytest.mark.interop, pytest.mark.wire, needs("kamailio", "kamailio kamailio-tls-modules")]

CONFIGURATION = Path(__file__).with_name("kamailio.cfg")
MODULES = next(iter(Path("/usr/lib").glob("*/kamailio/modules")), Path("/usr/lib/kamailio/modules"))
MEDIA = Path(__file__).parents[2] / "scenarios" / "media"


@dataclass(frozen=True)
class Way:
    """How the agents reach the proxy."""

    transport: str
    host: str = "127.0.0.1"
    digest: str = "MD5"

    def __str__(self) -> str:
        return f"{self.transport}-{'ipv6' if ':' in self.host else 'ipv4'}-{self.digest}"

    @property
    def literal(self) -> str:
        """The host as URIs have it."""
        return f"[{self.host}]" if ":" in self.host else self.host


WAYS = [
    Way("udp"),
    Way("tcp"),
    Way("tls"),
    Way("udp", "::1"),
    Way("tcp", "::1"),
    Way("tls", "::1"),
    Way("udp", digest="SHA-256"),
]


@dataclass(frozen=True)
class Proxy:
    """A running Kamailio."""

    way: Way
    port: int
    folder: Path

    def agent(self, name: str, password: str = "", extra: str = "") -> str:
        """An agent of the domain; the password of alice is `alice-password`."""
        way = self.way
        listen = f'listen {way.transport} "{way.literal}:0"'
        tls = ""
        if way.transport == "tls":
            certificates = 'ca "server.crt"; name "sip.test"; certificate "server.crt"; key "server.key"'
            tls = f"tls {{ {certificates} }}"
        return f"""
        agent {name} {{
          uri "sip:{name}@sip.test"
          {listen}
          proxy "sip:{way.literal}:{self.port};transport={way.transport}"
          auth "{name}" password secret "{password or f"{name}-password"}"
          {tls}
          {extra}
        }}
        """

    def run(self, text: str) -> sipflow.Report:
        """Run a text in the folder of the certificates."""
        scenario = self.folder / "scenario.sflow"
        scenario.write_text(text)
        return sipflow.run(scenario, out=self.folder / "out", media_dir=MEDIA, timeout_s=40)


@contextmanager
def kamailio(folder: Path, way: Way) -> Iterator[Proxy]:
    """A proxy for the domain sip.test; every user's password is its name and `-password`."""
    make_certificate(folder)
    port = free_port(way.host)
    text = CONFIGURATION.read_text().replace("@modules@", f"{MODULES}/").replace("@folder@", str(folder))
    config = folder / "kamailio.cfg"
    config.write_text(text.replace("@listen@", f"listen={way.transport}:{way.literal}:{port}"))
    switches = [
        *(["-A", "WITH_TLS"] if way.transport == "tls" else []),
        *(["-A", "WITH_SHA256"] if way.digest != "MD5" else []),
    ]
    state = folder / "state"
    state.mkdir()
    command = [
        where_is("kamailio"), "-DD", "-E", *switches, "-f", str(config), "-Y", str(state), "-w", str(state),
        "-P", str(state / "pid"), "-m", "64", "-M", "8",
    ]  # fmt: skip
    output = folder / "kamailio.txt"
    kind = socket.SOCK_DGRAM if way.transport == "udp" else socket.SOCK_STREAM
    with running(command, folder, output, lambda: is_taken(way.host, port, kind)):
        yield Proxy(way, port, folder)


def make_certificate(folder: Path) -> None:
    """A certificate for sip.test that vouches for itself."""
    subprocess.run(
        [
            where_is("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=sip.test",
            "-addext", "subjectAltName=DNS:sip.test", "-keyout", "server.key", "-out", "server.crt",
        ],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip


@pytest.fixture(params=WAYS, ids=str)
def proxy(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Proxy]:
    with kamailio(tmp_path, request.param) as running_proxy:
        yield running_proxy


def test_a_call_through_the_proxy_each_way(proxy: Proxy, proved: Proved) -> None:
    """Register with digest, INVITE with digest, media, re-INVITE, and BYE from the caller, then from the callee."""
    report = proxy.run(
        proxy.agent("alice", extra="register every 60s")
        + proxy.agent("bob", extra="register every 60s")
        + """
        on alice {
          expect registered
          await bob_there
          call bob
          play "greet.wav"
          hold
          resume
          release
          check media.loss < 1%
          answer
          record "heard.wav" received for 1s
          expect hangup
        }
        on bob {
          expect registered
          signal bob_there
          answer
          expect held
          expect resumed
          expect hangup
          call alice
          play "greet.wav"
          release
        }
        """
    )
    assert report.passed, report.failures
    proved("Kamailio", "registered with digest; a call each way with media, hold, resume and BYE by the recorded route")


def test_a_wrong_password_is_refused_and_tried_once(proxy: Proxy, proved: Proved) -> None:
    report = proxy.run(proxy.agent("alice", password="guessed") + "on alice { register for 60s }")
    assert not report.passed
    assert "does not accept the password" in str(report.failures[0]), report.failures
    proved("Kamailio", "a wrong password is refused")


def test_a_call_that_is_given_up_rings_no_longer(proxy: Proxy, proved: Proved) -> None:
    report = proxy.run(
        proxy.agent("alice", extra="register every 60s")
        + proxy.agent("bob", extra="register every 60s")
        + """
        on alice { expect registered; await bob_there; dial bob; expect ringing; release }
        on bob { expect registered; signal bob_there; ring; expect hangup }
        """
    )
    assert report.passed, report.failures
    proved("Kamailio", "a call that is given up rings no longer")


def test_a_transfer_goes_through_the_proxy(proxy: Proxy, proved: Proved) -> None:
    """REFER by the recorded route; the new INVITE is challenged and answered as any other."""
    agents = "".join(proxy.agent(name, extra="register every 60s") for name in ("alice", "bob", "carol"))
    report = proxy.run(
        agents
        + """
        on alice { expect registered; await bob_there; await carol_there; call bob; transfer to carol }
        on bob { expect registered; signal bob_there; answer; expect transfer; expect hangup }
        on carol { expect registered; signal carol_there; answer; wait 200ms; release }
        """
    )
    assert report.passed, report.failures
    proved("Kamailio", "a transfer, its NOTIFYs by the recorded route")
