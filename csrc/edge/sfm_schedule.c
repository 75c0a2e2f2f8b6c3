#include "sfm_schedule.h"

#include <stdbool.h>
#include <stdlib.h>

#include "../core/sfm_error.h"

enum { CHILDREN = 4 };

#define REMOVED UINT32_MAX /* the ticket of an entry of the queue that is none any more */

int sfm_schedule_init(sfm_schedule *schedule, size_t capacity) {
    *schedule = (sfm_schedule){.capacity = capacity};
    schedule->heap = calloc(capacity, sizeof *schedule->heap);
    schedule->queue = calloc(capacity, sizeof *schedule->queue);
    schedule->places = calloc(capacity, sizeof *schedule->places);
    schedule->items = calloc(capacity, sizeof *schedule->items);
    schedule->free_tickets = calloc(capacity, sizeof *schedule->free_tickets);
    if (!schedule->heap || !schedule->queue || !schedule->places || !schedule->items || !schedule->free_tickets) {
        sfm_schedule_free(schedule);
        return SFM_ERROR_MEMORY;
    }
    for (size_t i = 0; i < capacity; i++) {
        schedule->free_tickets[i] = (uint32_t)(capacity - 1 - i);
    }
    return SFM_OK;
}

void sfm_schedule_free(sfm_schedule *schedule) {
    free(schedule->heap);
    free(schedule->queue);
    free(schedule->places);
    free(schedule->items);
    free(schedule->free_tickets);
    *schedule = (sfm_schedule){0};
}

static int comes_before(sfm_schedule_entry one, sfm_schedule_entry other) {
    return one.due_ns < other.due_ns || (one.due_ns == other.due_ns && one.ticket < other.ticket);
}

/* --- the heap ---------------------------------------------------------------------------------------------------- */

static void place(sfm_schedule *schedule, sfm_schedule_entry entry, size_t index) {
    schedule->heap[index] = entry;
    schedule->places[entry.ticket] = (uint32_t)index;
}

static size_t rise(sfm_schedule *schedule, sfm_schedule_entry entry, size_t index) {
    while (index > 0 && comes_before(entry, schedule->heap[(index - 1) / CHILDREN])) {
        place(schedule, schedule->heap[(index - 1) / CHILDREN], index);
        index = (index - 1) / CHILDREN;
    }
    place(schedule, entry, index);
    return index;
}

/* The child that is due first; `count` or more when there is none. */
static size_t earliest_child(const sfm_schedule *schedule, size_t index) {
    size_t first = CHILDREN * index + 1;
    size_t end = first + CHILDREN < schedule->count ? first + CHILDREN : schedule->count;
    size_t earliest = first;
    for (size_t child = first + 1; child < end; child++) {
        earliest = comes_before(schedule->heap[child], schedule->heap[earliest]) ? child : earliest;
    }
    return earliest;
}

static void sink(sfm_schedule *schedule, sfm_schedule_entry entry, size_t index) {
    for (;;) {
        size_t child = earliest_child(schedule, index);
        if (child >= schedule->count || comes_before(entry, schedule->heap[child])) {
            break;
        }
        place(schedule, schedule->heap[child], index);
        index = child;
    }
    place(schedule, entry, index);
}

static void leave_heap(sfm_schedule *schedule, size_t hole) {
    uint32_t ticket = schedule->heap[hole].ticket;
    sfm_schedule_entry last = schedule->heap[--schedule->count];
    if (last.ticket != ticket) {
        sink(schedule, last, rise(schedule, last, hole));
    }
}

/* --- the queue --------------------------------------------------------------------------------------------------- */

static size_t place_in_queue(const sfm_schedule *schedule, size_t nth) {
    size_t index = schedule->first + nth;
    return index < schedule->capacity ? index : index - schedule->capacity;
}

static bool may_queue(const sfm_schedule *schedule, sfm_schedule_entry entry) {
    if (schedule->queued == 0) {
        return true;
    }
    return schedule->queued < schedule->capacity &&
           comes_before(schedule->queue[place_in_queue(schedule, schedule->queued - 1)], entry);
}

static void enqueue(sfm_schedule *schedule, sfm_schedule_entry entry) {
    size_t index = place_in_queue(schedule, schedule->queued++);
    schedule->queue[index] = entry;
    schedule->places[entry.ticket] = (uint32_t)(schedule->capacity + index);
}

static void leave_queue(sfm_schedule *schedule, size_t index) {
    schedule->queue[index].ticket = REMOVED;
    while (schedule->queued > 0 && schedule->queue[schedule->first].ticket == REMOVED) {
        schedule->first = place_in_queue(schedule, 1);
        schedule->queued--;
    }
    while (schedule->queued > 0 && schedule->queue[place_in_queue(schedule, schedule->queued - 1)].ticket == REMOVED) {
        schedule->queued--;
    }
}

/* --- both -------------------------------------------------------------------------------------------------------- */

void sfm_schedule_put_back(sfm_schedule *schedule, sfm_scheduled *item) {
    sfm_schedule_entry entry = {item->due_ns, item->ticket};
    if (may_queue(schedule, entry)) {
        enqueue(schedule, entry);
    } else {
        rise(schedule, entry, schedule->count++);
    }
}

int sfm_schedule_add(sfm_schedule *schedule, sfm_scheduled *item) {
    if (schedule->tickets == schedule->capacity) {
        return SFM_ERROR_SPACE;
    }
    item->ticket = schedule->free_tickets[schedule->capacity - 1 - schedule->tickets++];
    schedule->items[item->ticket] = item;
    sfm_schedule_put_back(schedule, item);
    return SFM_OK;
}

static void leave(sfm_schedule *schedule, uint32_t ticket) {
    size_t where = schedule->places[ticket];
    if (where < schedule->capacity) {
        leave_heap(schedule, where);
    } else {
        leave_queue(schedule, where - schedule->capacity);
    }
}

void sfm_schedule_remove(sfm_schedule *schedule, sfm_scheduled *item) {
    leave(schedule, item->ticket);
    schedule->free_tickets[schedule->capacity - schedule->tickets--] = item->ticket;
}

/* NULL when there is none. */
static const sfm_schedule_entry *first_entry(const sfm_schedule *schedule) {
    const sfm_schedule_entry *of_heap = schedule->count > 0 ? &schedule->heap[0] : NULL;
    const sfm_schedule_entry *of_queue = schedule->queued > 0 ? &schedule->queue[schedule->first] : NULL;
    if (of_heap == NULL || (of_queue != NULL && comes_before(*of_queue, *of_heap))) {
        return of_queue;
    }
    return of_heap;
}

sfm_scheduled *sfm_schedule_pop(sfm_schedule *schedule) {
    uint32_t ticket = first_entry(schedule)->ticket;
    leave(schedule, ticket);
    return schedule->items[ticket];
}

sfm_scheduled *sfm_schedule_first(const sfm_schedule *schedule) {
    const sfm_schedule_entry *first = first_entry(schedule);
    return first != NULL ? schedule->items[first->ticket] : NULL;
}

int64_t sfm_schedule_due_ns(const sfm_schedule *schedule) {
    const sfm_schedule_entry *first = first_entry(schedule);
    return first != NULL ? first->due_ns : INT64_MAX;
}
