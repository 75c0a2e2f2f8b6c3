/* What a leg needs to know of a codec: a constant table of functions, one per codec and choice of its parameters, so
 * that stateful codecs join without a change to their users.
 *
 * Audio has one channel or, where the codec says so, two, interleaved. A codec has frames of one size (G.711, G.722,
 * L16: `frame_bytes` says how many bytes `frame_samples` make, and any number of frames is a packet) or packets that
 * differ (Opus: `frame_bytes` is 0). One that has no `encode` and no `decode` only passes through what somebody else
 * encoded. */
#ifndef SFM_CODEC_H
#define SFM_CODEC_H

#include <stddef.h>
#include <stdint.h>

/* cffi:begin */
#define SFM_MAX_SAMPLE_RATE 48000

typedef struct sfm_codec {
    const char *name;            /* encoding name in the registry's spelling: "PCMU" */
    uint32_t clock_rate;         /* RTP clock in Hz */
    uint32_t sample_rate;        /* of the PCM side in Hz: 8000, 16000 or 48000 */
    uint8_t channels;            /* in a session description; Opus says 2 whatever it sends (RFC 7587 section 7) */
    uint8_t encoded_channels;    /* of the PCM that encode takes, interleaved: 1 or 2 */
    uint8_t decoded_channels;    /* of the PCM that decode and conceal give, interleaved: 1 or 2 */
    uint8_t static_payload_type; /* RFC 3551 table 4; 255 when it has none */
    uint8_t silence;             /* payload byte of digital silence; used only when frame_bytes is not 0 */
    uint32_t frame_samples;      /* encode takes whole multiples of this; 1 for sample-based codecs */
    uint32_t frame_bytes;        /* payload bytes of one frame; 0 when they differ */
    uint32_t max_bytes_per_second; /* upper bound of the payload rate, to size buffers */
    uint32_t silence_interval_ms; /* of silence, one packet in so many ms is sent (DTX); 0: all of them */
    size_t encoder_bytes;        /* size of the encoder's state, 0 when it has none */
    size_t decoder_bytes;        /* size of the decoder's state, 0 when it has none */
    const void *settings;        /* what the init functions read: the parameters of this codec, or NULL */

    /* Bring a state of the size above, aligned as malloc does, to its start; NULL when there is none. 0 or an error. */
    int (*encoder_init)(const struct sfm_codec *codec, void *state);
    int (*decoder_init)(const struct sfm_codec *codec, void *state);

    /* Encodes `count` samples of each channel; returns payload bytes, or SFM_ERROR_LENGTH, _SPACE. */
    int (*encode)(void *state, const int16_t *pcm, size_t count, uint8_t *payload, size_t capacity);

    /* Decodes one packet into room for `capacity` samples of each channel; returns how many of each there are, or
     * SFM_ERROR_LENGTH, _SPACE. */
    int (*decode)(void *state, const uint8_t *payload, size_t length, int16_t *pcm, size_t capacity);

    /* Makes up `count` samples of each channel that are missing, from what was decoded before and, when it is there,
     * from the packet behind them (`next`, else NULL), which may carry a copy of them. Returns `count` or an error.
     * NULL: the codec cannot, and sfm_plc does. */
    int (*conceal)(void *state, const uint8_t *next, size_t next_length, int16_t *pcm, size_t count);

    /* Duration of a packet in RTP clock units without decoding it; 0 for an empty one, or SFM_ERROR_LENGTH. */
    int (*duration_ts)(const struct sfm_codec *codec, const uint8_t *payload, size_t length);

    /* A packet of `count` samples that decodes to silence; returns its bytes, 0 when nothing is to be sent, or
     * SFM_ERROR_SPACE. NULL: the byte `silence` does it. */
    int (*silent_packet)(size_t count, uint8_t *payload, size_t capacity);
} sfm_codec;

/* The first codec of this encoding name, upper or lower case (RFC 4855 section 3), NULL when there is none. */
const sfm_codec *sfm_codec_find(const char *name);

/* The codecs one after another from index 0; NULL after the last. */
const sfm_codec *sfm_codec_at(size_t index);

/* Payload bytes of `count` samples of a codec whose frames have one size. */
size_t sfm_codec_bytes(const sfm_codec *codec, size_t count);

/* Payload of `count` samples of silence: bytes, 0 when nothing is to be sent, or SFM_ERROR_SPACE. */
int sfm_codec_silence(const sfm_codec *codec, size_t count, uint8_t *payload, size_t capacity);

/* The functions of the table, for callers that cannot call through it. SFM_ERROR_ARGUMENT when it has no such one. */
int sfm_codec_encoder_init(const sfm_codec *codec, void *state);
int sfm_codec_decoder_init(const sfm_codec *codec, void *state);
int sfm_codec_encode(const sfm_codec *codec, void *state, const int16_t *pcm, size_t count, uint8_t *payload,
                     size_t capacity);
int sfm_codec_decode(const sfm_codec *codec, void *state, const uint8_t *payload, size_t length, int16_t *pcm,
                     size_t capacity);
int sfm_codec_conceal(const sfm_codec *codec, void *state, const uint8_t *next, size_t next_length, int16_t *pcm,
                      size_t count);
int sfm_codec_duration_ts(const sfm_codec *codec, const uint8_t *payload, size_t length);

/* `duration_ts` of all codecs whose frames have one size. */
int sfm_codec_framed_duration_ts(const sfm_codec *codec, const uint8_t *payload, size_t length);
/* cffi:end */

#endif
