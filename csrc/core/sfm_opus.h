/* Opus (RFC 6716) over RTP (RFC 7587), by a libopus that somebody else has loaded.
 *
 * The functions come as addresses: who finds the library is one Python file (sipflow/media/opus.py). What is heard is
 * mono at 48 kHz, the clock of RTP, whatever the peer sends: libopus mixes and resamples. What is sent has two channels
 * where the peer prefers that. */
#ifndef SFM_OPUS_H
#define SFM_OPUS_H

#include <stddef.h>
#include <stdint.h>

#include "sfm_codec.h"

/* cffi:begin */
/* Addresses of libopus's functions, by their names without `opus_`. */
typedef struct sfm_opus_library {
    uintptr_t encoder_get_size;
    uintptr_t encoder_init;
    uintptr_t encoder_ctl;
    uintptr_t encode;
    uintptr_t decoder_get_size;
    uintptr_t decoder_init;
    uintptr_t decode;
    uintptr_t packet_get_nb_samples;
} sfm_opus_library;

/* What the receiver asks of the encoder (RFC 7587 section 6.1). */
typedef struct sfm_opus_settings {
    sfm_opus_library library;
    int32_t bitrate;      /* bit/s, 6000 to 510000 */
    int32_t highest_hz;   /* sampling rate that is worth sending: 8000, 12000, 16000, 24000 or 48000 */
    int32_t loss_percent; /* what in-band FEC is to stand, 0 for none */
    int32_t dtx;          /* 1: nothing is sent while there is silence */
    int32_t constant;     /* 1: packets of one size */
    int32_t channels;     /* that are encoded, 1 or 2 */
} sfm_opus_settings;

/* Writes the codec of these settings, which must stay as long as it does. SFM_OK, or SFM_ERROR_ARGUMENT when a function
 * has no address. */
int sfm_opus_codec(const sfm_opus_settings *settings, sfm_codec *out);
/* cffi:end */

#endif
