"""TLS as an agent's settings want it, and what went wrong in words that lead to the cure (RFC 5922)."""

from __future__ import annotations

import ssl
from pathlib import Path

from sipflow.errors import MachineError
from sipflow.plan.tls import TlsPlan

NO_SETTINGS = TlsPlan(ca="", certificate="", key="")


def client_context(plan: TlsPlan, folder: Path) -> ssl.SSLContext:
    """For connections that the agent makes; raises MachineError. SSLKEYLOGFILE is obeyed."""
    context = ssl.create_default_context(cafile=_existing(plan.ca, folder, "CA certificates"))
    if not plan.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    _load_own(context, plan, folder)
    return context


def server_context(plan: TlsPlan, folder: Path) -> ssl.SSLContext:
    """For connections that others make; raises MachineError."""
    if not plan.certificate:
        raise MachineError('who listens by TLS needs a certificate: tls { certificate "…"; key "…" }')
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=_existing(plan.ca, folder, "CA certificates"))
    if plan.require_client_certificate:
        context.verify_mode = ssl.CERT_REQUIRED
    _load_own(context, plan, folder)
    return context


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
    9: "the certificate of {name} is not valid yet",
    10: "the certificate of {name} has expired",
    18: "the certificate of {name} is self-signed and not among the trusted ones: name it with tls {{ ca … }}",
    19: "the certificates of {name} end in a root that is not trusted (unknown CA): name it with tls {{ ca … }}",
    20: "nobody who is trusted signed the certificate of {name} (unknown CA): name it with tls {{ ca … }}",
    21: "nobody who is trusted signed the certificate of {name} (unknown CA): name it with tls {{ ca … }}",
    62: "the certificate is not for {name}: {message}",
    64: "the certificate is not for {name}: {message}",
}
"""By OpenSSL's numbers of verification errors (X509_V_ERR_…)."""


def _why_not_trusted(error: ssl.SSLCertVerificationError, name: str) -> str:
    text = _UNTRUSTED.get(error.verify_code, "the certificate of {name} is not accepted: {message}")
    return text.format(name=name, message=error.verify_message.rstrip("."))


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
