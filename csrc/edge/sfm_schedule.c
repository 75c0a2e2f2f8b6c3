#include "sfm_schedule.h"

#include <stdlib.h>

#include "../core/sfm_error.h"

int sfm_schedule_init(sfm_schedule *schedule, size_t capacity) {
    *schedule = (sfm_schedule){.items = calloc(capacity, sizeof(sfm_scheduled *)), .capacity = capacity};
    return schedule->items != NULL ? SFM_OK : SFM_ERROR_MEMORY;
}

void sfm_schedule_free(sfm_schedule *schedule) {
    free(schedule->items);
    *schedule = (sfm_schedule){0};
}

static void place(sfm_schedule *schedule, sfm_scheduled *item, size_t index) {
    schedule->items[index] = item;
    item->index = index;
}

static size_t rise(sfm_schedule *schedule, sfm_scheduled *item, size_t index) {
    while (index > 0 && schedule->items[(index - 1) / 2]->due_ns > item->due_ns) {
        place(schedule, schedule->items[(index - 1) / 2], index);
        index = (index - 1) / 2;
    }
    place(schedule, item, index);
    return index;
}

static size_t earlier_child(const sfm_schedule *schedule, size_t index) {
    size_t left = 2 * index + 1;
    size_t right = left + 1;
    return right < schedule->count && schedule->items[right]->due_ns < schedule->items[left]->due_ns ? right : left;
}

static void sink(sfm_schedule *schedule, sfm_scheduled *item, size_t index) {
    for (;;) {
        size_t child = earlier_child(schedule, index);
        if (child >= schedule->count || schedule->items[child]->due_ns >= item->due_ns) {
            break;
        }
        place(schedule, schedule->items[child], index);
        index = child;
    }
    place(schedule, item, index);
}

int sfm_schedule_add(sfm_schedule *schedule, sfm_scheduled *item) {
    if (schedule->count == schedule->capacity) {
        return SFM_ERROR_SPACE;
    }
    rise(schedule, item, schedule->count++);
    return SFM_OK;
}

void sfm_schedule_moved(sfm_schedule *schedule, sfm_scheduled *item) {
    sink(schedule, item, rise(schedule, item, item->index));
}

void sfm_schedule_remove(sfm_schedule *schedule, sfm_scheduled *item) {
    size_t hole = item->index;
    sfm_scheduled *last = schedule->items[--schedule->count];
    if (last != item) {
        place(schedule, last, hole);
        sfm_schedule_moved(schedule, last);
    }
}

sfm_scheduled *sfm_schedule_first(const sfm_schedule *schedule) {
    return schedule->count > 0 ? schedule->items[0] : NULL;
}
