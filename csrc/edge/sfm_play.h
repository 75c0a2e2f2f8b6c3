/* A cursor that plays a prompt: loops without a seam, stops after so many samples, pads the last frame with silence. */
#ifndef SFM_PLAY_H
#define SFM_PLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfm_prompt.h"

typedef struct sfm_play {
    const sfm_prompt *prompt; /* NULL: nothing plays */
    uint64_t job;
    uint64_t position; /* next sample in the prompt */
    uint64_t played; /* samples so far, loops included */
    uint64_t total; /* samples in all, 0: without end */
} sfm_play;

/* `times` 0: for ever; `limit_ms` 0: no limit. */
void sfm_play_start(sfm_play *play, const sfm_prompt *prompt, uint64_t job, uint32_t times, uint64_t limit_ms);
bool sfm_play_done(const sfm_play *play);
/* Writes `count` samples as payload of `codec`; what the prompt does not fill is silence. Returns bytes. A prompt that
 * was encoded for another codec of the same sample rate (a re-INVITE changed it) is transcoded. */
size_t sfm_play_next(sfm_play *play, const sfm_codec *codec, uint8_t *payload, size_t count);

/* Payload bytes of `count` samples of a sample-based codec, and that many of silence. */
size_t sfm_payload_bytes(const sfm_codec *codec, size_t count);
size_t sfm_payload_silence(const sfm_codec *codec, uint8_t *payload, size_t count);

#endif
