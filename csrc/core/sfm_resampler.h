/* Changes the sample rate by a whole factor, block after block: 8, 16 and 48 kHz into each other.
 *
 * One linear-phase low-pass, a sinc under a Kaiser window: 48 samples of the lower rate long, flat within 0.1 dB up to
 * 0.40 of the lower rate (3.2 kHz at 8 kHz), 70 dB and more down from half the lower rate on, 24 samples of the lower
 * rate (3 ms at 8 kHz) late. For audio that comes at another rate than its listener's; prompts are resampled before
 * they are encoded, with a longer filter. A plain value. */
#ifndef SFM_RESAMPLER_H
#define SFM_RESAMPLER_H

#include <stddef.h>
#include <stdint.h>

/* cffi:begin */
#define SFM_RESAMPLER_PERIODS 48
#define SFM_RESAMPLER_TAPS 288

typedef struct sfm_resampler {
    uint32_t up;      /* one of these two is 1 */
    uint32_t down;
    uint32_t phase;   /* samples since the last one put out, when down > 1 */
    uint32_t newest;  /* place of the newest sample in `history` */
    float taps[SFM_RESAMPLER_TAPS];      /* SFM_RESAMPLER_PERIODS * (up or down) of them */
    float history[SFM_RESAMPLER_TAPS];   /* input, newest first from `newest`, round and round */
} sfm_resampler;

/* From one rate to the other: one of them a multiple (up to 6) of the other. 0, or SFM_ERROR_ARGUMENT. */
int sfm_resampler_init(sfm_resampler *resampler, uint32_t from_rate, uint32_t to_rate);

/* Samples that come out for `count` more that go in. */
size_t sfm_resampler_output(const sfm_resampler *resampler, size_t count);

/* Takes `count` samples, writes as many as the function above says. `in` and `out` do not overlap. */
size_t sfm_resample(sfm_resampler *resampler, const int16_t *in, size_t count, int16_t *out);
/* cffi:end */

#endif
