"""Crypto lines (RFC 4568): what is read and written, what is refused and why, and that no key shows in a refusal."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipflow.media_params import SRTP_KEY_BYTES
from sipflow.sdp.crypto import CryptoLine, KeyParameter, read_crypto_lines
from sipflow.sdp.session import SdpError

SHA1_80, GCM_256 = "AES_CM_128_HMAC_SHA1_80", "AEAD_AES_256_GCM"
KEY = bytes(range(30))
INLINE = "inline:" + base64.b64encode(KEY).decode()


# --- what is read ---


def test_the_line_of_rfc_4568_section_4() -> None:
    line = CryptoLine.parse(
        "1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR|2^20|1:32 KDR=1 UNENCRYPTED_SRTCP"
    )
    assert (line.tag, line.suite, line.session_parameters) == (1, SHA1_80, ("KDR=1", "UNENCRYPTED_SRTCP"))
    (key,) = line.keys
    assert key == KeyParameter(b"=-n@%^x!Bjufr9)?,#5h\\`=&]{qiPQ", 1 << 20, (1, 32))


def test_two_keys_in_one_line_as_in_rfc_4568_section_6_1() -> None:
    other = base64.b64encode(bytes(30)).decode()
    line = CryptoLine.parse(f"2 {SHA1_80} {INLINE}|2^20|1:4;inline:{other}|2^20|2:4")
    assert [key.key for key in line.keys] == [KEY, bytes(30)]
    assert [key.mki for key in line.keys] == [(1, 4), (2, 4)]


@pytest.mark.parametrize(("written", "packets"), [
    ("", None), ("|2^20", 1 << 20), ("|2^48", 1 << 48), ("|2^0", 1), ("|1048576", 1 << 20), ("|1000", 1000), ("|0", 0),
])  # fmt: skip
def test_a_lifetime_is_a_number_or_a_power_of_two(written: str, packets: int | None) -> None:
    assert KeyParameter.parse(INLINE + written).lifetime == packets


@pytest.mark.parametrize("written", ["|1:4", "|2^20|1:4", "|2^20|4294967295:128"])
def test_an_mki_is_a_value_and_its_length(written: str) -> None:
    value, length = written.rsplit("|", 1)[1].split(":")
    assert KeyParameter.parse(INLINE + written).mki == (int(value), int(length))


def test_what_phones_write_otherwise_is_understood() -> None:
    gcm = base64.b64encode(bytes(44)).decode()
    assert gcm.endswith("=")
    line = CryptoLine.parse(f"10 aead_aes_256_gcm INLINE:{gcm.rstrip('=')}  \t")
    assert (line.tag, line.suite, line.key) == (10, GCM_256, bytes(44))
    assert CryptoLine.parse(f"1 \t {SHA1_80}  {INLINE}\tWSH=128").session_parameters == ("WSH=128",)


@pytest.mark.parametrize("value", [
    "",
    "1",
    f"1 {SHA1_80}",
    f"x {SHA1_80} {INLINE}",
    f"1234567890 {SHA1_80} {INLINE}",
    f"-1 {SHA1_80} {INLINE}",
    f" 1 {SHA1_80} {INLINE}",
    f"1 AES-CM {INLINE}",
    f"1 {SHA1_80} uri:https://keys.example.com/1",
    f"1 {SHA1_80} inline:",
    f"1 {SHA1_80} inline:A",
    f"1 {SHA1_80} inline:ABCD=EFG",
    f"1 {SHA1_80} {INLINE}===",
    f"1 {SHA1_80} {INLINE}|",
    f"1 {SHA1_80} {INLINE}|2^",
    f"1 {SHA1_80} {INLINE}|2^65",
    f"1 {SHA1_80} {INLINE}|-1",
    f"1 {SHA1_80} {INLINE}|1:4|2^20",
    f"1 {SHA1_80} {INLINE}|2^20|1",
    f"1 {SHA1_80} {INLINE};",
    f"1 {SHA1_80} {INLINE};{INLINE[:-1]}!",
])  # fmt: skip
def test_what_is_no_crypto_line_is_refused_without_showing_it(value: str) -> None:
    with pytest.raises(SdpError) as refused:
        CryptoLine.parse(value)
    assert "crypto line" in str(refused.value)
    assert INLINE[7:27] not in str(refused.value)
    assert read_crypto_lines([value]) == ()


def test_a_line_that_cannot_be_read_does_not_hide_the_others() -> None:
    """RFC 4568 section 7.1.2."""
    lines = read_crypto_lines([f"1 {SHA1_80} nonsense", f"2 {SHA1_80} {INLINE}", "", f"3 {GCM_256} {INLINE}"])
    assert [line.tag for line in lines] == [2, 3]


# --- what is used ---


def line_of(suite: str = SHA1_80, **changes: object) -> CryptoLine:
    line = CryptoLine(1, suite, (KeyParameter(bytes(SRTP_KEY_BYTES.get(suite, 30))),))
    return replace(line, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("suite", SRTP_KEY_BYTES)
def test_each_suite_can_be_used_with_a_key_of_its_length_only(suite: str) -> None:
    right = SRTP_KEY_BYTES[suite]
    assert line_of(suite).problem((suite,)) == ""
    for size in (right - 1, right + 1, 1):
        problem = line_of(suite, keys=(KeyParameter(bytes(size)),)).problem((suite,))
        assert problem == f"{suite} has a key of {size} bytes, it takes {right}"


@pytest.mark.parametrize(("line", "problem"), [
    (line_of("F8_128_HMAC_SHA1_80"), "F8_128_HMAC_SHA1_80 is not known here"),
    (line_of(GCM_256), f"{GCM_256} is not taken here"),
    (line_of(keys=(KeyParameter(KEY, None, (1, 4)),)), "comes with a master key identifier, which is not supported"),
    (line_of(keys=(KeyParameter(KEY), KeyParameter(KEY))), "comes with a master key identifier"),
    (line_of(session_parameters=("UNENCRYPTED_SRTP",)), "asks for UNENCRYPTED_SRTP, which is not supported"),
    (line_of(session_parameters=("WSH=64", "KDR=1")), "asks for KDR=1, which is not supported"),
    (line_of(session_parameters=("FEC_ORDER=SRTP_FEC",)), "asks for FEC_ORDER=SRTP_FEC"),
    (line_of(session_parameters=("WSH=x",)), "asks for WSH=x"),
])  # fmt: skip
def test_what_cannot_be_used_says_why(line: CryptoLine, problem: str) -> None:
    assert problem in line.problem((SHA1_80,))


@pytest.mark.parametrize("parameters", [(), ("WSH=128",), ("wsh=64",), ("-X=1",), ("WSH=1", "-KDR=4")])
def test_hints_and_what_may_be_passed_over_are_no_problem(parameters: tuple[str, ...]) -> None:
    assert line_of(session_parameters=parameters).problem((SHA1_80,)) == ""


def test_a_lifetime_of_any_length_is_taken() -> None:
    assert line_of(keys=(KeyParameter(KEY, 1),)).problem((SHA1_80,)) == ""


# --- laws ---

keys = st.builds(
    KeyParameter,
    st.binary(min_size=1, max_size=60),
    st.none() | st.integers(0, 10**18) | st.integers(0, 64).map(lambda power: int(2**power)),
    st.none() | st.tuples(st.integers(0, 10**30), st.integers(0, 128)),
)
words = st.from_regex(r"[A-Za-z0-9_=+\-|]{1,12}", fullmatch=True)
lines = st.builds(
    CryptoLine,
    st.integers(0, 999_999_999),
    st.from_regex(r"[A-Z0-9_]{1,40}", fullmatch=True),
    st.lists(keys, min_size=1, max_size=3).map(tuple),
    st.lists(words, max_size=3).map(tuple),
)


@given(lines)
def test_what_is_written_is_read_again(line: CryptoLine) -> None:
    assert CryptoLine.parse(str(line)) == line


@given(st.text() | st.text("0123456789 \t|:^=;+/AinlineWSH"))
def test_any_text_is_a_line_or_refused(text: str) -> None:
    for line in read_crypto_lines([text]):
        assert CryptoLine.parse(str(line)) == line
        line.problem((SHA1_80,))


@given(lines)
def test_no_problem_shows_a_key(line: CryptoLine) -> None:
    for key in line.keys:
        if len(key.key) > 3:
            assert base64.b64encode(key.key).decode() not in line.problem((SHA1_80, line.suite)) or any(
                base64.b64encode(key.key).decode() in told for told in (line.suite, *line.session_parameters)
            )
