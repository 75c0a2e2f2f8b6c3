/* A byte string as a list of puts and gets. Whatever it says: payloads come out as they went in, at most once and in
 * order within a stream, pieces have the promised length, and the counts add up. */
#include <string.h>

#include "../core/sfm_error.h"
#include "../core/sfm_jitter.h"
#include "fuzz.h"

typedef struct harness {
    sfm_jitter *jitter;
    int64_t now_ns;
    uint64_t played_ts;
    uint64_t puts;
    uint64_t resets;
    int has_last;
    uint16_t last_sequence;
    uint32_t last_ssrc;
} harness;

/* The payload tells what it belongs to. */
static void make_payload(uint8_t payload[8], uint16_t sequence, uint32_t timestamp, uint32_t ssrc)
{
    memset(payload, 0, 8);
    memcpy(payload, &sequence, sizeof sequence);
    memcpy(payload + 2, &timestamp, sizeof timestamp);
    payload[6] = (uint8_t)ssrc;
    payload[7] = (uint8_t)(sequence ^ timestamp);
}

static void check_counts(harness *h)
{
    sfm_jitter_counts c;
    sfm_jitter_read_counts(h->jitter, &c);
    REQUIRE(c.received == h->puts);
    REQUIRE(c.received == c.duplicate + c.late + c.overflow + c.discarded + c.events + c.played + c.buffered);
    REQUIRE(h->played_ts >= c.concealed_ts + c.silence_ts + c.waiting_ts);
    REQUIRE(c.target_delay_ns >= 0 && c.target_delay_ns <= 200000000);
}

/* Sequence numbers only go up, unless the buffer says that the stream started anew. */
static void check_order(harness *h, const sfm_jitter_piece *piece)
{
    sfm_jitter_counts c;
    sfm_jitter_read_counts(h->jitter, &c);
    uint16_t ahead = (uint16_t)(piece->sequence_number - h->last_sequence);
    if (h->has_last && c.resets == h->resets)
        REQUIRE(piece->ssrc == h->last_ssrc && ahead > 0 && ahead < 0x8000);
    h->resets = c.resets;
    h->has_last = 1;
    h->last_sequence = piece->sequence_number;
    h->last_ssrc = piece->ssrc;
}

static void get(harness *h, fuzz_input *input)
{
    uint32_t wanted = 1 + fuzz_take(input, 1) * 4;
    sfm_jitter_piece piece;
    int kind = sfm_jitter_get(h->jitter, h->now_ns, wanted, &piece);
    REQUIRE(kind >= 0 && kind == piece.kind && piece.duration_ts >= 1);
    h->played_ts += piece.duration_ts;
    if (kind != SFM_JITTER_PACKET) {
        REQUIRE(piece.duration_ts <= wanted && piece.payload == NULL);
        return;
    }
    uint8_t expected[8];
    make_payload(expected, piece.sequence_number, piece.timestamp, piece.ssrc);
    REQUIRE(piece.payload_length == sizeof expected);
    REQUIRE(memcmp(piece.payload, expected, sizeof expected) == 0);
    check_order(h, &piece);
}

static void put(harness *h, fuzz_input *input, uint32_t control, uint16_t sequence, uint32_t timestamp)
{
    uint8_t payload[8];
    sfm_jitter_packet packet = {
        .ssrc = control & 0x20 ? 7 : 5,
        .timestamp = timestamp,
        .sequence_number = sequence,
        .duration_ts = control & 0x40 ? 1 + fuzz_take(input, 2) : 160,
        .arrival_ns = h->now_ns,
        .payload = payload,
        .payload_length = sizeof payload,
    };
    make_payload(payload, sequence, timestamp, packet.ssrc);
    int is_event = control & 0x10;
    int result = is_event ? sfm_jitter_put_event(h->jitter, &packet) : sfm_jitter_put(h->jitter, &packet);
    REQUIRE(result >= 0 && result <= SFM_JITTER_RESTARTED);
    h->puts++;
}

/* The low bits of a control byte: what to do and how far sequence, timestamp and time move. */
static void step(harness *h, fuzz_input *input, uint16_t *sequence, uint32_t *timestamp)
{
    uint32_t control = fuzz_take(input, 1);
    switch (control & 7) {
    case 0: get(h, input); break;
    case 1: h->now_ns += (int64_t)fuzz_take(input, 2) * 100000; break;
    case 2: *sequence = (uint16_t)(*sequence + (int8_t)fuzz_take(input, 1)); break;
    case 3: *timestamp += (uint32_t)((int8_t)fuzz_take(input, 1) * 80); break;
    case 4: *sequence = (uint16_t)fuzz_take(input, 2); break;
    case 5: *timestamp = fuzz_take(input, 4); break;
    case 6:
        if (control == 0xFE)
            sfm_jitter_reset(h->jitter), h->has_last = 0;
        else
            h->now_ns += 20000000, get(h, input);
        break;
    default:
        put(h, input, control, *sequence, *timestamp);
        *sequence = (uint16_t)(*sequence + 1);
        *timestamp += control & 0x08 ? 0 : 160;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, size};
    harness h;
    memset(&h, 0, sizeof h);
    sfm_jitter_config config;
    sfm_jitter_defaults(&config, 8000);
    uint32_t flags = fuzz_take(&input, 1);
    config.fixed = flags & 1;
    config.packet_capacity = flags & 2 ? 8 : 64;
    config.payload_capacity = 8;
    REQUIRE(sfm_jitter_create(&config, &h.jitter) == SFM_OK);
    uint16_t sequence = (uint16_t)fuzz_take(&input, 2);
    uint32_t timestamp = fuzz_take(&input, 4);
    while (input.left > 0)
        step(&h, &input, &sequence, &timestamp);
    check_counts(&h);
    sfm_jitter_destroy(h.jitter);
    return 0;
}
