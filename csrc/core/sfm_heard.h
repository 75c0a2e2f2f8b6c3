/* Recognises a prompt in what is heard: whether it came, when, how loud, and what of it was missing.
 *
 * Both the prompt and what is heard are frames of an ear (sfm_ear.h). With every frame the last stretch as long as the
 * prompt is compared with it by the correlation coefficient of all bands over all frames, each band's mean taken out:
 * neither gain nor a filter on the way changes it. Where that has a peak, the stretch is judged in blocks of a third
 * of a second, each of which may lie up to 120 ms off (a jitter buffer stretches time); the path through their offsets
 * that fits best gives score, clipped start, missing end and gaps. */
#ifndef SFM_HEARD_H
#define SFM_HEARD_H

#include <stddef.h>
#include <stdint.h>

#include "sfm_ear.h"

/* cffi:begin */
#define SFM_HEARD_MIN_MS 500    /* of sound in a prompt that can be recognised */
#define SFM_HEARD_MAX_MS 300000
#define SFM_HEARD_EDGE_MS 160   /* as much may be missing at either end: a start that a call set-up clipped */

typedef struct sfm_heard_report {
    int64_t start;          /* number of the frame with which the prompt began; -1: it was not heard */
    int32_t score;          /* correlation in thousandths; of the best place so far when it was not heard */
    int32_t gain_db10;      /* how much louder than the file, in tenths of a dB */
    int32_t clipped_ms;     /* missing at its start */
    int32_t missing_ms;     /* missing at its end */
    int32_t gap_ms;         /* missing in between */
    int32_t length_ms;      /* of the prompt, silence at its ends left out */
} sfm_heard_report;

typedef struct sfm_heard sfm_heard;

/* `frames` are those of the whole prompt, with bands. It counts as heard from `score` thousandths on, and with at most
 * SFM_HEARD_EDGE_MS missing at either end. 0; SFM_ERROR_LENGTH: shorter or longer than can be recognised;
 * SFM_ERROR_PAYLOAD_TYPE: a steady sound such as a tone, which has nothing to be recognised by; SFM_ERROR_ARGUMENT,
 * _MEMORY. */
int sfm_heard_create(const sfm_ear_frame *frames, size_t count, int32_t score, sfm_heard **out);
void sfm_heard_destroy(sfm_heard *heard); /* NULL is fine */

enum sfm_heard_news {
    SFM_HEARD_NOTHING = 0,
    SFM_HEARD_BETTER = 1, /* the report is about a better place than before */
    SFM_HEARD_FOUND = 2,  /* it was heard */
};

/* The frame with this number; they come without gaps. enum sfm_heard_news. After FOUND the search is over. */
int sfm_heard_put(sfm_heard *heard, const sfm_ear_frame *frame, uint64_t number);
/* About the prompt that was found, else about the best place so far. */
void sfm_heard_read(const sfm_heard *heard, sfm_heard_report *report);
/* Frames of silence to put after the last one, so that a prompt that broke off is judged, too. */
uint32_t sfm_heard_tail(const sfm_heard *heard);
uint32_t sfm_heard_cost(const sfm_heard *heard); /* multiplications a frame */
/* cffi:end */

#endif
