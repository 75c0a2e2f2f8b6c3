/* Who is due next: items in the order of their due time. The item's owner embeds it.
 *
 * Items that come back with the same step go out in the order in which they came: they stand in a queue, and nothing is
 * ordered. Whoever would have to be put in between (another packet time, a packet that is held back) is in a heap beside it,
 * and the first of either is the first of all.
 *
 * Both hold the due times themselves, and the places of the items in them lie side by side: ordering thousands of legs
 * looks at none of their memory, which is cold by the time their turn comes. Four children a node make the heap half as
 * deep, and they lie in one cache line. Items that are due at the same time come in the order in which they were added,
 * every time: who shares its time with others waits for the same ones in each round, so that what is due in even steps
 * also happens in even steps. */
#ifndef SFM_SCHEDULE_H
#define SFM_SCHEDULE_H

#include <stddef.h>
#include <stdint.h>

/* cffi:begin */
typedef struct sfm_scheduled {
    int64_t due_ns;
    uint32_t ticket; /* the schedule's own: the item's number in it, from add to remove */
} sfm_scheduled;

typedef struct sfm_schedule_entry {
    int64_t due_ns;
    uint32_t ticket;
} sfm_schedule_entry;

typedef struct sfm_schedule {
    sfm_schedule_entry *heap;
    sfm_schedule_entry *queue; /* round, of `capacity`; neither its first nor its last one was removed */
    uint32_t *places;      /* by ticket: where in the heap, or behind its capacity: where in the queue */
    sfm_scheduled **items; /* by ticket */
    uint32_t *free_tickets;
    size_t count;   /* in the heap */
    size_t first;   /* of the queue */
    size_t queued;  /* in the queue, with those that were removed from between others */
    size_t tickets; /* given out: those that were popped included */
    size_t capacity;
} sfm_schedule;

int sfm_schedule_init(sfm_schedule *schedule, size_t capacity); /* 0 or SFM_ERROR_MEMORY */
void sfm_schedule_free(sfm_schedule *schedule);
int sfm_schedule_add(sfm_schedule *schedule, sfm_scheduled *item); /* 0 or SFM_ERROR_SPACE */
void sfm_schedule_remove(sfm_schedule *schedule, sfm_scheduled *item); /* one that is not out */
/* Takes the first out without looking at its memory; its place is kept for it until it comes back. It must not be
 * empty. */
sfm_scheduled *sfm_schedule_pop(sfm_schedule *schedule);
void sfm_schedule_put_back(sfm_schedule *schedule, sfm_scheduled *item); /* what was popped, with its next due time */
sfm_scheduled *sfm_schedule_first(const sfm_schedule *schedule);      /* NULL when empty */
int64_t sfm_schedule_due_ns(const sfm_schedule *schedule);            /* of the first; INT64_MAX when empty */
/* cffi:end */

#endif
