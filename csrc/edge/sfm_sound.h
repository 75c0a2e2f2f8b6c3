/* A packet time of audio as the parts of a leg take it: each channel for itself, and both mixed to one. */
#ifndef SFM_SOUND_H
#define SFM_SOUND_H

#include <stddef.h>
#include <stdint.h>

typedef struct sfm_sound {
    const int16_t *left;
    const int16_t *right;
    const int16_t *mixed; /* (left + right) / 2; of one channel all three are the same memory */
} sfm_sound;

static inline sfm_sound sfm_sound_of_one(const int16_t *pcm) { return (sfm_sound){pcm, pcm, pcm}; }

/* Both channels, whose mix is written to `mixed`. */
static inline sfm_sound sfm_sound_of_both(const int16_t *left, const int16_t *right, int16_t *mixed, size_t count) {
    for (size_t i = 0; i < count; i++) {
        mixed[i] = (int16_t)((left[i] + right[i]) / 2);
    }
    return (sfm_sound){left, right, mixed};
}

#endif
