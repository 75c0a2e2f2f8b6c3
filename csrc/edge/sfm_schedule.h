/* Who is due next: a binary heap of items ordered by their due time. The item's owner embeds it. */
#ifndef SFM_SCHEDULE_H
#define SFM_SCHEDULE_H

#include <stddef.h>
#include <stdint.h>

typedef struct sfm_scheduled {
    int64_t due_ns;
    size_t index; /* the heap's own */
} sfm_scheduled;

typedef struct sfm_schedule {
    sfm_scheduled **items;
    size_t count;
    size_t capacity;
} sfm_schedule;

int sfm_schedule_init(sfm_schedule *schedule, size_t capacity); /* 0 or SFM_ERROR_MEMORY */
void sfm_schedule_free(sfm_schedule *schedule);
int sfm_schedule_add(sfm_schedule *schedule, sfm_scheduled *item); /* 0 or SFM_ERROR_SPACE */
void sfm_schedule_remove(sfm_schedule *schedule, sfm_scheduled *item);
void sfm_schedule_moved(sfm_schedule *schedule, sfm_scheduled *item); /* its due time changed */
sfm_scheduled *sfm_schedule_first(const sfm_schedule *schedule);      /* NULL when empty */

#endif
