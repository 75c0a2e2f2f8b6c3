"""SRTP contexts for legs, made by pylibsrtp's libsrtp (RFC 3711, RFC 7714).

Contexts are made here and used in C: the engine calls the library's functions by their addresses, at native speed. The
names by which pylibsrtp binds them are private to it, so this one file resolves them, and proves by a known packet that
what it found does what it should. Nothing is imported before it is needed: without pylibsrtp all but SRTP runs.
"""

from __future__ import annotations

import functools
import importlib
from dataclasses import dataclass
from typing import Any, Final

from sipflow.errors import MachineError, MisuseError
from sipflow.media_params import SRTP_KEY_BYTES, SrtpKeys
from sipflow.native import check, ffi, lib

_MISSING: Final = "SRTP needs pylibsrtp (1.x): pip install 'pylibsrtp>=1.0,<2'"

_FUNCTIONS: Final = {
    "protect": "srtp_protect",
    "unprotect": "srtp_unprotect",
    "protect_rtcp": "srtp_protect_rtcp",
    "unprotect_rtcp": "srtp_unprotect_rtcp",
    "dealloc": "srtp_dealloc",
}
"""Fields of `sfm_srtp_library` and the functions of libsrtp."""

_KEY: Final = bytes.fromhex("e1f97a0d3e018be0d64fa32c06de41390ec675ad498afeebb6960b3aabe6")
_PLAIN: Final = bytes.fromhex("800f1234decafbadcafebabe") + b"\xab" * 16
_PROTECTED: Final = bytes.fromhex("800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb")
"""The master key of RFC 3711 appendix B.3, a packet, and the packet under AES_CM_128_HMAC_SHA1_80."""


_PROFILES: Final = {
    "AES_CM_128_HMAC_SHA1_80": "SRTP_PROFILE_AES128_CM_SHA1_80",
    "AES_CM_128_HMAC_SHA1_32": "SRTP_PROFILE_AES128_CM_SHA1_32",
    "AEAD_AES_128_GCM": "SRTP_PROFILE_AEAD_AES_128_GCM",
    "AEAD_AES_256_GCM": "SRTP_PROFILE_AEAD_AES_256_GCM",
}
"""Constants of `pylibsrtp.Policy` by crypto suite."""


@dataclass(frozen=True, slots=True)
class SrtpLibrary:
    """libsrtp, found and tried."""

    functions: Any
    """`sfm_srtp_library` for the engine."""
    policy: Any
    """`pylibsrtp.Policy`."""
    binding: Any
    """pylibsrtp's `_binding`, which has to stay loaded."""

    def create_keys(self, keys: SrtpKeys, former: SrtpKeys | None = None) -> Any:
        """A native `sfm_srtp` with a context for each direction; whoever gets it owns it.

        A direction whose key is that of `former`, the keys in force, keeps its context, and so its rollover counter.

        Raises MisuseError for a suite that is not known or a key that is not as long as the suite's.
        """
        send, receive = "SSRC_ANY_OUTBOUND", "SSRC_ANY_INBOUND"
        same = former is not None and former.suite == keys.suite
        keeps_send = same and former is not None and former.send_key == keys.send_key
        keeps_receive = same and former is not None and former.receive_key == keys.receive_key
        return self._native(
            0 if keeps_send else self._context(keys.suite, keys.send_key, send),
            0 if keeps_receive else self._context(keys.suite, keys.receive_key, receive),
        )

    def create_pending(self) -> Any:
        """A native `sfm_srtp` without keys: nothing is sent, and what comes waits for them."""
        return self._native(0, 0)

    def _native(self, send: int, receive: int) -> Any:
        out = ffi.new("sfm_srtp **")
        check(lib.sfm_srtp_create(self.functions, send, receive, out), "create SRTP contexts")
        return out[0]

    def _context(self, suite: str, key: bytes, direction: str) -> int:
        """Address of a fresh `srtp_t`."""
        if len(key) != SRTP_KEY_BYTES.get(suite):
            raise MisuseError(f"no SRTP key: {len(key)} bytes for {suite}")
        profile = getattr(self.policy, _PROFILES[suite])
        policy = self.policy(key=key, ssrc_type=getattr(self.policy, direction), srtp_profile=profile)
        out = self.binding.ffi.new("srtp_t *")
        status = self.binding.lib.srtp_create(out, policy._policy)
        if status != 0:
            raise MachineError(f"libsrtp makes no context for {suite} (status {status})")
        return int(self.binding.ffi.cast("uintptr_t", out[0]))


@functools.cache
def srtp_library() -> SrtpLibrary:
    """libsrtp as pylibsrtp brings it; raises MachineError, with what to do, when there is none that works."""
    try:
        module = importlib.import_module("pylibsrtp")
        binding = importlib.import_module("pylibsrtp._binding")
        library = SrtpLibrary(_functions(binding), module.Policy, binding)
    except (ImportError, AttributeError) as error:
        raise MachineError(f"{_MISSING} ({error})") from error
    _prove(library)
    return library


def _functions(binding: Any) -> Any:
    """Addresses of the C functions themselves, which are what `addressof` gives for cffi's in API mode."""
    found = {
        field: int(binding.ffi.cast("uintptr_t", binding.ffi.addressof(binding.lib, name)))
        for field, name in _FUNCTIONS.items()
    }
    return ffi.new("sfm_srtp_library *", found)


def _prove(library: SrtpLibrary) -> None:
    """One packet there and back: a library that does something else must not touch a call."""
    native = library.create_keys(SrtpKeys("AES_CM_128_HMAC_SHA1_80", _KEY, _KEY))
    try:
        packet = ffi.new("uint8_t[]", _PLAIN + bytes(32))
        length = lib.sfm_srtp_protect_packet(native, packet, len(_PLAIN), 0)
        protected = bytes(ffi.buffer(packet, max(length, 0)))
        back = lib.sfm_srtp_unprotect_packet(native, packet, length, 0)
        if protected != _PROTECTED or bytes(ffi.buffer(packet, max(back, 0))) != _PLAIN:
            raise MachineError(f"{_MISSING}; the one that is installed does not protect as RFC 3711 has it")
    finally:
        lib.sfm_srtp_destroy(native)
