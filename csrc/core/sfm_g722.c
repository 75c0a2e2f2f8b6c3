#include "sfm_g722.h"

#include <string.h>

/* Decision values of the lower band's 60 levels (table 11), in units of the scale factor. */
static const int16_t q6[32] = {0,    35,   72,   110,  150,  190,  233,  276,  323,  370,  422,
                               473,  530,  587,  650,  714,  786,  858,  940,  1023, 1121, 1219,
                               1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919, 0,    0};

/* Codes of these levels (table 12). */
static const uint8_t iln[32] = {0,  63, 62, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19,
                                18, 17, 16, 15, 14, 13, 12, 11, 10, 9,  8,  7,  6,  5,  4,  0};
static const uint8_t ilp[32] = {0,  61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47,
                                46, 45, 44, 43, 42, 41, 40, 39, 38, 37, 36, 35, 34, 33, 32, 0};

/* Output values of the inverse quantizers with 6, 5 and 4 bits, by code. */
static const int16_t qm6[64] = {
    -136,   -136,   -136,   -136,   -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232,
    -9360,  -8576,  -7856,  -7192,  -6576,  -6000,  -5456,  -4944,  -4464,  -4008,  -3576,  -3168,  -2776,
    -2400,  -2032,  -1688,  -1360,  -1040,  -728,   24808,  21904,  19008,  16704,  14984,  13512,  12280,
    11192,  10232,  9360,   8576,   7856,   7192,   6576,   6000,   5456,   4944,   4464,   4008,   3576,
    3168,   2776,   2400,   2032,   1688,   1360,   1040,   728,    432,    136,    -432,   -136};
static const int16_t qm5[32] = {-280,  -280,  -23352, -17560, -14120, -11664, -9752, -8184, -6864, -5712, -4696,
                                -3784, -2960, -2208,  -1520,  -880,   23352,  17560, 14120, 11664, 9752,  8184,
                                6864,  5712,  4696,   3784,   2960,   2208,   1520,  880,   280,   -280};
static const int16_t qm4[16] = {0,     -20456, -12896, -8968, -6288, -4240, -2584, -1200,
                                20456, 12896,  8968,   6288,  4240,  2584,  1200,  0};
static const int16_t qm2[4] = {-7408, -1616, 7408, 1616};

/* Logarithmic steps of the scale factors, by code. */
static const int16_t wl[8] = {-60, -30, 58, 172, 334, 538, 1198, 3042};
static const uint8_t rl42[16] = {0, 7, 6, 5, 4, 3, 2, 1, 7, 6, 5, 4, 3, 2, 1, 0};
static const int16_t wh[3] = {0, -214, 798};
static const uint8_t rh2[4] = {2, 1, 2, 1};
static const int16_t ilb[32] = {2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543,
                                2599, 2656, 2714, 2774, 2834, 2896, 2960, 3025, 3091, 3158, 3228,
                                3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008};

/* Coefficients of the quadrature mirror filters (table 4), one half of the symmetric 24. */
static const int16_t qmf_coefficients[12] = {3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11};

static int saturate(int value)
{
    if (value > INT16_MAX)
        return INT16_MAX;
    return value < INT16_MIN ? INT16_MIN : value;
}

static int limit(int value, int lowest, int highest)
{
    if (value > highest)
        return highest;
    return value < lowest ? lowest : value;
}

void sfm_g722_init(sfm_g722 *state)
{
    memset(state, 0, sizeof *state);
    state->low.det = 32;
    state->high.det = 8;
}

/* Differences of zero count as positive: they drive the poles to the border of what is stable (blocks UPPOL1, UPPOL2). */
static void settle(sfm_g722_band *band)
{
    band->a[2] = -12288;
    band->a[1] = 15360 - band->a[2];
}

void sfm_g722_init_settled(sfm_g722 *state)
{
    sfm_g722_init(state);
    settle(&state->low);
    settle(&state->high);
}

/* --- the adaptive predictor (blocks 4: RECONS, PARREC, UPPOL2, UPPOL1, UPZERO, DELAYA, FILTEP, FILTEZ, PREDIC) ---- */

static int differs(int a, int b)
{
    return (a < 0) != (b < 0);
}

/* UPPOL2 */
static int second_pole(const sfm_g722_band *band)
{
    int step = saturate(band->a[1] * 4);
    step = differs(band->p[0], band->p[1]) ? step : -step;
    step = step > 32767 ? 32767 : step;
    int sign = differs(band->p[0], band->p[2]) ? -128 : 128;
    return limit(sign + (step >> 7) + ((band->a[2] * 32512) >> 15), -12288, 12288);
}

/* UPPOL1 */
static int first_pole(const sfm_g722_band *band, int second)
{
    int most = saturate(15360 - second);
    int sign = differs(band->p[0], band->p[1]) ? -192 : 192;
    return limit(saturate(sign + ((band->a[1] * 32640) >> 15)), -most, most);
}

/* UPZERO and the delay of the differences */
static void update_zeros(sfm_g722_band *band, int difference)
{
    int step = difference == 0 ? 0 : 128;
    for (int i = 6; i > 0; i--)
        band->b[i] = (differs(band->d[i], difference) ? -step : step) + ((band->b[i] * 32640) >> 15);
}

static void predict(sfm_g722_band *band)
{
    int sp = (band->a[1] * saturate(2 * band->r[0])) >> 15;
    sp = saturate(sp + ((band->a[2] * saturate(2 * band->r[1])) >> 15));
    int sz = 0;
    for (int i = 6; i > 0; i--)
        sz += (band->b[i] * saturate(2 * band->d[i])) >> 15;
    band->sp = sp;
    band->sz = saturate(sz);
    band->s = saturate(band->sp + band->sz);
}

/* Takes a quantized difference and predicts the next sample. */
static void adapt(sfm_g722_band *band, int difference)
{
    band->p[0] = saturate(band->sz + difference);
    int reconstructed = saturate(band->s + difference);
    int second = second_pole(band);
    int first = first_pole(band, second);
    update_zeros(band, difference);
    band->a[1] = first;
    band->a[2] = second;
    band->r[1] = band->r[0];
    band->r[0] = reconstructed;
    band->p[2] = band->p[1];
    band->p[1] = band->p[0];
    memmove(&band->d[2], &band->d[1], 5 * sizeof band->d[0]);
    band->d[1] = difference;
    predict(band);
}

/* SCALEL and SCALEH: from the logarithmic scale factor to the linear one. */
static int linear_scale(int nb, int base)
{
    int shift = base - (nb >> 11);
    int value = ilb[(nb >> 6) & 31];
    return (shift < 0 ? value << -shift : value >> shift) << 2;
}

static void adapt_low(sfm_g722_band *band, int code)
{
    int four_bits = code >> 2;
    int difference = (band->det * qm4[four_bits]) >> 15;
    band->nb = limit(((band->nb * 127) >> 7) + wl[rl42[four_bits]], 0, 18432);
    band->det = linear_scale(band->nb, 8);
    adapt(band, difference);
}

static void adapt_high(sfm_g722_band *band, int code, int difference)
{
    band->nb = limit(((band->nb * 127) >> 7) + wh[rh2[code]], 0, 22528);
    band->det = linear_scale(band->nb, 10);
    adapt(band, difference);
}

/* --- quantizers --------------------------------------------------------------------------------------------------- */

static int quantize_low(const sfm_g722_band *band, int sample)
{
    int error = saturate(sample - band->s);
    int magnitude = error >= 0 ? error : -(error + 1);
    int level = 1;
    while (level < 30 && magnitude >= (q6[level] * band->det) >> 12)
        level++;
    return error < 0 ? iln[level] : ilp[level];
}

static int quantize_high(const sfm_g722_band *band, int sample)
{
    int error = saturate(sample - band->s);
    int magnitude = error >= 0 ? error : -(error + 1);
    int is_outer = magnitude >= (564 * band->det) >> 12;
    if (error < 0)
        return is_outer ? 0 : 1;
    return is_outer ? 2 : 3;
}

uint8_t sfm_g722_encode_bands(sfm_g722 *state, int low, int high)
{
    int low_code = quantize_low(&state->low, low);
    adapt_low(&state->low, low_code);
    int high_code = quantize_high(&state->high, high);
    adapt_high(&state->high, high_code, (state->high.det * qm2[high_code]) >> 15);
    return (uint8_t)(high_code << 6 | low_code);
}

static int low_value(int code, int mode)
{
    if (mode == 1)
        return qm6[code];
    return mode == 2 ? qm5[code >> 1] : qm4[code >> 2];
}

void sfm_g722_decode_bands(sfm_g722 *state, uint8_t code, int mode, int *low, int *high)
{
    int low_code = code & 0x3F;
    int high_code = code >> 6;
    *low = limit(state->low.s + ((state->low.det * low_value(low_code, mode)) >> 15), -16384, 16383);
    adapt_low(&state->low, low_code);
    int difference = (state->high.det * qm2[high_code]) >> 15;
    *high = limit(difference + state->high.s, -16384, 16383);
    adapt_high(&state->high, high_code, difference);
}

/* --- quadrature mirror filters ------------------------------------------------------------------------------------ */

static void shift_in(sfm_g722 *state, int first, int second)
{
    memmove(state->qmf, state->qmf + 2, (SFM_G722_QMF_TAPS - 2) * sizeof state->qmf[0]);
    state->qmf[SFM_G722_QMF_TAPS - 2] = first;
    state->qmf[SFM_G722_QMF_TAPS - 1] = second;
}

static void filter(const sfm_g722 *state, int *even, int *odd)
{
    *even = *odd = 0;
    for (int i = 0; i < 12; i++) {
        *odd += state->qmf[2 * i] * qmf_coefficients[i];
        *even += state->qmf[2 * i + 1] * qmf_coefficients[11 - i];
    }
}

void sfm_g722_encode(sfm_g722 *state, const int16_t *pcm, size_t count, uint8_t *out)
{
    for (size_t i = 0; i + 1 < count; i += 2) {
        int even;
        int odd;
        shift_in(state, pcm[i], pcm[i + 1]);
        filter(state, &even, &odd);
        *out++ = sfm_g722_encode_bands(state, (even + odd) >> 14, (even - odd) >> 14);
    }
}

void sfm_g722_decode(sfm_g722 *state, const uint8_t *codes, size_t length, int16_t *out)
{
    for (size_t i = 0; i < length; i++) {
        int low;
        int high;
        int even;
        int odd;
        sfm_g722_decode_bands(state, codes[i], 1, &low, &high);
        shift_in(state, low + high, low - high);
        filter(state, &even, &odd);
        *out++ = (int16_t)saturate(even >> 11);
        *out++ = (int16_t)saturate(odd >> 11);
    }
}
