/* A WAV file (16-bit PCM) that is valid at every moment of its growth.
 *
 * Samples are written behind the end that the header states, then the header is moved forward in one write: whoever
 * opens the file after a kill at any moment reads a whole file that lacks at most what was not appended yet.
 */
#ifndef SFM_WAV_H
#define SFM_WAV_H

#include <stddef.h>
#include <stdint.h>

/* cffi:begin */
#define SFM_WAV_HEADER_BYTES 44

typedef struct sfm_wav {
    int file;
    uint32_t sample_rate;
    uint16_t channels;
    uint32_t data_bytes;       /* samples in the file, as its header states */
    uint32_t data_bytes_limit; /* the format's: sizes have 32 bits */
} sfm_wav;

/* Replaces the file at `path`. 0 or -errno. */
int sfm_wav_create(sfm_wav *wav, const char *path, uint32_t sample_rate, uint16_t channels);
/* Appends `frames` frames of interleaved samples. 0, -EFBIG at the format's limit (nothing is written) or -errno. */
int sfm_wav_append(sfm_wav *wav, const int16_t *samples, size_t frames);
int sfm_wav_close(sfm_wav *wav); /* 0 or -errno */
/* cffi:end */

#endif
