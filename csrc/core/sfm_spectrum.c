#include "sfm_spectrum.h"

#include <math.h>

#include "sfm_error.h"

static const double TWO_PI = 6.283185307179586;

/* A Hann window shifted by half a sample, so that it is symmetric and no sample is lost to a zero. Its mean square is
 * 3/8; each bin but the first stands for two, the negative frequencies included. */
static void make_window(sfm_spectrum *spectrum)
{
    double size = spectrum->size;
    double scale = sqrt(2.0 / (0.375 * size * size));
    for (uint32_t i = 0; i < spectrum->size; i++)
        spectrum->window[i] = (float)(scale * (0.5 - 0.5 * cos(TWO_PI * (i + 0.5) / size)));
}

int sfm_spectrum_init(sfm_spectrum *spectrum, uint32_t size)
{
    if (size < 64 || size > SFM_SPECTRUM_MAX_SIZE || (size & (size - 1)) != 0)
        return SFM_ERROR_ARGUMENT;
    spectrum->size = size;
    make_window(spectrum);
    for (uint32_t k = 0; k < size / 2; k++) {
        spectrum->cosine[k] = (float)cos(TWO_PI * k / size);
        spectrum->sine[k] = (float)sin(TWO_PI * k / size);
    }
    return SFM_OK;
}

static void reorder(float *re, float *im, uint32_t count)
{
    uint32_t j = 0;
    for (uint32_t i = 1; i < count; i++) {
        uint32_t bit = count >> 1;
        for (; (j & bit) != 0; bit >>= 1)
            j ^= bit;
        j ^= bit;
        if (i < j) {
            float swap_re = re[i], swap_im = im[i];
            re[i] = re[j];
            im[i] = im[j];
            re[j] = swap_re;
            im[j] = swap_im;
        }
    }
}

/* Radix two, in place, of `count` complex values; `stride` of the tables is their size over `count`. */
static void transform(const sfm_spectrum *tables, float *re, float *im, uint32_t count)
{
    uint32_t table = tables->size;
    reorder(re, im, count);
    for (uint32_t half = 1; half < count; half *= 2) {
        uint32_t step = table / (2 * half);
        for (uint32_t start = 0; start < count; start += 2 * half) {
            for (uint32_t k = 0; k < half; k++) {
                float c = tables->cosine[k * step], s = -tables->sine[k * step];
                uint32_t a = start + k, b = a + half;
                float t_re = re[b] * c - im[b] * s, t_im = re[b] * s + im[b] * c;
                re[b] = re[a] - t_re;
                im[b] = im[a] - t_im;
                re[a] += t_re;
                im[a] += t_im;
            }
        }
    }
}

/* Even samples as real, odd ones as imaginary parts: a transform of half the size has both, and one step parts them. */
void sfm_spectrum_power(const sfm_spectrum *spectrum, const int16_t *pcm, float *power)
{
    float re[SFM_SPECTRUM_MAX_HALF], im[SFM_SPECTRUM_MAX_HALF];
    uint32_t half = spectrum->size / 2;
    for (uint32_t i = 0; i < half; i++) {
        re[i] = spectrum->window[2 * i] * (float)pcm[2 * i];
        im[i] = spectrum->window[2 * i + 1] * (float)pcm[2 * i + 1];
    }
    transform(spectrum, re, im, half);
    float constant = re[0] + im[0];
    power[0] = 0.5F * constant * constant;
    for (uint32_t k = 1; k < half; k++) {
        float even_re = 0.5F * (re[k] + re[half - k]), even_im = 0.5F * (im[k] - im[half - k]);
        float odd_re = 0.5F * (im[k] + im[half - k]), odd_im = 0.5F * (re[half - k] - re[k]);
        float c = spectrum->cosine[k], s = spectrum->sine[k];
        float bin_re = even_re + c * odd_re + s * odd_im;
        float bin_im = even_im + c * odd_im - s * odd_re;
        power[k] = bin_re * bin_re + bin_im * bin_im;
    }
}
