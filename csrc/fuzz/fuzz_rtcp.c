/* Any bytes as a compound RTCP packet: every packet and every text lies inside the input, and reports survive writing
 * and reading. */
#include <string.h>

#include "../core/sfm_rtp.h"
#include "fuzz.h"

static const uint8_t *input_begin;
static const uint8_t *input_end;

static void check_inside(const uint8_t *text, size_t length)
{
    if (length == 0)
        return;
    REQUIRE(text >= input_begin && text + length <= input_end);
}

static void check_same(const sfm_rtcp_report *report, const sfm_rtcp_report *again)
{
    REQUIRE(report->ssrc == again->ssrc);
    REQUIRE(report->block_count == again->block_count);
    REQUIRE(report->sender_info.ntp_time == again->sender_info.ntp_time);
    for (size_t i = 0; i < report->block_count; i++) {
        REQUIRE(report->blocks[i].cumulative_lost == again->blocks[i].cumulative_lost);
        REQUIRE(report->blocks[i].fraction_lost == again->blocks[i].fraction_lost);
        REQUIRE(report->blocks[i].jitter_ts == again->blocks[i].jitter_ts);
        REQUIRE(report->blocks[i].delay_since_last_sr == again->blocks[i].delay_since_last_sr);
    }
}

static void check_rewrite(const sfm_rtcp_report *report)
{
    uint8_t out[2048];
    sfm_rtcp_compound compound = {
        .ssrc = report->ssrc,
        .sender_info = report->has_sender_info ? &report->sender_info : NULL,
        .blocks = report->blocks,
        .block_count = report->block_count,
        .cname = "fuzz",
        .bye_reason = "",
    };
    int length = sfm_rtcp_write(&compound, out, sizeof out);
    REQUIRE(length > 0);
    sfm_rtcp_cursor cursor;
    sfm_rtcp_packet packet;
    sfm_rtcp_report again;
    REQUIRE(sfm_rtcp_open(out, (size_t)length, &cursor) == 3);
    REQUIRE(sfm_rtcp_next(&cursor, &packet) == 1);
    REQUIRE(sfm_rtcp_parse_report(&packet, &again) == 0);
    check_same(report, &again);
}

static void check_packet(const sfm_rtcp_packet *packet)
{
    check_inside(packet->body, packet->body_length);
    sfm_rtcp_report report;
    if (sfm_rtcp_parse_report(packet, &report) == 0) {
        check_rewrite(&report);
        for (size_t i = 0; i < report.block_count; i++)
            sfm_rtcp_round_trip_ns(&report.blocks[i], report.ssrc);
    }
    sfm_rtcp_bye bye;
    if (sfm_rtcp_parse_bye(packet, &bye) == 0)
        check_inside(bye.reason, bye.reason_length);
    sfm_voip_metrics metrics;
    if (packet->packet_type == SFM_RTCP_EXTENDED_REPORT && packet->body_length >= 12)
        (void)sfm_rtcp_find_voip_metrics(packet->body, packet->body_length, packet->body[11], &metrics);
    sfm_rtcp_source_description description;
    if (sfm_rtcp_parse_source_description(packet, &description) == 0)
        for (size_t i = 0; i < description.chunk_count; i++)
            check_inside(description.chunks[i].text, description.chunks[i].length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input_begin = data;
    input_end = data + size;
    sfm_rtcp_cursor cursor;
    int count = sfm_rtcp_open(data, size, &cursor);
    REQUIRE(count != 0);
    if (count < 0)
        return 0;
    sfm_rtcp_packet packet;
    int seen = 0;
    for (; sfm_rtcp_next(&cursor, &packet); seen++)
        check_packet(&packet);
    REQUIRE(seen == count);
    return 0;
}
