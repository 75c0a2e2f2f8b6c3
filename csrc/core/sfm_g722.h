/* G.722 at 64 kbit/s (ITU-T G.722): 16 kHz linear PCM, two sub-bands of ADPCM, one byte for two samples.
 *
 * Names are the recommendation's. The RTP clock is 8000 Hz although the samples are at 16 kHz, a mistake of RFC 1890 that
 * everybody keeps (RFC 3551 section 4.5.2). A byte has the higher band's code in its two highest bits. */
#ifndef SFM_G722_H
#define SFM_G722_H

#include <stddef.h>
#include <stdint.h>

/* cffi:begin */
#define SFM_G722_QMF_TAPS 24
#define SFM_G722_SILENCE 0xFC /* drives neither predictor: a decoder fades to nothing, whatever came before */

/* One sub-band: the adaptive predictor and quantizer of figures 4 to 8. */
typedef struct sfm_g722_band {
    int s, sp, sz;    /* prediction: whole, from the poles, from the zeros */
    int r[3];         /* reconstructed signal, newest first */
    int p[3];         /* partially reconstructed signal */
    int a[3];         /* pole coefficients, [0] unused */
    int b[7];         /* zero coefficients, [0] unused */
    int d[7];         /* quantized difference signal, newest first */
    int nb;           /* logarithmic scale factor */
    int det;          /* scale factor */
} sfm_g722_band;

typedef struct sfm_g722 {
    sfm_g722_band low;
    sfm_g722_band high;
    int qmf[SFM_G722_QMF_TAPS]; /* what the filters remember, oldest first */
} sfm_g722;

void sfm_g722_init(sfm_g722 *state);

/* The state that a decoder reaches after a tenth of a second of SFM_G722_SILENCE, whatever came before: an encoder that
 * begins there makes what follows silence without a step, although it did not make the silence. */
void sfm_g722_init_settled(sfm_g722 *state);

/* `count` samples, a multiple of 2, into count / 2 bytes. */
void sfm_g722_encode(sfm_g722 *state, const int16_t *pcm, size_t count, uint8_t *out);
/* `length` bytes into 2 * length samples. */
void sfm_g722_decode(sfm_g722 *state, const uint8_t *codes, size_t length, int16_t *out);

/* The sub-band coders alone, as the recommendation's test sequences drive them: one sample of each band (15 bit). */
uint8_t sfm_g722_encode_bands(sfm_g722 *state, int low, int high);
/* `mode` 1 to 3: of the lower band's 6 bits all, 5 or 4 are used. */
void sfm_g722_decode_bands(sfm_g722 *state, uint8_t code, int mode, int *low, int *high);
/* cffi:end */

#endif
