"""TLS as an agent's settings want it, and what went wrong in words that lead to the cure (RFC 5922)."""

from __future__ import annotations

import ipaddress
import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sipflow.errors import MachineError
from sipflow.plan.tls import TlsPlan

NO_SETTINGS = TlsPlan(ca="", certificate="", key="")


def client_context(plan: TlsPlan, folder: Path) -> ssl.SSLContext:
    """For connections that the agent makes; raises MachineError. SSLKEYLOGFILE is obeyed.

    Whether the certificate is for the right name is `why_not_for`'s to say: OpenSSL knows no SIP URIs in it.
    """
    context = _context(ssl.Purpose.SERVER_AUTH, plan, folder)
    context.check_hostname = False
    context.sslobject_class = _Session
    if not plan.verify:
        context.verify_mode = ssl.CERT_NONE
    _load_own(context, plan, folder)
    return context


def server_context(plan: TlsPlan, folder: Path) -> ssl.SSLContext:
    """For connections that others make; raises MachineError."""
    if not plan.certificate:
        raise MachineError('who listens by TLS needs a certificate: tls { certificate "…"; key "…" }')
    context = _context(ssl.Purpose.CLIENT_AUTH, plan, folder)
    if plan.require_client_certificate:
        context.verify_mode = ssl.CERT_REQUIRED
    _load_own(context, plan, folder)
    return context


class _Session(ssl.SSLObject):
    """Adds to the error of a certificate that was refused what stands in that certificate."""

    def do_handshake(self) -> None:
        """One step of the handshake."""
        try:
            super().do_handshake()
        except ssl.SSLCertVerificationError as error:
            error.refused = _fields_of(self)  # type: ignore[attr-defined]
            raise


def _fields_of(session: ssl.SSLObject) -> dict[str, Any]:
    """Fields of the peer's certificate, trusted or not; none where this Python does not tell them."""
    try:
        first, *_ = session._sslobj.get_unverified_chain()  # type: ignore[attr-defined]
        return dict(first.get_info())
    except (AttributeError, TypeError, ValueError):
        return {}


def _context(purpose: ssl.Purpose, plan: TlsPlan, folder: Path) -> ssl.SSLContext:
    trusted = _existing(plan.ca, folder, "CA certificates")
    try:
        return ssl.create_default_context(purpose, cafile=trusted)
    except ssl.SSLError as error:
        raise MachineError(f"{trusted} holds no CA certificates that can be read: {error.reason or error}") from error
    except OSError as error:
        file = os.environ.get("SSLKEYLOGFILE", "")
        raise MachineError(f"cannot write the key log {file} (SSLKEYLOGFILE): {error.strerror}") from error


def _load_own(context: ssl.SSLContext, plan: TlsPlan, folder: Path) -> None:
    certificate = _existing(plan.certificate, folder, "certificate")
    if certificate is None:
        return
    key = _existing(plan.key, folder, "key")
    try:
        context.load_cert_chain(certificate, key, password=_refuse_password)
    except _EncryptedKeyError:
        raise MachineError(
            f"the key {plan.key or plan.certificate} is encrypted: give one without a password"
        ) from None
    except ssl.SSLError as error:
        raise MachineError(_unfit(plan, error)) from error


class _EncryptedKeyError(Exception):
    pass


def _refuse_password() -> str:
    raise _EncryptedKeyError


def _unfit(plan: TlsPlan, error: ssl.SSLError) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"the key {plan.key or plan.certificate} does not belong to the certificate {plan.certificate}"
    what = f"{plan.certificate} and {plan.key}" if plan.key else plan.certificate
    return f"no certificate with its key can be read from {what} (PEM is wanted): {error.reason or error}"


def _existing(name: str, folder: Path, what: str) -> str | None:
    """Path of a file that can be read, None when none is named."""
    if not name:
        return None
    path = folder / name
    try:
        text = path.read_bytes()
    except OSError as error:
        raise MachineError(f"cannot read {what} {path}: {error.strerror}") from error
    if b"-----BEGIN" not in text:
        raise MachineError(f"{path} holds no {what} in PEM")
    return str(path)


def why_tls_failed(error: Exception, name: str) -> str:
    """Why a handshake failed with the peer that was to be `name`."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _why_not_trusted(error, name)
    if isinstance(error, ssl.SSLError):
        return _why_no_handshake(error)
    return ""


_UNTRUSTED = {
    2: "nobody who is trusted signed the certificate of {name} (unknown CA): name it with tls {{ ca … }}",
    9: "the certificate of {name} is not valid yet, only from {notBefore}",
    10: "the certificate of {name} expired at {notAfter}",
    18: "the certificate of {name} is self-signed and not among the trusted ones: name it with tls {{ ca … }}",
    19: "the certificates of {name} end in a root that is not trusted (unknown CA): name it with tls {{ ca … }}",
    20: "nobody who is trusted signed the certificate of {name} (unknown CA): name it with tls {{ ca … }}",
    21: "nobody who is trusted signed the certificate of {name} (unknown CA): name it with tls {{ ca … }}",
}
"""By OpenSSL's numbers of verification errors (X509_V_ERR_…)."""


def _why_not_trusted(error: ssl.SSLCertVerificationError, name: str) -> str:
    text = _UNTRUSTED.get(error.verify_code, "the certificate of {name} is not accepted: {message}")
    fields = {"notBefore": "a later date", "notAfter": "an earlier date", **getattr(error, "refused", {})}
    return text.format(name=name, message=error.verify_message.rstrip("."), **fields)


def why_not_for(certificate: Mapping[str, Any], name: str) -> str:
    """Why a certificate, as `getpeercert` gives it, is not for `name`; empty: it is (RFC 5922 section 7.1).

    A `sip:` URI counts, then DNS names and addresses, and the common name only where there is none of these. A wildcard
    stands for one label: section 7.2 forbids that, and the certificates of providers have it all the same.
    """
    names = [(kind, value) for kind, value in certificate.get("subjectAltName", ()) if kind in _IDENTITIES]
    if not names:
        subject = (entry for part in certificate.get("subject", ()) for entry in part)
        names = [("DNS", value) for key, value in subject if key == "commonName"]
    if any(_identifies(kind, value, name.lower()) for kind, value in names):
        return ""
    return f"the certificate is not for {name}, but for {', '.join(value for _, value in names) or 'no name at all'}"


_IDENTITIES = ("URI", "DNS", "IP Address")


def _identifies(kind: str, value: str, name: str) -> bool:
    value = value.lower()
    if kind == "URI":
        return value == f"sip:{name}"
    if kind == "IP Address":
        return _same_address(value, name)
    return value == name or (value.startswith("*.") and value[1:] == name[len(name.partition(".")[0]) :])


def _same_address(one: str, other: str) -> bool:
    try:
        return ipaddress.ip_address(one.strip()) == ipaddress.ip_address(other.strip("[]"))
    except ValueError:
        return False


_ALERTS = {
    "WRONG_VERSION_NUMBER": "the peer speaks no TLS at this port",
    "HTTP_REQUEST": "the peer speaks HTTP, not TLS",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "the peer wants a client certificate: tls { certificate …; key … }",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "it showed no client certificate",
    "TLSV1_ALERT_UNKNOWN_CA": "the peer does not know who signed our certificate (unknown CA)",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "the peer says that our certificate has expired",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "the peer does not accept our certificate",
    "SSLV3_ALERT_BAD_CERTIFICATE": "the peer does not accept our certificate",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "the peer ended the handshake: no common cipher, or it wants a client certificate",
    "TLSV1_ALERT_PROTOCOL_VERSION": "the peer has no TLS version that is safe today (1.2 or 1.3)",
    "UNSUPPORTED_PROTOCOL": "the peer has no TLS version that is safe today (1.2 or 1.3)",
    "TLSV1_UNRECOGNIZED_NAME": "the peer does not serve this name (SNI)",
}


def _why_no_handshake(error: ssl.SSLError) -> str:
    return _ALERTS.get(error.reason or "", f"TLS failed: {(error.reason or str(error)).replace('_', ' ').lower()}")
