#include "sfm_reporter.h"

#include <stdio.h>
#include <string.h>

#include "../core/sfm_error.h"

enum {
    MEMBERS = 2,                 /* of a call's RTP session, of whom more than a quarter send: they share all of the rate */
    RTCP_BYTES_PER_SECOND = 500, /* 5 % of a G.711 stream with its headers, the least of what legs send */
    UDP_HEADER_BYTES = 28,       /* IPv4 and UDP count (section 6.2) */
    FIRST_SIZE_BYTES = 128,      /* guess before the first packet */
    WHOLE_EVERY = 4,             /* reports: who joins has to learn the CNAME (RFC 5506 section 3.4.2) */
};

static const int64_t MINIMUM_NS = 5000000000;
static const double COMPENSATION = 1.21828; /* e - 3/2: reconsideration sends less often than was drawn (A.7) */

void sfm_reporter_init(sfm_reporter *reporter, const char *cname, uint64_t seed, int64_t wallclock_offset_ns) {
    memset(reporter, 0, sizeof *reporter);
    reporter->wallclock_offset_ns = wallclock_offset_ns;
    reporter->remote.round_trip_ns = -1;
    reporter->average_bytes = FIRST_SIZE_BYTES;
    sfm_random_seed(&reporter->random, seed);
    snprintf(reporter->cname, sizeof reporter->cname, "%s", cname);
}

/* An interval of RFC 3550 A.7: what the rate allows, at least 5 s and before the first report half of that, drawn
 * between half and one and a half of it. */
static int64_t random_interval_ns(sfm_reporter *reporter) {
    double allowed_ns = MEMBERS * reporter->average_bytes / RTCP_BYTES_PER_SECOND * 1e9;
    double minimum_ns = (double)(reporter->has_reported ? MINIMUM_NS : MINIMUM_NS / 2);
    double interval_ns = (allowed_ns > minimum_ns ? allowed_ns : minimum_ns) / COMPENSATION;
    return (int64_t)(interval_ns / 2) + (int64_t)sfm_random_below(&reporter->random, (uint64_t)interval_ns);
}

static void count_size(sfm_reporter *reporter, size_t bytes) {
    reporter->average_bytes += ((double)(bytes + UDP_HEADER_BYTES) - reporter->average_bytes) / 16;
}

/* When the time has come it is drawn again, and the report goes out only when that one has come as well (6.3.6). */
bool sfm_reporter_due(sfm_reporter *reporter, int64_t now_ns) {
    if (reporter->next_report_ns == 0) {
        reporter->last_report_ns = now_ns;
        reporter->next_report_ns = now_ns + random_interval_ns(reporter);
    }
    if (now_ns < reporter->next_report_ns) {
        return false;
    }
    reporter->next_report_ns = reporter->last_report_ns + random_interval_ns(reporter);
    if (reporter->next_report_ns > now_ns) {
        return false;
    }
    reporter->last_report_ns = now_ns;
    return true;
}

static uint64_t ntp_of(const sfm_reporter *reporter, int64_t ns) {
    return sfm_ntp_from_unix_ns((uint64_t)(ns + reporter->wallclock_offset_ns));
}

/* A report that came by a clock that is ahead of ours came just now: a delay below zero would read as one of eighteen hours. */
static uint32_t in_65536ths_of_second(int64_t ns) { return ns <= 0 ? 0 : (uint32_t)(((ns / 1000) << 16) / 1000000); }

static int report_block(const sfm_reporter *reporter, sfm_stream_statistics *statistics, int64_t now_ns,
                        sfm_rtcp_report_block *block) {
    int count = sfm_stream_statistics_report(statistics, block);
    if (count > 0 && reporter->last_sr != 0) {
        block->last_sr = reporter->last_sr;
        block->delay_since_last_sr = in_65536ths_of_second(now_ns - reporter->last_sr_arrival_ns);
    }
    return count;
}

int sfm_reporter_write(sfm_reporter *reporter, const sfm_sender_state *sender, sfm_stream_statistics *statistics,
                       const sfm_voip_metrics *metrics, int64_t now_ns, bool bye, uint8_t *out, size_t capacity) {
    sfm_rtcp_report_block block;
    memset(&block, 0, sizeof block);
    sfm_rtcp_sender_info info = {.ntp_time = ntp_of(reporter, now_ns),
                                 .rtp_timestamp = sender->timestamp,
                                 .packet_count = sender->packet_count,
                                 .octet_count = sender->octet_count};
    bool is_whole = bye || !reporter->reduced_size || reporter->reports_written % WHOLE_EVERY == 0;
    bool is_sender = sender->packet_count != reporter->reported_packets;
    sfm_rtcp_compound compound = {.ssrc = sender->ssrc,
                                  .sender_info = is_sender ? &info : NULL,
                                  .blocks = &block,
                                  .cname = is_whole ? reporter->cname : NULL,
                                  .voip_metrics = metrics,
                                  .bye_reason = bye ? "" : NULL};
    compound.block_count = (uint8_t)report_block(reporter, statistics, now_ns, &block);
    int length = sfm_rtcp_write(&compound, out, capacity);
    if (length > 0) {
        reporter->reported_packets = sender->packet_count;
        reporter->has_reported = true;
        reporter->reports_written++;
        reporter->next_report_ns = now_ns + random_interval_ns(reporter);
        count_size(reporter, (size_t)length);
    }
    return length;
}

static void take_block(sfm_reporter *reporter, const sfm_rtcp_report_block *block, int64_t arrival_ns) {
    uint32_t arrival_ntp = sfm_ntp_middle(ntp_of(reporter, arrival_ns));
    int64_t round_trip_ns = sfm_rtcp_round_trip_ns(block, arrival_ntp);
    reporter->remote.reports++;
    reporter->remote.fraction_lost = block->fraction_lost;
    reporter->remote.cumulative_lost = block->cumulative_lost;
    reporter->remote.jitter_ts = block->jitter_ts;
    if (round_trip_ns >= 0) {
        reporter->remote.round_trip_ns = round_trip_ns;
    }
}

/* Whether a report tells of packets of ours that no report before it told of. */
static bool take_report(sfm_reporter *reporter, uint32_t own_ssrc, const sfm_rtcp_report *report,
                        sfm_stream_statistics *statistics, int64_t arrival_ns) {
    bool news = false;
    if (report->has_sender_info) {
        sfm_stream_statistics_told(statistics, report->ssrc, report->sender_info.packet_count, arrival_ns);
        reporter->last_sr = sfm_ntp_middle(report->sender_info.ntp_time);
        reporter->last_sr_arrival_ns = arrival_ns;
    }
    for (uint8_t i = 0; i < report->block_count; i++) {
        if (report->blocks[i].ssrc == own_ssrc) {
            uint32_t highest = report->blocks[i].extended_highest_sequence_number;
            news = news || reporter->remote.reports == 0 || highest != reporter->highest_told;
            reporter->highest_told = highest;
            take_block(reporter, &report->blocks[i], arrival_ns);
        }
    }
    return news;
}

/* A second of packets is more than can be under way. */
static void judge_hearing(sfm_reporter *reporter, const sfm_sender_state *sender, bool news) {
    bool is_same_stream = sender->packet_count >= reporter->sent_at_report;
    uint32_t sent = sender->packet_count - (is_same_stream ? reporter->sent_at_report : 0);
    if (news || sent >= sender->packets_per_second) {
        reporter->remote.heard_nothing = !news;
    }
    reporter->sent_at_report = sender->packet_count;
}

static void take_extended(sfm_reporter *reporter, uint32_t own_ssrc, const sfm_rtcp_packet *packet) {
    sfm_voip_metrics metrics;
    if (sfm_rtcp_find_voip_metrics(packet->body, packet->body_length, own_ssrc, &metrics) == 1) {
        reporter->remote.voip = metrics;
        reporter->remote.extended_reports++;
    }
}

int sfm_reporter_receive(sfm_reporter *reporter, const sfm_sender_state *sender, sfm_stream_statistics *statistics,
                         const uint8_t *data, size_t length, int64_t arrival_ns) {
    sfm_rtcp_cursor cursor;
    sfm_rtcp_packet packet;
    sfm_rtcp_report report;
    bool reported = false;
    bool news = false;
    int count = sfm_rtcp_open(data, length, &cursor);
    if (count < 0) {
        return count;
    }
    count_size(reporter, length);
    while (sfm_rtcp_next(&cursor, &packet) > 0) {
        if (packet.packet_type == SFM_RTCP_BYE) {
            reporter->remote.said_bye = 1;
        } else if (packet.packet_type == SFM_RTCP_EXTENDED_REPORT) {
            take_extended(reporter, sender->ssrc, &packet);
        } else if (sfm_rtcp_parse_report(&packet, &report) == SFM_OK) {
            reported = true;
            news = take_report(reporter, sender->ssrc, &report, statistics, arrival_ns) || news;
        }
    }
    if (reported) {
        judge_hearing(reporter, sender, news);
    }
    return SFM_OK;
}
