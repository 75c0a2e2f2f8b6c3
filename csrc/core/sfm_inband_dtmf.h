/* DTMF digits in the audio (ITU-T Q.23, Q.24): finds them, and makes them.
 *
 * Receiving: every 5 ms the newest 20 ms are looked at through a Hann window at the eight frequencies (Goertzel). How
 * their phases moved since the last look tells how far off the frequencies are, to a hertz, in a tone of 40 ms, where
 * a filter could not. A digit is two frequencies that together are nearly all there is. */
#ifndef SFM_INBAND_DTMF_H
#define SFM_INBAND_DTMF_H

#include <stddef.h>
#include <stdint.h>

/* cffi:begin */
#define SFM_INBAND_RATE 8000
#define SFM_INBAND_WINDOW 160
#define SFM_INBAND_DIGITS 16 /* that may wait to be taken */

typedef struct sfm_inband_digit {
    char digit;           /* 0-9 * # A-D; 0: none */
    uint32_t duration_ms; /* within 5 ms */
    uint8_t volume_dbm0;  /* power of both frequencies where it was loudest, without its minus sign, 0-63 */
} sfm_inband_digit;

/* A plain value, private in its fields. */
typedef struct sfm_inband_dtmf {
    float window[SFM_INBAND_WINDOW];
    float samples[SFM_INBAND_WINDOW]; /* the newest, as a ring */
    uint32_t position;
    uint32_t until_look;
    float phase[8];       /* of the last look */
    char sounding;        /* digit that is there, 0: none */
    uint32_t looks;       /* at which it was there */
    double power;         /* of it at its loudest, mean square */
    uint32_t misses;      /* looks since it was last there */
    sfm_inband_digit waiting[SFM_INBAND_DIGITS];
    uint32_t waiting_first;
    uint32_t waiting_count;
} sfm_inband_dtmf;

void sfm_inband_dtmf_init(sfm_inband_dtmf *dtmf);
/* Hears samples at 8 kHz. A digit is told when it has been over for 30 ms. */
void sfm_inband_dtmf_put(sfm_inband_dtmf *dtmf, const int16_t *pcm, size_t count);
/* 1 and the oldest digit that was not taken, or 0. */
int sfm_inband_dtmf_next(sfm_inband_dtmf *dtmf, sfm_inband_digit *digit);

/* Writes `count` samples of a digit at `rate`, from its sample `from` of `length` on, each frequency with
 * `level_dbov` (-dBov, 3 to 60), raised and lowered over 2 ms. 0, or SFM_ERROR_DIGIT, _ARGUMENT. */
int sfm_inband_dtmf_write(char digit, uint32_t rate, uint32_t level_dbov, uint64_t from, uint64_t length, int16_t *pcm,
                          size_t count);
/* cffi:end */

#endif
