"""Digest arithmetic against the vectors of the RFCs, and what servers really write into challenges."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sipflow.sip.digest import Algorithm, Challenge, Credentials, Login, make_credentials, next_nonce, prove
from sipflow.sip.headers import HeaderError

MUFASA = Login("Mufasa", "Circle of Life")
RFC_7616 = Challenge(
    realm="http-auth@example.org",
    nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
    qop=("auth", "auth-int"),
    opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
)
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_example_of_rfc_7616_section_3_9_1(algorithm: str, response: str) -> None:
    challenge = replace(RFC_7616, algorithm=algorithm)
    assert make_credentials(challenge, MUFASA, "GET", "/dir/index.html", b"", 1, CNONCE).response == response


def test_the_example_of_rfc_2617_section_3_5() -> None:
    challenge = Challenge("testrealm@host.com", "dcd98b7102dd2f0e8b11d0f600bfb0c093", qop=("auth",))
    login = Login("Mufasa", "Circle Of Life")
    made = make_credentials(challenge, login, "GET", "/dir/index.html", b"", 1, "0a4f113b")
    assert made.response == "6629fae49393a05397450978507c4ef1"


def test_without_qop_it_is_rfc_2069() -> None:
    challenge = Challenge("testrealm@host.com", "dcd98b7102dd2f0e8b11d0f600bfb0c093")
    login = Login("Mufasa", "CircleOfLife")
    made = make_credentials(challenge, login, "GET", "/dir/index.html", b"", 1, "ignored")
    assert made.response == "1949323746fe6a43ef61f9606e7febea"
    assert "nc=" not in str(made) and "qop" not in str(made)


def test_sha_512_256_is_the_real_one_and_not_sha_512_cut_short() -> None:
    assert Algorithm.SHA_512_256.hash(b"") == "c672b8d1ef56ed28ab87c3622c5114069bdd3ad7b8f9737498d0c01ecef0967a"


@pytest.mark.parametrize("algorithm", ["MD5", "MD5-sess", "SHA-256", "sha-256-SESS", "SHA-512-256", "SHA-512-256-sess"])
@pytest.mark.parametrize("qop", [(), ("auth",), ("auth-int",), ("auth-int", "auth")])
@pytest.mark.parametrize("user", ["alice", 'al"ice\\', "Jäsøn Doe"])
def test_what_is_made_is_read_back_and_proves_the_password(algorithm: str, qop: tuple[str, ...], user: str) -> None:
    challenge = Challenge("a realm", "n/1=", algorithm, qop, opaque="", userhash=False)
    login = Login(user, "geheim ß")
    made = make_credentials(challenge, login, "INVITE", "sip:bob@example.com;a=b", b"v=0", 9, "c")
    read = Credentials.parse(str(made))
    assert read == (made if qop else replace(made, cnonce=""))
    if not algorithm.lower().endswith("-sess") or qop:
        assert prove(read, login, "INVITE", b"v=0") == read.response
    assert prove(read, Login(user, "other"), "INVITE", b"v=0") != read.response
    changed = prove(made, login, "INVITE", b"v=1") != made.response
    assert changed is (made.qop == "auth-int")


def test_a_hashed_user_name() -> None:
    challenge = replace(RFC_7616, algorithm="SHA-256", userhash=True)
    made = make_credentials(challenge, MUFASA, "GET", "/", b"", 1, CNONCE)
    assert made.username == Algorithm.SHA_256.hash(b"Mufasa:http-auth@example.org")
    assert Credentials.parse(str(made)).userhash and prove(made, MUFASA, "GET", b"") == made.response


def test_several_challenges_in_one_header_and_other_schemes() -> None:
    values = [
        'Digest realm="a, b", nonce="1", qop="auth,auth-int", algorithm=SHA-256, Digest realm="a, b", nonce="2"',
        'Basic realm="x"',
        'Digest realm="lacks a nonce"',
        'Bearer authz_server="https://x", DIGEST Realm="c", NONCE="3", stale=TRUE, algorithm=md5',
    ]
    assert Challenge.parse_many(values) == [
        Challenge("a, b", "1", "SHA-256", ("auth", "auth-int")),
        Challenge("a, b", "2"),
        Challenge("c", "3", "md5", stale=True),
    ]


@pytest.mark.parametrize(
    "challenge",
    [Challenge("r", "n", "AKAv1-MD5"), Challenge("r", "n", "MD5", ("token",)), Challenge("r", "n", "SHA-3", ("auth",))],
)
def test_what_is_not_understood_says_so(challenge: Challenge) -> None:
    assert not challenge.is_understood


def test_a_challenge_is_read_back_as_it_was_written() -> None:
    challenge = Challenge('r"', "n", "SHA-512-256", ("auth", "auth-int"), "o", stale=True, userhash=True)
    assert Challenge.parse(str(challenge)) == challenge


@pytest.mark.parametrize("text", ["", "Digest", "Basic YTpi", 'Digest username="a", realm="r"', "Digest realm"])
def test_broken_credentials_are_a_header_error(text: str) -> None:
    with pytest.raises(HeaderError):
        Credentials.parse(text)


def test_the_next_nonce_is_found() -> None:
    assert next_nonce('nextnonce="abc", qop=auth, rspauth="1"') == "abc"
    assert next_nonce("qop=auth") == ""


def test_no_password_is_ever_shown() -> None:
    assert "Circle" not in repr(MUFASA)
