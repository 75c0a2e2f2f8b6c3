"""What was measured, as values. None means that nothing was measured; 0 always means zero."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from sipflow.media.emodel import Score, equipment_of, score
from sipflow.native import ffi, lib

ONE_WAY_AFTER_MS = 2000
"""How long both directions have to be open before it means something that nothing came."""
ONE_WAY_SILENT_MS = 5000
"""How long nothing may come, once something came, until the audio is called one-way."""


@dataclass(frozen=True, slots=True)
class LegStatistics:
    """Counts and measurements of one leg, from its opening until now."""

    codec: str | None
    """Encoding name of what is sent; None before the leg was started."""
    codec_received: str | None
    """Encoding name of the audio that came last; None while none came."""
    ptime_ms: int | None
    """Packet time with which is sent; None before the leg was started."""
    packets_sent: int
    """RTP packets on the wire, telephone-events and deliberate duplicates included."""
    bytes_sent: int
    """Their payload."""
    packets_missed: int
    """Packet times in which nothing was sent because the machine stood still for more than a second."""
    send_errors: int
    """Datagrams that the system refused, and ICMP errors that came back (nobody listens there)."""
    send_error: str | None
    """Text of the newest of these."""
    lateness_mean_ms: float | None
    """How long after their due time packets were handed to the kernel."""
    lateness_max_ms: float | None
    packets_received: int
    """RTP packets from the peer, duplicates included."""
    bytes_received: int
    packets_expected: int | None
    """From the lowest to the highest sequence number (RFC 3550 appendix A.3), and what the peer's sender reports tell
    of behind it, from half a second of packets on."""
    packets_lost: int | None
    """Of these, the ones that never came."""
    loss: float | None
    """packets_lost / packets_expected, 0-1."""
    packets_duplicate: int | None
    packets_reordered: int | None
    """Came after a packet with a higher sequence number."""
    packets_late: int | None
    """Came after their turn to be heard, or found the jitter buffer full."""
    max_loss_burst: int | None
    """Most packets lost in a row."""
    bursts: int | None
    """Stretches of heavy loss (RFC 3611 section 4.7.2, Gmin 16). Here and below a packet that came too late to be heard
    counts as lost."""
    burst_ms: float | None
    """Their mean length; None when there was none."""
    burst_density: float | None
    """Share of the packets in bursts that were lost, 0-1; None when there was no burst."""
    gap_ms: float | None
    """Mean length of the stretches between bursts; a call without a burst is one."""
    gap_density: float | None
    """Share of the packets in gaps that were lost, 0-1."""
    burst_ratio: float | None
    """Mean run of lost packets against that of losses at random (G.107 section 7.5); None without a loss."""
    max_gap_ms: float | None
    """Longest time between two packets."""
    jitter_ms: float | None
    """Interarrival jitter now (RFC 3550 section 6.4.1)."""
    jitter_mean_ms: float | None
    jitter_max_ms: float | None
    concealed_ms: float | None
    """Audio made up where packets were missing or late."""
    playout_delay_ms: float | None
    """From arrival to being heard, of the packet heard last."""
    playout_delay_mean_ms: float | None
    skew_ppm: float | None
    """By how many millionths the peer's RTP clock is fast against ours, negative when it is slow; None within the first
    five seconds of a stream."""
    one_way: bool | None
    """Whether both directions were open and nothing came: for two seconds from the beginning, or for the last five
    seconds. None while that cannot be said."""
    first_packet_at: float | None
    """When the first packet came, in seconds of time.monotonic()."""
    stream_restarts: int | None
    """How often the peer began anew with another SSRC or sequence."""
    audio_level_dbov: float | None
    """Mean level of the audio heard, to a tenth; 0 is a full-scale square wave (RFC 6465), -127 silence."""
    audio_level_left_dbov: float | None
    """Of the left channel, while two were heard; None where there was only one."""
    audio_level_right_dbov: float | None
    audio_peak: float | None
    """Largest sample heard, 0-1 of full scale."""
    clipped_samples: int | None
    clipping: float | None
    """Share of the samples heard at the largest value that the codec has, 0-1."""
    silence_ms: float | None
    """The longest time in a row in which what was heard stayed below -50 dBov, from the first packet on."""
    silence_share: float | None
    """Share of the time from the first packet on in which that was so, 0-1."""
    mouth_to_ear_ms: float | None
    """One-way delay of what is heard: half the round trip (0 while unknown), playout delay, one packet time and
    what the encoder looks ahead."""
    r_factor: float | None
    """R of the E-model (G.107; wideband codecs G.107.1, whose scale goes to 129). None when nothing was heard or the
    codec has no published impairment."""
    mos: float | None
    """MOS-CQE of that R, 1-4.5."""
    mos_listening: float | None
    """The same without delay: MOS-LQ."""
    junk_packets: int
    """Datagrams from anybody but the negotiated peer; all ignored."""
    junk_source: str | None
    """Address and port of the newest of these: often a peer that sends from another port than it announced."""
    malformed_packets: int
    """Datagrams of the peer that are neither RTP nor RTCP."""
    unknown_payload_packets: int
    """Packets of payload types that were not negotiated."""
    unplayable_packets: int
    """Packets of more than 120 ms, or whose payload is no whole frames of its codec; none of them was heard."""
    noise_sent: int
    """Descriptions of comfort noise (RFC 3389), each in the place of packets of silence."""
    noise_received: int
    unwanted_packets: int
    """Packets that came while the direction allows none."""
    impairment_lost: int
    """Packets not sent on purpose."""
    remote_loss: float | None
    """Share of our packets that the peer missed in its last report interval (RTCP); 1 when it heard none of them."""
    remote_packets_lost: int | None
    """All of our packets that the peer missed, by its own count (RTCP)."""
    remote_jitter_ms: float | None
    round_trip_ms: float | None
    """By RTCP (RFC 3550 section 6.4.1)."""
    remote_said_bye: bool
    """Whether an RTCP BYE came."""
    digits_received: str
    """All telephone-event digits, in order."""
    digits_dropped: int
    """Digits that came faster than anybody read them."""
    socket_drops: int
    """RTP datagrams of the peer that the kernel dropped because this side did not read them in time."""
    ssrc: int
    remote_ssrc: int | None
    srtp: str | None = None
    """Crypto suite by which the stream is protected; None for plain RTP."""
    srtp_failures: int | None = None
    """RTP packets of the peer that were not protected by the keys agreed on, or came in the clear before it
    took part in the handshake for keys; None where nothing was ever protected or had to be."""
    srtcp_failures: int | None = None
    """The same of RTCP. Some phones send reports in the clear, or with a tag of 32 bits where 80 are asked for."""
    srtp_replays: int | None = None
    """Packets that had come before, or were older than the replay window (RFC 3711 section 3.3.2)."""
    srtp_rekeys: int | None = None
    """How often packets came under keys that replaced others."""
    srtp_unsent: int | None = None
    """Packets that could not be protected: the key was used up (RFC 3711 section 9.2)."""
    remote_discarded: float | None = None
    """Share of our packets that the peer had too late or too early to hear them, by its newest VoIP metrics (RFC 3611
    section 4.7), as all that follows; None without any."""
    remote_burst_density: float | None = None
    """Share missing within bursts."""
    remote_burst_ms: int | None = None
    remote_gap_ms: int | None = None
    remote_delay_ms: int | None = None
    """What the peer's own side adds to the delay."""
    remote_buffer_ms: int | None = None
    """Nominal delay of the peer's jitter buffer."""
    remote_r_factor: int | None = None
    remote_mos: float | None = None
    """Conversational, as the peer has it."""
    srtp_useless: int | None = None
    """RTP packets refused since the keys in force were agreed on, or asked for; 0 when one fitted, and as soon as it
    was told of."""
    path_lost: int | None = None
    """Of the packets sent, those that the simulated network lost: the truth beside what the peer measures. None, as the
    other ones of the path, in real time."""
    path_duplicated: int | None = None
    path_reordered: int | None = None
    """Packets that it held back, so that others could pass."""
    path_delay_mean_ms: float | None = None
    path_delay_max_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Timing:
    """Percentiles of many durations; never below the true value and at most 1/64 above it."""

    count: int
    p50_ms: float
    p90_ms: float
    p99_ms: float
    p999_ms: float
    max_ms: float


@dataclass(frozen=True, slots=True)
class EngineStatistics:
    """How well the engine kept time, and how well this machine can."""

    lateness: Timing | None
    """From the moment a packet was due to the moment the kernel had taken it, of every packet sent."""
    floor: Timing | None
    """How late a timer thread that does nothing else woke up in the same run; None unless it was asked for."""
    missed_ticks: int
    """Packets never sent because the machine stood still for more than a second."""
    realtime: bool
    """Whether the system granted real-time priority."""
    note: str
    """What a person should know about these numbers; empty when there is nothing."""


def _ms(ns: int) -> float | None:
    return None if ns < 0 else ns / 1e6


def _if_any(measured: bool, value: Any) -> Any:
    return value if measured else None


def _sending(native: Any) -> dict[str, Any]:
    media = native.media
    return {
        "packets_sent": media.packets_sent,
        "bytes_sent": media.bytes_sent,
        "packets_missed": native.missed_ticks,
        "send_errors": native.send_errors,
        "send_error": _if_any(native.send_errors > 0, os.strerror(native.last_send_error)),
        "lateness_mean_ms": _ms(native.lateness_mean_ns),
        "lateness_max_ms": _ms(native.lateness_max_ns),
        "impairment_lost": media.impairment_lost,
        "ssrc": media.ssrc,
    }


def _receiving(media: Any) -> dict[str, Any]:
    came = media.packets_received > 0
    expected = media.packets_expected
    return {
        "packets_received": media.packets_received,
        "bytes_received": media.bytes_received,
        "packets_expected": _if_any(came, expected),
        "packets_lost": _if_any(came, media.packets_lost),
        "loss": media.packets_lost / expected if expected > 0 else None,
        "packets_duplicate": _if_any(came, media.duplicates),
        "packets_reordered": _if_any(came, media.reordered),
        "packets_late": _if_any(came, media.late),
        "max_loss_burst": _if_any(came, media.max_loss_burst),
        "stream_restarts": _if_any(came, media.restarts),
        "skew_ppm": _if_any(bool(media.skew_known), media.skew_ppb / 1000),
        "one_way": _one_way(media),
        "first_packet_at": _if_any(media.first_packet_ns >= 0, media.first_packet_ns / 1e9),
        "remote_ssrc": _if_any(came, media.remote_ssrc),
    }


def _one_way(media: Any) -> bool | None:
    if media.both_ways_ns < ONE_WAY_AFTER_MS * 1e6:
        return False if media.packets_received > 0 else None
    return bool(media.packets_received == 0 or media.unanswered_ns >= ONE_WAY_SILENT_MS * 1e6)


def _pattern(pattern: Any, ptime_ms: int) -> dict[str, Any]:
    """Bursts and gaps (RFC 3611 section 4.7.2). All packets are taken to be as long as the one heard last."""
    loss = pattern.missing / pattern.packets if pattern.packets > 0 else 0.0
    return {
        "bursts": _if_any(pattern.packets > 0, pattern.bursts),
        "burst_ms": _mean(pattern.burst_packets * ptime_ms, pattern.bursts),
        "burst_density": _mean(pattern.burst_missing, pattern.burst_packets),
        "gap_ms": _mean(pattern.gap_packets * ptime_ms, pattern.gaps),
        "gap_density": _mean(pattern.gap_missing, pattern.gap_packets),
        "burst_ratio": _if_any(pattern.runs > 0, _mean(pattern.missing, pattern.runs, of=1 - loss)),
    }


def _mean(total: float, count: int, *, of: float = 1.0) -> float | None:
    return total / count * of if count > 0 else None


def _hearing(media: Any) -> dict[str, Any]:
    heard = media.heard_samples > 0
    return {
        "max_gap_ms": _ms(media.max_gap_ns),
        "jitter_ms": _ms(media.jitter_ns),
        "jitter_mean_ms": _ms(media.jitter_mean_ns),
        "jitter_max_ms": _ms(media.jitter_max_ns),
        "concealed_ms": _ms(media.concealed_ns),
        "playout_delay_ms": _ms(media.playout_delay_ns),
        "playout_delay_mean_ms": _ms(media.playout_delay_mean_ns),
        "audio_level_dbov": _if_any(heard, -media.level_tenths / 10),
        "audio_level_left_dbov": _if_any(media.level_left_tenths >= 0, -media.level_left_tenths / 10),
        "audio_level_right_dbov": _if_any(media.level_right_tenths >= 0, -media.level_right_tenths / 10),
        "audio_peak": _if_any(heard, media.peak / 32768),
        "clipped_samples": _if_any(heard, media.clipped_samples),
        "clipping": _mean(media.clipped_samples, media.heard_samples),
        "silence_ms": _if_any(media.listened_ns > 0, media.silence_max_ns / 1e6),
        "silence_share": _mean(media.silent_ns, media.listened_ns),
    }


@dataclass(frozen=True, slots=True)
class Heard:
    """What was received, as far as Python knows it."""

    codec: str | None
    """None while no audio came."""
    sample_rate: int
    ptime_ms: int


def _unheard_share(media: Any) -> float:
    """Ppl of the E-model: what never came and what came too late or overflowed the buffer."""
    expected = max(media.packets_expected, 1)
    return float(min((media.packets_lost + media.late) / expected, 1.0))


def _quality(media: Any, heard: Heard, burst_ratio: float | None) -> dict[str, Any]:
    """Delay and score of what was heard. Nothing that was not received gets a score."""
    equipment = None if heard.codec is None else equipment_of(heard.codec, heard.sample_rate)
    if (media.heard_samples == 0 and media.unknown_ns == 0) or media.playout_delay_mean_ns < 0:
        return _scored(None, None)
    network_ms = max(media.remote.round_trip_ns, 0) / 2e6
    delay_ms = network_ms + media.playout_delay_mean_ns / 1e6 + heard.ptime_ms
    if equipment is None:
        return _scored(delay_ms, None)
    delay_ms += equipment.lookahead_ms
    rated = score(equipment, loss=_unheard_share(media), burst_ratio=burst_ratio or 1.0, delay_ms=delay_ms)
    return _scored(delay_ms, rated)


def _scored(delay_ms: float | None, rated: Score | None) -> dict[str, Any]:
    return {
        "mouth_to_ear_ms": delay_ms,
        "r_factor": None if rated is None else rated.r_factor,
        "mos": None if rated is None else rated.mos,
        "mos_listening": None if rated is None else rated.mos_listening,
    }


def _refused(native: Any) -> dict[str, Any]:
    media = native.media
    return {
        "junk_packets": native.junk,
        "junk_source": ffi.string(native.junk_source).decode() or None,
        "malformed_packets": media.malformed,
        "unknown_payload_packets": media.unknown_payload,
        "unplayable_packets": media.unplayable,
        "noise_sent": media.noise_sent,
        "noise_received": media.noise_received,
        "unwanted_packets": media.unwanted,
        "digits_dropped": native.digits_dropped,
        "socket_drops": native.socket_drops,
    }


def _protected(media: Any, suite: str | None) -> dict[str, Any]:
    names = ("srtp_failures", "srtcp_failures", "srtp_replays", "srtp_rekeys", "srtp_unsent", "srtp_useless")
    counts = {name: getattr(media, name) for name in names}
    ever = suite is not None or any(counts.values())
    return {"srtp": suite, **{name: _if_any(ever, count) for name, count in counts.items()}}


def _path(counts: Any) -> dict[str, Any]:
    if counts.sent == 0:
        return {}
    delivered = counts.sent + counts.duplicated - counts.lost - counts.undelivered
    return {
        "path_lost": counts.lost,
        "path_duplicated": counts.duplicated,
        "path_reordered": counts.reordered,
        "path_delay_mean_ms": counts.delay_sum_ns / delivered / 1e6 if delivered else None,
        "path_delay_max_ms": _if_any(delivered > 0, counts.delay_max_ns / 1e6),
    }


def _remote(report: Any, clock_rate: int) -> dict[str, Any]:
    came = report.reports > 0
    return {
        "remote_loss": 1.0 if report.heard_nothing else _if_any(came, report.fraction_lost / 256),
        "remote_packets_lost": _if_any(came, report.cumulative_lost),
        "remote_jitter_ms": _if_any(came, report.jitter_ts * 1000 / clock_rate),
        "round_trip_ms": _ms(report.round_trip_ns),
        "remote_said_bye": bool(report.said_bye),
        **_remote_metrics(report),
    }


def _remote_metrics(report: Any) -> dict[str, Any]:
    """Of the newest VoIP metrics; 127 stands for what the peer does not know."""
    voip, came = report.voip, report.extended_reports > 0
    return {
        "remote_discarded": _if_any(came, voip.discard_rate / 256),
        "remote_burst_density": _if_any(came, voip.burst_density / 256),
        "remote_burst_ms": _if_any(came, voip.burst_ms),
        "remote_gap_ms": _if_any(came, voip.gap_ms),
        "remote_delay_ms": _if_any(came, voip.end_system_ms),
        "remote_buffer_ms": _if_any(came, voip.buffer_nominal_ms),
        "remote_r_factor": _if_any(came and voip.r_factor <= _BEST_R, voip.r_factor),
        "remote_mos": _if_any(came and voip.mos_cq <= _BEST_MOS * 10, voip.mos_cq / 10),
    }


_BEST_R, _BEST_MOS = 100, 5


def leg_statistics(
    native: Any,
    *,
    codec: str | None,
    heard: Heard,
    ptime_ms: int | None,
    digits: str,
    clock_rate: int,
    srtp: str | None = None,
) -> LegStatistics:
    """The value of a native `sfm_engine_leg_statistics`."""
    pattern = _pattern(native.media.pattern, heard.ptime_ms)
    return LegStatistics(
        codec=codec,
        codec_received=heard.codec,
        ptime_ms=ptime_ms,
        digits_received=digits,
        **_sending(native),
        **_receiving(native.media),
        **_hearing(native.media),
        **pattern,
        **_quality(native.media, heard, pattern["burst_ratio"]),
        **_refused(native),
        **_remote(native.media.remote, clock_rate),
        **_protected(native.media, srtp),
        **_path(native.path),
    )


def timing(histogram: Any) -> Timing | None:
    """Percentiles of a native `sfm_histogram` of nanoseconds; None when it is empty."""
    if histogram.count == 0:
        return None
    p50, p90, p99, p999 = (
        lib.sfm_histogram_percentile(ffi.addressof(histogram), per_million) / 1e6
        for per_million in (500_000, 900_000, 990_000, 999_000)
    )
    return Timing(histogram.count, p50, p90, p99, p999, histogram.maximum / 1e6)


def _note(native: Any, wanted_realtime: bool) -> str:
    if wanted_realtime and native.realtime_threads < native.threads:
        return (
            "the system refused real-time priority (it takes CAP_SYS_NICE or a limit of rtprio): "
            "other programs can delay packets"
        )
    return ""


def engine_statistics(native: Any, *, wanted_realtime: bool) -> EngineStatistics:
    """The value of a native `sfm_engine_statistics`."""
    return EngineStatistics(
        lateness=timing(native.lateness),
        floor=timing(native.floor),
        missed_ticks=native.missed_ticks,
        realtime=native.realtime_threads == native.threads,
        note=_note(native, wanted_realtime),
    )
