#include "sfm_codec.h"

#include <string.h>

#include "sfm_bytes.h"
#include "sfm_error.h"
#include "sfm_g711.h"
#include "sfm_g722.h"
#include "sfm_passed.h"

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

static int g722_encoder_init(const sfm_codec *codec, void *state)
{
    (void)codec;
    sfm_g722_init_settled(state); /* what is sent was encoded beforehand and follows the byte of silence */
    return SFM_OK;
}

static int g722_decoder_init(const sfm_codec *codec, void *state)
{
    (void)codec;
    sfm_g722_init(state);
    return SFM_OK;
}

static int g722_encode(void *state, const int16_t *pcm, size_t count, uint8_t *payload, size_t capacity)
{
    if (count % 2 != 0)
        return SFM_ERROR_LENGTH;
    if (count / 2 > capacity || count > LARGEST_COUNT)
        return SFM_ERROR_SPACE;
    sfm_g722_encode(state, pcm, count, payload);
    return (int)(count / 2);
}

static int g722_decode(void *state, const uint8_t *payload, size_t length, int16_t *pcm, size_t capacity)
{
    if (length > capacity / 2 || length > LARGEST_COUNT / 2)
        return SFM_ERROR_SPACE;
    sfm_g722_decode(state, payload, length, pcm);
    return (int)(2 * length);
}

/* Two's complement in network byte order (RFC 3551 section 4.5.11). */
static int l16_encode(void *state, const int16_t *pcm, size_t count, uint8_t *payload, size_t capacity)
{
    (void)state;
    if (count > capacity / 2 || count > LARGEST_COUNT / 2)
        return SFM_ERROR_SPACE;
    for (size_t i = 0; i < count; i++)
        sfm_put16(payload + 2 * i, (uint16_t)pcm[i]);
    return (int)(2 * count);
}

static int l16_decode(void *state, const uint8_t *payload, size_t length, int16_t *pcm, size_t capacity)
{
    (void)state;
    if (length % 2 != 0)
        return SFM_ERROR_LENGTH;
    if (length / 2 > capacity || length > LARGEST_COUNT)
        return SFM_ERROR_SPACE;
    for (size_t i = 0; i < length / 2; i++)
        pcm[i] = (int16_t)sfm_get16(payload + 2 * i);
    return (int)(length / 2);
}

int sfm_codec_framed_duration_ts(const sfm_codec *codec, const uint8_t *payload, size_t length)
{
    (void)payload;
    if (length > LARGEST_COUNT / codec->frame_samples || length % codec->frame_bytes != 0)
        return SFM_ERROR_LENGTH;
    uint64_t samples = (uint64_t)length / codec->frame_bytes * codec->frame_samples;
    return (int)(samples * codec->clock_rate / codec->sample_rate);
}

static const sfm_codec codecs[] = {
    {
        .name = "PCMU",
        .clock_rate = 8000,
        .sample_rate = 8000,
        .channels = 1,
        .encoded_channels = 1,
        .decoded_channels = 1,
        .static_payload_type = 0,
        .silence = SFM_PCMU_SILENCE,
        .frame_samples = 1,
        .frame_bytes = 1,
        .max_bytes_per_second = 8000,
        .encode = pcmu_encode,
        .decode = pcmu_decode,
        .duration_ts = sfm_codec_framed_duration_ts,
    },
    {
        .name = "PCMA",
        .clock_rate = 8000,
        .sample_rate = 8000,
        .channels = 1,
        .encoded_channels = 1,
        .decoded_channels = 1,
        .static_payload_type = 8,
        .silence = SFM_PCMA_SILENCE,
        .frame_samples = 1,
        .frame_bytes = 1,
        .max_bytes_per_second = 8000,
        .encode = pcma_encode,
        .decode = pcma_decode,
        .duration_ts = sfm_codec_framed_duration_ts,
    },
    {
        .name = "G722",
        .clock_rate = 8000, /* half the sample rate (RFC 3551 section 4.5.2) */
        .sample_rate = 16000,
        .channels = 1,
        .encoded_channels = 1,
        .decoded_channels = 1,
        .static_payload_type = 9,
        .silence = SFM_G722_SILENCE,
        .frame_samples = 2,
        .frame_bytes = 1,
        .max_bytes_per_second = 8000,
        .encoder_bytes = sizeof(sfm_g722),
        .decoder_bytes = sizeof(sfm_g722),
        .encoder_init = g722_encoder_init,
        .decoder_init = g722_decoder_init,
        .encode = g722_encode,
        .decode = g722_decode,
        .duration_ts = sfm_codec_framed_duration_ts,
    },
    {
        .name = "L16",
        .clock_rate = 16000,
        .sample_rate = 16000,
        .channels = 1,
        .encoded_channels = 1,
        .decoded_channels = 1,
        .static_payload_type = 255, /* 10 and 11 are 44.1 kHz */
        .silence = 0,
        .frame_samples = 1,
        .frame_bytes = 2,
        .max_bytes_per_second = 32000,
        .encode = l16_encode,
        .decode = l16_decode,
        .duration_ts = sfm_codec_framed_duration_ts,
    },
    {
        .name = "L16",
        .clock_rate = 8000,
        .sample_rate = 8000,
        .channels = 1,
        .encoded_channels = 1,
        .decoded_channels = 1,
        .static_payload_type = 255, /* 10 and 11 are 44.1 kHz */
        .silence = 0,
        .frame_samples = 1,
        .frame_bytes = 2,
        .max_bytes_per_second = 16000,
        .encode = l16_encode,
        .decode = l16_decode,
        .duration_ts = sfm_codec_framed_duration_ts,
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
    size_t count = sizeof codecs / sizeof codecs[0];
    return index < count ? &codecs[index] : sfm_passed_at(index - count);
}

const sfm_codec *sfm_codec_find(const char *name)
{
    const sfm_codec *codec = NULL;
    for (size_t i = 0; (codec = sfm_codec_at(i)) != NULL; i++)
        if (same_name(codec->name, name))
            break;
    return codec;
}

size_t sfm_codec_bytes(const sfm_codec *codec, size_t count)
{
    return count / codec->frame_samples * codec->frame_bytes;
}

int sfm_codec_silence(const sfm_codec *codec, size_t count, uint8_t *payload, size_t capacity)
{
    if (codec->silent_packet)
        return codec->silent_packet(count, payload, capacity);
    size_t length = sfm_codec_bytes(codec, count);
    if (length > capacity)
        return SFM_ERROR_SPACE;
    memset(payload, codec->silence, length);
    return (int)length;
}

int sfm_codec_encoder_init(const sfm_codec *codec, void *state)
{
    return codec->encoder_init ? codec->encoder_init(codec, state) : SFM_OK;
}

int sfm_codec_decoder_init(const sfm_codec *codec, void *state)
{
    return codec->decoder_init ? codec->decoder_init(codec, state) : SFM_OK;
}

int sfm_codec_encode(const sfm_codec *codec, void *state, const int16_t *pcm, size_t count, uint8_t *payload,
                     size_t capacity)
{
    return codec->encode ? codec->encode(state, pcm, count, payload, capacity) : SFM_ERROR_ARGUMENT;
}

int sfm_codec_decode(const sfm_codec *codec, void *state, const uint8_t *payload, size_t length, int16_t *pcm,
                     size_t capacity)
{
    return codec->decode ? codec->decode(state, payload, length, pcm, capacity) : SFM_ERROR_ARGUMENT;
}

int sfm_codec_conceal(const sfm_codec *codec, void *state, const uint8_t *next, size_t next_length, int16_t *pcm,
                      size_t count)
{
    return codec->conceal ? codec->conceal(state, next, next_length, pcm, count) : SFM_ERROR_ARGUMENT;
}

int sfm_codec_duration_ts(const sfm_codec *codec, const uint8_t *payload, size_t length)
{
    return codec->duration_ts(codec, payload, length);
}
