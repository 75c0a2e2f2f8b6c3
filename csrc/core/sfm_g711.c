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

/* Decoding is one look into a table that the compiler makes of the formula: every sample of every call goes this way,
 * and the shifts by a variable cost four times as much. */
#define STEP_OF(inverted) (((inverted) & 0x0F) << 1)
#define SEGMENT_OF(inverted) ((inverted) >> 4 & 7)
#define SIGNED(code, magnitude) ((code) & 0x80 ? (magnitude) : -(magnitude))

#define MU_MAGNITUDE(inverted) ((((STEP_OF(inverted) + MU_BIAS) << SEGMENT_OF(inverted)) - MU_BIAS) * 4)
#define MU_LINEAR(code) SIGNED(code, MU_MAGNITUDE(0xFF ^ (code)))

#define FOUR(of, code) of(code), of((code) + 1), of((code) + 2), of((code) + 3)
#define SIXTEEN(of, code) FOUR(of, code), FOUR(of, (code) + 4), FOUR(of, (code) + 8), FOUR(of, (code) + 12)
#define SIXTY_FOUR(of, code) \
    SIXTEEN(of, code), SIXTEEN(of, (code) + 16), SIXTEEN(of, (code) + 32), SIXTEEN(of, (code) + 48)
#define ALL_CODES(of) SIXTY_FOUR(of, 0), SIXTY_FOUR(of, 64), SIXTY_FOUR(of, 128), SIXTY_FOUR(of, 192)

static const int16_t mu_linear[256] = {ALL_CODES(MU_LINEAR)};

int16_t sfm_pcmu_to_linear(uint8_t code)
{
    return mu_linear[code];
}

uint8_t sfm_pcma_from_linear(int16_t sample)
{
    unsigned magnitude = folded(sample) >> 4; /* 11 bits */
    unsigned segment = segment_of(magnitude, 3);
    unsigned step = segment > 1 ? magnitude >> (segment - 1) : magnitude;
    unsigned code = segment << 4 | (step & 0x0F);
    return (uint8_t)((sample < 0 ? 0x00 : 0x80) ^ code ^ 0x55);
}

/* The first two segments are equally wide; a shift by -1 would be undefined even where it is not chosen. */
#define A_SHIFT(inverted) (SEGMENT_OF(inverted) == 0 ? 0 : SEGMENT_OF(inverted) - 1)
#define A_BASE(inverted) (SEGMENT_OF(inverted) == 0 ? 0 : 32)
#define A_MAGNITUDE(inverted) (((STEP_OF(inverted) + 1 + A_BASE(inverted)) << A_SHIFT(inverted)) * 8)
#define A_LINEAR(code) SIGNED(code, A_MAGNITUDE(0x55 ^ (code)))

static const int16_t a_linear[256] = {ALL_CODES(A_LINEAR)};

int16_t sfm_pcma_to_linear(uint8_t code)
{
    return a_linear[code];
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
        out[i] = mu_linear[codes[i]];
}

void sfm_pcma_decode(const uint8_t *codes, size_t count, int16_t *out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = a_linear[codes[i]];
}
