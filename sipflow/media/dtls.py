"""DTLS-SRTP: a handshake on the media path that ends in SRTP keys (RFC 5764), done by OpenSSL in memory.

A handshake takes datagrams and gives datagrams; who owns it sends them, and calls `handle_timer` when OpenSSL wants to
send its last flight again (RFC 6347 section 4.2.4). That one clock is OpenSSL's own. Certificates prove nothing here
but that the peer is who the session description speaks of: they are made for the run, and checked by their fingerprint.
"""

from __future__ import annotations

import datetime
import hashlib
import importlib
from collections.abc import Iterator
from functools import cached_property
from typing import Any, Final

from sipflow.errors import MachineError
from sipflow.media_params import SRTP_KEY_BYTES, DtlsParams, Fingerprint, SrtpKeys

_PROFILES: Final = {
    "AES_CM_128_HMAC_SHA1_80": b"SRTP_AES128_CM_SHA1_80",
    "AES_CM_128_HMAC_SHA1_32": b"SRTP_AES128_CM_SHA1_32",
    "AEAD_AES_128_GCM": b"SRTP_AEAD_AES_128_GCM",
    "AEAD_AES_256_GCM": b"SRTP_AEAD_AES_256_GCM",
}
"""OpenSSL's names of the protection profiles (RFC 5764 section 4.1.2, RFC 7714 section 14.2) by crypto suite."""

_KEY_BYTES: Final = {"AES_CM_128_HMAC_SHA1_80": 16, "AES_CM_128_HMAC_SHA1_32": 16, "AEAD_AES_128_GCM": 16}
"""Of the master key; 32 for those that are not here."""

_HASHES: Final = {"sha-512": "sha512", "sha-384": "sha384", "sha-256": "sha256", "sha-224": "sha224", "sha-1": "sha1"}
"""Names of RFC 8122 and of hashlib, the strongest first. MD5 and MD2 are registered, and prove nothing any more."""

_LABEL: Final = b"EXTRACTOR-dtls_srtp"
_MTU_BYTES: Final = 1200
_RECORD_HEADER_BYTES: Final = 13
_LIFE: Final = datetime.timedelta(days=30)
_MISSING: Final = "DTLS-SRTP needs pyOpenSSL (24.3 or newer): pip install pyOpenSSL"


class DtlsIdentity:
    """A key and a certificate for it, both made when they are first used."""

    def __init__(self) -> None:
        """Raises MachineError when there is no OpenSSL for it."""
        try:
            self.ssl: Any = importlib.import_module("OpenSSL.SSL")
        except ImportError as error:
            raise MachineError(f"{_MISSING} ({error})") from error

    @cached_property
    def _key(self) -> Any:
        from cryptography.hazmat.primitives.asymmetric import ec

        return ec.generate_private_key(ec.SECP256R1())

    @cached_property
    def _certificate(self) -> Any:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes

        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sipflow")])
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateBuilder(name, name, self._key.public_key(), x509.random_serial_number())
        lasting = builder.not_valid_before(now - _LIFE).not_valid_after(now + _LIFE)
        return lasting.sign(self._key, hashes.SHA256())

    @cached_property
    def fingerprint(self) -> Fingerprint:
        """What the session description says of the certificate."""
        return fingerprint_of(self._certificate, "sha-256")

    def context(self, suites: tuple[str, ...]) -> Any:
        """An OpenSSL context that shows the certificate, asks for the peer's, and takes any: its fingerprint counts."""
        context = self.ssl.Context(self.ssl.DTLS_METHOD)
        context.use_certificate(self._certificate)
        context.use_privatekey(self._key)
        wanted = self.ssl.VERIFY_PEER | self.ssl.VERIFY_FAIL_IF_NO_PEER_CERT
        context.set_verify(wanted, lambda *_: True)
        context.set_tlsext_use_srtp(b":".join(_PROFILES[suite] for suite in suites))
        return context


class DtlsHandshake:
    """One handshake. After every call drain `outputs()`; it is over when `keys` or `problem` is there."""

    def __init__(self, identity: DtlsIdentity, params: DtlsParams) -> None:
        self.keys: SrtpKeys | None = None
        self.problem = ""
        """Why there will be no keys, for a person."""
        self.detail = ""
        """More about the problem, as long as it may be."""
        self.fingerprint: Fingerprint | None = None
        """Of the peer's certificate, once it fits."""
        self._identity = identity
        self._params = params
        self._connection = identity.ssl.Connection(identity.context(params.suites), None)
        self._connection.set_ciphertext_mtu(_MTU_BYTES)
        if params.active:
            self._connection.set_connect_state()
        else:
            self._connection.set_accept_state()

    @property
    def over(self) -> bool:
        """Whether it came to its end, good or bad."""
        return self.keys is not None or bool(self.problem)

    def start(self) -> None:
        """Let the active side say hello."""
        self._proceed()

    def receive(self, datagram: bytes) -> None:
        """A datagram of the peer. After the end of the handshake, too: its last flight may have been lost."""
        if self.problem:
            return
        self._connection.bio_write(datagram)
        if self.keys is None:
            self._proceed()
        else:
            self._answer_repetition()

    def timeout_s(self) -> float | None:
        """When `handle_timer` wants to be called, in seconds from now; None when there is nothing to repeat."""
        timeout: float | None = None if self.over else self._connection.DTLSv1_get_timeout()
        return timeout

    def handle_timer(self) -> None:
        """Time passed: the last flight goes out again if it is due."""
        if self.over:
            return
        try:
            self._connection.DTLSv1_handle_timeout()
        except self._identity.ssl.Error as error:
            self.problem = f"the DTLS handshake failed: {_reason(error)}"

    def outputs(self) -> Iterator[bytes]:
        """Datagrams to send: whole records, as many in one as fit."""
        yield from _datagrams(self._written())

    def _proceed(self) -> None:
        ssl = self._identity.ssl
        try:
            self._connection.do_handshake()
        except ssl.WantReadError:
            return
        except ssl.Error as error:
            self.problem = f"the DTLS handshake failed: {_reason(error)}"
            return
        self.problem = self._fingerprint_problem()
        if not self.problem:
            self._export()

    def _answer_repetition(self) -> None:
        """OpenSSL repeats its last flight when it reads that the peer repeats its own."""
        ssl = self._identity.ssl
        try:
            self._connection.recv(_MTU_BYTES)
        except ssl.Error:
            return  # nothing to read, or the peer's good-bye

    def _fingerprint_problem(self) -> str:
        """RFC 8122 section 5: of the hashes that are known the strongest decides; one fingerprint by it must fit."""
        said = {one.algorithm for one in self._params.fingerprints}
        algorithm = next((name for name in _HASHES if name in said), None)
        if algorithm is None:
            return f"no fingerprint of the peer can be checked: {', '.join(sorted(said))}"
        shown = fingerprint_of(self._connection.get_peer_certificate(as_cryptography=True), algorithm)
        if shown not in self._params.fingerprints:
            said_text = ", ".join(str(one) for one in self._params.fingerprints if one.algorithm == algorithm)
            self.detail = (
                f"the peer's certificate has the fingerprint {shown}, its session description says {said_text}"
            )
            return "the peer's certificate is not the one that its session description speaks of"
        self.fingerprint = shown
        return ""

    def _export(self) -> None:
        """RFC 5764 section 4.2: client key, server key, client salt, server salt."""
        profile = self._connection.get_selected_srtp_profile()
        suite = next((suite for suite, name in _PROFILES.items() if name == profile), None)
        if suite is None:
            self.problem = "the peer takes none of our SRTP protection profiles"
            return
        key_bytes, both = _KEY_BYTES.get(suite, 32), SRTP_KEY_BYTES[suite]
        material = self._connection.export_keying_material(_LABEL, 2 * both)
        client_key, server_key = material[:key_bytes], material[key_bytes : 2 * key_bytes]
        salts = material[2 * key_bytes :]
        client = client_key + salts[: both - key_bytes]
        server = server_key + salts[both - key_bytes :]
        send, receive = (client, server) if self._params.active else (server, client)
        self.keys = SrtpKeys(suite, send, receive)

    def _written(self) -> bytes:
        found = b""
        while True:
            try:
                found += self._connection.bio_read(65_536)
            except self._identity.ssl.WantReadError:
                return found


def fingerprint_of(certificate: Any, algorithm: str) -> Fingerprint:
    """The hash of a certificate in DER form, as RFC 8122 section 5 writes it."""
    from cryptography.hazmat.primitives.serialization import Encoding

    der = certificate.public_bytes(Encoding.DER)
    digest = hashlib.new(_HASHES[algorithm], der, usedforsecurity=False).digest()
    return Fingerprint(algorithm, digest.hex(":").upper())


def _reason(error: Exception) -> str:
    """The last words of OpenSSL's list of errors, which are for people."""
    listed = error.args[0] if error.args and isinstance(error.args[0], list) else []
    return str(listed[-1][-1]) if listed else "the connection was closed"


def _datagrams(written: bytes) -> Iterator[bytes]:
    """OpenSSL's records, put together into datagrams; none is cut: a record is what can be lost as a whole."""
    datagram = b""
    while len(written) >= _RECORD_HEADER_BYTES:
        length = _RECORD_HEADER_BYTES + int.from_bytes(written[11:13], "big")
        record, written = written[:length], written[length:]
        if datagram and len(datagram) + len(record) > _MTU_BYTES:
            yield datagram
            datagram = b""
        datagram += record
    if datagram:
        yield datagram
