/* From packets to samples: jitter buffer, decoder and concealment as one part that a leg reads once a tick.
 *
 *   put(packet) --> [sfm_jitter] --> [sfm_codec decode] --> [sfm_resampler] --> [sfm_plc] --> read(n samples)
 *
 * PCM has one channel, or two with the memory of a right one, at the unit's sample rate, whatever the codecs' are. Each
 * channel has its own resampler and its own concealment; a codec of one channel is heard on both. The RTP clock is that
 * of the packets: one of another clock than those before begins a new time line, as its timestamps cannot be compared
 * with theirs (RFC 7160). A codec that conceals by itself (Opus, with the copy that the packet behind a hole may carry) does so; for the others
 * sfm_plc does. */
#ifndef SFM_PLAYOUT_H
#define SFM_PLAYOUT_H

#include "sfm_codec.h"
#include "sfm_jitter.h"
#include "sfm_rtp.h"

/* cffi:begin */
typedef struct sfm_playout sfm_playout;

/* All memory is taken here, for every sample rate. `config` is that of the jitter buffer; `sample_rate` a multiple of
 * 8000 Hz up to SFM_MAX_SAMPLE_RATE that the clock divides or is divided by. 0, or SFM_ERROR_ARGUMENT, _MEMORY. */
int sfm_playout_create(const sfm_jitter_config *config, uint32_t sample_rate, sfm_playout **out);

/* Another sample rate for what is read, and another RTP clock for what is put: nothing of before is heard any more
 * unless both are as they were. Takes no memory. 0, or SFM_ERROR_ARGUMENT. */
int sfm_playout_configure(sfm_playout *playout, uint32_t clock_rate, uint32_t sample_rate);
uint32_t sfm_playout_clock_rate(const sfm_playout *playout); /* of the packets put last */

/* NULL is fine. */
void sfm_playout_destroy(sfm_playout *playout);

/* Asks for the memory of the next put and read (sfm_warm.h), in three steps, each some time after the one before. */
void sfm_playout_warm(const sfm_playout *playout, int step);

/* Packets with this payload type are decoded with `codec`; NULL forgets the payload type. At most 8 at a time.
 * `state` is its decoder's memory (decoder_bytes, aligned as malloc does; NULL when that is 0), in use until the payload
 * type is set anew or forgotten. 0, or SFM_ERROR_ARGUMENT (no state, a rate that this unit cannot reach, or two
 * channels without a right one), _SPACE (a ninth). */
int sfm_playout_set_codec(sfm_playout *playout, uint8_t payload_type, const sfm_codec *codec, void *state);

/* The memory of a right channel, which a playout of one channel does without. 0, or SFM_ERROR_MEMORY. */
typedef struct sfm_playout_right sfm_playout_right;
int sfm_playout_right_create(sfm_playout_right **out);
void sfm_playout_right_destroy(sfm_playout_right *right); /* NULL is fine */

/* What is heard has two channels from now on, as long as it has this memory, which stays the caller's; NULL: one. What
 * was decoded before and was not read yet is heard on both. Codecs of two channels are forgotten with the right one. */
void sfm_playout_set_right(sfm_playout *playout, sfm_playout_right *right);

/* Takes a received audio packet. enum sfm_jitter_put_result, or SFM_ERROR_PAYLOAD_TYPE (unknown here: nothing
 * changed; try put_event for telephone-event, put_noise for comfort noise), SFM_ERROR_LENGTH, _SPACE. */
int sfm_playout_put(sfm_playout *playout, const sfm_rtp_header *header, const uint8_t *payload, size_t length,
                    int64_t arrival_ns);

/* Takes a packet without audio: see sfm_jitter_put_event. */
int sfm_playout_put_event(sfm_playout *playout, const sfm_rtp_header *header, int64_t arrival_ns);

/* Takes a packet that describes the sender's noise (RFC 3389): its pauses sound like this until audio follows that is
 * newer than it: noise of `level` -dBov (section 3.1), 127 is silence. As put_event. */
int sfm_playout_put_noise(sfm_playout *playout, const sfm_rtp_header *header, uint8_t level, int64_t arrival_ns);

/* Gives the next `count` samples (at most 2^20), always all of them. `now_ns` is when the first of them is heard: the
 * due time of the tick. Returns a sum of enum sfm_playout_content, what the samples are made of, or
 * SFM_ERROR_ARGUMENT. Of two channels it is the left one. */
int sfm_playout_read(sfm_playout *playout, int64_t now_ns, int16_t *pcm, size_t count);

/* The same with the right channel beside it; NULL: nobody wants it. It has to be NULL where there is none. */
int sfm_playout_read_both(sfm_playout *playout, int64_t now_ns, int16_t *left, int16_t *right, size_t count);

enum sfm_playout_content {
    SFM_PLAYOUT_AUDIO = 1,     /* decoded packets */
    SFM_PLAYOUT_CONCEALED = 2, /* made up */
    SFM_PLAYOUT_SILENCE = 4,   /* pauses of the sender, comfort noise in them included */
    SFM_PLAYOUT_WAITING = 8,   /* no stream yet */
    SFM_PLAYOUT_UNKNOWN = 16,  /* packets of a codec that only passes through, and the time between such: what sounds then
                                  nobody here knows, and the samples say nothing. Beside the others but for AUDIO */
};

void sfm_playout_read_counts(const sfm_playout *playout, sfm_jitter_counts *counts);

/* See sfm_jitter_reset. */
void sfm_playout_reset(sfm_playout *playout);
/* cffi:end */

/* Shows each packet of a codec that only passes through when its turn has come, for somebody to keep. Before one that does
 * not follow the packet before it (lost ones, pauses) `payload` is NULL and `length` the time between, on the RTP clock. */
typedef void (*sfm_playout_sink)(void *context, const sfm_codec *codec, const uint8_t *payload, size_t length);
void sfm_playout_set_sink(sfm_playout *playout, sfm_playout_sink sink, void *context);

#endif
