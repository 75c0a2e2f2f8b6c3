#include "sfm_rtp.h"

#include <string.h>

#include "sfm_bytes.h"
#include "sfm_error.h"

#define RTP_VERSION 2
#define EXTENSION_HEADER_BYTES 4

static int parse_extension(const uint8_t *data, size_t length, size_t *offset, sfm_rtp_packet *packet)
{
    if (length - *offset < EXTENSION_HEADER_BYTES)
        return SFM_ERROR_TRUNCATED;
    packet->has_extension = 1;
    packet->extension_profile = sfm_get16(data + *offset);
    packet->extension_length = (size_t)sfm_get16(data + *offset + 2) * 4;
    *offset += EXTENSION_HEADER_BYTES;
    packet->extension_offset = *offset;
    if (length - *offset < packet->extension_length)
        return SFM_ERROR_TRUNCATED;
    *offset += packet->extension_length;
    return SFM_OK;
}

/*  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |V=2|P|X|  CC   |M|     PT      |       sequence number         |
 * +---------------------------------------------------------------+
 * |                           timestamp                           |
 * +---------------------------------------------------------------+
 * |                             SSRC                              |
 * +---------------------------------------------------------------+
 * |                        CC times a CSRC                        |
 * +---------------------------------------------------------------+
 * |   X: defined by profile       |    length in 32-bit words     |
 * |                    header extension ...                       |
 * +---------------------------------------------------------------+
 * |                          payload ...          |  P: padding   |
 * +---------------------------------------------------------------+
 */
int sfm_rtp_parse(const uint8_t *data, size_t length, sfm_rtp_packet *out)
{
    if (length < SFM_RTP_HEADER_BYTES)
        return SFM_ERROR_TRUNCATED;
    if (data[0] >> 6 != RTP_VERSION)
        return SFM_ERROR_VERSION;

    sfm_rtp_packet packet = {0};
    packet.header.marker = data[1] >> 7;
    packet.header.payload_type = data[1] & 0x7F;
    packet.header.sequence_number = sfm_get16(data + 2);
    packet.header.timestamp = sfm_get32(data + 4);
    packet.header.ssrc = sfm_get32(data + 8);

    packet.csrc_count = data[0] & 0x0F;
    size_t offset = SFM_RTP_HEADER_BYTES + 4 * (size_t)packet.csrc_count;
    if (length < offset)
        return SFM_ERROR_TRUNCATED;
    for (size_t i = 0; i < packet.csrc_count; i++)
        packet.csrc[i] = sfm_get32(data + SFM_RTP_HEADER_BYTES + 4 * i);

    if (data[0] & 0x10) {
        int result = parse_extension(data, length, &offset, &packet);
        if (result < 0)
            return result;
    }
    if (data[0] & 0x20) {
        packet.padding_bytes = data[length - 1];
        if (packet.padding_bytes == 0 || packet.padding_bytes > length - offset)
            return SFM_ERROR_PADDING;
    }
    packet.payload_offset = offset;
    packet.payload_length = length - offset - packet.padding_bytes;
    *out = packet;
    return SFM_OK;
}

int sfm_rtp_write_header(const sfm_rtp_header *header, uint8_t *out, size_t capacity)
{
    if (header->marker > 1 || header->payload_type > 127)
        return SFM_ERROR_ARGUMENT;
    if (capacity < SFM_RTP_HEADER_BYTES)
        return SFM_ERROR_SPACE;
    out[0] = RTP_VERSION << 6;
    out[1] = (uint8_t)(header->marker << 7 | header->payload_type);
    sfm_put16(out + 2, header->sequence_number);
    sfm_put32(out + 4, header->timestamp);
    sfm_put32(out + 8, header->ssrc);
    return SFM_RTP_HEADER_BYTES;
}
