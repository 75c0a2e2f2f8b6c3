"""Agents on real sockets for the tests of the transports, and what came to them."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from sipflow.lang import compile_text
from sipflow.plan.plan import AgentPlan, make_plan
from sipflow.runtime.network import Upcalls
from sipflow.runtime.transports.connections import ConnectionLimits
from sipflow.runtime.transports.machine import MachineNetwork
from sipflow.sip.hop import Hop, Transport

CERTIFICATES = Path(__file__).parents[2] / "scenarios" / "certificates"
DEADLINE_S = 10.0


def message(body: str = "") -> bytes:
    """A message as far as a transport looks into it."""
    return f"MESSAGE sip:x SIP/2.0\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def agent_plan(items: str) -> AgentPlan:
    """The plan of an agent with these lines in its block."""
    graph = compile_text(f"agent a {{\n{items}\n}}\non a: wait 1s\n", "<test>").graph
    assert graph is not None
    return make_plan(graph).agents["a"]


class Party:
    """One agent's port and everything it told."""

    def __init__(self, network: MachineNetwork, items: str = "") -> None:
        self.got: list[tuple[bytes, Hop]] = []
        self.failures: list[str] = []
        self.notices: list[str] = []
        self._changed = asyncio.Event()
        self.port = network.port(
            agent_plan(items),
            Upcalls(
                receive=lambda data, hop: self._note(self.got, (data, hop)),
                failed=lambda _, why: self._note(self.failures, why),
                drained=lambda: None,
                noticed=lambda text: self._note(self.notices, text),
            ),
        )
        self.port.open()

    def at(self, transport: Transport, name: str = "") -> Hop:
        """Where it listens by that transport."""
        place = next(one for one in self.port.listeners if one.transport is transport)
        return Hop(place.host, place.port, transport, name)

    async def until(self, done: Callable[[], object]) -> None:
        """Wait until something that was told makes `done` true."""
        async with asyncio.timeout(DEADLINE_S):
            while not done():
                self._changed.clear()
                await self._changed.wait()

    async def message(self, number: int = 1) -> tuple[bytes, Hop]:
        """The message that came as that one."""
        await self.until(lambda: len(self.got) >= number)
        return self.got[number - 1]

    async def failure(self) -> str:
        """Why something did not arrive."""
        await self.until(lambda: self.failures)
        return self.failures[0]

    async def notice(self) -> str:
        """What it noticed first."""
        await self.until(lambda: self.notices)
        return self.notices[0]

    def _note(self, where: list[object], what: object) -> None:
        where.append(what)
        self._changed.set()


@asynccontextmanager
async def parties(
    *items: str, limits: ConnectionLimits | None = None, folder: Path = CERTIFICATES
) -> AsyncIterator[tuple[Party, ...]]:
    """Agents with these settings; all is given back at the end."""
    network = MachineNetwork(folder, limits=limits)
    made = tuple(Party(network, lines) for lines in items)
    try:
        yield made
    finally:
        for party in made:
            party.port.close()
        network.close()
        await asyncio.sleep(0)


class Authority:
    """A CA in a folder; it signs what it is asked to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._openssl("req", "-x509", *NEW_KEY, "ca.key", "-out", "ca.pem", "-days", "9", "-subj", "/CN=authority")
        (folder / "index.txt").touch()
        (folder / "ca.cnf").write_text(CONFIGURATION)

    def sign(self, name: str, san: str, start: str = "20200101000000Z", end: str = "20900101000000Z") -> None:
        """Write `name`.pem and `name`.key, a certificate for `san` that is valid from `start` to `end`."""
        self._openssl("req", *NEW_KEY, f"{name}.key", "-out", f"{name}.csr", "-subj", "/CN=somebody")
        (self.folder / "san.ext").write_text(f"subjectAltName={san}\nauthorityKeyIdentifier=keyid\n")
        self._openssl(
            "ca", "-batch", "-config", "ca.cnf", "-in", f"{name}.csr", "-out", f"{name}.pem", "-notext",
            "-startdate", start, "-enddate", end, "-extfile", "san.ext",
        )  # fmt: skip

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)


NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout")
CONFIGURATION = """
[ca]
default_ca = own
[own]
database = index.txt
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
default_md = sha256
policy = any
rand_serial = yes
unique_subject = no
[any]
commonName = supplied
"""
