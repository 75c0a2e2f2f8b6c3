#include "sfm_resampler.h"

#include <math.h>
#include <string.h>

#include "sfm_error.h"

#define PI 3.14159265358979323846
#define LARGEST_FACTOR (SFM_RESAMPLER_TAPS / SFM_RESAMPLER_PERIODS)
#define KAISER_BETA 6.9 /* side lobes 70 dB down */
#define CUTOFF 0.452    /* -6 dB, of the lower rate: half of the transition before its half */

/* Modified Bessel function of order 0, by its power series. */
static double bessel_i0(double x)
{
    double sum = 1;
    double term = 1;
    for (int k = 1; k < 40; k++) {
        term *= (x / (2 * k)) * (x / (2 * k));
        sum += term;
    }
    return sum;
}

static double kaiser(double place) /* -1 to 1 */
{
    return bessel_i0(KAISER_BETA * sqrt(1 - place * place)) / bessel_i0(KAISER_BETA);
}

static double low_pass(double at, double cutoff) /* samples from the middle; of the sample rate */
{
    double x = 2 * PI * cutoff * at;
    return 2 * cutoff * (fabs(x) < 1e-9 ? 1 : sin(x) / x);
}

static void design(sfm_resampler *resampler, uint32_t factor)
{
    uint32_t count = SFM_RESAMPLER_PERIODS * factor;
    double middle = (count - 1) / 2.0;
    double sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        double at = i - middle;
        double tap = low_pass(at, CUTOFF / factor) * kaiser(at / (middle + 0.5));
        resampler->taps[i] = (float)tap;
        sum += tap;
    }
    for (uint32_t i = 0; i < count; i++)
        resampler->taps[i] *= (float)(resampler->up / sum);
}

int sfm_resampler_init(sfm_resampler *resampler, uint32_t from_rate, uint32_t to_rate)
{
    if (from_rate == 0 || to_rate == 0 || (from_rate % to_rate != 0 && to_rate % from_rate != 0))
        return SFM_ERROR_ARGUMENT;
    uint32_t up = to_rate > from_rate ? to_rate / from_rate : 1;
    uint32_t down = from_rate > to_rate ? from_rate / to_rate : 1;
    if (up > LARGEST_FACTOR || down > LARGEST_FACTOR)
        return SFM_ERROR_ARGUMENT;
    memset(resampler, 0, sizeof *resampler);
    resampler->up = up;
    resampler->down = down;
    design(resampler, up * down);
    return SFM_OK;
}

size_t sfm_resampler_output(const sfm_resampler *resampler, size_t count)
{
    return (count * resampler->up + resampler->phase) / resampler->down;
}

static int16_t to_sample(float value)
{
    long rounded = lrintf(value);
    if (rounded > INT16_MAX)
        return INT16_MAX;
    return rounded < INT16_MIN ? INT16_MIN : (int16_t)rounded;
}

/* Every `step`th tap from `first` on, with the newest samples, newest first. */
static int16_t filtered(const sfm_resampler *resampler, uint32_t length, uint32_t first, uint32_t step)
{
    float sum = 0;
    uint32_t at = resampler->newest;
    const float *tap = resampler->taps + first;
    for (uint32_t i = 0; i < length; i++, tap += step) {
        sum += *tap * resampler->history[at];
        at = at + 1 == length ? 0 : at + 1;
    }
    return to_sample(sum);
}

static void remember(sfm_resampler *resampler, uint32_t length, int16_t sample)
{
    resampler->newest = resampler->newest == 0 ? length - 1 : resampler->newest - 1;
    resampler->history[resampler->newest] = sample;
}

/* One in, `up` out: each phase of the filter has its own taps. */
static size_t raise_rate(sfm_resampler *resampler, const int16_t *in, size_t count, int16_t *out)
{
    size_t done = 0;
    for (size_t i = 0; i < count; i++) {
        remember(resampler, SFM_RESAMPLER_PERIODS, in[i]);
        for (uint32_t phase = 0; phase < resampler->up; phase++)
            out[done++] = filtered(resampler, SFM_RESAMPLER_PERIODS, phase, resampler->up);
    }
    return done;
}

static size_t lower_rate(sfm_resampler *resampler, const int16_t *in, size_t count, int16_t *out)
{
    uint32_t length = SFM_RESAMPLER_PERIODS * resampler->down;
    size_t done = 0;
    for (size_t i = 0; i < count; i++) {
        remember(resampler, length, in[i]);
        if (++resampler->phase == resampler->down) {
            resampler->phase = 0;
            out[done++] = filtered(resampler, length, 0, 1);
        }
    }
    return done;
}

size_t sfm_resample(sfm_resampler *resampler, const int16_t *in, size_t count, int16_t *out)
{
    if (resampler->up == resampler->down) {
        memcpy(out, in, count * sizeof(int16_t));
        return count;
    }
    return resampler->up > 1 ? raise_rate(resampler, in, count, out) : lower_rate(resampler, in, count, out);
}
