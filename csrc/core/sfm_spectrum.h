/* Power spectrum of a block of audio: Hann window and a Fourier transform of a power of two, tables made at init. */
#ifndef SFM_SPECTRUM_H
#define SFM_SPECTRUM_H

#include <stddef.h>
#include <stdint.h>

/* cffi:begin */
#define SFM_SPECTRUM_MAX_SIZE 1024
#define SFM_SPECTRUM_MAX_HALF 512

typedef struct sfm_spectrum {
    uint32_t size;                          /* samples of a block, a power of two */
    float window[SFM_SPECTRUM_MAX_SIZE];    /* scaled so that the bins of a signal add up to its mean square */
    float cosine[SFM_SPECTRUM_MAX_HALF];    /* of 2 pi k / size */
    float sine[SFM_SPECTRUM_MAX_HALF];
} sfm_spectrum;

/* 0, or SFM_ERROR_ARGUMENT: `size` is 64 to SFM_SPECTRUM_MAX_SIZE and a power of two. */
int sfm_spectrum_init(sfm_spectrum *spectrum, uint32_t size);

/* Mean squares by bin, `size / 2` of them (bin k: k times rate / size), of the newest `size` of `pcm`. Their sum is
 * the mean square of the windowed block; the bin at the Nyquist frequency is left out. */
void sfm_spectrum_power(const sfm_spectrum *spectrum, const int16_t *pcm, float *power);
/* cffi:end */

#endif
