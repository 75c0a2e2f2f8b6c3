#include "sfm_floor.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "sfm_platform.h"

enum { MAX_SLEEPERS = 16 };

static const int64_t PERIOD_NS = 1000000;

typedef struct sleeper {
    sfm_floor *floor;
    sfm_thread thread;
    sfm_waiter *waiter;      /* the thread's: nobody wakes it before its time */
    _Atomic bool wanted;     /* the reader's question */
    sfm_histogram histogram; /* the thread's */
} sleeper;

struct sfm_floor {
    _Atomic bool stopping;
    sfm_waiter *answered;  /* the reader's */
    sfm_histogram *answer; /* the reader's, lent to one thread at a time */
    int count;
    sleeper sleepers[MAX_SLEEPERS];
};

static void answer_if_asked(sleeper *self) {
    if (atomic_exchange(&self->wanted, false)) {
        sfm_histogram_merge(self->floor->answer, &self->histogram);
        sfm_waiter_wake(self->floor->answered);
    }
}

static void run(void *context) {
    sleeper *self = context;
    int64_t due_ns = sfm_clock_ns();
    while (!atomic_load(&self->floor->stopping)) {
        due_ns += PERIOD_NS;
        sfm_waiter_sleep(self->waiter, due_ns);
        int64_t late_ns = sfm_clock_ns() - due_ns;
        sfm_histogram_add(&self->histogram, late_ns > 0 ? (uint64_t)late_ns : 0);
        answer_if_asked(self);
    }
}

static bool start_sleeper(sfm_floor *floor, int processor, int realtime_priority) {
    sfm_thread_options options = {
        .name = "sipflow-floor", .realtime_priority = realtime_priority, .processor = processor};
    sleeper *self = &floor->sleepers[floor->count];
    self->floor = floor;
    self->waiter = sfm_waiter_create();
    if (self->waiter == NULL || sfm_thread_start(&self->thread, &options, run, self) != 0) {
        sfm_waiter_destroy(self->waiter);
        return false;
    }
    floor->count++;
    return true;
}

sfm_floor *sfm_floor_create(int realtime_priority) {
    sfm_floor *floor = calloc(1, sizeof *floor);
    if (floor == NULL) {
        return NULL;
    }
    floor->answered = sfm_waiter_create();
    bool started = floor->answered != NULL;
    for (int i = 1; started && i <= sfm_processor_count() && i <= MAX_SLEEPERS; i++) {
        started = start_sleeper(floor, i, realtime_priority);
    }
    if (!started) {
        sfm_floor_destroy(floor);
        return NULL;
    }
    return floor;
}

void sfm_floor_read(sfm_floor *floor, sfm_histogram *histogram) {
    floor->answer = histogram;
    for (int i = 0; i < floor->count; i++) {
        atomic_store(&floor->sleepers[i].wanted, true);
        sfm_waiter_sleep(floor->answered, INT64_MAX);
    }
}

void sfm_floor_destroy(sfm_floor *floor) {
    if (floor == NULL) {
        return;
    }
    atomic_store(&floor->stopping, true);
    for (int i = 0; i < floor->count; i++) {
        sfm_thread_join(&floor->sleepers[i].thread);
        sfm_waiter_destroy(floor->sleepers[i].waiter);
    }
    sfm_waiter_destroy(floor->answered);
    free(floor);
}
