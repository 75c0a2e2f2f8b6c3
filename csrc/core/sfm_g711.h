/* G.711 A-law and mu-law (ITU-T G.711 tables 1a to 2b), blocks of 16-bit linear samples in and out.
 *
 * Bit-exact with the ITU-T Software Tool Library: of the two conventions in use for negative mu-law inputs at segment
 * boundaries, the library's. 16-bit samples are the recommendation's 13-bit (A) and 14-bit (mu) values shifted left. */
#ifndef SFM_G711_H
#define SFM_G711_H

#include <stddef.h>
#include <stdint.h>

/* cffi:begin */
#define SFM_PCMU_SILENCE 0xFF
#define SFM_PCMA_SILENCE 0xD5

uint8_t sfm_pcmu_from_linear(int16_t sample);
uint8_t sfm_pcma_from_linear(int16_t sample);
int16_t sfm_pcmu_to_linear(uint8_t code);
int16_t sfm_pcma_to_linear(uint8_t code);

/* `count` samples; `out` has room for as many. */
void sfm_pcmu_encode(const int16_t *pcm, size_t count, uint8_t *out);
void sfm_pcma_encode(const int16_t *pcm, size_t count, uint8_t *out);
void sfm_pcmu_decode(const uint8_t *codes, size_t count, int16_t *out);
void sfm_pcma_decode(const uint8_t *codes, size_t count, int16_t *out);
/* cffi:end */

#endif
