#include "sfm_codec.h"

#include "sfm_error.h"
#include "sfm_g711.h"

#define LARGEST_COUNT 0x40000000U /* keeps every count inside an int */

static int pcmu_encode(void *state, const int16_t *pcm, size_t count, uint8_t *payload, size_t capacity)
{
    (void)state;
    if (count > capacity || count > LARGEST_COUNT)
        return SFM_ERROR_SPACE;
    sfm_pcmu_encode(pcm, count, payload);
    return (int)count;
}

static int pcma_encode(void *state, const int16_t *pcm, size_t count, uint8_t *payload, size_t capacity)
{
    (void)state;
    if (count > capacity || count > LARGEST_COUNT)
        return SFM_ERROR_SPACE;
    sfm_pcma_encode(pcm, count, payload);
    return (int)count;
}

static int pcmu_decode(void *state, const uint8_t *payload, size_t length, int16_t *pcm, size_t capacity)
{
    (void)state;
    if (length > capacity || length > LARGEST_COUNT)
        return SFM_ERROR_SPACE;
    sfm_pcmu_decode(payload, length, pcm);
    return (int)length;
}

static int pcma_decode(void *state, const uint8_t *payload, size_t length, int16_t *pcm, size_t capacity)
{
    (void)state;
    if (length > capacity || length > LARGEST_COUNT)
        return SFM_ERROR_SPACE;
    sfm_pcma_decode(payload, length, pcm);
    return (int)length;
}

static int byte_per_sample_duration(const uint8_t *payload, size_t length)
{
    (void)payload;
    return length > LARGEST_COUNT ? SFM_ERROR_LENGTH : (int)length;
}

static const sfm_codec codecs[] = {
    {
        .name = "PCMU",
        .clock_rate = 8000,
        .sample_rate = 8000,
        .channels = 1,
        .static_payload_type = 0,
        .silence = SFM_PCMU_SILENCE,
        .frame_samples = 1,
        .max_bytes_per_second = 8000,
        .encode = pcmu_encode,
        .decode = pcmu_decode,
        .duration_ts = byte_per_sample_duration,
    },
    {
        .name = "PCMA",
        .clock_rate = 8000,
        .sample_rate = 8000,
        .channels = 1,
        .static_payload_type = 8,
        .silence = SFM_PCMA_SILENCE,
        .frame_samples = 1,
        .max_bytes_per_second = 8000,
        .encode = pcma_encode,
        .decode = pcma_decode,
        .duration_ts = byte_per_sample_duration,
    },
};

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int same_name(const char *a, const char *b)
{
    while (*a != '\0' && lower(*a) == lower(*b)) {
        a++;
        b++;
    }
    return lower(*a) == lower(*b);
}

const sfm_codec *sfm_codec_at(size_t index)
{
    return index < sizeof codecs / sizeof codecs[0] ? &codecs[index] : NULL;
}

const sfm_codec *sfm_codec_find(const char *name)
{
    for (size_t i = 0; i < sizeof codecs / sizeof codecs[0]; i++)
        if (same_name(codecs[i].name, name))
            return &codecs[i];
    return NULL;
}

int sfm_codec_encode(const sfm_codec *codec, void *state, const int16_t *pcm, size_t count, uint8_t *payload,
                     size_t capacity)
{
    return codec->encode(state, pcm, count, payload, capacity);
}

int sfm_codec_decode(const sfm_codec *codec, void *state, const uint8_t *payload, size_t length, int16_t *pcm,
                     size_t capacity)
{
    return codec->decode(state, payload, length, pcm, capacity);
}

int sfm_codec_duration_ts(const sfm_codec *codec, const uint8_t *payload, size_t length)
{
    return codec->duration_ts(payload, length);
}
