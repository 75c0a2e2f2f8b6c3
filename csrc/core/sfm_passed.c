#include "sfm_passed.h"

#include <string.h>

#include "sfm_error.h"

enum { ILBC_LONG_BYTES = 50, ILBC_LONG_TS = 240, ILBC_SHORT_BYTES = 38, ILBC_SHORT_TS = 160 };

#define FRAMES_AT_MOST SFM_PASSED_FRAMES /* more than a second: no packet */

/* Silence cannot be made: while nothing plays, nothing is sent, as by a sender that suppresses silence. */
static int no_packet(size_t count, uint8_t *payload, size_t capacity)
{
    (void)count;
    (void)payload;
    (void)capacity;
    return 0;
}

static int frames_ts(const sfm_codec *codec, size_t frames)
{
    return frames <= FRAMES_AT_MOST ? (int)(frames * codec->frame_samples) : SFM_ERROR_LENGTH;
}

/* Frames of 10 bytes and 10 ms; one of comfort noise (2 bytes, annex B) may be the last (RFC 3551 section 4.5.6). */
static int g729_duration_ts(const sfm_codec *codec, const uint8_t *payload, size_t length)
{
    enum { FRAME_BYTES = 10, NOISE_BYTES = 2 };
    size_t rest = length % FRAME_BYTES;
    (void)payload;
    if (rest != 0 && rest != NOISE_BYTES)
        return SFM_ERROR_LENGTH;
    return frames_ts(codec, length / FRAME_BYTES + (rest != 0));
}

/* Frames of either mode, whichever was agreed on: no packet has a length that fits both (RFC 3952 section 3). */
static int ilbc_duration_ts(const sfm_codec *codec, const uint8_t *payload, size_t length)
{
    (void)codec;
    (void)payload;
    if (length > (size_t)FRAMES_AT_MOST / 2 * ILBC_SHORT_BYTES)
        return SFM_ERROR_LENGTH;
    if (length % ILBC_LONG_BYTES == 0)
        return (int)(length / ILBC_LONG_BYTES * ILBC_LONG_TS);
    return length % ILBC_SHORT_BYTES == 0 ? (int)(length / ILBC_SHORT_BYTES * ILBC_SHORT_TS) : SFM_ERROR_LENGTH;
}

/* The two lowest bits of a frame's first byte say how long it is: 6.3 kbit/s, 5.3 kbit/s, comfort noise (RFC 3551 section
 * 4.5.3). */
static int g723_duration_ts(const sfm_codec *codec, const uint8_t *payload, size_t length)
{
    static const uint8_t sizes[] = {24, 20, 4, 0};
    size_t frames = 0;
    for (size_t at = 0; at < length; frames++) {
        size_t size = sizes[payload[at] & 3];
        if (size == 0 || size > length - at)
            return SFM_ERROR_LENGTH;
        at += size;
    }
    return frames_ts(codec, frames);
}

/* --- AMR and AMR-WB (RFC 4867 section 4) -------------------------------------------------------------------------- */

typedef struct amr_layout {
    uint8_t octet_aligned;
    uint16_t bits[16]; /* of a frame by its type (3GPP TS 26.101 and 26.201); UNUSED: no such frame */
} amr_layout;

enum { UNUSED = 0xFFFF };

#define NARROW_BITS {95, 103, 118, 134, 148, 159, 204, 244, 39, UNUSED, UNUSED, UNUSED, UNUSED, UNUSED, UNUSED, 0}
#define WIDE_BITS {132, 177, 253, 285, 317, 365, 397, 461, 477, 40, UNUSED, UNUSED, UNUSED, UNUSED, 0, 0}

static const amr_layout narrow_aligned = {1, NARROW_BITS};
static const amr_layout narrow_packed = {0, NARROW_BITS};
static const amr_layout wide_aligned = {1, WIDE_BITS};
static const amr_layout wide_packed = {0, WIDE_BITS};

/* `count` bits (at most 8) from bit `at`, which with them lies inside. */
static unsigned read_bits(const uint8_t *bytes, size_t at, unsigned count)
{
    unsigned value = 0;
    for (unsigned i = 0; i < count; i++)
        value = value << 1 | ((unsigned)bytes[(at + i) / 8] >> (7 - (at + i) % 8) & 1u);
    return value;
}

/* A mode request, a table of contents, then the frames; aligned to octets, each part and each frame fills whole ones. */
static int amr_duration_ts(const sfm_codec *codec, const uint8_t *payload, size_t length)
{
    const amr_layout *layout = codec->settings;
    size_t entry_bits = layout->octet_aligned ? 8 : 6;
    size_t at = layout->octet_aligned ? 8 : 4;
    size_t data_bits = 0;
    size_t frames = 0;
    unsigned follows = 1;
    if (length == 0)
        return 0;
    while (follows) {
        if (frames == FRAMES_AT_MOST || at + entry_bits > 8 * length)
            return SFM_ERROR_LENGTH;
        follows = read_bits(payload, at, 1);
        size_t bits = layout->bits[read_bits(payload, at + 1, 4)];
        if (bits == UNUSED)
            return SFM_ERROR_LENGTH;
        data_bits += layout->octet_aligned ? (bits + 7) / 8 * 8 : bits;
        at += entry_bits;
        frames++;
    }
    return (at + data_bits + 7) / 8 == length ? frames_ts(codec, frames) : SFM_ERROR_LENGTH;
}

#define PASSED(spelled, rate, samples) \
    .name = (spelled), .clock_rate = (rate), .sample_rate = (rate), .channels = 1, .encoded_channels = 1, \
    .decoded_channels = 1, .frame_samples = (samples), .silent_packet = no_packet

static const sfm_codec codecs[] = {
    {PASSED("GSM", 8000, 160), .static_payload_type = 3, .frame_bytes = 33, .max_bytes_per_second = 1650,
     .duration_ts = sfm_codec_framed_duration_ts},
    {PASSED("G729", 8000, 80), .static_payload_type = 18, .frame_bytes = 10, .max_bytes_per_second = 1000,
     .duration_ts = g729_duration_ts},
    {PASSED("G723", 8000, 240), .static_payload_type = 4, .max_bytes_per_second = 800, .duration_ts = g723_duration_ts},
    /* mode=30 where nothing is said (RFC 3952 section 5), then mode=20 */
    {PASSED("iLBC", 8000, 240), .static_payload_type = 255, .frame_bytes = 50, .max_bytes_per_second = 1667,
     .duration_ts = ilbc_duration_ts},
    {PASSED("iLBC", 8000, 160), .static_payload_type = 255, .frame_bytes = 38, .max_bytes_per_second = 1900,
     .duration_ts = ilbc_duration_ts},
    /* bandwidth-efficient where nothing is said (RFC 4867 section 8.1), then octet-align=1 */
    {PASSED("AMR", 8000, 160), .static_payload_type = 255, .max_bytes_per_second = 1700, .settings = &narrow_packed,
     .duration_ts = amr_duration_ts},
    {PASSED("AMR", 8000, 160), .static_payload_type = 255, .max_bytes_per_second = 1700, .settings = &narrow_aligned,
     .duration_ts = amr_duration_ts},
    {PASSED("AMR-WB", 16000, 320), .static_payload_type = 255, .max_bytes_per_second = 3150, .settings = &wide_packed,
     .duration_ts = amr_duration_ts},
    {PASSED("AMR-WB", 16000, 320), .static_payload_type = 255, .max_bytes_per_second = 3150, .settings = &wide_aligned,
     .duration_ts = amr_duration_ts},
};

const sfm_codec *sfm_passed_at(size_t index)
{
    return index < sizeof codecs / sizeof codecs[0] ? &codecs[index] : NULL;
}

/* --- files -------------------------------------------------------------------------------------------------------- */

static int is_amr(const sfm_codec *codec)
{
    return codec->duration_ts == amr_duration_ts;
}

static int is_ilbc(const sfm_codec *codec)
{
    return codec->duration_ts == ilbc_duration_ts;
}

/* Copies `count` bits from bit `at`; what is left of the last byte is zeros. */
static void copy_bits(const uint8_t *bytes, size_t at, size_t count, uint8_t *out)
{
    memset(out, 0, (count + 7) / 8);
    for (size_t i = 0; i < count; i++)
        out[i / 8] |= (uint8_t)(read_bits(bytes, at + i, 1) << (7 - i % 8));
}

/* `length` and contents are those of a packet that amr_duration_ts has found right. */
static int store_amr(const sfm_codec *codec, const uint8_t *payload, size_t frames, uint8_t *out, size_t capacity)
{
    const amr_layout *layout = codec->settings;
    size_t entry_bits = layout->octet_aligned ? 8 : 6;
    size_t entry_at = layout->octet_aligned ? 8 : 4;
    size_t data_at = entry_at + frames * entry_bits;
    size_t stored = 0;
    for (size_t i = 0; i < frames; i++, entry_at += entry_bits) {
        unsigned type_and_quality = read_bits(payload, entry_at + 1, 5);
        size_t bits = layout->bits[type_and_quality >> 1];
        size_t bytes = (bits + 7) / 8;
        if (1 + bytes > capacity - stored)
            return SFM_ERROR_SPACE;
        out[stored] = (uint8_t)(type_and_quality << 2);
        copy_bits(payload, data_at, bits, out + stored + 1);
        stored += 1 + bytes;
        data_at += layout->octet_aligned ? 8 * bytes : bits;
    }
    return (int)stored;
}

int sfm_passed_store(const sfm_codec *codec, const uint8_t *payload, size_t length, uint8_t *out, size_t capacity)
{
    int duration_ts = codec->duration_ts(codec, payload, length);
    if (codec->decode)
        return SFM_ERROR_ARGUMENT;
    if (duration_ts < 0)
        return SFM_ERROR_LENGTH;
    if (is_amr(codec))
        return store_amr(codec, payload, (size_t)duration_ts / codec->frame_samples, out, capacity);
    size_t kept = codec->duration_ts == g729_duration_ts ? length - length % codec->frame_bytes : length;
    if (kept > capacity)
        return SFM_ERROR_SPACE;
    memcpy(out, payload, kept);
    return (int)kept;
}

/* Every bit of it is one, but for "another follows" of the last entry and what fills the last byte. */
size_t sfm_passed_no_data(const sfm_codec *codec, size_t frames, uint8_t *out)
{
    if (!is_amr(codec) || frames == 0 || frames > FRAMES_AT_MOST)
        return 0;
    int aligned = ((const amr_layout *)codec->settings)->octet_aligned;
    if (aligned) {
        out[0] = 0xF0; /* no mode is asked for */
        memset(out + 1, 0xFC, frames);
        out[frames] = 0x7C;
        return frames + 1;
    }
    size_t bits = 4 + 6 * frames, bytes = (bits + 7) / 8, last = bits - 6;
    memset(out, 0xFF, bytes);
    out[last / 8] = (uint8_t)(out[last / 8] & ~(0x80 >> last % 8));
    out[bytes - 1] = (uint8_t)(out[bytes - 1] & 0xFF << (8 * bytes - bits));
    return bytes;
}

const char *sfm_passed_magic(const sfm_codec *codec, size_t length)
{
    if (is_amr(codec))
        return codec->clock_rate == 8000 ? "#!AMR\n" : "#!AMR-WB\n";
    if (is_ilbc(codec))
        return length % ILBC_LONG_BYTES == 0 ? "#!iLBC30\n" : "#!iLBC20\n";
    return "";
}

uint32_t sfm_passed_frame_bytes(const sfm_codec *codec, size_t length)
{
    if (is_ilbc(codec))
        return length % ILBC_LONG_BYTES == 0 ? ILBC_LONG_BYTES : ILBC_SHORT_BYTES;
    return codec->frame_bytes;
}
