/* A cursor that plays a prompt: loops without a seam, stops after so many samples, pads the last packet with silence. */
#ifndef SFM_PLAY_H
#define SFM_PLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfm_prompt.h"

/* Samples are those of the prompt's own rate. */
typedef struct sfm_play {
    const sfm_prompt *prompt; /* NULL: nothing plays */
    uint64_t job;
    uint64_t position; /* next sample in the prompt */
    uint64_t played; /* samples so far, loops included */
    uint64_t total; /* samples in all, 0: without end */
    uint64_t missed; /* samples that were silence because they were not encoded in time */
    uint32_t times;
    uint64_t limit_ms;
} sfm_play;

/* `times` 0: for ever; `limit_ms` 0: no limit. */
void sfm_play_start(sfm_play *play, const sfm_prompt *prompt, uint64_t job, uint32_t times, uint64_t limit_ms);
bool sfm_play_done(const sfm_play *play);
bool sfm_play_broken(const sfm_play *play); /* nothing more will come, though it is not over */
/* Goes on with the same audio encoded otherwise, from the same moment. */
void sfm_play_swap(sfm_play *play, const sfm_prompt *prompt);
uint64_t sfm_play_elapsed_ms(const sfm_play *play);
uint64_t sfm_play_missed_ms(const sfm_play *play);
uint64_t sfm_play_total_ms(const sfm_play *play); /* 0: without end */

/* Writes the next `ptime_ms` as one packet of `codec`; what the prompt does not fill is silence. Returns bytes, 0 when
 * this packet is not to be sent. A prompt of another codec is transcoded when neither has a state and their sample rates
 * are the same; else its time goes on in silence, until a prompt of the codec is swapped in. */
size_t sfm_play_next(sfm_play *play, const sfm_codec *codec, uint8_t *payload, uint32_t ptime_ms);

#endif
