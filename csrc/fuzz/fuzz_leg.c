/* A whole leg: what a peer may send (RTP and RTCP, in the clear and under keys, whole or broken), ticks, and what an owner
 * does meanwhile. Whatever comes: packets that go out are well formed, counts add up, and time goes on. */
#include <string.h>

#include "../core/sfm_error.h"
#include "../edge/sfm_leg.h"
#include "fuzz.h"

enum { TAG_BYTES = 10, MOST_TICKS = 150, KEPT = 800, TICK_NS = 20000000 };

/* --- in the place of libsrtp: a tag that tells the key, and a window of one packet --------------------------------- */

typedef struct context {
    uint8_t key;
    uint32_t last;
} context;

static int protect(void *memory, void *packet, int *length)
{
    const context *keys = memory;
    memset((uint8_t *)packet + *length, keys->key, TAG_BYTES);
    *length += TAG_BYTES;
    return 0;
}

static int unprotect(void *memory, void *packet, int *length)
{
    context *keys = memory;
    const uint8_t *data = packet;
    if (*length < 12 + TAG_BYTES)
        return 2; /* srtp_err_status_bad_param */
    for (int i = *length - TAG_BYTES; i < *length; i++)
        if (data[i] != keys->key)
            return 7; /* srtp_err_status_auth_fail */
    uint32_t number = 0x10000u | (uint32_t)data[2] << 8 | data[3];
    if (data[1] < 192 && number == keys->last)
        return 9; /* srtp_err_status_replay_fail */
    keys->last = number;
    *length -= TAG_BYTES;
    return 0;
}

static int dealloc(void *memory)
{
    free(memory);
    return 0;
}

static uintptr_t new_context(uint8_t key)
{
    context *keys = calloc(1, sizeof *keys);
    REQUIRE(keys != NULL);
    keys->key = key;
    return (uintptr_t)keys;
}

/* --- a leg and who owns it ----------------------------------------------------------------------------------------- */

typedef struct harness {
    fuzz_input input;
    sfm_leg *leg;
    int64_t now_ns;
    uint32_t ticks;
    int secured; /* 0: plain, 1: waits for keys, 2: has had some */
    uint8_t key;
    bool impaired; /* ever: packets of other keys may be on their way */
    uint16_t sequence;
    uint32_t timestamp;
    uint8_t buffer[2048];
} harness;

static size_t fill(harness *h, size_t at, size_t most)
{
    size_t length = fuzz_take(&h->input, 1) * (fuzz_take(&h->input, 1) & 7);
    length = length < most ? length : most;
    for (size_t i = 0; i < length; i++)
        h->buffer[at + i] = (uint8_t)(h->input.left > 0 ? fuzz_take(&h->input, 1) : i * 37);
    return length;
}

static void deliver(harness *h, size_t length, bool rtcp, uint32_t control)
{
    if (h->secured && control & 0x40) {
        context keys = {.key = h->key};
        int changed = (int)length;
        (void)protect(&keys, h->buffer, &changed);
        length = (size_t)changed;
    }
    uint8_t *exact = malloc(length > 0 ? length : 1); /* of the exact size, for the sanitizer */
    REQUIRE(exact != NULL);
    memcpy(exact, h->buffer, length);
    if (rtcp)
        (void)sfm_leg_receive_rtcp(h->leg, exact, length, h->now_ns);
    else if (control & 0x80)
        (void)sfm_leg_adopt(h->leg, exact, length, h->now_ns);
    else
        (void)sfm_leg_receive(h->leg, exact, length, h->now_ns);
    free(exact);
}

static void receive_rtp(harness *h, uint32_t control)
{
    static const uint8_t types[] = {0, 8, 9, 96, 97, 101, 13, 127};
    sfm_rtp_header header = {
        .ssrc = control & 0x20 ? 9 : 7,
        .timestamp = h->timestamp,
        .sequence_number = h->sequence,
        .payload_type = types[fuzz_take(&h->input, 1) & 7],
        .marker = control >> 4 & 1,
    };
    REQUIRE(sfm_rtp_write_header(&header, h->buffer, sizeof h->buffer) == SFM_RTP_HEADER_BYTES);
    deliver(h, SFM_RTP_HEADER_BYTES + fill(h, SFM_RTP_HEADER_BYTES, 1480), false, control);
    uint32_t step = fuzz_take(&h->input, 1);
    h->sequence = (uint16_t)(h->sequence + 1 + (step >> 6 == 3 ? step & 63 : 0));
    h->timestamp += step & 32 ? 160 * (step & 31) : 160;
}

/* Parts whose lengths are true: SR or RR about us, XR, BYE, or anything. */
static size_t rtcp_part(harness *h, size_t at)
{
    static const uint8_t types[] = {200, 201, 202, 203, 207, 204};
    sfm_leg_statistics told;
    sfm_leg_read_statistics(h->leg, &told);
    uint32_t kind = fuzz_take(&h->input, 1);
    size_t words = 1 + fuzz_take(&h->input, 1) % 24;
    h->buffer[at] = (uint8_t)(0x80 | (kind >> 3 & 31));
    h->buffer[at + 1] = types[(kind & 7) % 6];
    h->buffer[at + 2] = 0;
    h->buffer[at + 3] = (uint8_t)words;
    for (size_t i = 0; i < 4 * words; i++)
        h->buffer[at + 4 + i] = (uint8_t)fuzz_take(&h->input, 1);
    for (size_t word = 1; word < words; word++) {
        uint8_t *ssrc = h->buffer + at + 4 + 4 * word;
        if (ssrc[0] == 0xAA && ssrc[1] == 0xAA) /* stands for our own, which the input cannot know */
            for (int i = 0; i < 4; i++)
                ssrc[i] = (uint8_t)(told.ssrc >> (24 - 8 * i));
    }
    return 4 + 4 * words;
}

static void receive_rtcp(harness *h, uint32_t control)
{
    size_t length = rtcp_part(h, 0);
    for (uint32_t more = fuzz_take(&h->input, 1) & 3; more > 0; more--)
        length += rtcp_part(h, length);
    deliver(h, length, true, control);
}

static void drain(harness *h)
{
    sfm_event event;
    for (int count = 0; sfm_leg_next_event(h->leg, &event); count++) {
        REQUIRE(count < 1000 && event.kind > 0);
        if (event.kind == SFM_EVENT_DIGIT_RECEIVED || event.kind == SFM_EVENT_DIGIT_SENT)
            REQUIRE(sfm_dtmf_code(event.digit) >= 0 && event.elapsed_ms >= 0);
    }
}

static void check_sent(const harness *h, const sfm_outgoing_packet *packet)
{
    sfm_rtp_packet parsed;
    size_t tag = h->secured ? TAG_BYTES : 0;
    REQUIRE(packet->length <= sizeof packet->data && packet->length >= SFM_RTP_HEADER_BYTES);
    if (h->impaired)
        return;
    REQUIRE(h->secured != 1);
    REQUIRE(sfm_rtp_parse(packet->data, packet->length - tag, &parsed) == SFM_OK);
    REQUIRE(parsed.payload_length <= SFM_MAX_PAYLOAD_BYTES);
}

static void tick(harness *h)
{
    if (h->ticks++ >= MOST_TICKS)
        return;
    sfm_leg_send_tick(h->leg, h->now_ns);
    const sfm_outgoing_packet *packet;
    for (int count = 0; (packet = sfm_leg_take(h->leg, h->now_ns)) != NULL; count++) {
        REQUIRE(count <= SFM_OUTGOING_CAPACITY);
        check_sent(h, packet);
    }
    sfm_leg_playout_tick(h->leg, h->now_ns);
    drain(h);
    h->now_ns += TICK_NS;
}

static void write_rtcp(harness *h, bool bye)
{
    uint8_t out[512];
    int length = sfm_leg_write_rtcp(h->leg, h->now_ns, bye, out, sizeof out);
    REQUIRE(length >= 0);
    if (length == 0)
        return;
    sfm_rtcp_cursor cursor;
    sfm_rtcp_packet packet;
    sfm_rtcp_report report;
    REQUIRE(sfm_rtcp_open(out, (size_t)length - (h->secured ? TAG_BYTES : 0), &cursor) > 0);
    REQUIRE(sfm_rtcp_next(&cursor, &packet) == 1 && sfm_rtcp_parse_report(&packet, &report) == SFM_OK);
    REQUIRE(report.block_count <= 1);
}

static const sfm_codec *any_codec(uint32_t choice)
{
    uint32_t count = 0;
    while (sfm_codec_at(count) != NULL)
        count++;
    return sfm_codec_at(choice % count);
}

static void start(harness *h)
{
    static const uint8_t types[] = {0, 8, 9, 96, 97};
    uint32_t choice = fuzz_take(&h->input, 1), flags = fuzz_take(&h->input, 1);
    sfm_leg_params params = {
        .send_format = {any_codec(choice), types[choice % 5]},
        .receive_format_count = 1 + (choice >> 5) % 3,
        .dtmf_send_payload_type = flags & 1 ? 101 : -1,
        .dtmf_receive_payload_type = flags & 2 ? 101 : -1,
        .noise_send_payload_type = flags & 4 ? 13 : 0,
        .noise_receive_payload_type = flags & 4 ? 13 : 0,
        .ptime_ms = 5 + fuzz_take(&h->input, 1) % (SFM_MAX_PTIME_MS - 4),
        .sends = (flags & 8) == 0,
        .receives = (flags & 16) == 0,
        .rtcp_xr = (flags & 32) != 0,
        .rtcp_reduced = (flags & 64) != 0,
        .moved = (flags & 128) != 0,
    };
    for (uint32_t i = 0; i < params.receive_format_count; i++)
        params.receive_formats[i] = (sfm_leg_format){any_codec(choice + i), types[(choice + i) % 5]};
    sfm_leg_states *states = NULL;
    if (sfm_leg_states_create(&params, &states) != SFM_OK)
        return;
    bool taken = sfm_leg_accepts(&params);
    REQUIRE((sfm_leg_start(h->leg, &params, &states) == SFM_OK) == taken);
    sfm_leg_states_destroy(states);
}

static void secure(harness *h, uint32_t choice)
{
    static const sfm_srtp_library *known;
    static sfm_srtp_library library;
    if (known == NULL) {
        library = (sfm_srtp_library){(uintptr_t)protect, (uintptr_t)unprotect, (uintptr_t)protect, (uintptr_t)unprotect,
                                     (uintptr_t)dealloc};
        known = &library;
    }
    sfm_srtp *srtp = NULL;
    if (choice & 0x0F) {
        h->key = (uint8_t)(choice >> 4 & 7);
        bool pending = (choice & 0x0F) == 1;
        uintptr_t send = pending ? 0 : new_context(h->key), receive = pending ? 0 : new_context(h->key);
        REQUIRE(sfm_srtp_create(known, send, receive, &srtp) == SFM_OK);
        h->secured = pending ? 1 : 2;
    } else {
        h->secured = 0;
    }
    sfm_leg_secure(h->leg, srtp);
    drain(h);
}

static void impair(harness *h)
{
    sfm_impair_config config = {
        .loss_per_million = fuzz_take(&h->input, 1) << 12,
        .duplicate_per_million = fuzz_take(&h->input, 1) << 12,
        .reorder_per_million = fuzz_take(&h->input, 1) << 12,
        .corrupt_per_million = 0, /* what is sent is to be well formed */
        .delay_ns = (int64_t)fuzz_take(&h->input, 1) * 1000000,
        .jitter_ns = (int64_t)fuzz_take(&h->input, 1) * 1000000,
        .skew_ppb = (int64_t)(int8_t)fuzz_take(&h->input, 1) * 70000,
    };
    h->impaired = true;
    (void)sfm_leg_impair(h->leg, h->ticks & 1 ? &config : NULL);
}

static void check_counts(const harness *h)
{
    sfm_leg_statistics told;
    sfm_leg_read_statistics(h->leg, &told);
    REQUIRE(told.packets_lost <= told.packets_expected && told.duplicates <= told.packets_received);
    REQUIRE(told.reordered <= told.packets_received && told.concealed_ns >= -1 && told.jitter_ns >= -1);
    REQUIRE(told.jitter_ns <= told.jitter_max_ns && told.peak <= 32768 && told.level_tenths <= 1270);
    REQUIRE(told.silent_ns <= told.listened_ns && told.silence_max_ns <= told.silent_ns);
    REQUIRE(told.unanswered_ns <= told.both_ways_ns && told.remote.round_trip_ns >= -1);
    int16_t kept[2 * KEPT];
    uint32_t rate;
    REQUIRE(sfm_leg_read_kept(h->leg, kept, KEPT, &rate) <= KEPT);
}

static void own(harness *h)
{
    static const char digits[] = "1#,D";
    sfm_dtmf_sequence sequence = {digits, 40 + fuzz_take(&h->input, 1), 40, 100, 10};
    switch (fuzz_take(&h->input, 1) & 7) {
    case 0: (void)sfm_leg_send_dtmf(h->leg, &sequence, 5); break;
    case 1: sfm_leg_stop_dtmf(h->leg); break;
    case 2: sfm_leg_mute(h->leg, h->ticks & 1); break;
    case 3: impair(h); break;
    case 4: sfm_leg_note_handshake(h->leg); break;
    case 5: sfm_leg_skip(h->leg, 1 + fuzz_take(&h->input, 1) % 8, h->now_ns); break;
    case 6: sfm_leg_end_digit(h->leg); break;
    default: check_counts(h);
    }
    drain(h);
}

static void step(harness *h)
{
    uint32_t control = fuzz_take(&h->input, 1);
    switch (control & 15) {
    case 0: deliver(h, fill(h, 0, 1600), false, control); break;
    case 1: deliver(h, fill(h, 0, 1600), true, control); break;
    case 2: receive_rtcp(h, control); break;
    case 3: start(h); break;
    case 4: secure(h, fuzz_take(&h->input, 1)); break;
    case 5: own(h); break;
    case 6: write_rtcp(h, control & 0x20); break;
    case 7: h->now_ns += (int64_t)fuzz_take(&h->input, 2) * 1000000; break;
    case 8: h->sequence = (uint16_t)fuzz_take(&h->input, 2); break;
    case 9: h->timestamp = fuzz_take(&h->input, 4); break;
    case 10: case 11: tick(h); break;
    default: receive_rtp(h, control); tick(h);
    }
    drain(h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    harness h = {.input = {data, size}, .now_ns = 1000000000};
    uint32_t flags = fuzz_take(&h.input, 1);
    sfm_leg_config config = {
        .sample_rate = 8000,
        .seed = 1,
        .stream_seed = 2,
        .cname = "fuzz",
        .listener = {.skills = flags & 7, .history_ms = flags & 7 ? 1000 : 0},
        .kept_frames = flags & 8 ? KEPT : 0,
    };
    sfm_jitter_defaults(&config.jitter, 8000);
    config.jitter.fixed = flags >> 4 & 1;
    config.jitter.payload_capacity = SFM_MAX_PAYLOAD_BYTES;
    REQUIRE(sfm_leg_create(&config, &h.leg) == SFM_OK);
    start(&h);
    while (h.input.left > 0)
        step(&h);
    check_counts(&h);
    sfm_leg_destroy(h.leg);
    return 0;
}
