/* Prompts of G.722 without a step at their seams.
 *
 * A prompt is encoded once for all legs, for a decoder that has heard silence before it. Where one follows another at
 * once, goes round, or goes on behind a mute, the listener's decoder is elsewhere: its predictors would make a crack of
 * full scale of the right bytes. There the prompt is decoded and encoded anew from where the listener is, until a packet
 * comes of which the listener would make the same as it is. */
#ifndef SFM_SEAM_H
#define SFM_SEAM_H

#include <stdint.h>

#include "../core/sfm_g722.h"
#include "sfm_play.h"

enum {
    SFM_SEAM_HISTORY = 8 * 300, /* bytes from which the listener's state is found again */
    SFM_SEAM_SETTLED = 8 * 150, /* bytes of silence after which it is known */
    SFM_SEAM_LEAST = 8 * 200, /* bytes that are encoded anew */
};

/* Zero bytes are a valid initial state: nothing was sent. */
typedef struct sfm_seam {
    uint64_t next_job;      /* whose prompt was sent last, and where it goes on */
    uint64_t next_position;
    uint32_t mending;       /* 1: bytes are encoded anew */
    uint32_t mended;        /* how many so far */
    uint32_t silent;        /* bytes of silence in a row before what comes now */
    uint32_t known;         /* bytes in `history` */
    uint32_t overflown;     /* 1: more was sent than is known */
    sfm_g722 source;        /* decoder of the prompt */
    sfm_g722 listener;      /* coder with the predictors of the listener's decoder */
    uint8_t history[SFM_SEAM_HISTORY]; /* newest last, from the front on until it is full */
} sfm_seam;

/* Mends a packet in place: `before` is the cursor as it was before `play` gave the payload. */
void sfm_seam_mend(sfm_seam *seam, const sfm_play *before, const sfm_play *play, uint8_t *payload, size_t length);
/* What is sent without a prompt, or in its place. */
void sfm_seam_pass(sfm_seam *seam, const uint8_t *payload, size_t length);

#endif
