"""Offer and answer: what each side derives, what is rejected and why, laws that hold for any two sides."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipflow.media_params import Direction, MediaParams, RtpFormat
from sipflow.sdp.negotiate import Answer, LocalMedia, apply_answer, make_answer, make_offer
from sipflow.sdp.session import SdpError, SessionDescription

PCMU, PCMA, G722 = RtpFormat("PCMU", 0), RtpFormat("PCMA", 8), RtpFormat("G722", 9)
OPUS = RtpFormat("opus", 111, 48000, 2)
DTMF = RtpFormat("telephone-event", 101)
ALICE = LocalMedia("192.0.2.1", 20000, (PCMU, PCMA, DTMF))
MAP_DTMF = "a=rtpmap:101 telephone-event/8000"
BOB = LocalMedia("192.0.2.2", 30000, (PCMA, PCMU, replace(DTMF, payload_type=96)), ptime_ms=30)


def offer_of(local: LocalMedia) -> SessionDescription:
    return make_offer(local, session_id=1, session_version=1)


def answer_to(offer: SessionDescription, local: LocalMedia = BOB) -> Answer:
    return make_answer(offer, local, session_id=2, session_version=1)


def exchange(one: LocalMedia, other: LocalMedia) -> tuple[MediaParams, MediaParams]:
    offer = offer_of(one)
    answer = answer_to(SessionDescription.parse(offer.to_bytes()), other)
    offerer = apply_answer(offer, SessionDescription.parse(answer.description.to_bytes()), one)
    assert isinstance(offerer, MediaParams), offerer
    assert answer.params is not None, answer.reason
    return offerer, answer.params


def sdp(*media: str, session: str = "c=IN IP4 192.0.2.1\r\n") -> SessionDescription:
    return SessionDescription.parse(
        f"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n{session}t=5 7\r\n" + "".join(f"m={each}\r\n" for each in media)
    )


def params(answer: Answer) -> MediaParams:
    assert answer.params is not None, answer.reason
    return answer.params


# --- what is written ---


def test_offer() -> None:
    assert str(make_offer(ALICE, session_id=7, session_version=8, username="alice")) == (
        "v=0\r\no=alice 7 8 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
        "m=audio 20000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
        "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
    )


def test_answer_has_the_offerers_order_and_payload_types() -> None:
    answer = answer_to(offer_of(ALICE))
    assert str(answer.description) == (
        "v=0\r\no=sipflow 2 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n"
        "m=audio 30000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
        "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:30\r\na=sendrecv\r\n"
    )
    assert answer.params == MediaParams(
        local_address="192.0.2.2",
        local_port=30000,
        remote_address="192.0.2.1",
        remote_port=20000,
        remote_rtcp_port=20001,
        send_format=PCMU,
        receive_formats=(PCMU, PCMA),
        dtmf_send_payload_type=101,
        dtmf_receive_payload_type=101,
        ptime_ms=20,
        direction=Direction.SENDRECV,
    )


def test_answerer_may_insist_on_its_own_order() -> None:
    answer = make_answer(offer_of(ALICE), BOB, session_id=2, session_version=1, prefer_local=True)
    assert answer.description.media[0].formats == ("8", "0", "101")
    assert params(answer).send_format == PCMA


def test_opus_with_two_channels_and_parameters_of_each_side() -> None:
    one = replace(ALICE, formats=(replace(OPUS, fmtp="useinbandfec=1"), PCMU))
    other = replace(BOB, formats=(RtpFormat("OPUS", 96, 48000, 2, "maxplaybackrate=8000"), PCMU))
    offerer, answerer = exchange(one, other)
    assert answerer.send_format == replace(OPUS, fmtp="useinbandfec=1")
    assert offerer.send_format == replace(OPUS, fmtp="maxplaybackrate=8000")
    assert answerer.receive_formats[0].fmtp == "maxplaybackrate=8000"


def test_ipv6() -> None:
    one, other = replace(ALICE, address="2001:db8::1"), replace(BOB, address="2001:db8::2")
    assert "c=IN IP6 2001:db8::1\r\n" in str(offer_of(one))
    assert exchange(one, other)[0].remote_address == "2001:db8::2"


# --- streams that are not ours ---


def test_other_streams_are_rejected_in_their_places() -> None:
    offer = sdp("video 6000 RTP/AVP 31 34", "audio 4000 RTP/AVP 8", "audio 4002 RTP/AVP 0", "image 7000 udptl t38")
    answer = answer_to(offer)
    assert [(each.kind, each.port, each.formats) for each in answer.description.media] == [
        ("video", 0, ("31",)),
        ("audio", 30000, ("8",)),
        ("audio", 0, ("0",)),
        ("image", 0, ("t38",)),
    ]
    assert params(answer).remote_port == 4000
    assert "t=5 7\r\n" in str(answer.description)


def test_first_audio_stream_that_can_be_used() -> None:
    offer = sdp("audio 4000 RTP/SAVP 0", "audio 0 RTP/AVP 0", "audio 4002 RTP/AVP 18", "audio 4004 RTP/AVP 0")
    assert [each.port for each in answer_to(offer).description.media] == [0, 0, 0, 30000]


@pytest.mark.parametrize(
    ("offer", "reason"),
    [
        (sdp(), "the offer has no audio stream"),
        (sdp("video 6000 RTP/AVP 31"), "the offer has no audio stream"),
        (sdp("audio 0 RTP/AVP 0"), "the audio stream was offered with port 0"),
        (sdp("audio 4000 RTP/SAVP 0"), "audio was offered as RTP/SAVP, here it is RTP/AVP (`srtp off`)"),
        (sdp("audio 4000 RTP/AVP 111\r\na=rtpmap:111 opus/48000/2"), "no common codec: offered opus, here PCMA, PCMU"),
        (sdp(f"audio 4000 RTP/AVP 101\r\n{MAP_DTMF}"), "no common codec: offered none, here PCMA, PCMU"),
        (sdp("audio 4000 RTP/AVP 97"), "no common codec: offered payload type 97, here PCMA, PCMU"),
        (sdp("audio 4000 RTP/AVP 0", session=""), "the audio stream has no connection address"),
        (sdp("audio 4000 RTP/AVP 0\r\nc=IN IP6 2001:db8::1"), "the peer's media address is IPv6, here it is IPv4"),
    ],
)  # fmt: skip
def test_offer_without_a_usable_stream(offer: SessionDescription, reason: str) -> None:
    answer = answer_to(offer)
    assert (answer.params, answer.reason) == (None, reason)
    assert [each.port for each in answer.description.media] == [0] * len(offer.media)


def test_new_offer_keeps_the_places_of_the_session() -> None:
    agreed = answer_to(sdp("video 6000 RTP/AVP 31", "audio 4000 RTP/AVP 0", "image 7000 udptl t38")).description
    offer = make_offer(BOB, session_id=2, session_version=2, previous=agreed)
    assert [(each.kind, each.port) for each in offer.media] == [("video", 0), ("audio", 30000), ("image", 0)]
    added = make_offer(BOB, session_id=2, session_version=2, previous=sdp("video 6000 RTP/AVP 31"))
    assert [(each.kind, each.port) for each in added.media] == [("video", 0), ("audio", 30000)]


# --- direction, hold, packet time ---


@pytest.mark.parametrize(
    ("offered", "willing", "answered"),
    [
        ("sendrecv", "sendrecv", "sendrecv"),
        ("sendonly", "sendrecv", "recvonly"),
        ("recvonly", "sendrecv", "sendonly"),
        ("inactive", "sendrecv", "inactive"),
        ("sendrecv", "sendonly", "sendonly"),
        ("sendonly", "sendonly", "inactive"),
        ("recvonly", "recvonly", "inactive"),
        ("sendrecv", "inactive", "inactive"),
    ],
)
def test_direction_of_the_answer(offered: str, willing: str, answered: str) -> None:
    offer = offer_of(replace(ALICE, direction=Direction(offered)))
    answer = answer_to(offer, replace(BOB, direction=Direction(willing)))
    assert params(answer).direction is Direction(answered)
    assert ("a", answered) in answer.description.media[0].lines
    assert answer.description.media[0].formats == ("0", "8", "101")


def test_hold_with_a_null_address() -> None:
    answer = answer_to(sdp("audio 4000 RTP/AVP 0", session="c=IN IP4 0.0.0.0\r\n"))
    assert params(answer).direction is Direction.RECVONLY
    assert params(answer).remote_address == "0.0.0.0"


def test_answer_that_sends_more_than_it_was_offered_is_cut_down() -> None:
    offer = offer_of(replace(ALICE, direction=Direction.SENDONLY))
    result = apply_answer(offer, sdp("audio 30000 RTP/AVP 0\r\na=sendrecv"), ALICE)
    assert isinstance(result, MediaParams)
    assert result.direction is Direction.SENDONLY


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        *(("", 30), ("a=ptime:20", 20), ("a=maxptime:20", 20), ("a=ptime:40\r\na=maxptime:20", 20)),
        *(("a=ptime:0", 30), ("a=ptime:5000", 30), ("a=maxptime:100", 30)),
    ],
)
def test_packet_time(lines: str, expected: int) -> None:
    assert params(answer_to(sdp(f"audio 4000 RTP/AVP 0\r\n{lines}"))).ptime_ms == expected


@pytest.mark.parametrize("ptime", [10, 20, 30, 40, 60])
def test_every_packet_time_is_the_peers_within_its_maxptime(ptime: int) -> None:
    for most in (10, 20, 30, 40, 60):
        answer = answer_to(sdp(f"audio 4000 RTP/AVP 0\r\na=ptime:{ptime}\r\na=maxptime:{most}"))
        assert params(answer).ptime_ms == min(ptime, most)


def test_rtcp_port_of_its_own() -> None:
    assert params(answer_to(sdp("audio 4000 RTP/AVP 0\r\na=rtcp:4999"))).remote_rtcp_port == 4999


def test_rtcp_on_the_port_of_rtp_where_both_say_so() -> None:
    offerer, answerer = exchange(replace(ALICE, rtcp_mux=True), BOB)
    assert (offerer.remote_rtcp_port, answerer.remote_rtcp_port) == (offerer.remote_port, answerer.remote_port)


def test_rtcp_stays_on_its_own_port_when_the_answer_does_not_take_mux() -> None:
    offer = offer_of(replace(ALICE, rtcp_mux=True))
    assert "a=rtcp-mux\r\n" in str(offer)
    result = apply_answer(offer, sdp("audio 4000 RTP/AVP 0"), ALICE)
    assert isinstance(result, MediaParams)
    assert result.remote_rtcp_port == 4001


def test_mux_that_was_not_offered_is_not_taken() -> None:
    assert "rtcp-mux" not in str(offer_of(ALICE))
    result = apply_answer(offer_of(ALICE), sdp("audio 4000 RTP/AVP 0\r\na=rtcp-mux"), ALICE)
    assert isinstance(result, MediaParams)
    assert result.remote_rtcp_port == 4001


@pytest.mark.parametrize(("setting", "line"), [
    ("rtcp_reduced", "a=rtcp-rsize\r\n"), ("voip_metrics", "a=rtcp-xr:voip-metrics\r\n"),
])  # fmt: skip
def test_features_of_rtcp_hold_where_both_say_so(setting: str, line: str) -> None:
    asking = replace(ALICE, **{setting: True})
    assert line in str(offer_of(asking)) and line not in str(offer_of(ALICE))
    for one, other, agreed in ((asking, BOB, True), (ALICE, replace(BOB, **{setting: True}), False)):
        offerer, answerer = exchange(one, other)
        assert (getattr(offerer, setting), getattr(answerer, setting)) == (agreed, agreed)
    refused = apply_answer(offer_of(asking), sdp("audio 4000 RTP/AVP 0"), asking)
    assert isinstance(refused, MediaParams) and not getattr(refused, setting)
    again = make_offer(BOB, session_id=2, session_version=2, previous=answer_to(offer_of(asking)).description)
    assert line in str(again)


def test_voip_metrics_may_stand_among_others() -> None:
    offer = sdp("audio 4000 RTP/AVP 0\r\na=rtcp-xr:rcvr-rtt=all:10 voip-metrics stat-summary=loss")
    assert params(answer_to(offer)).voip_metrics
    assert not params(answer_to(sdp("audio 4000 RTP/AVP 0\r\na=rtcp-xr:stat-summary=loss"))).voip_metrics


def test_mux_of_the_peers_offer_is_kept_in_our_next_one() -> None:
    answer = answer_to(sdp("audio 4000 RTP/AVP 0\r\na=rtcp:4999\r\na=rtcp-mux"))
    assert params(answer).remote_rtcp_port == 4000
    again = make_offer(BOB, session_id=2, session_version=2, previous=answer.description)
    assert again.media[0].rtcp.mux


def test_telephone_event_at_the_clock_of_the_codec() -> None:
    both = (OPUS, PCMU, RtpFormat("telephone-event", 101), RtpFormat("telephone-event", 110, 48000))
    offerer, answerer = exchange(replace(ALICE, formats=both), replace(BOB, formats=both))
    assert (offerer.dtmf_send_payload_type, answerer.dtmf_receive_payload_type) == (110, 110)
    offerer, _ = exchange(replace(ALICE, formats=both[1:]), replace(BOB, formats=both[1:]))
    assert offerer.dtmf_send_payload_type == 101


def test_peer_without_telephone_event() -> None:
    offerer, answerer = exchange(ALICE, replace(BOB, formats=(PCMA,)))
    assert offerer.dtmf_send_payload_type is None
    assert offerer.dtmf_receive_payload_type is None
    assert answerer.dtmf_send_payload_type is None


def test_comfort_noise_where_both_have_it_at_the_clock_of_the_codec() -> None:
    noise = RtpFormat("CN", 13)
    offerer, answerer = exchange(replace(ALICE, formats=(PCMU, noise)), replace(BOB, formats=(PCMU, noise)))
    for params in (offerer, answerer):
        assert (params.noise_send_payload_type, params.noise_receive_payload_type) == (13, 13)
        assert params.receive_formats == (PCMU,)
    offerer, _ = exchange(replace(ALICE, formats=(PCMU, noise)), replace(BOB, formats=(PCMU,)))
    assert (offerer.noise_send_payload_type, offerer.noise_receive_payload_type) == (None, None)
    offerer, _ = exchange(replace(ALICE, formats=(OPUS, noise)), replace(BOB, formats=(OPUS, noise)))
    assert offerer.noise_send_payload_type is None


# --- the offerer ---


def test_answer_with_payload_types_of_its_own() -> None:
    offer = offer_of(replace(ALICE, formats=(OPUS, DTMF)))
    answer = sdp(
        "audio 30000 RTP/AVP 96 97\r\na=rtpmap:96 opus/48000/2\r\na=rtpmap:97 telephone-event/8000",
    )
    result = apply_answer(offer, answer, replace(ALICE, formats=(OPUS, DTMF)))
    assert isinstance(result, MediaParams)
    assert result.send_format == replace(OPUS, payload_type=96)
    assert result.receive_formats == (OPUS,)
    assert (result.dtmf_send_payload_type, result.dtmf_receive_payload_type) == (97, 101)


def test_answer_that_forgets_to_map_a_dynamic_type() -> None:
    result = apply_answer(offer_of(replace(ALICE, formats=(OPUS,))), sdp("audio 30000 RTP/AVP 111"), ALICE)
    assert isinstance(result, MediaParams)
    assert result.send_format == OPUS


def test_format_that_was_not_offered_is_passed_over() -> None:
    result = apply_answer(offer_of(ALICE), sdp("audio 30000 RTP/AVP 18 8"), ALICE)
    assert isinstance(result, MediaParams)
    assert (result.send_format, result.receive_formats) == (PCMA, (PCMA,))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (sdp(), "the answer has 0 media lines, the offer has 1 media line"),
        (sdp("audio 1 RTP/AVP 0", "video 0 RTP/AVP 31"), "the answer has 2 media lines, the offer has 1 media line"),
        (sdp("audio 0 RTP/AVP 0"), "the peer rejected the audio stream (port 0)"),
        (sdp("video 4000 RTP/AVP 0"), "audio was offered, video was answered in its place"),
        (sdp("audio 4000 RTP/SAVP 0"), "RTP/AVP was offered, RTP/SAVP was answered"),
        (sdp("audio 4000 RTP/AVP 18"), "no common codec: answered G729, offered PCMU, PCMA"),
        (sdp("audio 4000 RTP/AVP 0", session=""), "the audio stream has no connection address"),
    ],
)
def test_answer_that_cannot_be_used(answer: SessionDescription, reason: str) -> None:
    assert apply_answer(offer_of(ALICE), answer, ALICE) == reason


def test_offer_without_audio_has_no_use_for_an_answer() -> None:
    assert apply_answer(sdp(), sdp(), ALICE) == "the offer has no audio stream"


# --- laws ---

CODECS = (PCMU, PCMA, G722, RtpFormat("L16", 96, 16000), OPUS, RtpFormat("iLBC", 98, 8000, 1, "mode=30"))


@st.composite
def locals_(draw: st.DrawFn) -> LocalMedia:
    """A side with some codecs in some order, dynamic types numbered at will."""
    codecs = draw(st.lists(st.sampled_from(CODECS), min_size=1, unique=True))
    events = draw(st.lists(st.sampled_from([DTMF, replace(DTMF, clock_rate=48000)]), unique=True))
    formats = draw(st.permutations([*codecs, *events]))
    numbers = draw(st.lists(st.integers(96, 127), min_size=len(formats), max_size=len(formats), unique=True))
    mapped = [
        each if each.payload_type < 96 else replace(each, payload_type=number)
        for each, number in zip(formats, numbers, strict=True)
    ]
    return LocalMedia(
        f"192.0.2.{draw(st.integers(1, 9))}",
        draw(st.integers(1, 65_534)),
        tuple(mapped),
        draw(st.sampled_from([10, 20, 30])),
        draw(st.sampled_from(Direction)),
    )


def named(format_: RtpFormat) -> tuple[str, int, int]:
    return format_.name.lower(), format_.clock_rate, format_.channels


@given(locals_(), locals_(), st.booleans())
def test_both_sides_derive_the_same_session(one: LocalMedia, other: LocalMedia, prefer_local: bool) -> None:
    offer = SessionDescription.parse(str(offer_of(one)))
    answer = make_answer(offer, other, session_id=2, session_version=1, prefer_local=prefer_local)
    assert len(answer.description.media) == len(offer.media)
    result = apply_answer(offer, SessionDescription.parse(str(answer.description)), one)
    if answer.params is None:
        codecs = {named(each) for each in one.formats} & {named(each) for each in other.formats}
        assert {name for name, _, _ in codecs} <= {"telephone-event"}
        assert isinstance(result, str)
        return
    assert isinstance(result, MediaParams)
    assert set(answer.description.media[0].formats) <= set(offer.media[0].formats)
    assert result.direction is answer.params.direction.reversed
    for sender, receiver in ((result, answer.params), (answer.params, result)):
        assert sender.send_format.payload_type in [each.payload_type for each in receiver.receive_formats]
        assert named(sender.send_format) in [named(each) for each in receiver.receive_formats]
        assert sender.dtmf_send_payload_type == receiver.dtmf_receive_payload_type
        assert (sender.remote_address, sender.remote_port) == (receiver.local_address, receiver.local_port)
    assert named(result.send_format) == named(answer.params.send_format)


@given(locals_(), locals_())
def test_direction_never_goes_beyond_what_either_side_wants(one: LocalMedia, other: LocalMedia) -> None:
    answer = answer_to(offer_of(one), other)
    if answer.params is not None:
        assert answer.params.direction.sends == (one.direction.receives and other.direction.sends)
        assert answer.params.direction.receives == (one.direction.sends and other.direction.receives)


LINES = st.sampled_from(
    [
        *("m=audio 4000 RTP/AVP 0 8 101", "m=audio 0 RTP/AVP 0", "m=video 1 RTP/AVP 31", "m=audio 1 RTP/SAVP 0"),
        *("m=audio 65535 RTP/AVP 96 96 300 x", "m=audio 2 RTP/AVP", "a=rtpmap:96 opus/48000/2", MAP_DTMF),
        *("c=IN IP4 0.0.0.0", "c=IN IP4 192.0.2.1", "c=IN IP6 ::1", "c=x", "a=sendonly", "a=ptime:-1"),
        *("a=rtcp:0", "junk", "a=rtpmap:0 X/1"),
    ]
)


@given(st.lists(LINES, max_size=12), st.lists(LINES, max_size=12), locals_())
def test_any_offer_gets_an_answer_line_for_line(offered: list[str], answered: list[str], local: LocalMedia) -> None:
    try:
        offer = SessionDescription.parse("\n".join(["v=0", *offered]))
        other = SessionDescription.parse("\n".join(["v=0", *answered]))
    except SdpError:
        return
    answer = answer_to(offer, local)
    assert [(each.kind, each.protocol) for each in answer.description.media] == [
        (each.kind, each.protocol) for each in offer.media
    ]
    assert (answer.params is None) == bool(answer.reason)
    assert SessionDescription.parse(str(answer.description)) == answer.description
    for each in (other, answer.description):
        assert isinstance(apply_answer(offer, each, local), MediaParams | str)


# --- codecs whose parameters say how packets are laid out ---

AMR, AMR_ALIGNED = RtpFormat("AMR", 105), RtpFormat("AMR", 104, fmtp="octet-align=1")


@pytest.mark.parametrize(
    ("offered", "taken"),
    [
        (("AMR/8000", "octet-align=1; mode-set=7"), AMR_ALIGNED),
        (("AMR/8000", "OCTET-ALIGN = 1"), AMR_ALIGNED),
        (("AMR/8000", "mode-set=0,2,4,7;mode-change-period=2"), AMR),
        (("AMR/8000", "octet-align=0"), AMR),
        (("AMR/8000", "octet-align=1;crc=1"), None),
        (("AMR/8000", "octet-align=1;robust-sorting=1"), None),
        (("AMR/8000", "octet-align=1;interleaving=30"), None),
        (("AMR-WB/16000", "octet-align=1"), None),
        (("iLBC/8000", "mode=20"), RtpFormat("iLBC", 97, fmtp="mode=30")),
        (("iLBC/8000", "mode=30"), RtpFormat("iLBC", 97, fmtp="mode=30")),
        (("iLBC/8000", ""), RtpFormat("iLBC", 97, fmtp="mode=30")),
    ],
)
def test_layouts_that_differ_are_different_codecs(offered: tuple[str, str], taken: RtpFormat | None) -> None:
    """RFC 4867 section 8.3.1: these parameters are the same on both sides, or the payload type is not taken."""
    encoding, fmtp = offered
    lines = [f"a=rtpmap:120 {encoding}", *([f"a=fmtp:120 {fmtp}"] if fmtp else [])]
    own = replace(BOB, formats=(AMR_ALIGNED, AMR, RtpFormat("iLBC", 97, fmtp="mode=30"), DTMF))
    answer = answer_to(sdp("\r\n".join(["audio 40000 RTP/AVP 120", *lines])), own)
    if taken is None:
        assert answer.params is None
    else:
        assert params(answer).receive_formats == (replace(taken, payload_type=120),)


ILBC_20, ILBC_30 = (RtpFormat("iLBC", 97, fmtp=f"mode={mode}") for mode in (20, 30))


@pytest.mark.parametrize(("here", "there"), [(ILBC_20, ILBC_30), (ILBC_30, ILBC_20)])
def test_of_two_modes_of_ilbc_both_use_that_of_30_ms(here: RtpFormat, there: RtpFormat) -> None:
    """RFC 3952 section 5: the one of the lower bandwidth, whichever side has it."""
    offer = offer_of(replace(ALICE, formats=(here,)))
    answer = answer_to(offer, replace(BOB, formats=(there,)))
    assert "a=fmtp:97 mode=30" in str(answer.description)
    assert params(answer).send_format == ILBC_30 and params(answer).receive_formats == (ILBC_30,)
    ours = apply_answer(offer, answer.description, replace(ALICE, formats=(here,)))
    assert isinstance(ours, MediaParams)
    assert ours.send_format == ILBC_30 and ours.receive_formats == (ILBC_30,)


def test_a_peer_that_answers_with_its_own_mode_of_ilbc_means_that_of_30_ms() -> None:
    """It may say either one; what is used follows from both."""
    for here, there in ((ILBC_20, ILBC_30), (ILBC_30, ILBC_20)):
        local = replace(ALICE, formats=(here, PCMU))
        answer = sdp(f"audio 40000 RTP/AVP 97\r\na=rtpmap:97 iLBC/8000\r\na=fmtp:97 {there.fmtp}")
        used = apply_answer(offer_of(local), answer, local)
        assert isinstance(used, MediaParams) and used.send_format == ILBC_30


def test_a_mode_of_ilbc_that_both_have_is_kept() -> None:
    own = replace(BOB, formats=(ILBC_30, RtpFormat("iLBC", 98, fmtp="mode=20")))
    answer = answer_to(sdp("audio 40000 RTP/AVP 97\r\na=rtpmap:97 iLBC/8000\r\na=fmtp:97 mode=20"), own)
    assert params(answer).send_format == ILBC_20


def test_annex_b_of_g729_is_the_same_codec() -> None:
    own = replace(BOB, formats=(RtpFormat("G729", 18, fmtp="annexb=no"),))
    answer = answer_to(sdp("audio 40000 RTP/AVP 18\r\na=fmtp:18 annexb=yes"), own)
    assert params(answer).send_format.name == "G729"
    assert "a=fmtp:18 annexb=no" in str(answer.description)
