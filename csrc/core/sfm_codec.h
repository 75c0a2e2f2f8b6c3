/* What a leg needs to know of a codec: a constant table of functions, one per codec, so that stateful codecs join
 * without a change to their users. */
#ifndef SFM_CODEC_H
#define SFM_CODEC_H

#include <stddef.h>
#include <stdint.h>

/* cffi:begin */
typedef struct sfm_codec {
    const char *name;            /* encoding name in the registry's spelling: "PCMU" */
    uint32_t clock_rate;         /* RTP clock in Hz */
    uint32_t sample_rate;        /* of the PCM side in Hz, a whole multiple or divisor of the clock */
    uint8_t channels;            /* of the PCM side, interleaved */
    uint8_t static_payload_type; /* RFC 3551 table 4; 255 when it has none */
    uint8_t silence;             /* payload byte of digital silence; used only when frame_samples is 1 */
    uint32_t frame_samples;      /* encode takes whole multiples of this; 1 for sample-based codecs */
    uint32_t max_bytes_per_second; /* upper bound of the payload rate, to size buffers */
    size_t encoder_bytes;        /* size of the encoder's state, 0 when it has none */
    size_t decoder_bytes;        /* size of the decoder's state, 0 when it has none */

    /* Bring a state of the size above to its start; NULL when there is no state. 0 or an error. */
    int (*encoder_init)(void *state);
    int (*decoder_init)(void *state);

    /* Encodes `count` samples; returns payload bytes, or SFM_ERROR_LENGTH, _SPACE. */
    int (*encode)(void *state, const int16_t *pcm, size_t count, uint8_t *payload, size_t capacity);

    /* Decodes one packet; returns samples, or SFM_ERROR_LENGTH, _SPACE. */
    int (*decode)(void *state, const uint8_t *payload, size_t length, int16_t *pcm, size_t capacity);

    /* Duration of a packet in RTP clock units without decoding it; 0 for an empty one, or SFM_ERROR_LENGTH. */
    int (*duration_ts)(const uint8_t *payload, size_t length);
} sfm_codec;

/* The codec of this encoding name, upper or lower case (RFC 4855 section 3), NULL when there is none. */
const sfm_codec *sfm_codec_find(const char *name);

/* The codecs one after another from index 0; NULL after the last. */
const sfm_codec *sfm_codec_at(size_t index);

/* The functions of the table, for callers that cannot call through it. */
int sfm_codec_encode(const sfm_codec *codec, void *state, const int16_t *pcm, size_t count, uint8_t *payload,
                     size_t capacity);
int sfm_codec_decode(const sfm_codec *codec, void *state, const uint8_t *payload, size_t length, int16_t *pcm,
                     size_t capacity);
int sfm_codec_duration_ts(const sfm_codec *codec, const uint8_t *payload, size_t length);
/* cffi:end */

#endif
