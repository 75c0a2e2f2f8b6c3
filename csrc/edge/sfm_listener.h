/* What a leg listens for: an ear, and the watches on it. A watch looks at what was heard before it began, too, as far
 * back as the ear remembers, a little with every tick: no tick takes long, and nothing that came is missed. */
#ifndef SFM_LISTENER_H
#define SFM_LISTENER_H

#include "../core/sfm_watch.h"

/* cffi:begin */
typedef struct sfm_listener_config {
    uint32_t skills;       /* enum sfm_ear_skill */
    uint32_t history_ms;   /* how much of what was heard is remembered; 0: the leg has no ear, and pays nothing */
    uint32_t always_digits; /* look for digits in the audio even when the peer can send them as events */
} sfm_listener_config;
/* cffi:end */

typedef struct sfm_listener sfm_listener;

/* SFM_OK and NULL when the configuration wants no ear. */
int sfm_listener_create(const sfm_listener_config *config, sfm_listener **out);
void sfm_listener_destroy(sfm_listener *listener); /* NULL is fine */
sfm_ear *sfm_listener_ear(const sfm_listener *listener);

enum { SFM_LISTENER_WATCHES = 16 };

/* Watches from now on, or from the oldest frame that is remembered and was not part of what a watch with the same
 * `topic` found before: one thing that was heard satisfies one watch. The watch belongs to the caller and must live
 * until it was reported. 0, or SFM_ERROR_SPACE. */
int sfm_listener_begin(sfm_listener *listener, sfm_watch *watch, uint64_t job, uint64_t topic, int look_back);

typedef struct sfm_listener_report {
    uint64_t job;
    int over;
    int found;
    sfm_hearing hearing;
} sfm_listener_report;

void sfm_listener_hear(sfm_listener *listener, const int16_t *pcm, size_t count, uint32_t sample_rate, int kind);
/* 1 and the next thing to report after hear (found, or nearer than before), or 0. */
int sfm_listener_next(sfm_listener *listener, sfm_listener_report *report);
/* Ends the watch with this job; 1 and its report, or 0 when there is none. */
int sfm_listener_end(sfm_listener *listener, uint64_t job, sfm_listener_report *report);
/* Nothing comes any more, and the watches are about to be ended: what they have not yet looked at is looked at, as far as
 * 5 ms go, and a prompt that was over just now is recognised. */
void sfm_listener_hear_out(sfm_listener *listener);
/* Any of its jobs, 0 when there are none. */
uint64_t sfm_listener_any_job(const sfm_listener *listener);

#endif
