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

SILENCE_S = 60.0
"""How long the machine's own name server is not asked after it was silent: a call must not wait for it each time."""

ANY_FAMILY = (4, 6)
"""Address families: IPv4, then IPv6."""

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

    async def resolve(self, query: NameQuery, families: tuple[int, ...] = ANY_FAMILY) -> tuple[Hop, ...]:
        """The hops in the order in which they are to be tried; raises NameLookupError.

        Of every server the addresses of `families` (4, 6) come in the order of these; others are of no use.
        """
        transport = query.transport or (Transport.TLS if query.secure else None)
        services = []
        if query.port is None and not _is_address(query.host):
            services = await self._services(query.host, transport, query.secure)
        if not services:
            by = transport or Transport.UDP
            return await self._places(query.host, query.port or by.default_port, by, query.host, families)
        return await self._places_of_all(services, query.host, families)

    async def _places_of_all(self, services: list[_Service], name: str, families: tuple[int, ...]) -> tuple[Hop, ...]:
        """Addresses of all servers that have some; raises NameLookupError when none has."""
        hops: list[Hop] = []
        problem = NameLookupError(f"{name} is served nowhere")
        for service in services:
            try:
                hops += await self._places(service.host, service.port, service.transport, name, families)
            except NameLookupError as error:
                problem = error
        if not hops:
            raise problem
        return tuple(hops)

    # --- servers ---

    async def _services(self, host: str, transport: Transport | None, secure: bool) -> list[_Service]:
        """What SRV records name, by way of NAPTR when the transport is open (RFC 3263 sections 4.1 and 4.2)."""
        if transport is None:
            offered = await self._offered(host, secure)
            servers = [one for name, by in offered for one in await self._servers(name, by)]
            if servers:
                return servers
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

    async def _places(
        self, host: str, port: int, transport: Transport, name: str, families: tuple[int, ...]
    ) -> tuple[Hop, ...]:
        addresses = [host] if _is_address(host) else await self._addresses(host)
        usable = [address for family in families for address in addresses if _family(address) == family]
        if not usable:
            wanted = " or ".join(f"IPv{family}" for family in families)
            raise NameLookupError(
                f"{host} has only {', '.join(addresses)}, and nobody here listens by another than {wanted}"
            )
        return tuple(Hop(address, port, transport, name) for address in usable)

    async def _addresses(self, host: str) -> list[str]:
        """Those that the chosen server tells; without one those of the machine, its hosts file included."""
        if self._server:
            records = [*await self._ask(host, "A"), *await self._ask(host, "AAAA")]
            if not records:
                raise NameLookupError(f"{host} has no address: {self._server} knows neither A nor AAAA of it")
            return [record.address for record in records]
        try:
            async with asyncio.timeout(LOOKUP_S):
                found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_DGRAM)
        except TimeoutError:
            raise NameLookupError(f"{host} cannot be looked up: no answer within {LOOKUP_S:g} s") from None
        except (OSError, UnicodeError) as error:
            why = getattr(error, "strerror", None) or error
            raise NameLookupError(f"{host} cannot be looked up: {why}") from error
        return list(dict.fromkeys(str(one[4][0]) for one in found))

    # --- questions ---

    async def _ask(self, name: str, kind: str) -> list[Any]:
        """Records of a kind; none when the name has none. Raises NameLookupError when the server that the user chose
        does not answer. The machine's own may be none, and is not asked again soon when it was silent: addresses are
        found in its hosts file then."""
        import dns.exception
        import dns.resolver

        loop = asyncio.get_running_loop()
        if loop.time() < self._silent_until:
            return []
        try:
            answer = await self._resolver().resolve(name, kind, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except dns.exception.DNSException as error:
            if self._address:
                why = _why_no_answer(error)
                raise NameLookupError(f"the name server {self._server} told no {kind} of {name}: {why}") from error
            self._silent_until = loop.time() + SILENCE_S
            return []
        return list(answer)

    def _resolver(self) -> Resolver:
        import dns.asyncresolver

        if self._made is None:
            self._made = resolver = dns.asyncresolver.Resolver(configure=self._address is None)
            resolver.lifetime = LOOKUP_S
            if self._address is not None:
                resolver.nameservers = [self._address[0]]
                resolver.port = self._address[1]
        return self._made


def _server_address(text: str) -> tuple[str, int]:
    """Address and port of `HOST:PORT`, `[HOST]:PORT` or `HOST`; raises MachineError."""
    host, _, port = text.rpartition(":") if "." in text.rpartition(":")[0] or "]:" in text else (text, "", "53")
    host = host.strip("[]")
    if not _is_address(host) or not port.isdigit() or not 0 < int(port) < 65_536:
        raise MachineError(f"{SERVER_VARIABLE}: {text} is no address of a name server, such as 127.0.0.1:5353")
    return host, int(port)


def _why_no_answer(error: Exception) -> str:
    import dns.rcode
    import dns.resolver

    if isinstance(error, dns.resolver.LifetimeTimeout):
        return f"no answer within {LOOKUP_S:g} s"
    if isinstance(error, dns.resolver.NoNameservers):
        codes = [dns.rcode.to_text(one[4].rcode()) for one in error.kwargs["errors"] if one[4] is not None]
        return f"it answered {', '.join(dict.fromkeys(codes))}" if codes else "it gave no usable answer"
    return str(error).strip() or type(error).__name__


def _family(address: str) -> int:
    return 6 if ":" in address else 4


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _text(value: bytes | str) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
