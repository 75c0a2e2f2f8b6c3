/* RTP datagrams with lengths in front, and ticks between them: from the parser to samples. */
#include <string.h>

#include "../core/sfm_g722.h"
#include "../core/sfm_playout.h"
#include "fuzz.h"

static void receive(sfm_playout *playout, const uint8_t *data, size_t length, int64_t now_ns)
{
    sfm_rtp_packet packet;
    if (sfm_rtp_parse(data, length, &packet) != 0)
        return;
    const uint8_t *payload = data + packet.payload_offset;
    if (packet.header.payload_type == 101)
        sfm_playout_put_event(playout, &packet.header, now_ns);
    else
        sfm_playout_put(playout, &packet.header, payload, packet.payload_length, now_ns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, size};
    sfm_jitter_config config;
    sfm_jitter_defaults(&config, 8000);
    config.packet_capacity = 16;
    sfm_playout *playout;
    REQUIRE(sfm_playout_create(&config, 8000, &playout) == 0);
    REQUIRE(sfm_playout_set_codec(playout, 0, sfm_codec_find("pcmu"), NULL) == 0);
    REQUIRE(sfm_playout_set_codec(playout, 8, sfm_codec_find("PCMA"), NULL) == 0);
    sfm_g722 g722;
    REQUIRE(sfm_playout_set_codec(playout, 9, sfm_codec_find("G722"), &g722) == 0);
    int64_t now_ns = 0;
    while (input.left > 0) {
        size_t length = fuzz_take(&input, 1);
        length = length < input.left ? length : input.left;
        receive(playout, input.data, length, now_ns);
        input.data += length;
        input.left -= length;
        uint32_t ticks = fuzz_take(&input, 1) & 15;
        for (uint32_t i = 0; i < ticks; i++, now_ns += 20000000) {
            int16_t pcm[160];
            REQUIRE(sfm_playout_read(playout, now_ns, pcm, 160) > 0);
        }
    }
    sfm_playout_destroy(playout);
    return 0;
}
