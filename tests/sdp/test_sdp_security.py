"""What becomes of a stream by offer and answer: who protects it by which key (RFC 4568), who begins DTLS (RFC 5763)."""

from __future__ import annotations

import itertools

import pytest

from sipflow.media_params import SRTP_KEY_BYTES, DtlsParams, Fingerprint, SrtpKeys
from sipflow.sdp.crypto import CryptoLine, KeyParameter
from sipflow.sdp.security import (
    Agreement,
    Security,
    SecurityMode,
    accept_offer,
    offered_lines,
    offered_protocol,
    read_fingerprints,
    take_answer,
)
from sipflow.sdp.session import Lines, MediaDescription, SessionDescription

SUITES = tuple(SRTP_KEY_BYTES)
SHA1_80, GCM_256, GCM_128, SHA1_32 = SUITES
SHA_256 = Fingerprint("sha-256", ":".join(["AB"] * 32))
OTHER = Fingerprint("sha-1", ":".join(["0C"] * 20))


def security(mode: str, *suites: str, seed: int = 1, active: bool | None = None) -> Security:
    """Keys are bytes that tell whose they are."""
    suites = suites or SUITES
    if mode == "dtls":
        return Security(SecurityMode.DTLS, suites=suites, fingerprint=SHA_256, active=active)
    lines = tuple(
        CryptoLine(tag, suite, (KeyParameter(bytes([seed * 16 + tag]) * SRTP_KEY_BYTES[suite]),))
        for tag, suite in enumerate(suites, 1)
    )
    return Security(SecurityMode(mode), () if mode == "off" else lines, () if mode == "off" else suites)


def described(protocol: str, lines: Lines, *session: str) -> tuple[SessionDescription, MediaDescription]:
    head = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\n" + "".join(f"{one}\r\n" for one in session)
    body = "".join(f"{kind}={value}\r\n" for kind, value in lines)
    description = SessionDescription.parse(f"{head}t=0 0\r\nm=audio 4000 {protocol} 0\r\n{body}")
    return description, description.media[0]


def exchange(one: Security, other: Security) -> tuple[Agreement | str, Agreement | str]:
    """What the offerer and the answerer make of it."""
    offer, offered = described(offered_protocol(one), offered_lines(one))
    accepted = accept_offer(other, offer, offered)
    if isinstance(accepted, str):
        return accepted, accepted
    answer, answered = described(offered.protocol, accepted.lines)
    return take_answer(one, offered, answer, answered), accepted


def keys(agreement: Agreement | str) -> SrtpKeys:
    assert isinstance(agreement, Agreement), agreement
    assert agreement.srtp is not None
    return agreement.srtp


def dtls(agreement: Agreement | str) -> DtlsParams:
    assert isinstance(agreement, Agreement), agreement
    assert agreement.dtls is not None
    return agreement.dtls


# --- SDES: every pair ---


@pytest.mark.parametrize(("one", "other"), list(itertools.product(("off", "optional", "required"), repeat=2)))
def test_two_agents_protect_what_both_can_and_fail_where_one_must(one: str, other: str) -> None:
    mine, theirs = exchange(security(one), security(other, seed=2))
    if {one, other} == {"off", "required"}:
        assert isinstance(mine, str) and isinstance(theirs, str)
    elif "off" in (one, other):
        assert mine == theirs == Agreement()
    else:
        assert keys(mine).suite == keys(theirs).suite == SHA1_80
        assert (keys(mine).send_key, keys(mine).receive_key) == (keys(theirs).receive_key, keys(theirs).send_key)
        assert keys(mine).send_key != keys(mine).receive_key


@pytest.mark.parametrize(("offered", "taken", "chosen"), [
    ((GCM_256, SHA1_80), SUITES, GCM_256),
    ((GCM_256, SHA1_80), (SHA1_80, GCM_256), GCM_256),  # the offerer's order (RFC 4568 section 5.1.2)
    ((GCM_256, SHA1_80), (SHA1_80,), SHA1_80),
    ((SHA1_32, GCM_128), (GCM_128, SHA1_80), GCM_128),
])  # fmt: skip
def test_of_several_lines_the_first_that_both_know_is_taken(
    offered: tuple[str, ...], taken: tuple[str, ...], chosen: str
) -> None:
    mine, theirs = exchange(security("required", *offered), security("required", *taken, seed=2))
    assert keys(mine).suite == keys(theirs).suite == chosen
    assert isinstance(theirs, Agreement)
    (line,) = [CryptoLine.parse(value.removeprefix("crypto:")) for _, value in theirs.lines]
    assert line.tag == offered.index(chosen) + 1
    assert line.key == keys(theirs).send_key


def test_the_tag_of_the_answer_is_that_of_the_offer_whatever_it_is() -> None:
    offer, media = described("RTP/SAVP", (("a", f"crypto:77 {SHA1_80} inline:{'A' * 40}"),))
    accepted = accept_offer(security("required"), offer, media)
    assert isinstance(accepted, Agreement)
    assert accepted.lines[0][1].startswith(f"crypto:77 {SHA1_80} inline:")
    assert keys(accepted).receive_key == bytes(30)


@pytest.mark.parametrize(("lines", "why"), [
    ((), "RTP/SAVP was offered without a crypto line, here media has to be protected (SRTP)"),
    ((f"1 {SHA1_80} inline:{'A' * 40}|2^20|1:4",), "master key identifier, which is not supported"),
    ((f"1 {SHA1_80} inline:{'A' * 36}",), "has a key of 27 bytes, it takes 30"),
    (("1 F8_128_HMAC_SHA1_80 inline:AAAA", f"2 {SHA1_80} inline:{'A' * 40} KDR=1"),
     "F8_128_HMAC_SHA1_80 is not known here; AES_CM_128_HMAC_SHA1_80 asks for KDR=1"),
    ((f"1 {SHA1_80} keys later",), "no crypto line that was offered can be used: none can be read"),
])  # fmt: skip
@pytest.mark.parametrize("mode", ["optional", "required"])
def test_an_offer_that_cannot_be_taken_is_refused_with_the_reason(mode: str, lines: tuple[str, ...], why: str) -> None:
    refused = accept_offer(security(mode), *described("RTP/SAVP", tuple(("a", f"crypto:{line}") for line in lines)))
    assert isinstance(refused, str)
    assert why in refused
    assert "AAAA" not in refused


def test_best_effort_without_a_line_that_can_be_used_is_plain_rtp() -> None:
    offer = described("RTP/AVP", (("a", f"crypto:1 {SHA1_80} inline:{'A' * 36}"),))
    assert accept_offer(security("optional"), *offer) == Agreement()
    assert isinstance(accept_offer(security("required"), *offer), str)
    assert accept_offer(security("off"), *offer) == Agreement()


@pytest.mark.parametrize("mode", ["off", "optional", "required", "dtls"])
@pytest.mark.parametrize("protocol", ["RTP/SAVPF", "UDP/TLS/RTP/SAVP", "udptl", "RTP/AVPF"])
def test_another_protocol_is_refused_and_named(mode: str, protocol: str) -> None:
    refused = accept_offer(security(mode), *described(protocol, ()))
    assert isinstance(refused, str)
    assert protocol in refused


LINE = f"1 {SHA1_80} inline:{'A' * 40}"


@pytest.mark.parametrize(("answer", "why"), [
    ((), "no crypto line: the stream would not be protected"),
    ((LINE, LINE), "has 2 crypto lines, it has to choose one"),
    (("nonsense",), "crypto line cannot be read"),
    (("9" + LINE[1:],), "chose the crypto line 9, which was not offered"),
    (("2" + LINE[1:],), f"says {SHA1_80} for the crypto line 2, which is {GCM_256}"),
    ((LINE + "|1:4",), "master key identifier"),
    ((LINE + " UNENCRYPTED_SRTCP",), "asks for UNENCRYPTED_SRTCP"),
    ((LINE[:-4],), "has a key of 27 bytes"),
])  # fmt: skip
def test_an_answer_that_breaks_the_rules_is_refused_with_the_reason(answer: tuple[str, ...], why: str) -> None:
    own = security("required", SHA1_80, GCM_256)
    _, offered = described(offered_protocol(own), offered_lines(own))
    answered = described("RTP/SAVP", tuple(("a", f"crypto:{line}") for line in answer))
    refused = take_answer(own, offered, *answered)
    assert isinstance(refused, str)
    assert why in refused
    assert "AAAA" not in refused


def test_an_answer_of_savp_to_best_effort_is_taken() -> None:
    own = security("optional")
    _, offered = described(offered_protocol(own), offered_lines(own))
    taken = take_answer(own, offered, *described("RTP/SAVP", (("a", f"crypto:{LINE}"),)))
    assert keys(taken).receive_key == bytes(30)
    assert isinstance(take_answer(own, offered, *described("RTP/SAVP", ())), str)
    assert take_answer(own, offered, *described("RTP/AVP", ())) == Agreement()


def test_an_agreement_does_not_show_its_keys() -> None:
    mine, _ = exchange(security("required"), security("required", seed=2))
    for key in (keys(mine).send_key, keys(mine).receive_key):
        assert repr(key)[2:-1] not in repr(mine)


# --- DTLS ---


def test_the_answerer_of_actpass_begins() -> None:
    """RFC 5763 section 5."""
    mine, theirs = exchange(security("dtls"), security("dtls"))
    assert (dtls(mine).active, dtls(theirs).active) == (False, True)
    assert dtls(mine).fingerprints == dtls(theirs).fingerprints == (SHA_256,)
    assert ("a", "setup:actpass") in offered_lines(security("dtls"))


@pytest.mark.parametrize(("setup", "current", "answered"), [
    ("actpass", None, "active"), ("active", None, "passive"), ("passive", None, "active"),
    ("actpass", True, "active"), ("actpass", False, "passive"),
    ("ACTIVE", None, "passive"), (None, None, "passive"),
])  # fmt: skip
def test_who_begins_follows_from_the_setup_attribute(setup: str | None, current: bool | None, answered: str) -> None:
    """An association that is there keeps its parts; who says nothing would begin (RFC 4145 section 4)."""
    lines = (("a", f"fingerprint:{OTHER}"), *(() if setup is None else (("a", f"setup:{setup}"),)))
    accepted = accept_offer(security("dtls", active=current), *described("UDP/TLS/RTP/SAVP", lines))
    assert isinstance(accepted, Agreement)
    assert ("a", f"setup:{answered}") in accepted.lines
    assert ("a", f"fingerprint:{SHA_256}") in accepted.lines
    assert dtls(accepted) == DtlsParams(answered == "active", (OTHER,), SUITES)


@pytest.mark.parametrize("setup", ["holdconn", "existing", ""])
def test_a_setup_to_which_there_is_no_answer_is_refused(setup: str) -> None:
    lines = (("a", f"fingerprint:{OTHER}"), ("a", f"setup:{setup or 'nonsense'}"))
    refused = accept_offer(security("dtls"), *described("UDP/TLS/RTP/SAVP", lines))
    assert isinstance(refused, str) and "to which there is no answer" in refused


@pytest.mark.parametrize(("setup", "active"), [("active", False), ("passive", True)])
def test_the_answer_says_who_begins(setup: str, active: bool) -> None:
    lines = (("a", f"fingerprint:{OTHER}"), ("a", f"setup:{setup}"))
    own = security("dtls")
    _, offered = described(offered_protocol(own), offered_lines(own))
    assert dtls(take_answer(own, offered, *described("UDP/TLS/RTP/SAVP", lines))).active is active


@pytest.mark.parametrize("setup", ["actpass", "holdconn"])
def test_an_answer_that_does_not_choose_is_refused(setup: str) -> None:
    own = security("dtls")
    _, offered = described(offered_protocol(own), offered_lines(own))
    lines = (("a", f"fingerprint:{OTHER}"), ("a", f"setup:{setup}"))
    refused = take_answer(own, offered, *described("UDP/TLS/RTP/SAVP", lines))
    assert refused == f"the answer has a=setup:{setup}, it has to be active or passive"


def test_without_a_fingerprint_anybody_could_speak() -> None:
    own = security("dtls")
    _, offered = described(offered_protocol(own), offered_lines(own))
    for lines in ((), (("a", "fingerprint:sha-256 nonsense"),), (("a", "fingerprint:sha-256 AB"),)):
        refused = take_answer(own, offered, *described("UDP/TLS/RTP/SAVP", (("a", "setup:active"), *lines)))
        assert isinstance(refused, str) and "could be anybody" in refused
        refused = accept_offer(own, *described("UDP/TLS/RTP/SAVP", (("a", "setup:actpass"), *lines)))
        assert isinstance(refused, str) and "without a fingerprint" in refused


def test_a_fingerprint_of_the_session_holds_for_streams_without_one() -> None:
    """RFC 8122 section 5; several hashes may stand side by side, in any letters."""
    session = f"a=fingerprint:{SHA_256}"
    assert read_fingerprints(*described("RTP/AVP", (), session)) == (SHA_256,)
    lines = (("a", f"fingerprint:{OTHER}"), ("a", f"fingerprint:SHA-256 {SHA_256.value.lower()}"))
    assert read_fingerprints(*described("RTP/AVP", lines, session)) == (OTHER, SHA_256)


def test_one_who_asks_for_dtls_and_one_who_asks_for_sdes_do_not_agree() -> None:
    for one, other in (("dtls", "required"), ("required", "dtls"), ("dtls", "off"), ("off", "dtls")):
        mine, _ = exchange(security(one), security(other, seed=2))
        assert isinstance(mine, str), (one, other)
