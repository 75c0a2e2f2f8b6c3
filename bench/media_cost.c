/* What a codec and what SRTP cost, in loops in C so that no caller's overhead is in it: through the engine's own path, and
 * straight through the library that does the work.
 *
 * It includes the two files of the engine that speak to libopus and libsrtp, to reach beneath their tables; bench/_compiled.py
 * builds it with the rest of csrc/core as a library that only the bench loads. */
#include "../csrc/core/sfm_opus.c"
#include "../csrc/edge/sfm_srtp.c"

/* Packets of `samples` a channel, one after another: their PCM, and `stride` bytes for each payload. bench/media_cost.py
 * has the same. */
typedef struct speech {
    int16_t *pcm;
    uint8_t *payloads;
    int32_t *lengths; /* payload bytes of each packet: written by encoding, read by decoding */
    uint32_t packets;
    uint32_t samples;
    uint32_t stride;
} speech;

static int library_encode(void *state, const int16_t *pcm, uint32_t count, uint8_t *payload, uint32_t capacity) {
    encode_function call = (encode_function)library_of(state)->encode;
    return call(inner(state), pcm, (int)count, payload, (int32_t)capacity);
}

static int library_decode(void *state, const uint8_t *payload, size_t length, int16_t *pcm, uint32_t count) {
    decode_function call = (decode_function)library_of(state)->decode;
    return call(inner(state), payload, (int32_t)length, pcm, (int)count, 0);
}

/* Encodes all packets with a state that was begun; through the codec's table, or straight through libopus (`raw`). Number of
 * packets that went well. */
uint32_t bench_encode(const sfm_codec *codec, void *state, speech *speech, int32_t raw) {
    size_t step = (size_t)speech->samples * codec->encoded_channels;
    uint32_t good = 0;
    for (uint32_t n = 0; n < speech->packets; n++) {
        const int16_t *pcm = speech->pcm + n * step;
        uint8_t *payload = speech->payloads + (size_t)n * speech->stride;
        speech->lengths[n] = raw ? library_encode(state, pcm, speech->samples, payload, speech->stride)
                                 : sfm_codec_encode(codec, state, pcm, speech->samples, payload, speech->stride);
        good += speech->lengths[n] > 0;
    }
    return good;
}

/* Decodes what was encoded, over the PCM. */
uint32_t bench_decode(const sfm_codec *codec, void *state, speech *speech, int32_t raw) {
    uint32_t good = 0;
    for (uint32_t n = 0; n < speech->packets; n++) {
        const uint8_t *payload = speech->payloads + (size_t)n * speech->stride;
        int16_t *pcm = speech->pcm + (size_t)n * speech->samples;
        size_t length = speech->lengths[n] > 0 ? (size_t)speech->lengths[n] : 0;
        int samples = raw ? library_decode(state, payload, length, pcm, speech->samples)
                          : sfm_codec_decode(codec, state, payload, length, pcm, speech->samples);
        good += samples == (int)speech->samples;
    }
    return good;
}

static void put_header(uint8_t *packet, uint32_t number) {
    static const uint8_t header[12] = {0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    memcpy(packet, header, sizeof header);
    packet[2] = (uint8_t)(number >> 8);
    packet[3] = (uint8_t)number;
}

static bool through_leg(sfm_secure *secure, uint8_t *packet, uint32_t length, bool unprotect) {
    sfm_srtp_opened opened;
    size_t changed = length;
    bool sent = sfm_secure_protect(secure, packet, &changed, SFM_SRTP_PACKET_BYTES, false);
    return sent && (!unprotect || sfm_secure_unprotect(secure, packet, changed, 0, false, &opened) == SFM_SECURE_OPENED);
}

static bool through_library(sfm_srtp *srtp, uint8_t *packet, uint32_t length, bool unprotect) {
    int changed = apply(srtp->protect[0], srtp->send, packet, (int32_t)length);
    return changed >= 0 && (!unprotect || apply(srtp->unprotect[0], srtp->receive, packet, changed) >= 0);
}

/* `rounds` packets of `length` bytes protected (and unprotected, when `unprotect`), through the leg's own path or straight
 * through libsrtp (`raw`). Number of packets that went well. */
uint32_t bench_srtp(sfm_srtp *srtp, uint32_t rounds, uint32_t length, int32_t unprotect, int32_t raw) {
    sfm_secure secure = {.current = srtp};
    uint32_t packet[SFM_SRTP_PACKET_BYTES / 4] = {0};
    uint32_t good = 0;
    for (uint32_t number = 1; number <= rounds; number++) {
        put_header((uint8_t *)packet, number);
        good += raw ? through_library(srtp, (uint8_t *)packet, length, unprotect != 0)
                    : through_leg(&secure, (uint8_t *)packet, length, unprotect != 0);
    }
    return good;
}
