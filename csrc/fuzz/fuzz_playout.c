/* RTP datagrams with lengths in front, ticks between them, and now and then another clock, sample rate or second channel:
 * from the parser to samples. */
#include <string.h>

#include "../core/sfm_g722.h"
#include "../core/sfm_playout.h"
#include "fuzz.h"

enum { MOST_SAMPLES = SFM_MAX_SAMPLE_RATE / 50 };

static void receive(sfm_playout *playout, const uint8_t *data, size_t length, int64_t now_ns)
{
    sfm_rtp_packet packet;
    if (sfm_rtp_parse(data, length, &packet) != 0)
        return;
    const uint8_t *payload = data + packet.payload_offset;
    if (packet.header.payload_type == 101)
        sfm_playout_put_event(playout, &packet.header, now_ns);
    else if (packet.header.payload_type == 13)
        sfm_playout_put_noise(playout, &packet.header, packet.payload_length > 0 ? payload[0] & 127 : 127, now_ns);
    else
        sfm_playout_put(playout, &packet.header, payload, packet.payload_length, now_ns);
}

/* What an owner may change between two packets; the sample rate then. */
static uint32_t change(sfm_playout *playout, uint32_t choice, sfm_playout_right *right, uint32_t sample_rate)
{
    static const uint32_t rates[] = {8000, 16000, 48000, 24000};
    switch (choice >> 6) {
    case 0: sfm_playout_reset(playout); return sample_rate;
    case 1: sfm_playout_set_right(playout, choice & 1 ? right : NULL); return sample_rate;
    default:
        if (sfm_playout_configure(playout, rates[choice & 3], rates[choice >> 2 & 3]) == 0)
            return rates[choice >> 2 & 3];
        return sample_rate;
    }
}

static void check_read(sfm_playout *playout, int64_t now_ns, size_t count)
{
    static int16_t pcm[MOST_SAMPLES];
    int content = sfm_playout_read(playout, now_ns, pcm, count);
    REQUIRE(content > 0 && content < 16);
}

static void check_counts(sfm_playout *playout)
{
    sfm_jitter_counts c;
    sfm_playout_read_counts(playout, &c);
    REQUIRE(c.received == c.duplicate + c.late + c.overflow + c.discarded + c.events + c.played + c.buffered);
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
    sfm_playout_right *right;
    REQUIRE(sfm_playout_right_create(&right) == 0);
    uint32_t sample_rate = 8000;
    int64_t now_ns = 0;
    while (input.left > 0) {
        size_t length = fuzz_take(&input, 1);
        length = length < input.left ? length : input.left;
        receive(playout, input.data, length, now_ns);
        input.data += length;
        input.left -= length;
        uint32_t control = fuzz_take(&input, 1);
        if ((control & 0xF0) == 0xF0)
            sample_rate = change(playout, fuzz_take(&input, 1), right, sample_rate);
        for (uint32_t ticks = control & 15; ticks > 0; ticks--, now_ns += 20000000)
            check_read(playout, now_ns, sample_rate / 50);
    }
    check_counts(playout);
    sfm_playout_destroy(playout);
    sfm_playout_right_destroy(right);
    return 0;
}
