#include "sfm_leg_inside.h"

enum {
    UNDER_WAY_MS = 500, /* of packets that the peer has sent and that did not come: fewer may still come */
};

/* --- RTCP -------------------------------------------------------------------------------------------------------- */

static sfm_sender_state sender_state(const sfm_leg *leg, int64_t now_ns) {
    int64_t ahead_ts = sfm_ts_from_ns(leg->sender.timestamp_ns - now_ns, leg->clock_rate);
    return (sfm_sender_state){.ssrc = leg->sender.ssrc,
                              .timestamp = leg->sender.timestamp - (uint32_t)ahead_ts,
                              .packet_count = leg->sender.packet_count,
                              .octet_count = leg->sender.octet_count,
                              .packets_per_second = 1000 / leg->params.ptime_ms};
}

/* Of the peer's packets, which need not be as long as ours. */
static uint32_t heard_ptime_ms(const sfm_leg *leg) {
    sfm_jitter_counts counts;
    sfm_playout_read_counts(leg->playout, &counts);
    int64_t ms = sfm_ns_from_ts(counts.packet_ts, sfm_playout_clock_rate(leg->playout)) / 1000000;
    return ms > 0 ? (uint32_t)ms : leg->params.ptime_ms;
}

static uint8_t share(uint64_t part, uint64_t whole) {
    uint64_t of_256 = whole > 0 ? part * 256 / whole : 0;
    return of_256 < UINT8_MAX ? (uint8_t)of_256 : UINT8_MAX;
}

static uint16_t whole_ms(int64_t ns) {
    int64_t ms = ns / 1000000;
    return ms <= 0 ? 0 : ms < UINT16_MAX ? (uint16_t)ms : UINT16_MAX;
}

static uint16_t mean_ms(uint64_t packets, uint64_t count, uint32_t ptime_ms) {
    return count > 0 ? whole_ms((int64_t)(packets * ptime_ms / count) * 1000000) : 0;
}

/* What was measured; the scores of G.107 are not known here, nor are levels in dBm0 and echo. */
static sfm_voip_metrics voip_metrics(const sfm_leg *leg) {
    enum { PITCH_REPETITION = 2 << 6, ADAPTIVE = 3 << 4, FIXED = 2 << 4 };
    sfm_leg_statistics counted;
    sfm_jitter_counts buffer;
    sfm_leg_read_statistics(leg, &counted);
    sfm_playout_read_counts(leg->playout, &buffer);
    const sfm_loss_summary *pattern = &counted.pattern;
    uint32_t ptime_ms = heard_ptime_ms(leg);
    return (sfm_voip_metrics){
        .ssrc = counted.remote_ssrc,
        .loss_rate = share(counted.packets_lost, counted.packets_expected),
        .discard_rate = share(counted.late, counted.packets_expected),
        .burst_density = share(pattern->burst_missing, pattern->burst_packets),
        .gap_density = share(pattern->gap_missing, pattern->gap_packets),
        .burst_ms = mean_ms(pattern->burst_packets, pattern->bursts, ptime_ms),
        .gap_ms = mean_ms(pattern->gap_packets, pattern->gaps, ptime_ms),
        .round_trip_ms = whole_ms(counted.remote.round_trip_ns),
        .end_system_ms = whole_ms(counted.playout_delay_mean_ns + (int64_t)ptime_ms * 1000000),
        .signal_dbm = SFM_XR_UNAVAILABLE,
        .noise_dbm = SFM_XR_UNAVAILABLE,
        .echo_return_loss_db = SFM_XR_UNAVAILABLE,
        .gmin = SFM_LOSS_GMIN,
        .r_factor = SFM_XR_UNAVAILABLE,
        .external_r_factor = SFM_XR_UNAVAILABLE,
        .mos_lq = SFM_XR_UNAVAILABLE,
        .mos_cq = SFM_XR_UNAVAILABLE,
        .receiver = (uint8_t)(PITCH_REPETITION | (leg->jitter.fixed ? FIXED : ADAPTIVE)),
        .buffer_nominal_ms = whole_ms(buffer.target_delay_ns),
        .buffer_maximum_ms = (uint16_t)(leg->jitter.fixed ? leg->jitter.initial_delay_ms : leg->jitter.max_delay_ms),
        .buffer_absolute_maximum_ms =
            (uint16_t)(leg->jitter.fixed ? leg->jitter.initial_delay_ms : leg->jitter.max_delay_ms),
    };
}

int sfm_leg_write_rtcp(sfm_leg *leg, int64_t now_ns, int bye, uint8_t *out, size_t capacity) {
    bool silent_so_far = leg->sender.packet_count == 0 && !leg->reporter.has_reported;
    if (!sfm_leg_may_send(leg) || (bye ? silent_so_far : !sfm_reporter_due(&leg->reporter, now_ns))) {
        return 0; /* who never sent anything says no good-bye (RFC 3550 section 6.3.7) */
    }
    sfm_sender_state state = sender_state(leg, now_ns);
    bool extended = leg->params.rtcp_xr && leg->stream.received > 0;
    sfm_voip_metrics metrics = extended ? voip_metrics(leg) : (sfm_voip_metrics){0};
    leg->reporter.reduced_size = leg->params.rtcp_reduced != 0;
    if (bye && leg->outgoing.impair.config.delay_ns > 0) {
        leg->reporter.last_sr = 0; /* nobody is left to hold a good-bye back: a round trip by it would be too short */
    }
    int written = sfm_reporter_write(&leg->reporter, &state, &leg->stream, extended ? &metrics : NULL, now_ns, bye != 0,
                                     out, capacity);
    size_t length = written > 0 ? (size_t)written : 0;
    bool sent = length == 0 || sfm_secure_protect(&leg->secure, out, &length, capacity, true);
    return written <= 0 ? written : sent ? (int)length : 0;
}

int sfm_leg_receive_rtcp(sfm_leg *leg, const uint8_t *data, size_t length, int64_t arrival_ns) {
    sfm_srtp_opened opened;
    bool secured = leg->secure.current != NULL;
    if (secured && !sfm_leg_open_packet(leg, data, length, arrival_ns, true, &opened)) {
        return SFM_OK;
    }
    const uint8_t *plain = secured ? opened.as.data : data;
    size_t plain_length = secured ? opened.length : length;
    sfm_sender_state state = sender_state(leg, arrival_ns);
    int error = sfm_reporter_receive(&leg->reporter, &state, &leg->stream, plain, plain_length, arrival_ns);
    leg->counters.malformed += error != SFM_OK;
    return error;
}

/* --- statistics -------------------------------------------------------------------------------------------------- */

static void read_sent(const sfm_leg *leg, sfm_leg_statistics *statistics) {
    statistics->packets_sent = leg->counters.packets_sent;
    statistics->bytes_sent = leg->counters.bytes_sent;
    statistics->impairment_lost = leg->outgoing.impair.counts.lost;
    statistics->ssrc = leg->sender.ssrc;
}

/* Packets that the peer says it has sent since the newest one that came. A few of them are under way, or were when it said
 * so. */
static uint64_t lost_at_end(const sfm_leg *leg) {
    uint64_t unseen = sfm_stream_statistics_unseen(&leg->stream);
    return unseen * heard_ptime_ms(leg) >= UNDER_WAY_MS ? unseen : 0;
}

static void read_received(const sfm_leg *leg, sfm_leg_statistics *statistics) {
    uint64_t at_end = lost_at_end(leg);
    uint64_t burst = sfm_stream_statistics_max_loss_burst(&leg->stream);
    statistics->packets_received = leg->stream.received;
    statistics->bytes_received = leg->stream.received_bytes;
    statistics->packets_expected = sfm_stream_statistics_expected(&leg->stream) + at_end;
    statistics->packets_lost = sfm_stream_statistics_lost(&leg->stream) + at_end;
    statistics->duplicates = leg->stream.duplicate;
    statistics->reordered = leg->stream.reordered;
    statistics->restarts = leg->stream.restarts;
    statistics->max_loss_burst = burst > at_end ? burst : at_end;
    statistics->remote_ssrc = leg->stream.source.ssrc;
    statistics->malformed = leg->counters.malformed;
    statistics->unknown_payload = leg->counters.unknown_payload;
    statistics->unplayable = leg->counters.unplayable;
    statistics->noise_sent = leg->counters.noise_sent;
    statistics->noise_received = leg->counters.noise_received;
    statistics->unwanted = leg->counters.unwanted;
    statistics->first_packet_ns = leg->counters.first_packet_ns;
    statistics->payload_type = leg->counters.payload_type;
    statistics->both_ways_ns = leg->counters.both_ways_ns;
    statistics->unanswered_ns = leg->counters.unanswered_ns;
    sfm_stream_statistics_pattern(&leg->stream, &statistics->pattern);
    statistics->skew_known = sfm_skew_read(&leg->stream.skew, &statistics->skew_ppb) != 0;
}

static void read_jitter(const sfm_leg *leg, sfm_leg_statistics *statistics) {
    bool measured = leg->stream.received > 1;
    uint64_t count = leg->counters.jitter_count > 0 ? leg->counters.jitter_count : 1;
    statistics->jitter_ns = measured ? sfm_stream_statistics_jitter_ns(&leg->stream) : -1;
    statistics->jitter_mean_ns = measured ? (int64_t)(leg->counters.jitter_sum_ns / count) : -1;
    statistics->jitter_max_ns = measured ? leg->stream.max_jitter_ns : -1;
    /* the gap that goes on counts, too */
    int64_t gap_ns = leg->counters.unanswered_ns > leg->stream.max_gap_ns ? leg->counters.unanswered_ns
                                                                           : leg->stream.max_gap_ns;
    statistics->max_gap_ns = measured ? gap_ns : -1;
}

static void read_playout(const sfm_leg *leg, sfm_leg_statistics *statistics) {
    sfm_jitter_counts counts;
    sfm_playout_read_counts(leg->playout, &counts);
    bool played = counts.played > 0;
    statistics->late = counts.late + counts.overflow;
    uint32_t clock_rate = sfm_playout_clock_rate(leg->playout);
    statistics->concealed_ns = played ? sfm_ns_from_ts((int64_t)counts.concealed_ts, clock_rate) : -1;
    statistics->playout_delay_ns = played ? counts.current_delay_ns : -1;
    statistics->playout_delay_mean_ns = played ? counts.mean_delay_ns : -1;
    statistics->packet_ns = played ? sfm_ns_from_ts(counts.packet_ts, clock_rate) : -1;
}

static void read_level(const sfm_leg *leg, sfm_leg_statistics *statistics) {
    bool heard = leg->level.samples > 0;
    statistics->level_tenths = heard ? sfm_level_tenths(&leg->level) : -1;
    statistics->level_left_tenths = leg->level_left.samples > 0 ? sfm_level_tenths(&leg->level_left) : -1;
    statistics->level_right_tenths = leg->level_right.samples > 0 ? sfm_level_tenths(&leg->level_right) : -1;
    statistics->peak = heard ? (int32_t)leg->level.peak : -1;
    statistics->clipped_samples = leg->level.clipped;
    statistics->heard_samples = leg->level.samples;
    statistics->listened_ns = sfm_ns_from_ts((int64_t)leg->counters.listened_samples, leg->sample_rate);
    statistics->unknown_ns = sfm_ns_from_ts((int64_t)leg->counters.unknown_samples, leg->sample_rate);
    statistics->silent_ns = sfm_ns_from_ts((int64_t)leg->counters.silent_samples, leg->sample_rate);
    statistics->silence_max_ns = sfm_ns_from_ts((int64_t)leg->counters.silence_max_samples, leg->sample_rate);
}

static void read_secure(const sfm_leg *leg, sfm_leg_statistics *statistics) {
    statistics->srtp_failures = leg->secure.counts.failures;
    statistics->srtcp_failures = leg->secure.counts.rtcp_failures;
    statistics->srtp_replays = leg->secure.counts.replays;
    statistics->srtp_rekeys = leg->secure.counts.rekeys;
    statistics->srtp_unsent = leg->secure.counts.unsent;
    statistics->srtp_useless = sfm_secure_useless(&leg->secure);
}

void sfm_leg_read_statistics(const sfm_leg *leg, sfm_leg_statistics *statistics) {
    memset(statistics, 0, sizeof *statistics);
    read_sent(leg, statistics);
    read_received(leg, statistics);
    read_jitter(leg, statistics);
    read_playout(leg, statistics);
    read_level(leg, statistics);
    read_secure(leg, statistics);
    statistics->remote = leg->reporter.remote;
}
