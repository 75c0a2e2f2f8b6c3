#include "sfm_schedule.h"

#include <stdlib.h>

#include "../core/sfm_error.h"

enum { CHILDREN = 4 };

int sfm_schedule_init(sfm_schedule *schedule, size_t capacity) {
    *schedule = (sfm_schedule){.capacity = capacity};
    schedule->heap = calloc(capacity, sizeof *schedule->heap);
    schedule->places = calloc(capacity, sizeof *schedule->places);
    schedule->items = calloc(capacity, sizeof *schedule->items);
    schedule->free_tickets = calloc(capacity, sizeof *schedule->free_tickets);
    if (!schedule->heap || !schedule->places || !schedule->items || !schedule->free_tickets) {
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
    free(schedule->places);
    free(schedule->items);
    free(schedule->free_tickets);
    *schedule = (sfm_schedule){0};
}

static int comes_before(sfm_schedule_entry one, sfm_schedule_entry other) {
    return one.due_ns < other.due_ns || (one.due_ns == other.due_ns && one.ticket < other.ticket);
}

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

void sfm_schedule_put_back(sfm_schedule *schedule, sfm_scheduled *item) {
    rise(schedule, (sfm_schedule_entry){item->due_ns, item->ticket}, schedule->count++);
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

static void leave_heap(sfm_schedule *schedule, uint32_t ticket) {
    size_t hole = schedule->places[ticket];
    sfm_schedule_entry last = schedule->heap[--schedule->count];
    if (last.ticket != ticket) {
        sink(schedule, last, rise(schedule, last, hole));
    }
}

void sfm_schedule_remove(sfm_schedule *schedule, sfm_scheduled *item) {
    leave_heap(schedule, item->ticket);
    schedule->free_tickets[schedule->capacity - schedule->tickets--] = item->ticket;
}

sfm_scheduled *sfm_schedule_pop(sfm_schedule *schedule) {
    uint32_t ticket = schedule->heap[0].ticket;
    leave_heap(schedule, ticket);
    return schedule->items[ticket];
}

sfm_scheduled *sfm_schedule_first(const sfm_schedule *schedule) {
    return schedule->count > 0 ? schedule->items[schedule->heap[0].ticket] : NULL;
}

int64_t sfm_schedule_due_ns(const sfm_schedule *schedule) {
    return schedule->count > 0 ? schedule->heap[0].due_ns : INT64_MAX;
}
