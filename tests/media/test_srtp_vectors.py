"""What libsrtp makes of packets, against the RFCs: vectors prove the twin, the twin proves every packet."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sipflow.errors import MachineError, MisuseError
from sipflow.media import srtp
from sipflow.media_params import SrtpKeys
from sipflow.native import ffi, lib
from tests.native.twins.srtp import SUITES, TwinStream, derive, keystream, xor

CORPUS = Path(__file__).parents[3] / "shared" / "corpora" / "srtp-vectors"
MASTER_KEY = bytes.fromhex("e1f97a0d3e018be0d64fa32c06de4139")
MASTER_SALT = bytes.fromhex("0ec675ad498afeebb6960b3aabe6")


class Native:
    """libsrtp as the engine calls it, with the same key both ways."""

    def __init__(self, suite: str, key: bytes, receive_key: bytes | None = None) -> None:
        created = srtp.srtp_library().create_keys(SrtpKeys(suite, key, receive_key or key))
        self.native = ffi.gc(created, lib.sfm_srtp_destroy)

    def protect(self, packet: bytes, *, rtcp: bool = False) -> bytes:
        """One packet."""
        return self._apply(lib.sfm_srtp_protect_packet, packet, rtcp)

    def unprotect(self, packet: bytes, *, rtcp: bool = False) -> bytes | int:
        """One packet, or libsrtp's status."""
        return self._apply(lib.sfm_srtp_unprotect_packet, packet, rtcp)

    def _apply(self, function: object, packet: bytes, rtcp: bool) -> bytes | int:
        memory = ffi.new("uint8_t[]", packet + bytes(64))
        result = function(self.native, memory, len(packet), rtcp)
        return bytes(ffi.buffer(memory, result)) if result >= 0 else -result


def key_of(suite: str, seed: int = 1) -> bytes:
    """A master key and salt."""
    return random.Random(f"{suite}/{seed}").randbytes(sum(SUITES[suite][:2]))


# --- the twin is the RFC ---


def test_key_derivation_of_rfc_3711_appendix_b_3() -> None:
    assert derive(MASTER_KEY, MASTER_SALT, 0, 16).hex().upper() == "C61E7A93744F39EE10734AFE3FF7A087"
    assert derive(MASTER_KEY, MASTER_SALT, 2, 14).hex().upper() == "30CBBC08863D8C85D49DB34A9AE1"
    assert derive(MASTER_KEY, MASTER_SALT, 1, 94).hex().upper().startswith("CEBE321F6FF7716B6FD4AB49AF256A15")


def test_keystream_of_rfc_3711_appendix_b_2() -> None:
    key, salt = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c"), bytes.fromhex("f0f1f2f3f4f5f6f7f8f9fafbfcfd")
    stream = keystream(key, salt + b"\0\0", 0xFF02 * 16)
    assert stream[:16].hex().upper() == "E03EAD0935C95E80E166B16DD92B4EB4"
    assert stream[0xFEFF * 16 :][:48].hex().upper() == (
        "EC8CDF7398607CB0F2D21675EA9EA1E4362B7C3C6773516318A077D7FC5073AE6A2CC3787889374FBEB4C81B17BA6C44"
    )


@pytest.mark.skipif(not CORPUS.is_dir(), reason="no corpus of SRTP vectors beside the checkout")
def test_every_number_of_rfc_3711_appendix_b() -> None:
    vectors = json.loads((CORPUS / "rfc3711_appendix_b.json").read_text())
    stream, derived = vectors["B.2"], vectors["B.3"]
    for block, expected in stream["keystream_blocks"].items():
        iv = bytes.fromhex(stream["session_salt"]) + bytes.fromhex(block)
        assert keystream(bytes.fromhex(stream["session_key"]), iv, 16).hex().upper() == expected
    master = bytes.fromhex(derived["master_key"]), bytes.fromhex(derived["master_salt"])
    assert derive(*master, 1, 94).hex().upper() == derived["auth_key_94"]


@pytest.mark.parametrize(("key_bytes", "tagged"), [
    (16, "f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833"
         "899d7f27beb16a9152cf765ee4390cce"),
    (32, "32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b"
         "7aa3db36dfffd6b0f9bb7878d7a76c13"),
])  # fmt: skip
def test_packets_of_rfc_7714_section_16(key_bytes: int, tagged: str) -> None:
    packet = bytes.fromhex("8040f17b8041f8d35501a0b2") + b"Gallia est omnis divisa in partes tres"
    iv = xor(b"Quid pro quo", b"\0\0" + packet[8:12] + b"\0\0\0\0" + packet[2:4])
    assert AESGCM(bytes(range(key_bytes))).encrypt(iv, packet[12:], packet[:12]).hex() == tagged


@pytest.mark.skipif(not CORPUS.is_dir(), reason="no corpus of SRTP vectors beside the checkout")
def test_the_packets_of_rfc_7714_are_those_of_the_document() -> None:
    text = (CORPUS / "rfc7714" / "rtp-vectors.txt").read_text()
    tagged = [re.sub(r"\s", "", found) for found in re.findall(r"Cipher with tag\s+((?:[0-9a-f]{4,8}\s+)+)", text)]
    packet = bytes.fromhex("8040f17b8041f8d35501a0b2") + b"Gallia est omnis divisa in partes tres"
    iv = xor(b"Quid pro quo", b"\0\0" + packet[8:12] + b"\0\0\0\0" + packet[2:4])
    made = {AESGCM(bytes(range(size))).encrypt(iv, packet[12:], packet[:12]).hex() for size in (16, 32)}
    assert made <= set(tagged)


# --- libsrtp is the twin ---


@pytest.mark.parametrize("suite", SUITES)
def test_libsrtp_protects_as_the_rfc_says_over_a_rollover(suite: str) -> None:
    native, twin, chance = Native(suite, key_of(suite)), TwinStream(suite, key_of(suite)), random.Random(7)
    ssrc = chance.randbytes(4)
    for number in range(65_436, 65_636):
        header = b"\x80\x00" + (number % 65_536).to_bytes(2, "big") + chance.randbytes(4) + ssrc
        packet = header + chance.randbytes(chance.choice((0, 1, 160, 1024)))
        assert native.protect(packet) == twin.protect(packet, number // 65_536)


@pytest.mark.parametrize("suite", SUITES)
def test_libsrtp_protects_rtcp_as_the_rfc_says(suite: str) -> None:
    native, twin, chance = Native(suite, key_of(suite)), TwinStream(suite, key_of(suite)), random.Random(8)
    for index in range(1, 50):
        packet = b"\x80\xc8\x00\x06\xca\xfe\xba\xbe" + chance.randbytes(20)
        assert native.protect(packet, rtcp=True) == twin.protect_rtcp(packet, index)
        assert Native(suite, key_of(suite)).unprotect(twin.protect_rtcp(packet, index), rtcp=True) == packet


@pytest.mark.parametrize("suite", SUITES)
def test_a_packet_of_another_key_or_with_a_bit_turned_is_refused(suite: str) -> None:
    packet = bytes.fromhex("8000123400000000cafebabe") + bytes(160)
    protected = TwinStream(suite, key_of(suite)).protect(packet)
    assert Native(suite, key_of(suite, 2)).unprotect(protected) == 7
    for place in (1, 5, 20, len(protected) - 1):
        damaged = bytearray(protected)
        damaged[place] ^= 4
        assert Native(suite, key_of(suite)).unprotect(bytes(damaged)) == 7
    assert Native(suite, key_of(suite)).unprotect(protected) == packet


def test_a_packet_that_came_before_is_a_replay() -> None:
    suite = "AES_CM_128_HMAC_SHA1_80"
    native, twin = Native(suite, key_of(suite)), TwinStream(suite, key_of(suite))
    packets = [bytes.fromhex(f"8000{number:04x}00000000cafebabe") + bytes(20) for number in range(1, 300)]
    assert all(native.unprotect(twin.protect(packet)) == packet for packet in packets)
    assert native.unprotect(twin.protect(packets[-5])) == 9
    assert native.unprotect(twin.protect(packets[0])) in (10, 26)


# --- what is missing or wrong has words ---


def test_a_key_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(MisuseError, match="29 bytes for AES_CM_128_HMAC_SHA1_80"):
        Native("AES_CM_128_HMAC_SHA1_80", bytes(29))


def test_keys_are_not_shown() -> None:
    assert "secret" not in repr(SrtpKeys("AES_CM_128_HMAC_SHA1_80", b"secret" * 5, b"secret" * 5))


@pytest.mark.parametrize("gone", ["pylibsrtp", "pylibsrtp._binding"])
def test_without_pylibsrtp_it_is_said_what_is_missing(gone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, gone, None)
    srtp.srtp_library.cache_clear()
    with pytest.raises(MachineError, match=r"SRTP needs pylibsrtp .*pip install"):
        srtp.srtp_library()
    monkeypatch.undo()
    srtp.srtp_library.cache_clear()
    assert srtp.srtp_library()
