/* From packets to samples: jitter buffer, decoder and concealment as one part that a leg reads once a tick.
 *
 *   put(packet) --> [sfm_jitter] --> [sfm_codec decode] --> [sfm_plc] --> read(n samples)
 *
 * PCM is mono at the sample rate given to create; codecs of another sample rate are refused. */
#ifndef SFM_PLAYOUT_H
#define SFM_PLAYOUT_H

#include "sfm_codec.h"
#include "sfm_jitter.h"
#include "sfm_rtp.h"

/* cffi:begin */
typedef struct sfm_playout sfm_playout;

/* All memory is taken here. `config` is that of the jitter buffer. 0, or SFM_ERROR_ARGUMENT, _MEMORY. */
int sfm_playout_create(const sfm_jitter_config *config, uint32_t sample_rate, sfm_playout **out);

/* NULL is fine. */
void sfm_playout_destroy(sfm_playout *playout);

/* Asks for the memory of the next put and read (sfm_warm.h), in three steps, each some time after the one before. */
void sfm_playout_warm(const sfm_playout *playout, int step);

/* Packets with this payload type are decoded with `codec`; NULL forgets the payload type. At most 8 at a time.
 * 0, or SFM_ERROR_ARGUMENT (another clock or sample rate, more than one channel), _SPACE (a ninth, or a decoder state
 * of more than 1024 bytes). */
int sfm_playout_set_codec(sfm_playout *playout, uint8_t payload_type, const sfm_codec *codec);

/* Takes a received audio packet. enum sfm_jitter_put_result, or SFM_ERROR_PAYLOAD_TYPE (unknown here: nothing
 * changed; try put_event for telephone-event and comfort noise), SFM_ERROR_LENGTH, _SPACE. */
int sfm_playout_put(sfm_playout *playout, const sfm_rtp_header *header, const uint8_t *payload, size_t length,
                    int64_t arrival_ns);

/* Takes a packet without audio: see sfm_jitter_put_event. */
int sfm_playout_put_event(sfm_playout *playout, const sfm_rtp_header *header, int64_t arrival_ns);

/* Gives the next `count` samples (at most 2^20), always all of them. `now_ns` is when the first of them is heard: the
 * due time of the tick. Returns a sum of enum sfm_playout_content, what the samples are made of, or
 * SFM_ERROR_ARGUMENT. */
int sfm_playout_read(sfm_playout *playout, int64_t now_ns, int16_t *pcm, size_t count);

enum sfm_playout_content {
    SFM_PLAYOUT_AUDIO = 1,     /* decoded packets */
    SFM_PLAYOUT_CONCEALED = 2, /* made up */
    SFM_PLAYOUT_SILENCE = 4,   /* pauses of the sender */
    SFM_PLAYOUT_WAITING = 8,   /* no stream yet */
};

void sfm_playout_read_counts(const sfm_playout *playout, sfm_jitter_counts *counts);

/* See sfm_jitter_reset. */
void sfm_playout_reset(sfm_playout *playout);
/* cffi:end */

#endif
