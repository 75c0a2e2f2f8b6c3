#include "sfm_floor.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "sfm_platform.h"

static const int64_t PERIOD_NS = 1000000;

struct sfm_floor {
    sfm_thread thread;
    sfm_waiter *waiter;  /* the thread's */
    sfm_waiter *copied;  /* the reader's */
    _Atomic(sfm_histogram *) wanted;
    _Atomic bool stopping;
    sfm_histogram histogram; /* the thread's */
};

static void copy_if_wanted(sfm_floor *floor) {
    sfm_histogram *wanted = atomic_exchange(&floor->wanted, NULL);
    if (wanted != NULL) {
        *wanted = floor->histogram;
        sfm_waiter_wake(floor->copied);
    }
}

static void run(void *context) {
    sfm_floor *floor = context;
    int64_t due_ns = sfm_clock_ns();
    while (!atomic_load(&floor->stopping)) {
        due_ns += PERIOD_NS;
        sfm_waiter_sleep(floor->waiter, due_ns);
        int64_t late_ns = sfm_clock_ns() - due_ns;
        sfm_histogram_add(&floor->histogram, late_ns > 0 ? (uint64_t)late_ns : 0);
        copy_if_wanted(floor);
    }
}

static void release(sfm_floor *floor) {
    sfm_waiter_destroy(floor->waiter);
    sfm_waiter_destroy(floor->copied);
    free(floor);
}

sfm_floor *sfm_floor_create(int realtime_priority) {
    sfm_thread_options options = {.name = "sipflow-floor", .realtime_priority = realtime_priority};
    sfm_floor *floor = calloc(1, sizeof *floor);
    if (floor == NULL) {
        return NULL;
    }
    floor->waiter = sfm_waiter_create();
    floor->copied = sfm_waiter_create();
    if (floor->waiter == NULL || floor->copied == NULL || sfm_thread_start(&floor->thread, &options, run, floor) != 0) {
        release(floor);
        return NULL;
    }
    return floor;
}

void sfm_floor_read(sfm_floor *floor, sfm_histogram *histogram) {
    atomic_store(&floor->wanted, histogram);
    sfm_waiter_sleep(floor->copied, INT64_MAX);
}

void sfm_floor_destroy(sfm_floor *floor) {
    if (floor == NULL) {
        return;
    }
    atomic_store(&floor->stopping, true);
    sfm_thread_join(&floor->thread);
    release(floor);
}
