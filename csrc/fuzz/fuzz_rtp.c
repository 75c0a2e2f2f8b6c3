/* Any bytes as an RTP packet: what is accepted lies inside the input, adds up to its length, and its header can be
 * written again. */
#include <string.h>

#include "../core/sfm_rtp.h"
#include "fuzz.h"

static void check_layout(const sfm_rtp_packet *packet, size_t size)
{
    REQUIRE(packet->payload_offset + packet->payload_length + packet->padding_bytes == size);
    REQUIRE(packet->payload_offset >= SFM_RTP_HEADER_BYTES + 4 * (size_t)packet->csrc_count);
    if (packet->has_extension)
        REQUIRE(packet->extension_offset + packet->extension_length == packet->payload_offset);
    else
        REQUIRE(packet->extension_length == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sfm_rtp_packet packet;
    sfm_rtcp_is_rtcp(data, size);
    if (sfm_rtp_parse(data, size, &packet) != 0)
        return 0;
    check_layout(&packet, size);
    uint8_t again[SFM_RTP_HEADER_BYTES];
    REQUIRE(sfm_rtp_write_header(&packet.header, again, sizeof again) == SFM_RTP_HEADER_BYTES);
    REQUIRE((data[0] & 0xC0) == again[0]);
    REQUIRE(memcmp(data + 1, again + 1, sizeof again - 1) == 0);
    return 0;
}
