/* What the machine itself costs: threads that do nothing but wake up on time, and how late they were.
 *
 * One on each processor (up to 16), because a virtual machine can lose one of its processors for milliseconds while the
 * others run. They run above the pacing threads, so they measure the machine and not them. */
#ifndef SFM_FLOOR_H
#define SFM_FLOOR_H

#include "../core/sfm_histogram.h"

typedef struct sfm_floor sfm_floor;

sfm_floor *sfm_floor_create(int realtime_priority); /* NULL without memory or thread */
/* Adds up what all threads measured; waits for the next wake-up of each: a millisecond. */
void sfm_floor_read(sfm_floor *floor, sfm_histogram *histogram);
void sfm_floor_destroy(sfm_floor *floor); /* NULL is fine */

#endif
