/* An ear: what is heard, as a frame of a few numbers every 20 ms, with the last seconds of them kept.
 *
 *   put(samples at any rate) --> [low-pass, decimate to 8 kHz] --> frame { level, bands, peaks } --> history
 *
 * Everything that listens (sfm_watch.h) looks at frames: a level tells silence, bands tell which prompt, peaks tell
 * tones. Telephone audio below 3.4 kHz is enough for all of it, so the ear works at 8 kHz whatever the codec. What is
 * not asked for at create is neither computed nor kept. */
#ifndef SFM_EAR_H
#define SFM_EAR_H

#include <stddef.h>
#include <stdint.h>

#include "sfm_inband_dtmf.h"

/* cffi:begin */
#define SFM_EAR_RATE 8000
#define SFM_EAR_FRAME_MS 20
#define SFM_EAR_FRAME_SAMPLES 160
#define SFM_EAR_BANDS 16
#define SFM_EAR_PEAKS 2
#define SFM_EAR_UNKNOWN 255 /* level of a frame of which nobody knows what sounded */

/* What samples are. */
enum sfm_ear_kind {
    SFM_EAR_SOUND = 0,
    SFM_EAR_PAUSE = 1,   /* the sender pauses: whatever noise comforts the listener counts as silence */
    SFM_EAR_UNHEARD = 2, /* in the place of what nobody decoded: neither sound nor silence */
};

/* What an ear is good for; a sum of these. Levels are always there. */
enum sfm_ear_skill {
    SFM_EAR_BANDS_SKILL = 1, /* prompts */
    SFM_EAR_PEAKS_SKILL = 2, /* tones */
    SFM_EAR_DTMF_SKILL = 4,  /* digits in the audio */
};

typedef struct sfm_ear_frame {
    /* Fourth root of the mean square in each band, times 64: a loudness, in which a gain is a factor. The bands are
     * SFM_EAR_BANDS between 200 and 3500 Hz, about as wide as the ear's; of the newest 64 ms. */
    uint16_t bands[SFM_EAR_BANDS];
    uint16_t peak_hz8[SFM_EAR_PEAKS];  /* the strongest two sinusoids of the newest 128 ms, in 1/8 Hz; 0: none */
    uint8_t peak_dbov[SFM_EAR_PEAKS];  /* their levels, as -dBov */
    uint8_t window_dbov;               /* level of those 128 ms, as -dBov */
    uint8_t level_dbov;                /* level of the newest 20 ms, as -dBov; 127: digital silence, or SFM_EAR_UNKNOWN */
} sfm_ear_frame;

typedef struct sfm_ear_config {
    uint32_t skills;     /* enum sfm_ear_skill */
    uint32_t history_ms; /* how much is kept, 0 to 3600000 */
} sfm_ear_config;

typedef struct sfm_ear sfm_ear;

/* All memory is taken here: 40 bytes per 20 ms of history. 0, or SFM_ERROR_ARGUMENT, _MEMORY. */
int sfm_ear_create(const sfm_ear_config *config, sfm_ear **out);
void sfm_ear_destroy(sfm_ear *ear); /* NULL is fine */

/* Hears samples at a rate that is a multiple of 8000 up to 48000 and may change in the middle of a call; at any other
 * it hears nothing. `kind` is an enum sfm_ear_kind. */
void sfm_ear_put(sfm_ear *ear, const int16_t *pcm, size_t count, uint32_t sample_rate, int kind);
/* Digits in the audio are looked for from now on, or not; with SFM_EAR_DTMF_SKILL alone it can. */
void sfm_ear_look_for_digits(sfm_ear *ear, int on);

uint64_t sfm_ear_frames(const sfm_ear *ear); /* frames since create */
uint64_t sfm_ear_oldest(const sfm_ear *ear); /* number of the oldest frame that is kept */
/* Frame `number` of the history, which holds it. */
const sfm_ear_frame *sfm_ear_frame_at(const sfm_ear *ear, uint64_t number);
/* Copies frames from `first` on, at most `capacity`; those that are gone come as silence. Returns how many. */
size_t sfm_ear_copy(const sfm_ear *ear, uint64_t first, sfm_ear_frame *frames, size_t capacity);
/* 1 and the oldest digit that was heard and not taken yet, or 0. */
int sfm_ear_next_digit(sfm_ear *ear, sfm_inband_digit *digit);
/* cffi:end */

#endif
