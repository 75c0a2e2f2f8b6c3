/* What a listener waits for, frame by frame of an ear: sound, silence, a tone with or without a cadence, a prompt. */
#ifndef SFM_WATCH_H
#define SFM_WATCH_H

#include <stddef.h>
#include <stdint.h>

#include "sfm_ear.h"
#include "sfm_heard.h"

/* cffi:begin */
enum sfm_watch_kind {
    SFM_WATCH_AUDIO = 1,   /* louder than the threshold for `lasting_ms` */
    SFM_WATCH_SILENCE = 2, /* not louder than the threshold, or the sender's own pauses, for `lasting_ms` */
    SFM_WATCH_TONE = 3,    /* one or two frequencies: for `lasting_ms`, or on and off as the cadence says */
    SFM_WATCH_PROMPT = 4,
};

#define SFM_WATCH_MAX_CADENCE 8
#define SFM_WATCH_THRESHOLD_DBOV 50 /* usual threshold between silence and sound, as -dBov */

typedef struct sfm_watch_config {
    int32_t kind;
    int32_t threshold_dbov;     /* 1 to 126 */
    uint32_t lasting_ms;
    uint32_t frequency_hz[2];   /* 100 to 3800; the second 0 when there is one */
    uint32_t cadence_ms[SFM_WATCH_MAX_CADENCE]; /* on, off, on, off, ... */
    uint32_t cadence_count;     /* even; 0: a tone that goes on */
    int32_t score;              /* of a prompt, in thousandths */
    const sfm_ear_frame *prompt; /* its frames; read by create alone */
    size_t prompt_frames;
} sfm_watch_config;

/* What was heard, or what came nearest to it. */
typedef struct sfm_hearing {
    int32_t ago_ms;      /* how long ago it began; -1: it did not */
    int32_t length_ms;   /* of the silence, the sound, the tone, the prompt */
    int32_t score;       /* of a prompt, in thousandths */
    int32_t gain_db10;
    int32_t clipped_ms;
    int32_t missing_ms;
    int32_t gap_ms;
    int16_t peak_hz;     /* the newest steady tone that was heard; 0: none */
    uint8_t level_dbov;  /* the loudest 20 ms since the watch began, as -dBov */
    uint8_t reserved;
} sfm_hearing;

typedef struct sfm_watch sfm_watch;

/* 0; SFM_ERROR_ARGUMENT, _MEMORY, or an error of sfm_heard_create. */
int sfm_watch_create(const sfm_watch_config *config, sfm_watch **out);
void sfm_watch_destroy(sfm_watch *watch); /* NULL is fine */
/* The frame with this number; they come without gaps. enum sfm_heard_news. */
int sfm_watch_put(sfm_watch *watch, const sfm_ear_frame *frame, uint64_t number);
/* Before the first frame: a tone that sounds at it has been heard already, and counts again when it comes anew. */
void sfm_watch_continue(sfm_watch *watch);
/* Nothing comes any more: silence behind the last frame, in which a prompt that was over just now is recognised; at least
 * what that takes, and more for about `most_cost` multiplications, so that what came nearest is known. How many frames. */
uint32_t sfm_watch_hear_out(sfm_watch *watch, int64_t most_cost, int *news);
void sfm_watch_read(const sfm_watch *watch, sfm_hearing *hearing);
/* All frames at once, as numbers from 0 on, and then silence: 1 when it was there, else 0 and what came nearest.
 * How long ago is counted from the last frame. */
int sfm_watch_search(sfm_watch *watch, const sfm_ear_frame *frames, size_t count, sfm_hearing *hearing);
uint32_t sfm_watch_cost(const sfm_watch *watch); /* multiplications a frame, about */
/* cffi:end */

#endif
