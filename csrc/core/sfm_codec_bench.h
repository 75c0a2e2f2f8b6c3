/* What a codec costs, measured in C so that no caller's overhead is in it; beside it the library that does the work. */
#ifndef SFM_CODEC_BENCH_H
#define SFM_CODEC_BENCH_H

#include <stddef.h>
#include <stdint.h>

#include "sfm_codec.h"

/* cffi:begin */
/* Packets of `samples` a channel, one after another: their PCM, and `stride` bytes for each payload. */
typedef struct sfm_codec_bench {
    int16_t *pcm;
    uint8_t *payloads;
    int32_t *lengths; /* payload bytes of each packet: written by encoding, read by decoding */
    uint32_t packets;
    uint32_t samples;
    uint32_t stride;
} sfm_codec_bench;

/* Encodes all packets with a state that was begun; through the codec's table, or straight through the library of a codec
 * that has one (`raw`; nothing else but Opus does). Number of packets that went well. */
uint32_t sfm_codec_bench_encode(const sfm_codec *codec, void *state, sfm_codec_bench *bench, int32_t raw);
/* Decodes what was encoded, over the PCM. */
uint32_t sfm_codec_bench_decode(const sfm_codec *codec, void *state, sfm_codec_bench *bench, int32_t raw);
/* cffi:end */

#endif
