/* Two inputs in one, by the first byte: packets of any kind to a receiver, or a schedule for a sender whose packets go
 * to a receiver with some of them lost. */
#include <string.h>

#include "../core/sfm_dtmf_event.h"
#include "fuzz.h"

/* Whatever comes: digits are digits, and the same packet again is never a digit again. */
static void fuzz_receiver(fuzz_input *input)
{
    sfm_dtmf_receiver receiver;
    sfm_dtmf_report report;
    memset(&receiver, 0, sizeof receiver);
    uint16_t sequence = (uint16_t)fuzz_take(input, 2);
    uint32_t timestamp = fuzz_take(input, 4);
    while (input->left > 0) {
        uint32_t control = fuzz_take(input, 1);
        sequence = (uint16_t)(sequence + (control & 0x10 ? fuzz_take(input, 2) : 1));
        timestamp += control & 0x20 ? fuzz_take(input, 4) : (control & 0x0F) * 80;
        size_t length = input->left < 4 ? input->left : 4;
        uint8_t *payload = malloc(length > 0 ? length : 1); /* of the exact size, for the sanitizer */
        REQUIRE(payload != NULL);
        memcpy(payload, input->data, length);
        input->data += length;
        input->left -= length;
        uint8_t marker = (uint8_t)(control >> 7);
        int kind = sfm_dtmf_receiver_put(&receiver, sequence, timestamp, marker, payload, length, &report);
        REQUIRE(kind == report.kind || kind < 0);
        if (kind > 0)
            REQUIRE(sfm_dtmf_code(report.digit) >= 0);
        if (kind >= 0)
            REQUIRE(sfm_dtmf_receiver_put(&receiver, sequence, timestamp, marker, payload, length, &report) == 0);
        free(payload);
    }
}

typedef struct heard {
    char digits[SFM_DTMF_MAX_DIGITS];
    size_t count;
    unsigned ends;
    unsigned markers;
} heard;

static void deliver(sfm_dtmf_receiver *receiver, const sfm_dtmf_packet *packet, uint16_t sequence, int lost, heard *out)
{
    out->ends += packet->end;
    out->markers += packet->marker;
    if (lost)
        return;
    sfm_dtmf_report report;
    int kind = sfm_dtmf_receiver_put(receiver, sequence, packet->timestamp, packet->marker, packet->payload,
                                     sizeof packet->payload, &report);
    REQUIRE(kind >= 0);
    if (kind == SFM_DTMF_BEGAN) {
        REQUIRE(out->count < SFM_DTMF_MAX_DIGITS);
        out->digits[out->count++] = report.digit;
    }
}

/* What was heard are digits of what was sent, in order; without loss all of them. */
static void check_heard(const heard *out, const char *sent, unsigned lost)
{
    size_t at = 0;
    size_t digits = 0;
    for (; *sent != '\0'; sent++) {
        if (*sent == ',')
            continue;
        digits++;
        if (at < out->count && sfm_dtmf_code(*sent) == sfm_dtmf_code(out->digits[at]))
            at++;
    }
    REQUIRE(at == out->count);
    REQUIRE(out->ends == 3 * digits);
    REQUIRE(out->markers == digits);
    if (lost == 0)
        REQUIRE(out->count == digits);
}

static void fuzz_sender(fuzz_input *input)
{
    static const char alphabet[] = "0123456789*#ABCDabcd,";
    char digits[8] = {0};
    for (size_t i = 0, count = 1 + fuzz_take(input, 1) % 6; i < count; i++)
        digits[i] = alphabet[fuzz_take(input, 1) % (sizeof alphabet - 1)];
    sfm_dtmf_sequence sequence = {
        .digits = digits,
        .tone_ms = 1 + fuzz_take(input, 2) % 20000,
        .gap_ms = 20 + fuzz_take(input, 1),
        .pause_ms = fuzz_take(input, 2) % 3000,
        .volume_dbm0 = 10,
    };
    uint32_t timestamp = fuzz_take(input, 4);
    uint32_t ptime_ts = 80 * (1 + fuzz_take(input, 1) % 8);
    sfm_dtmf_sender sender;
    sfm_dtmf_receiver receiver;
    heard out;
    memset(&sender, 0, sizeof sender);
    memset(&receiver, 0, sizeof receiver);
    memset(&out, 0, sizeof out);
    REQUIRE(sfm_dtmf_sender_start(&sender, 8000, &sequence) == 0);
    uint16_t number = 0;
    unsigned lost_count = 0;
    for (unsigned ticks = 0; sfm_dtmf_sender_busy(&sender); ticks++, timestamp += ptime_ts) {
        REQUIRE(ticks < 20000);
        sfm_dtmf_packet packets[SFM_DTMF_MAX_PACKETS];
        int count = sfm_dtmf_sender_next(&sender, timestamp, ptime_ts, packets);
        REQUIRE(count >= 0 && count <= SFM_DTMF_MAX_PACKETS);
        for (int i = 0; i < count; i++) {
            int lost = fuzz_take(input, 1) & 1;
            lost_count += (unsigned)lost;
            deliver(&receiver, &packets[i], number++, lost, &out);
        }
    }
    check_heard(&out, digits, lost_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, size};
    if (fuzz_take(&input, 1) & 1)
        fuzz_sender(&input);
    else
        fuzz_receiver(&input);
    return 0;
}
