#include "sfm_g711.h"

/* Both laws cut the magnitude into eight segments, each twice as wide as the one below, with 16 steps in each:
 *
 *   code (before inversion):  | sign | segment (3 bits) | step (4 bits) |
 *
 * Negative inputs are folded with ~x, not -x, as in the ITU-T STL: that puts the decision values of negative
 * inputs one 16-bit unit further out than those of positive ones. */

/* Position of the highest set bit above bit `base`, counted from there: 0-7. */
static unsigned segment_of(unsigned magnitude, unsigned base)
{
    unsigned segment = 0;
    for (magnitude >>= base + 1; magnitude != 0; magnitude >>= 1)
        segment++;
    return segment;
}

static unsigned folded(int16_t sample)
{
    return (unsigned)(sample < 0 ? ~sample : sample);
}

#define MU_BIAS 33
#define MU_LARGEST 0x1FFF

uint8_t sfm_pcmu_from_linear(int16_t sample)
{
    unsigned magnitude = (folded(sample) >> 2) + MU_BIAS;
    if (magnitude > MU_LARGEST)
        magnitude = MU_LARGEST;
    unsigned segment = segment_of(magnitude, 5);
    unsigned code = segment << 4 | ((magnitude >> (segment + 1)) & 0x0F);
    return (uint8_t)((sample < 0 ? 0x7F : 0xFF) ^ code);
}

int16_t sfm_pcmu_to_linear(uint8_t code)
{
    unsigned inverted = (uint8_t)~code;
    unsigned segment = (inverted >> 4) & 7;
    int magnitude = (int)(((((inverted & 0x0F) << 1) + MU_BIAS) << segment) - MU_BIAS) * 4;
    return (int16_t)(code & 0x80 ? magnitude : -magnitude);
}

uint8_t sfm_pcma_from_linear(int16_t sample)
{
    unsigned magnitude = folded(sample) >> 4; /* 11 bits */
    unsigned segment = segment_of(magnitude, 3);
    unsigned step = segment > 1 ? magnitude >> (segment - 1) : magnitude;
    unsigned code = segment << 4 | (step & 0x0F);
    return (uint8_t)((sample < 0 ? 0x00 : 0x80) ^ code ^ 0x55);
}

int16_t sfm_pcma_to_linear(uint8_t code)
{
    unsigned inverted = code ^ 0x55U;
    unsigned segment = (inverted >> 4) & 7;
    unsigned step = ((inverted & 0x0F) << 1) + 1;
    int magnitude = (int)(segment == 0 ? step : (step + 32) << (segment - 1)) * 8;
    return (int16_t)(code & 0x80 ? magnitude : -magnitude);
}

void sfm_pcmu_encode(const int16_t *pcm, size_t count, uint8_t *out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = sfm_pcmu_from_linear(pcm[i]);
}

void sfm_pcma_encode(const int16_t *pcm, size_t count, uint8_t *out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = sfm_pcma_from_linear(pcm[i]);
}

void sfm_pcmu_decode(const uint8_t *codes, size_t count, int16_t *out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = sfm_pcmu_to_linear(codes[i]);
}

void sfm_pcma_decode(const uint8_t *codes, size_t count, int16_t *out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = sfm_pcma_to_linear(codes[i]);
}
