"""Session descriptions: what is read out of them, what is kept, what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipflow.media_params import Direction, RtpFormat
from sipflow.sdp.session import MediaDescription, Origin, SdpError, SessionDescription
from tests.pace import at_most

CORPUS = Path(__file__).parents[2].parent / "shared" / "corpora" / "sdp-sofia"

OFFER = (
    "v=0\r\no=alice 2890844526 2890844527 IN IP4 host.example.com\r\ns= \r\ni=unread\r\nc=IN IP4 192.0.2.1/127\r\n"
    "t=0 0\r\na=sendonly\r\nm=audio 49170/2 RTP/AVP 0 96 97 13 101 99\r\nc=IN IP6 2001:db8::1\r\n"
    "a=rtpmap:96 L16/44100/2\r\na=rtpmap:97 OPUS/48000/2\r\na=fmtp:97 useinbandfec=1\r\n"
    "a=rtpmap:101 Telephone-Event/8000\r\na=fmtp:101 0-16\r\na=ptime:30\r\na=maxptime:60\r\n"
    "a=rtcp:53020 IN IP4 192.0.2.9\r\nm=video 51372 RTP/AVP 31\r\na=recvonly\r\nX=who knows\r\n"
)


def audio(*lines: str, m: str = "audio 4000 RTP/AVP 0", session: str = "c=IN IP4 192.0.2.1\n") -> MediaDescription:
    text = f"v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\n{session}t=0 0\nm={m}\n" + "".join(f"{line}\n" for line in lines)
    return SessionDescription.parse(text).media[0]


def test_description_is_written_as_it_was_read() -> None:
    assert str(SessionDescription.parse(OFFER)) == OFFER
    assert SessionDescription.parse(OFFER).to_bytes() == OFFER.encode()


def test_what_is_read_out_of_a_description() -> None:
    session = SessionDescription.parse(OFFER)
    assert session.origin == Origin("alice", "2890844526", "2890844527", "host.example.com")
    first, second = session.media
    assert (first.kind, first.port, first.port_count, first.protocol) == ("audio", 49170, 2, "RTP/AVP")
    assert first.rtp_formats() == (
        RtpFormat("PCMU", 0),
        RtpFormat("L16", 96, 44100, 2),
        RtpFormat("opus", 97, 48000, 2, "useinbandfec=1"),
        RtpFormat("CN", 13),
        RtpFormat("telephone-event", 101, 8000, 1, "0-16"),
    )
    assert (first.ptime_ms, first.maxptime_ms, first.rtcp_port) == (30, 60, 53020)
    assert (session.address_of(first), session.address_of(second)) == ("2001:db8::1", "192.0.2.1")
    assert (session.direction_of(first), session.direction_of(second)) == (Direction.SENDONLY, Direction.RECVONLY)
    assert second.rtcp_port == 51373
    assert second.lines[-1] == ("X", "who knows")


@pytest.mark.parametrize(
    "text", [OFFER.replace("\r\n", "\n"), OFFER.replace("\r\n", "\r"), OFFER.rstrip("\r\n"), "\n" + OFFER + "\r\n \r\n"]
)
def test_line_ends_do_not_matter(text: str) -> None:
    assert SessionDescription.parse(text) == SessionDescription.parse(OFFER)
    assert SessionDescription.parse(text.encode()) == SessionDescription.parse(OFFER)


def test_line_without_a_type_is_kept() -> None:
    assert str(SessionDescription.parse("v=0\r\nwhat is this\r\n")) == "v=0\r\nwhat is this\r\n"


@pytest.mark.parametrize(
    "text",
    [
        *("", "\r\n", "v=1", "s=-\r\nv=0", "INVITE", "v=0\nm=audio", "v=0\nm=audio x RTP/AVP 0"),
        *("v=0\nm=audio 65536 RTP/AVP 0", "v=0\nm=audio 4294967296 RTP/AVP 0", "v=0\nm= 1 RTP/AVP 0"),
        "v=0\nm=audio ² RTP/AVP 0",
    ],
)
def test_what_is_no_description_is_refused(text: str) -> None:
    with pytest.raises(SdpError):
        SessionDescription.parse(text)


def test_missing_and_bad_origin() -> None:
    with pytest.raises(SdpError):
        _ = SessionDescription.parse("v=0").origin
    with pytest.raises(SdpError):
        _ = SessionDescription.parse("v=0\no=x").origin


@pytest.mark.parametrize(
    ("session", "media", "expected"),
    [
        ("", "", Direction.SENDRECV),
        ("a=inactive\n", "", Direction.INACTIVE),
        ("a=inactive\n", "a=sendrecv", Direction.SENDRECV),
        ("", "c=IN IP4 0.0.0.0", Direction.SENDONLY),
        ("", "c=IN IP6 ::", Direction.SENDONLY),
        ("a=recvonly\n", "c=IN IP4 0.0.0.0", Direction.INACTIVE),
        ("a=recvonly\nc=IN IP4 0.0.0.0\n", "c=IN IP4 192.0.2.1", Direction.RECVONLY),
    ],
)
def test_direction_and_hold(session: str, media: str, expected: Direction) -> None:
    text = f"v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\n{session}t=0 0\nm=audio 4000 RTP/AVP 0\n{media}\n"
    description = SessionDescription.parse(text)
    assert description.direction_of(description.media[0]) is expected


def test_odd_attributes_say_nothing() -> None:
    media = audio("a=ptime:0", "a=maxptime:abc", "a=rtcp:99999", "a=rtpmap:96", "a=rtpmap:0 X/8000/²", "a=fmtp:x y")
    assert (media.ptime_ms, media.maxptime_ms, media.rtcp_port) == (None, None, 4001)
    assert media.rtp_formats() == (RtpFormat("PCMU", 0),)
    assert audio("a=ptime:20.5").ptime_ms == 20
    assert audio("a=ptime:9999").ptime_ms is None


def test_rtpmap_wins_over_the_static_meaning_and_the_first_one_counts() -> None:
    media = audio("a=rtpmap:0 PCMA/8000", "a=rtpmap:0 G722/8000", m="audio 4000 RTP/AVP 0 0 200 96 x 08")
    assert media.rtp_formats() == (RtpFormat("PCMA", 0), RtpFormat("PCMA", 8))


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpora are not beside the checkout (../shared/corpora)")
@pytest.mark.parametrize("number", range(1, 12))
def test_descriptions_of_another_stack(number: int) -> None:
    data = (CORPUS / f"message-{number}.sdp").read_bytes()
    if data.startswith(b"v=1"):
        with pytest.raises(SdpError):
            SessionDescription.parse(data)
        return
    description = SessionDescription.parse(data)
    lines = [line.rstrip() for line in data.replace(b"\r\n", b"\n").split(b"\n") if line.strip()]
    assert [line.rstrip() for line in description.to_bytes().split(b"\r\n") if line.strip()] == lines
    assert len(description.media) == sum(line.startswith(b"m=") for line in lines)


def test_hostile_descriptions_take_no_time() -> None:
    head = "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\n"
    bodies = [
        "m=audio 1 RTP/AVP" + " 0" * 32_000,
        "m=audio 1 RTP/AVP 0" + " " * 64_000 + "\x0b",
        "m=audio 1 RTP/AVP 0\n" * 3_000,
        "m=audio 1 RTP/AVP 0\n" + "a=rtpmap:0 PCMU/8000\n" * 3_000,
        "m=audio 1 RTP/AVP 0\na=rtpmap:0" + " " * 64_000 + "x",
        "c=IN IP4" + " " * 64_000,
        "a\n" * 32_000,
    ]
    with at_most(3.0):
        for body in bodies:
            try:
                description = SessionDescription.parse(head + body)
            except SdpError:
                continue
            for media in description.media:
                media.rtp_formats()
                description.direction_of(media)


WORD = st.from_regex(r"[A-Za-z0-9/.:-]{1,8}", fullmatch=True)
VALUE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=12)
LINES = st.lists(st.tuples(st.sampled_from("abciktuzX"), VALUE), max_size=5).map(tuple)
MEDIA = st.builds(
    MediaDescription,
    st.sampled_from(["audio", "video", "image", "application"]),
    st.integers(0, 65_535),
    WORD,
    st.lists(WORD, max_size=4).map(tuple),
    LINES,
    st.none() | st.integers(0, 99_999),
)
DESCRIPTIONS = st.builds(
    lambda lines, media: SessionDescription((("v", "0"), *lines), media), LINES, st.lists(MEDIA, max_size=3).map(tuple)
)


@given(DESCRIPTIONS)
def test_parsing_the_text_of_a_description_gives_the_description(description: SessionDescription) -> None:
    assert SessionDescription.parse(str(description)) == description
    assert SessionDescription.parse(description.to_bytes()) == description


@given(st.binary(max_size=80) | st.builds(lambda tail: b"v=0\nm=audio 1 RTP/AVP 0 96\n" + tail, st.binary(max_size=60)))
def test_any_bytes_are_a_description_or_refused(data: bytes) -> None:
    try:
        description = SessionDescription.parse(data)
    except SdpError:
        return
    for media in description.media:
        media.rtp_formats()
        description.direction_of(media)
    assert SessionDescription.parse(description.to_bytes()) == description
