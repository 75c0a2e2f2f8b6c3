#include "sfm_random.h"

static uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15U;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
}

static uint64_t rotate_left(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

void sfm_random_seed(sfm_random *random, uint64_t seed)
{
    for (int i = 0; i < 4; i++)
        random->state[i] = splitmix64(&seed);
}

uint64_t sfm_random_next(sfm_random *random)
{
    uint64_t *s = random->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate_left(s[3], 45);
    return result;
}

/* Numbers below 2^64 mod bound are thrown away: what is left is a whole number of rounds of `bound`. */
uint64_t sfm_random_below(sfm_random *random, uint64_t bound)
{
    if (bound == 0)
        return 0;
    uint64_t unfair = (0 - bound) % bound;
    uint64_t number;
    do
        number = sfm_random_next(random);
    while (number < unfair);
    return number % bound;
}

int sfm_random_chance(sfm_random *random, uint32_t per_million)
{
    uint64_t millionth = (sfm_random_next(random) >> 32) * 1000000U >> 32;
    return millionth < per_million;
}
