/* Seeded random numbers: xoshiro256** (Blackman, Vigna) filled by splitmix64. Same seed, same numbers, everywhere.
 * Not for secrets. */
#ifndef SFM_RANDOM_H
#define SFM_RANDOM_H

#include <stdint.h>

/* cffi:begin */
typedef struct sfm_random {
    uint64_t state[4];
} sfm_random;

void sfm_random_seed(sfm_random *random, uint64_t seed);
uint64_t sfm_random_next(sfm_random *random);

/* Evenly from 0 to bound - 1, without bias; 0 when bound is 0. */
uint64_t sfm_random_below(sfm_random *random, uint64_t bound);

/* 1 with a probability of `per_million` in a million, else 0; uses one number in every case. */
int sfm_random_chance(sfm_random *random, uint32_t per_million);
/* cffi:end */

#endif
