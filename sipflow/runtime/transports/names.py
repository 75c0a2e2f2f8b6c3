"""From the host of a URI to the places where it is served (RFC 3263, RFC 7118 section 8)."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import random
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sipflow.errors import MachineError
from sipflow.sip.hop import Hop, NameQuery, Transport

if TYPE_CHECKING:
    from dns.asyncresolver import Resolver

SERVER_VARIABLE = "SIPFLOW_DNS"
"""Environment variable with `HOST:PORT` of the name server that is asked instead of the machine's own."""

LOOKUP_S = 3.0
"""How long one question may take."""

_SERVICES = {
    "SIP+D2U": Transport.UDP,
    "SIP+D2T": Transport.TCP,
    "SIPS+D2T": Transport.TLS,
    "SIP+D2W": Transport.WS,
    "SIPS+D2W": Transport.WSS,
}
"""What NAPTR records offer (RFC 3263 section 4.1, RFC 7118 section 8)."""

_SRV_NAMES = {
    Transport.UDP: "_sip._udp",
    Transport.TCP: "_sip._tcp",
    Transport.TLS: "_sips._tcp",
    Transport.WS: "_sip._ws",
    Transport.WSS: "_sips._ws",
}
_TRIED_WITHOUT_NAPTR = (Transport.UDP, Transport.TCP, Transport.TLS)


class NameLookupError(MachineError):
    """A name leads nowhere; the text says what was asked and what came."""


@dataclass(frozen=True, slots=True)
class _Service:
    """A server that an SRV record names."""

    host: str
    port: int
    transport: Transport
    priority: int
    weight: int


class Names:
    """The name service of a run. `server` is `HOST:PORT`; empty: the machine's own."""

    def __init__(self, server: str = "", seed: int = 0) -> None:
        self._server = server or os.environ.get(SERVER_VARIABLE, "")
        self._address = _server_address(self._server) if self._server else None
        self._chance: random.Random = random.Random(f"{seed}/names") if seed else random.SystemRandom()
        self._made: Resolver | None = None
        self._silent_until = 0.0

    async def resolve(self, query: NameQuery, prefers_ipv6: bool = False) -> tuple[Hop, ...]:
        """The hops in the order in which they are to be tried, of each server the addresses of the preferred family
        first; raises NameLookupError."""
        hops = await self._resolve(query)
        return tuple(sorted(hops, key=lambda hop: (":" in hop.host) is not prefers_ipv6)) if len(hops) > 1 else hops

    async def _resolve(self, query: NameQuery) -> tuple[Hop, ...]:
        transport = query.transport or (Transport.TLS if query.secure else None)
        if query.port is not None or _is_address(query.host):
            return await self._places(query.host, query.port, transport or Transport.UDP, query.host)
        services = await self._services(query.host, transport, query.secure)
        hops: list[Hop] = []
        problem: NameLookupError | None = None
        for service in services:
            try:
                hops += await self._places(service.host, service.port, service.transport, query.host)
            except NameLookupError as error:
                problem = error
        if hops:
            return tuple(hops)
        if problem is not None:
            raise problem
        return await self._places(query.host, None, transport or Transport.UDP, query.host)

    # --- servers ---

    async def _services(self, host: str, transport: Transport | None, secure: bool) -> list[_Service]:
        """What SRV records name, by way of NAPTR when the transport is open (RFC 3263 sections 4.1 and 4.2)."""
        if transport is None:
            offered = await self._offered(host, secure)
            if offered:
                return [one for name, by in offered for one in await self._servers(name, by)]
        tried = (transport,) if transport else _TRIED_WITHOUT_NAPTR
        for by in tried:
            servers = await self._servers(f"{_SRV_NAMES[by]}.{host}", by)
            if servers:
                return servers
        return []

    async def _offered(self, host: str, secure: bool) -> list[tuple[str, Transport]]:
        """SRV names and their transports, in the order that the domain prefers."""
        records = await self._ask(host, "NAPTR")
        usable = [record for record in records if _text(record.flags).lower() == "s"]
        wanted = []
        for record in sorted(usable, key=lambda record: (record.order, record.preference)):
            transport = _SERVICES.get(_text(record.service).upper())
            if transport is not None and (transport.secure or not secure):
                wanted.append((record.replacement.to_text(omit_final_dot=True), transport))
        return wanted

    async def _servers(self, name: str, transport: Transport) -> list[_Service]:
        found = [
            _Service(record.target.to_text(omit_final_dot=True), record.port, transport, record.priority, record.weight)
            for record in await self._ask(name, "SRV")
            if record.target.to_text() != "."
        ]
        return self.in_order(found)

    def in_order(self, services: list[_Service]) -> list[_Service]:
        """By priority, and by chance in the proportion of the weights within one (RFC 2782)."""
        ordered: list[_Service] = []
        for priority in sorted({service.priority for service in services}):
            left = sorted((one for one in services if one.priority == priority), key=lambda one: one.weight)
            while left:
                mark = self._chance.randint(0, sum(one.weight for one in left))
                for one in left:
                    mark -= one.weight
                    if mark <= 0:
                        break
                ordered.append(one)
                left.remove(one)
        return ordered

    # --- addresses ---

    async def _places(self, host: str, port: int | None, transport: Transport, name: str) -> tuple[Hop, ...]:
        addresses = [host] if _is_address(host) else await self._addresses(host)
        return tuple(Hop(address, port or transport.default_port, transport, name) for address in addresses)

    async def _addresses(self, host: str) -> list[str]:
        if self._server:
            records = [*await self._ask(host, "A"), *await self._ask(host, "AAAA")]
            if not records:
                raise NameLookupError(f"{host} has no address, says {self._server}")
            return [record.address for record in records]
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_DGRAM)
        except OSError as error:
            raise NameLookupError(f"{host} cannot be looked up: {error.strerror or error}") from error
        return list(dict.fromkeys(str(one[4][0]) for one in found))

    # --- questions ---

    async def _ask(self, name: str, kind: str) -> list[Any]:
        """Records of a kind; none when the name has none. Raises NameLookupError when the server that the user chose does
        not answer; the machine's own may be none, and then addresses are found in its hosts file."""
        import dns.exception
        import dns.resolver

        try:
            answer = await self._resolver().resolve(name, kind, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except dns.exception.DNSException as error:
            if self._server:
                raise NameLookupError(
                    f"the name server {self._server} gave no {kind} of {name}: {_short(error)}"
                ) from error
            return []
        return list(answer)

    def _resolver(self) -> Resolver:
        import dns.asyncresolver

        if self._made is None:
            self._made = resolver = dns.asyncresolver.Resolver(configure=not self._server)
            resolver.lifetime = LOOKUP_S
            if self._server:
                host, _, port = self._server.rpartition(":")
                resolver.nameservers = [host.strip("[]")]
                resolver.port = int(port)
        return self._made


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _text(value: bytes | str) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _short(error: Exception) -> str:
    return str(error).partition(":")[0] or type(error).__name__
