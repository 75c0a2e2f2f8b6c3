#include "sfm_listener.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../core/sfm_error.h"

enum {
    TOPICS = 32,
    CLOSING_COST = 5000000, /* of those of a leg that closes, each */
    TICK_COST = 250000,   /* multiplications that the watches of a leg may make up with in a tick: 0.2 ms or so */
    PROGRESS_FRAMES = 10, /* news that are nearer are told every 200 ms */
};

typedef struct watch_slot {
    sfm_watch *watch;     /* NULL: free */
    uint64_t job;
    uint64_t topic;
    uint64_t next;        /* frame to look at */
    uint64_t told;        /* frame at which news were told */
    bool nearer;
    bool found;
} watch_slot;

typedef struct topic {
    uint64_t name;
    uint64_t until;       /* frames before this one have satisfied a watch */
} topic;

struct sfm_listener {
    sfm_ear *ear;
    watch_slot watches[SFM_LISTENER_WATCHES];
    topic topics[TOPICS]; /* newest first */
};

int sfm_listener_create(const sfm_listener_config *config, sfm_listener **out) {
    *out = NULL;
    if (config->history_ms == 0) {
        return SFM_OK;
    }
    sfm_listener *listener = calloc(1, sizeof *listener);
    if (listener == NULL) {
        return SFM_ERROR_MEMORY;
    }
    sfm_ear_config ear = {.skills = config->skills, .history_ms = config->history_ms};
    int error = sfm_ear_create(&ear, &listener->ear);
    if (error != SFM_OK) {
        free(listener);
        return error;
    }
    *out = listener;
    return SFM_OK;
}

void sfm_listener_destroy(sfm_listener *listener) {
    if (listener != NULL) {
        sfm_ear_destroy(listener->ear);
        free(listener);
    }
}

sfm_ear *sfm_listener_ear(const sfm_listener *listener) { return listener->ear; }

/* --- topics ------------------------------------------------------------------------------------------------------- */

static uint64_t heard_until(const sfm_listener *listener, uint64_t name) {
    for (int i = 0; i < TOPICS; i++) {
        if (listener->topics[i].name == name) {
            return listener->topics[i].until;
        }
    }
    return 0;
}

/* The topic that was not heard of for longest makes room for another one. */
static void note_topic(sfm_listener *listener, uint64_t name, uint64_t until) {
    int at = 0;
    while (at < TOPICS - 1 && listener->topics[at].name != name) {
        at++;
    }
    memmove(listener->topics + 1, listener->topics, (size_t)at * sizeof(topic));
    listener->topics[0] = (topic){.name = name, .until = until};
}

/* --- watches ------------------------------------------------------------------------------------------------------ */

int sfm_listener_begin(sfm_listener *listener, sfm_watch *watch, uint64_t job, uint64_t name, int look_back) {
    uint64_t now = sfm_ear_frames(listener->ear);
    uint64_t oldest = sfm_ear_oldest(listener->ear), until = heard_until(listener, name);
    for (int i = 0; i < SFM_LISTENER_WATCHES; i++) {
        if (listener->watches[i].watch == NULL) {
            uint64_t from = !look_back ? now : (until > oldest ? until : oldest);
            if (look_back && until != 0 && from == until) {
                sfm_watch_continue(watch);
            }
            listener->watches[i] =
                (watch_slot){.watch = watch, .job = job, .topic = name, .next = from, .told = now};
            return SFM_OK;
        }
    }
    return SFM_ERROR_SPACE;
}

static int look(sfm_listener *listener, watch_slot *watching) {
    const sfm_ear_frame *frame = sfm_ear_frame_at(listener->ear, watching->next);
    int news = sfm_watch_put(watching->watch, frame, watching->next);
    watching->next++;
    return news;
}

/* All frames that are new, and of older ones as many as the costs of a tick allow: at least one more than came. */
static void catch_up(sfm_listener *listener, watch_slot *watching, int64_t *cost) {
    uint64_t frames = sfm_ear_frames(listener->ear);
    uint64_t oldest = sfm_ear_oldest(listener->ear);
    watching->next = watching->next > oldest ? watching->next : oldest;
    for (uint64_t looks = 0; watching->next < frames && !watching->found && (looks < 8 || *cost > 0); looks++) {
        int news = look(listener, watching);
        *cost -= sfm_watch_cost(watching->watch);
        watching->nearer = watching->nearer || news == SFM_HEARD_BETTER;
        watching->found = news == SFM_HEARD_FOUND;
    }
    if (watching->found) {
        note_topic(listener, watching->topic, watching->next);
    }
}

void sfm_listener_hear(sfm_listener *listener, const int16_t *pcm, size_t count, uint32_t sample_rate, int kind) {
    int64_t cost = TICK_COST;
    sfm_ear_put(listener->ear, pcm, count, sample_rate, kind);
    for (int i = 0; i < SFM_LISTENER_WATCHES; i++) {
        if (listener->watches[i].watch != NULL) {
            catch_up(listener, &listener->watches[i], &cost);
        }
    }
}

void sfm_listener_hear_out(sfm_listener *listener) {
    for (int i = 0; i < SFM_LISTENER_WATCHES; i++) {
        watch_slot *watching = &listener->watches[i];
        int64_t cost = CLOSING_COST;
        int news;
        if (watching->watch == NULL) {
            continue;
        }
        catch_up(listener, watching, &cost);
        if (!watching->found && watching->next == sfm_ear_frames(listener->ear)) {
            watching->next += sfm_watch_hear_out(watching->watch, cost, &news);
            watching->found = news == SFM_HEARD_FOUND;
        }
    }
}

/* How long ago something began is counted from now, not from where a watch has come to: one that catches up is behind,
 * one that was heard out is ahead. */
static void fill(const sfm_listener *listener, const watch_slot *watching, sfm_listener_report *report) {
    *report = (sfm_listener_report){.job = watching->job, .found = watching->found};
    sfm_watch_read(watching->watch, &report->hearing);
    if (report->hearing.ago_ms >= 0) {
        int64_t behind = (int64_t)sfm_ear_frames(listener->ear) - (int64_t)watching->next;
        report->hearing.ago_ms += (int32_t)behind * SFM_EAR_FRAME_MS;
    }
}

int sfm_listener_next(sfm_listener *listener, sfm_listener_report *report) {
    uint64_t frames = sfm_ear_frames(listener->ear);
    for (int i = 0; i < SFM_LISTENER_WATCHES; i++) {
        watch_slot *watching = &listener->watches[i];
        bool due = watching->nearer && frames >= watching->told + PROGRESS_FRAMES;
        if (watching->watch == NULL || (!watching->found && !due)) {
            continue;
        }
        fill(listener, watching, report);
        report->over = watching->found;
        watching->nearer = false;
        watching->told = frames;
        if (watching->found) {
            watching->watch = NULL;
        }
        return 1;
    }
    return 0;
}

int sfm_listener_end(sfm_listener *listener, uint64_t job, sfm_listener_report *report) {
    for (int i = 0; i < SFM_LISTENER_WATCHES; i++) {
        watch_slot *watching = &listener->watches[i];
        if (watching->watch != NULL && watching->job == job) {
            fill(listener, watching, report);
            report->over = 1;
            watching->watch = NULL;
            return 1;
        }
    }
    return 0;
}

uint64_t sfm_listener_any_job(const sfm_listener *listener) {
    for (int i = 0; i < SFM_LISTENER_WATCHES; i++) {
        if (listener->watches[i].watch != NULL) {
            return listener->watches[i].job;
        }
    }
    return 0;
}
