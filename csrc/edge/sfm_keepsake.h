/* The last seconds of a call's audio, both directions on one time line, in memory: for whoever wants to know afterwards
 * what was heard before something went wrong. What is older is overwritten; nothing waits for a reader, and nothing is
 * allocated after create. One thread at a time. */
#ifndef SFM_KEEPSAKE_H
#define SFM_KEEPSAKE_H

#include <stddef.h>
#include <stdint.h>

typedef struct sfm_keepsake sfm_keepsake;

/* Of so many frames; SFM_OK and NULL for none. 0 or SFM_ERROR_MEMORY. */
int sfm_keepsake_create(uint32_t frames, sfm_keepsake **out);
void sfm_keepsake_destroy(sfm_keepsake *keepsake); /* NULL is fine */

/* Each tick appends the same number of samples to both, first what was sent, then what was heard. Another sample rate
 * than before begins anew: what was kept at the former one is dropped. */
void sfm_keepsake_append_sent(sfm_keepsake *keepsake, uint32_t sample_rate, const int16_t *pcm, size_t count);
void sfm_keepsake_append_heard(sfm_keepsake *keepsake, uint32_t sample_rate, const int16_t *pcm, size_t count);

uint32_t sfm_keepsake_sample_rate(const sfm_keepsake *keepsake); /* 0 while nothing is kept */
/* Copies the newest frames, oldest first, left sent and right heard; returns how many, at most `capacity`. */
size_t sfm_keepsake_read(const sfm_keepsake *keepsake, int16_t *frames, size_t capacity);

#endif
