#include <string.h>

#include "sfm_bytes.h"
#include "sfm_error.h"
#include "sfm_rtp.h"

#define RTCP_VERSION 2
#define RTCP_HEADER_BYTES 4
#define SENDER_INFO_BYTES 20
#define REPORT_BLOCK_BYTES 24
#define SDES_END 0
#define SDES_CNAME 1
#define MAX_TEXT_BYTES 255

int sfm_rtcp_is_rtcp(const uint8_t *data, size_t length)
{
    return length >= RTCP_HEADER_BYTES && data[0] >> 6 == RTCP_VERSION && data[1] >= 192 && data[1] <= 223;
}

/*  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |V=2|P|  count  |  packet type  |  length in words minus one    |
 * +---------------------------------------------------------------+
 * |                          body ...             |  P: padding   |
 * +---------------------------------------------------------------+
 */
static int parse_packet(const uint8_t *data, size_t length, sfm_rtcp_packet *packet)
{
    if (length < RTCP_HEADER_BYTES)
        return SFM_ERROR_TRUNCATED;
    if (data[0] >> 6 != RTCP_VERSION)
        return SFM_ERROR_VERSION;
    if (data[1] < 192 || data[1] > 223)
        return SFM_ERROR_PACKET_TYPE;
    size_t whole = ((size_t)sfm_get16(data + 2) + 1) * 4;
    if (whole > length)
        return SFM_ERROR_TRUNCATED;

    packet->packet_type = data[1];
    packet->count = data[0] & 0x1F;
    packet->padding_bytes = 0;
    if (data[0] & 0x20) {
        /* Padding only fills up to the block size of a cipher at the end of the compound (RFC 3550 section 6.4.1). */
        packet->padding_bytes = data[whole - 1];
        if (whole != length || packet->padding_bytes == 0 || packet->padding_bytes > whole - RTCP_HEADER_BYTES)
            return SFM_ERROR_PADDING;
    }
    packet->body = data + RTCP_HEADER_BYTES;
    packet->body_length = whole - RTCP_HEADER_BYTES - packet->padding_bytes;
    return (int)whole;
}

int sfm_rtcp_open(const uint8_t *data, size_t length, sfm_rtcp_cursor *cursor)
{
    int count = 0;
    size_t offset = 0;
    do {
        sfm_rtcp_packet packet;
        int whole = parse_packet(data + offset, length - offset, &packet);
        if (whole < 0)
            return whole;
        offset += (size_t)whole;
        count++;
    } while (offset < length);
    *cursor = (sfm_rtcp_cursor){data, length, 0};
    return count;
}

int sfm_rtcp_next(sfm_rtcp_cursor *cursor, sfm_rtcp_packet *packet)
{
    if (cursor->offset >= cursor->length)
        return 0;
    int whole = parse_packet(cursor->data + cursor->offset, cursor->length - cursor->offset, packet);
    if (whole < 0)
        return 0;
    cursor->offset += (size_t)whole;
    return 1;
}

/* cumulative_lost is a signed 24-bit number. */
static int32_t sign_extend_24(uint32_t value)
{
    return (int32_t)(value & 0x7FFFFF) - (int32_t)(value & 0x800000);
}

/* +---------------------------------------------------------------+
 * |                             SSRC                              |
 * | fraction lost |       cumulative number of packets lost       |
 * |           extended highest sequence number received           |
 * |                      interarrival jitter                      |
 * |                            last SR                            |
 * |                     delay since last SR                       |
 * +---------------------------------------------------------------+
 */
static void parse_block(const uint8_t *p, sfm_rtcp_report_block *block)
{
    block->ssrc = sfm_get32(p);
    block->fraction_lost = p[4];
    block->cumulative_lost = sign_extend_24(sfm_get32(p + 4) & 0xFFFFFF);
    block->extended_highest_sequence_number = sfm_get32(p + 8);
    block->jitter_ts = sfm_get32(p + 12);
    block->last_sr = sfm_get32(p + 16);
    block->delay_since_last_sr = sfm_get32(p + 20);
}

int sfm_rtcp_parse_report(const sfm_rtcp_packet *packet, sfm_rtcp_report *report)
{
    int is_sender = packet->packet_type == SFM_RTCP_SENDER_REPORT;
    if (!is_sender && packet->packet_type != SFM_RTCP_RECEIVER_REPORT)
        return SFM_ERROR_PACKET_TYPE;
    size_t blocks_offset = 4 + (is_sender ? SENDER_INFO_BYTES : 0);
    if (packet->body_length < blocks_offset + (size_t)packet->count * REPORT_BLOCK_BYTES)
        return SFM_ERROR_TRUNCATED;

    const uint8_t *p = packet->body;
    memset(report, 0, sizeof *report);
    report->ssrc = sfm_get32(p);
    report->block_count = packet->count;
    if (is_sender) {
        report->has_sender_info = 1;
        report->sender_info.ntp_time = sfm_get64(p + 4);
        report->sender_info.rtp_timestamp = sfm_get32(p + 12);
        report->sender_info.packet_count = sfm_get32(p + 16);
        report->sender_info.octet_count = sfm_get32(p + 20);
    }
    for (size_t i = 0; i < packet->count; i++)
        parse_block(p + blocks_offset + i * REPORT_BLOCK_BYTES, &report->blocks[i]);
    return SFM_OK;
}

int sfm_rtcp_parse_bye(const sfm_rtcp_packet *packet, sfm_rtcp_bye *bye)
{
    if (packet->packet_type != SFM_RTCP_BYE)
        return SFM_ERROR_PACKET_TYPE;
    size_t reason_offset = (size_t)packet->count * 4;
    if (packet->body_length < reason_offset)
        return SFM_ERROR_TRUNCATED;
    const uint8_t *p = packet->body;
    uint8_t reason_length = packet->body_length > reason_offset ? p[reason_offset] : 0;
    if (reason_length > 0 && packet->body_length - reason_offset - 1 < reason_length)
        return SFM_ERROR_TRUNCATED;

    memset(bye, 0, sizeof *bye);
    bye->source_count = packet->count;
    for (size_t i = 0; i < packet->count; i++)
        bye->sources[i] = sfm_get32(p + 4 * i);
    bye->reason_length = reason_length;
    bye->reason = reason_length > 0 ? p + reason_offset + 1 : NULL;
    return SFM_OK;
}

/* One chunk: SSRC, items of type, length and text, then zero bytes up to the next word. The offset is left behind it.
 * A chunk whose terminating zero is missing at the very end of the packet is taken: only the text counts. */
static int parse_chunk(const sfm_rtcp_packet *packet, size_t *offset, sfm_rtcp_cname *chunk)
{
    const uint8_t *p = packet->body;
    size_t length = packet->body_length;
    if (length - *offset < 4)
        return SFM_ERROR_TRUNCATED;
    *chunk = (sfm_rtcp_cname){.ssrc = sfm_get32(p + *offset)};
    size_t at = *offset + 4;
    while (at < length && p[at] != SDES_END) {
        if (length - at < 2 || length - at - 2 < p[at + 1])
            return SFM_ERROR_TRUNCATED;
        if (p[at] == SDES_CNAME) {
            chunk->length = p[at + 1];
            chunk->text = p + at + 2;
        }
        at += 2 + (size_t)p[at + 1];
    }
    at = (at / 4 + 1) * 4; /* at least one zero byte ends the list */
    *offset = at < length ? at : length;
    return SFM_OK;
}

int sfm_rtcp_parse_source_description(const sfm_rtcp_packet *packet, sfm_rtcp_source_description *description)
{
    if (packet->packet_type != SFM_RTCP_SOURCE_DESCRIPTION)
        return SFM_ERROR_PACKET_TYPE;
    sfm_rtcp_source_description result;
    memset(&result, 0, sizeof result);
    size_t offset = 0;
    for (size_t i = 0; i < packet->count; i++) {
        int error = parse_chunk(packet, &offset, &result.chunks[i]);
        if (error < 0)
            return error;
    }
    result.chunk_count = packet->count;
    *description = result;
    return SFM_OK;
}

static void write_packet_header(uint8_t *p, uint8_t count, uint8_t packet_type, size_t whole)
{
    p[0] = (uint8_t)(RTCP_VERSION << 6 | count);
    p[1] = packet_type;
    sfm_put16(p + 2, (uint16_t)(whole / 4 - 1));
}

static void write_block(uint8_t *p, const sfm_rtcp_report_block *block)
{
    sfm_put32(p, block->ssrc);
    sfm_put32(p + 4, (uint32_t)block->cumulative_lost & 0xFFFFFF);
    p[4] = block->fraction_lost;
    sfm_put32(p + 8, block->extended_highest_sequence_number);
    sfm_put32(p + 12, block->jitter_ts);
    sfm_put32(p + 16, block->last_sr);
    sfm_put32(p + 20, block->delay_since_last_sr);
}

static size_t report_bytes(const sfm_rtcp_compound *compound)
{
    return RTCP_HEADER_BYTES + 4 + (compound->sender_info ? (size_t)SENDER_INFO_BYTES : 0) +
           (size_t)compound->block_count * REPORT_BLOCK_BYTES;
}

static void write_report(const sfm_rtcp_compound *compound, uint8_t *p)
{
    const sfm_rtcp_sender_info *info = compound->sender_info;
    write_packet_header(p, compound->block_count, info ? SFM_RTCP_SENDER_REPORT : SFM_RTCP_RECEIVER_REPORT,
                        report_bytes(compound));
    sfm_put32(p + 4, compound->ssrc);
    p += 8;
    if (info) {
        sfm_put64(p, info->ntp_time);
        sfm_put32(p + 8, info->rtp_timestamp);
        sfm_put32(p + 12, info->packet_count);
        sfm_put32(p + 16, info->octet_count);
        p += SENDER_INFO_BYTES;
    }
    for (size_t i = 0; i < compound->block_count; i++)
        write_block(p + i * REPORT_BLOCK_BYTES, &compound->blocks[i]);
}

/* Header, SSRC, type and length of the item, text, then one to four zero bytes. */
static size_t description_bytes(size_t cname_length)
{
    return RTCP_HEADER_BYTES + 4 + ((2 + cname_length) / 4 + 1) * 4;
}

static void write_description(const sfm_rtcp_compound *compound, size_t cname_length, uint8_t *p)
{
    size_t whole = description_bytes(cname_length);
    memset(p, 0, whole);
    write_packet_header(p, 1, SFM_RTCP_SOURCE_DESCRIPTION, whole);
    sfm_put32(p + 4, compound->ssrc);
    p[8] = SDES_CNAME;
    p[9] = (uint8_t)cname_length;
    memcpy(p + 10, compound->cname, cname_length);
}

static size_t bye_bytes(size_t reason_length)
{
    return RTCP_HEADER_BYTES + 4 + (reason_length > 0 ? (1 + reason_length + 3) / 4 * 4 : 0);
}

static void write_bye(const sfm_rtcp_compound *compound, size_t reason_length, uint8_t *p)
{
    size_t whole = bye_bytes(reason_length);
    memset(p, 0, whole);
    write_packet_header(p, 1, SFM_RTCP_BYE, whole);
    sfm_put32(p + 4, compound->ssrc);
    if (reason_length > 0) {
        p[8] = (uint8_t)reason_length;
        memcpy(p + 9, compound->bye_reason, reason_length);
    }
}

/* Length of a text, or MAX_TEXT_BYTES + 1 when it is longer than an item can hold. */
static size_t text_length(const char *text)
{
    size_t length = 0;
    while (length <= MAX_TEXT_BYTES && text[length] != '\0')
        length++;
    return length;
}

int sfm_rtcp_write(const sfm_rtcp_compound *compound, uint8_t *out, size_t capacity)
{
    if (compound->block_count > SFM_RTCP_MAX_COUNT ||
        (compound->blocks == NULL && compound->block_count > 0))
        return SFM_ERROR_ARGUMENT;
    size_t cname_length = compound->cname ? text_length(compound->cname) : 1;
    size_t reason_length = compound->bye_reason ? text_length(compound->bye_reason) : 0;
    if (cname_length == 0 || cname_length > MAX_TEXT_BYTES || reason_length > MAX_TEXT_BYTES)
        return SFM_ERROR_ARGUMENT;

    size_t description_offset = report_bytes(compound);
    size_t metrics_offset = description_offset + (compound->cname ? description_bytes(cname_length) : 0);
    size_t bye_offset = metrics_offset + (compound->voip_metrics ? (size_t)SFM_XR_VOIP_BYTES : 0);
    size_t whole = bye_offset + (compound->bye_reason ? bye_bytes(reason_length) : 0);
    if (capacity < whole)
        return SFM_ERROR_SPACE;
    write_report(compound, out);
    if (compound->cname)
        write_description(compound, cname_length, out + description_offset);
    if (compound->voip_metrics)
        (void)sfm_rtcp_write_voip_metrics(compound->ssrc, compound->voip_metrics, out + metrics_offset,
                                          capacity - metrics_offset);
    if (compound->bye_reason)
        write_bye(compound, reason_length, out + bye_offset);
    return (int)whole;
}

#define SECONDS_1900_TO_1970 2208988800U
#define NS_PER_SECOND 1000000000U

uint64_t sfm_ntp_from_unix_ns(uint64_t unix_ns)
{
    uint64_t seconds = unix_ns / NS_PER_SECOND + SECONDS_1900_TO_1970;
    uint64_t fraction = (unix_ns % NS_PER_SECOND << 32) / NS_PER_SECOND;
    return seconds << 32 | fraction;
}

uint32_t sfm_ntp_middle(uint64_t ntp_time)
{
    return (uint32_t)(ntp_time >> 16);
}

int64_t sfm_rtcp_round_trip_ns(const sfm_rtcp_report_block *block, uint32_t now_ntp_middle)
{
    if (block->last_sr == 0)
        return -1;
    uint32_t round_trip = now_ntp_middle - block->last_sr - block->delay_since_last_sr;
    if (round_trip >= 0x80000000U)
        return -1;
    return (int64_t)((uint64_t)round_trip * NS_PER_SECOND >> 16);
}
