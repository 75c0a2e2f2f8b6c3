/* What the machine itself costs: a thread that does nothing but wake up on time, and how late it was.
 *
 * It runs above the pacing threads, so it measures the machine and not them. */
#ifndef SFM_FLOOR_H
#define SFM_FLOOR_H

#include "../core/sfm_histogram.h"

typedef struct sfm_floor sfm_floor;

sfm_floor *sfm_floor_create(int realtime_priority); /* NULL without memory or thread */
void sfm_floor_read(sfm_floor *floor, sfm_histogram *histogram); /* waits for the next wake-up: some ms */
void sfm_floor_destroy(sfm_floor *floor);

#endif
