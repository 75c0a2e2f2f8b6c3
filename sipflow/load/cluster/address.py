"""Where the run and its machines meet, and the certificates with which they prove who they are."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sipflow.errors import SipflowError

if TYPE_CHECKING:
    from distributed import Security

DEFAULT_PORT = 8786


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM files of one side: who it trusts, and how it proves who it is. Both sides have to."""

    ca: Path
    certificate: Path
    key: Path | None = None
    """None: in the file of the certificate."""


@dataclass(frozen=True, slots=True)
class Meeting:
    """An address that was looked at: `tls://HOST:PORT`, or `tcp://` on loopback."""

    scheme: str
    host: str
    port: int
    certificates: Certificates | None = None

    @property
    def url(self) -> str:
        """As dask writes it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    def security(self) -> Security | None:
        """For dask; None without TLS."""
        if self.certificates is None:
            return None
        from distributed import Security

        pem = self.certificates
        files: dict[str, Any] = {"tls_ca_file": str(pem.ca)}
        for role in ("scheduler", "worker", "client"):
            files |= {f"tls_{role}_cert": str(pem.certificate), f"tls_{role}_key": str(pem.key or pem.certificate)}
        return Security(  # type: ignore[no-untyped-call]
            require_encryption=True, **files
        )


def parse_meeting(text: str, certificates: Certificates | None) -> Meeting:
    """Raises `SipflowError` for what is no address, and for plain TCP anywhere but on loopback.

    Whoever can talk to a load machine can make it run any program: what dask carries is pickled (as its documentation
    says). So machines have to prove who they are, in both directions.
    """
    scheme, colons, rest = text.partition("://")
    if not colons:
        scheme, rest = "tls", text
    host, port = _split(rest)
    if scheme not in ("tls", "tcp") or not host or port is None:
        raise SipflowError(f"{text} is no address of a cluster, for instance tls://10.0.0.5:{DEFAULT_PORT}")
    if scheme == "tcp":
        if not is_loopback(host):
            raise SipflowError(f"{text}: without TLS a cluster stays on loopback; write tls://{rest}, with --tls-ca")
        return Meeting("tcp", host, port)
    if certificates is None:
        raise SipflowError(f"{text} needs --tls-ca and --tls-cert: both sides prove who they are")
    return Meeting("tls", host, port, _readable(certificates))


def is_loopback(host: str) -> bool:
    """Whether packets to this host stay on this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _split(text: str) -> tuple[str, int | None]:
    """(host, port) of `10.0.0.5:8786`, `[::1]:8786`, `host`; port None for what is none."""
    host, _, port = text.rpartition(":") if not text.endswith("]") and ":" in text else (text, "", "")
    number = int(port) if port.isascii() and port.isdigit() else DEFAULT_PORT if not port else None
    return host.removeprefix("[").removesuffix("]"), number if number is not None and number < 65_536 else None


def _readable(certificates: Certificates) -> Certificates:
    for path in (certificates.ca, certificates.certificate, certificates.key):
        if path is not None and not path.is_file():
            raise SipflowError(f"there is no file {path}")
    return certificates
