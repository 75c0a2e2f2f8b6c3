/* From interleaved samples to each channel for itself. */
#ifndef SFM_CHANNELS_H
#define SFM_CHANNELS_H

#include <stddef.h>
#include <stdint.h>

static inline void sfm_split_channels(const int16_t *interleaved, int16_t *left, int16_t *right, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        left[i] = interleaved[2 * i];
        right[i] = interleaved[2 * i + 1];
    }
}

#endif
