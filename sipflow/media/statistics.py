"""What was measured, as values. None means that nothing was measured; 0 always means zero."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from sipflow.native import ffi, lib


@dataclass(frozen=True, slots=True)
class LegStatistics:
    """Counts and measurements of one leg, from its opening until now."""

    codec: str | None
    """Encoding name of what is sent; None before the leg was started."""
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
    """From the lowest to the highest sequence number (RFC 3550 appendix A.3)."""
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
    first_packet_at: float | None
    """When the first packet came, in seconds of time.monotonic()."""
    stream_restarts: int | None
    """How often the peer began anew with another SSRC or sequence."""
    audio_level_dbov: float | None
    """Mean level of the audio heard; 0 is a full-scale square wave (RFC 6465), -127 silence."""
    audio_peak: float | None
    """Largest sample heard, 0-1 of full scale."""
    clipped_samples: int | None
    junk_packets: int
    """Datagrams from anybody but the negotiated peer; all ignored."""
    junk_source: str | None
    """Address and port of the newest of these: often a peer that sends from another port than it announced."""
    malformed_packets: int
    """Datagrams of the peer that are neither RTP nor RTCP."""
    unknown_payload_packets: int
    """Packets of payload types that were not negotiated."""
    unwanted_packets: int
    """Packets that came while the direction allows none."""
    impairment_lost: int
    """Packets not sent on purpose."""
    remote_loss: float | None
    """Share of our packets that the peer missed in its last report interval (RTCP)."""
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
    ssrc: int
    remote_ssrc: int | None
    srtp: str | None = None
    """Crypto suite by which the stream is protected; None for plain RTP."""
    srtp_failures: int | None = None
    """Packets of the peer whose authentication failed; None where nothing was ever protected."""
    srtp_replays: int | None = None
    """Packets that had come before, or were older than the replay window (RFC 3711 section 3.3.2)."""
    srtp_rekeys: int | None = None
    """How often packets came under keys that replaced others."""
    srtp_unsent: int | None = None
    """Packets that could not be protected: the key was used up (RFC 3711 section 9.2)."""
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
        "first_packet_at": _if_any(media.first_packet_ns >= 0, media.first_packet_ns / 1e9),
        "remote_ssrc": _if_any(came, media.remote_ssrc),
    }


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
        "audio_level_dbov": _if_any(heard, -float(media.level_dbov)),
        "audio_peak": _if_any(heard, media.peak / 32768),
        "clipped_samples": _if_any(heard, media.clipped_samples),
    }


def _refused(native: Any) -> dict[str, Any]:
    media = native.media
    return {
        "junk_packets": native.junk,
        "junk_source": ffi.string(native.junk_source).decode() or None,
        "malformed_packets": media.malformed,
        "unknown_payload_packets": media.unknown_payload,
        "unwanted_packets": media.unwanted,
        "digits_dropped": native.digits_dropped,
    }


def _protected(media: Any, suite: str | None) -> dict[str, Any]:
    names = ("srtp_failures", "srtp_replays", "srtp_rekeys", "srtp_unsent")
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
        "remote_loss": _if_any(came, report.fraction_lost / 256),
        "remote_packets_lost": _if_any(came, report.cumulative_lost),
        "remote_jitter_ms": _if_any(came, report.jitter_ts * 1000 / clock_rate),
        "round_trip_ms": _ms(report.round_trip_ns),
        "remote_said_bye": bool(report.said_bye),
    }


def leg_statistics(
    native: Any, *, codec: str | None, ptime_ms: int | None, digits: str, clock_rate: int, srtp: str | None = None
) -> LegStatistics:
    """The value of a native `sfm_engine_leg_statistics`."""
    return LegStatistics(
        codec=codec,
        ptime_ms=ptime_ms,
        digits_received=digits,
        **_sending(native),
        **_receiving(native.media),
        **_hearing(native.media),
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
