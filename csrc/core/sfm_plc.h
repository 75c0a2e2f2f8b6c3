/* Packet loss concealment in the time domain, after the ideas of G.711 appendix I, without its delay.
 *
 * The last pitch period is repeated with overlap-add at its seams, one more period is taken in after 10 and after
 * 20 ms, and the level falls from 10 ms on to silence at 60 ms. Audio that was never concealed passes unchanged: the
 * module only looks at it. The first 4 ms after a concealment are cross-faded with its continuation. */
#ifndef SFM_PLC_H
#define SFM_PLC_H

#include <stddef.h>
#include <stdint.h>

/* cffi:begin */
typedef struct sfm_plc sfm_plc;

/* `sample_rate` a multiple of 8000 Hz up to 48000, mono; memory is taken for all of them. 0, or SFM_ERROR_ARGUMENT,
 * _MEMORY and *out untouched. */
int sfm_plc_create(uint32_t sample_rate, sfm_plc **out);

/* Another sample rate from now on, and nothing heard before. 0, or SFM_ERROR_ARGUMENT. */
int sfm_plc_set_rate(sfm_plc *plc, uint32_t sample_rate);

/* NULL is fine. */
void sfm_plc_destroy(sfm_plc *plc);

/* Forgets what was heard. */
void sfm_plc_reset(sfm_plc *plc);

/* Shows it received audio; changes at most the first 4 ms of `pcm`, and only after a concealment. */
void sfm_plc_receive(sfm_plc *plc, int16_t *pcm, size_t count);

/* Makes `count` samples to put where packets are missing. */
void sfm_plc_conceal(sfm_plc *plc, int16_t *pcm, size_t count);

/* Silence that the sender meant (a pause, an event): remembered as heard, so that what comes after it starts clean. */
void sfm_plc_silence(sfm_plc *plc, int16_t *pcm, size_t count);
/* Asks for the memory of the next receive (sfm_warm.h). */
void sfm_plc_warm(const sfm_plc *plc);
/* cffi:end */

#endif
