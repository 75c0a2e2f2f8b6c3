#include "sfm_stream_statistics.h"

#include <string.h>

/* A step between two transit times that no network makes: the sender's timestamp jumped, or stood still in a pause.
 * RFC 3550 A.8 has no such limit, and one jump would then drown the jitter of the next minutes. */
#define DISCONTINUITY_NS 1000000000

void sfm_stream_statistics_init(sfm_stream_statistics *statistics, uint32_t clock_rate)
{
    memset(statistics, 0, sizeof *statistics);
    statistics->clock_rate = clock_rate;
}

void sfm_stream_statistics_set_clock(sfm_stream_statistics *statistics, uint32_t clock_rate)
{
    if (statistics->clock_rate == clock_rate)
        return;
    statistics->clock_rate = clock_rate;
    statistics->has_transit = 0;
}

void sfm_stream_statistics_resume(sfm_stream_statistics *statistics) { statistics->has_arrival = 0; }

static uint64_t source_expected(const sfm_stream_statistics *statistics)
{
    return statistics->source.has_source ? (uint64_t)(statistics->source.highest - statistics->base + 1) : 0;
}

/* Missing packets are bits that were shifted in as 0. All that sfm_source calls misordered is at most 100 behind, so
 * the 128 bits always tell a duplicate. */
static void shift_window(uint64_t window[2], uint64_t distance)
{
    if (distance >= 128) {
        window[0] = window[1] = 0;
    } else if (distance >= 64) {
        window[1] = window[0] << (distance - 64);
        window[0] = 0;
    } else if (distance > 0) {
        window[1] = window[1] << distance | window[0] >> (64 - distance);
        window[0] <<= distance;
    }
}

static int bit_of(const uint64_t window[2], uint64_t behind)
{
    return behind < 128 && (window[behind / 64] >> (behind % 64) & 1);
}

/* The fate of a packet is told when nothing can change it any more: as it leaves the window. */
static void tell_fates(const sfm_stream_statistics *statistics, sfm_loss_pattern *pattern, int64_t highest, int64_t from,
                       int64_t until)
{
    int64_t first = from < statistics->base ? statistics->base : from;
    for (int64_t sequence = first; sequence < until; sequence++)
        sfm_loss_pattern_add(pattern, sequence <= highest && bit_of(statistics->heard, (uint64_t)(highest - sequence)));
}

static void count_run(uint64_t *run, uint64_t *longest, int came)
{
    *run = came ? 0 : *run + 1;
    if (*run > *longest)
        *longest = *run;
}

static void count_runs(const sfm_stream_statistics *statistics, uint64_t *run, uint64_t *longest, int64_t highest,
                       int64_t from, int64_t until)
{
    int64_t first = from < statistics->base ? statistics->base : from;
    for (int64_t sequence = first; sequence < until; sequence++)
        count_run(run, longest, sequence <= highest && bit_of(statistics->window, (uint64_t)(highest - sequence)));
}

static void move_window(sfm_stream_statistics *statistics, int64_t earlier_highest, uint64_t ahead)
{
    int64_t oldest = earlier_highest - 127;
    tell_fates(statistics, &statistics->pattern, earlier_highest, oldest, oldest + (int64_t)ahead);
    count_runs(statistics, &statistics->lost_run, &statistics->longest_lost_run, earlier_highest, oldest,
               oldest + (int64_t)ahead);
    shift_window(statistics->window, ahead);
    shift_window(statistics->heard, ahead);
    statistics->window[0] |= 1;
    statistics->heard[0] |= 1;
}

static void open_source(sfm_stream_statistics *statistics, int64_t base)
{
    statistics->base = base;
    statistics->source_received = 0;
    statistics->source_duplicate = 0;
    statistics->expected_prior = 0;
    statistics->received_prior = 0;
    statistics->window[0] = statistics->window[1] = 0;
    statistics->heard[0] = statistics->heard[1] = 0;
    statistics->has_transit = 0;
    statistics->has_told = 0;
    statistics->recent_count = 0;
    statistics->lost_run = 0;
}

/* The packet on probation was the first of the new source: it counts too. `earlier_highest` closes the old source. */
static void restart_source(sfm_stream_statistics *statistics, int64_t earlier_highest, int64_t extended)
{
    tell_fates(statistics, &statistics->pattern, earlier_highest, earlier_highest - 127, earlier_highest + 1);
    count_runs(statistics, &statistics->lost_run, &statistics->longest_lost_run, earlier_highest, earlier_highest - 127,
               earlier_highest + 1);
    statistics->earlier_expected += (uint64_t)(earlier_highest - statistics->base + 1);
    statistics->earlier_unique += statistics->source_received - statistics->source_duplicate;
    open_source(statistics, extended - 1);
    statistics->source_received = 1;
    statistics->window[0] = statistics->heard[0] = 1;
    statistics->received++;
    statistics->received_bytes += statistics->pending_bytes;
    statistics->restarts++;
}

/* Marks the packet in the window; enum sfm_statistics_verdict. */
static int place(sfm_stream_statistics *statistics, int64_t earlier_highest, int64_t extended)
{
    if (extended > earlier_highest) {
        uint64_t ahead = (uint64_t)(extended - earlier_highest);
        move_window(statistics, earlier_highest, ahead);
        return SFM_STATISTICS_IN_ORDER;
    }
    uint64_t behind = (uint64_t)(earlier_highest - extended);
    uint64_t bit = (uint64_t)1 << (behind % 64);
    if (statistics->window[behind / 64] & bit)
        return SFM_STATISTICS_DUPLICATE;
    statistics->window[behind / 64] |= bit;
    statistics->heard[behind / 64] |= bit;
    if (behind > statistics->max_reorder)
        statistics->max_reorder = behind;
    if (extended < statistics->base)
        statistics->base = extended;
    return SFM_STATISTICS_REORDERED;
}

/* Transit times add up from packet to packet; a jump of the timestamp begins the measurement anew. */
static void measure_skew(sfm_stream_statistics *statistics, int64_t difference, int64_t arrival_ns)
{
    if (!statistics->has_transit || difference >= DISCONTINUITY_NS || difference <= -DISCONTINUITY_NS) {
        memset(&statistics->skew, 0, sizeof statistics->skew);
        statistics->transit_ns = 0;
    } else {
        statistics->transit_ns += difference;
    }
    sfm_skew_add(&statistics->skew, arrival_ns, statistics->transit_ns);
}

/* J += (|D| - J) / 16 (RFC 3550 A.8), in 1/16 ns so that the division loses nothing that matters. */
static void measure_jitter(sfm_stream_statistics *statistics, uint32_t timestamp, int64_t arrival_ns)
{
    int64_t difference = 0;
    if (statistics->has_transit) {
        int64_t sent_ns = sfm_ns_from_ts(sfm_timestamp_delta(timestamp, statistics->transit_timestamp),
                                         statistics->clock_rate);
        difference = arrival_ns - statistics->transit_arrival_ns - sent_ns;
        int64_t magnitude = difference < 0 ? -difference : difference;
        if (magnitude < DISCONTINUITY_NS)
            statistics->jitter_ns_16 += magnitude - (statistics->jitter_ns_16 + 8) / 16;
        int64_t jitter_ns = statistics->jitter_ns_16 / 16;
        if (jitter_ns > statistics->max_jitter_ns)
            statistics->max_jitter_ns = jitter_ns;
    }
    measure_skew(statistics, difference, arrival_ns);
    statistics->has_transit = 1;
    statistics->transit_timestamp = timestamp;
    statistics->transit_arrival_ns = arrival_ns;
}

static void measure_gap(sfm_stream_statistics *statistics, int64_t arrival_ns)
{
    int64_t gap_ns = statistics->has_arrival ? arrival_ns - statistics->last_arrival_ns : 0;
    if (gap_ns > statistics->max_gap_ns)
        statistics->max_gap_ns = gap_ns;
    statistics->has_arrival = 1;
    statistics->last_arrival_ns = arrival_ns;
}

static uint32_t in_1024_ns(int64_t ns)
{
    return (uint32_t)((uint64_t)ns >> 10);
}

static void note_recent(sfm_stream_statistics *statistics, int64_t arrival_ns)
{
    uint32_t at = statistics->recent_count++ % SFM_RECENT_PACKETS;
    statistics->recent_us[at] = in_1024_ns(arrival_ns);
    statistics->recent_highest[at] = (uint16_t)statistics->source.highest;
}

/* Opens or restarts the source as tracking demands and places the packet in it. */
static int accept(sfm_stream_statistics *statistics, int tracked, int64_t earlier_highest, int64_t extended)
{
    if (tracked == SFM_SOURCE_CONTINUED)
        return place(statistics, earlier_highest, extended);
    if (tracked == SFM_SOURCE_RESTARTED) {
        restart_source(statistics, earlier_highest, extended);
        place(statistics, extended - 1, extended);
        return SFM_STATISTICS_RESTARTED;
    }
    open_source(statistics, extended);
    statistics->window[0] = statistics->heard[0] = 1;
    return SFM_STATISTICS_IN_ORDER;
}

int sfm_stream_statistics_update(sfm_stream_statistics *statistics, const sfm_rtp_header *header,
                                 size_t payload_bytes, int64_t arrival_ns, int has_media_time)
{
    int64_t earlier_highest = statistics->source.highest;
    int was_pending = statistics->source.has_candidate;
    int64_t extended = 0;
    int tracked = sfm_source_track(&statistics->source, header->ssrc, header->sequence_number, &extended);
    if (was_pending && tracked != SFM_SOURCE_RESTARTED)
        statistics->rejected++;
    if (tracked == SFM_SOURCE_PENDING) {
        statistics->pending_bytes = (uint32_t)payload_bytes;
        return SFM_STATISTICS_PENDING;
    }

    int verdict = accept(statistics, tracked, earlier_highest, extended);
    statistics->received++;
    statistics->received_bytes += payload_bytes;
    statistics->source_received++;
    statistics->duplicate += verdict == SFM_STATISTICS_DUPLICATE;
    statistics->source_duplicate += verdict == SFM_STATISTICS_DUPLICATE;
    statistics->reordered += verdict == SFM_STATISTICS_REORDERED;
    measure_gap(statistics, arrival_ns);
    note_recent(statistics, arrival_ns);
    if (has_media_time && verdict != SFM_STATISTICS_DUPLICATE)
        measure_jitter(statistics, header->timestamp, arrival_ns);
    return verdict;
}

void sfm_stream_statistics_discard(sfm_stream_statistics *statistics, uint16_t sequence_number)
{
    int64_t highest = statistics->source.highest;
    int64_t behind = highest - sfm_sequence_extend(highest, sequence_number);
    if (behind >= 0 && behind < 128)
        statistics->heard[behind / 64] &= ~((uint64_t)1 << (behind % 64));
}

void sfm_stream_statistics_pattern(const sfm_stream_statistics *statistics, sfm_loss_summary *summary)
{
    sfm_loss_pattern ended = statistics->pattern;
    int64_t highest = statistics->source.highest;
    if (statistics->source.has_source)
        tell_fates(statistics, &ended, highest, highest - 127, highest + 1);
    sfm_loss_pattern_read(&ended, summary);
}

uint64_t sfm_stream_statistics_expected(const sfm_stream_statistics *statistics)
{
    return statistics->earlier_expected + source_expected(statistics);
}

uint64_t sfm_stream_statistics_lost(const sfm_stream_statistics *statistics)
{
    uint64_t unique = statistics->earlier_unique + statistics->source_received - statistics->source_duplicate;
    return sfm_stream_statistics_expected(statistics) - unique;
}

uint64_t sfm_stream_statistics_max_loss_burst(const sfm_stream_statistics *statistics)
{
    uint64_t run = statistics->lost_run, longest = statistics->longest_lost_run;
    int64_t highest = statistics->source.highest;
    if (statistics->source.has_source)
        count_runs(statistics, &run, &longest, highest, highest - 127, highest + 1);
    return longest;
}

/* Packets that should have come until then, in *expected; 0 when it is too long ago to be known. */
static int expected_at(const sfm_stream_statistics *statistics, int64_t arrival_ns, uint64_t *expected)
{
    uint32_t count = statistics->recent_count;
    uint32_t known = count < SFM_RECENT_PACKETS ? count : SFM_RECENT_PACKETS;
    int64_t highest = statistics->source.highest;
    for (uint32_t back = 1; back <= known; back++) {
        uint32_t at = (count - back) % SFM_RECENT_PACKETS;
        if ((int32_t)(statistics->recent_us[at] - in_1024_ns(arrival_ns)) <= 0) {
            int64_t then = highest - (uint16_t)(highest - statistics->recent_highest[at]);
            *expected = then >= statistics->base ? (uint64_t)(then - statistics->base + 1) : 0;
            return 1;
        }
    }
    *expected = 0;
    return known == count;
}

/* What a sender counts began before the first packet that came, so only the difference grows with what is lost. A report
 * that lay unread for half a second is behind what came meanwhile, and one that is read at once is not: were both compared
 * with what has come until now, that half second would look like loss. */
void sfm_stream_statistics_told(sfm_stream_statistics *statistics, uint32_t ssrc, uint32_t packet_count,
                                int64_t arrival_ns)
{
    uint64_t expected;
    if (!statistics->source.has_source || statistics->source.ssrc != ssrc ||
        !expected_at(statistics, arrival_ns, &expected))
        return;
    int32_t ahead = (int32_t)(packet_count - (uint32_t)expected);
    if (!statistics->has_told || ahead < statistics->told_ahead)
        statistics->told_ahead = ahead;
    statistics->has_told = 1;
    statistics->told_sent = packet_count;
}

uint64_t sfm_stream_statistics_unseen(const sfm_stream_statistics *statistics)
{
    int32_t ahead = (int32_t)(statistics->told_sent - (uint32_t)source_expected(statistics));
    return statistics->has_told && ahead > statistics->told_ahead ? (uint64_t)(ahead - statistics->told_ahead) : 0;
}

int64_t sfm_stream_statistics_jitter_ns(const sfm_stream_statistics *statistics)
{
    return statistics->jitter_ns_16 / 16;
}

/* 24 bits, signed (RFC 3550 A.3). */
static int32_t clamp_lost(int64_t lost)
{
    if (lost > 0x7FFFFF)
        return 0x7FFFFF;
    return lost < -0x800000 ? -0x800000 : (int32_t)lost;
}

/* Loss since the previous report; 0 when more came than was expected (RFC 3550 A.3). */
static uint8_t interval_fraction(sfm_stream_statistics *statistics, uint64_t expected)
{
    uint64_t expected_interval = expected - statistics->expected_prior;
    uint64_t received_interval = statistics->source_received - statistics->received_prior;
    statistics->expected_prior = expected;
    statistics->received_prior = statistics->source_received;
    if (expected_interval <= received_interval)
        return 0;
    uint64_t fraction = ((expected_interval - received_interval) << 8) / expected_interval;
    return fraction > 255 ? 255 : (uint8_t)fraction;
}

int sfm_stream_statistics_report(sfm_stream_statistics *statistics, sfm_rtcp_report_block *block)
{
    if (!statistics->source.has_source || statistics->source_received == statistics->received_prior)
        return 0; /* only sources heard from since the last report are told of (RFC 3550 section 6.4) */
    uint64_t expected = source_expected(statistics);
    memset(block, 0, sizeof *block);
    block->ssrc = statistics->source.ssrc;
    block->fraction_lost = interval_fraction(statistics, expected);
    block->cumulative_lost = clamp_lost((int64_t)expected - (int64_t)statistics->source_received);
    block->extended_highest_sequence_number = (uint32_t)statistics->source.highest;
    block->jitter_ts = (uint32_t)sfm_ts_from_ns(sfm_stream_statistics_jitter_ns(statistics), statistics->clock_rate);
    return 1;
}
