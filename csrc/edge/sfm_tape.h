/* The way of audio from a leg to the disk: both sides of a call on one time line in a ring of memory.
 *
 * A frame is what was sent, in one channel or two, then what was heard, in as many. The leg's thread writes, at whatever
 * sample rate it has, another thread reads. Neither ever waits. A
 * reader that lags by more than the ring holds ends the recording with an overflow: a gap would shift all that
 * follows. */
#ifndef SFM_TAPE_H
#define SFM_TAPE_H

#include <stddef.h>
#include <stdint.h>

/* cffi:begin */
typedef struct sfm_tape sfm_tape;

#define SFM_TAPE_FRAMES 32768

/* `channels` of each side: 1 or 2. `limit_frames`: length after which it is full, 0 for none. 0, or SFM_ERROR_ARGUMENT,
 * _MEMORY. */
int sfm_tape_create(uint32_t sample_rate, uint32_t channels, uint64_t limit_frames, sfm_tape **out);
void sfm_tape_destroy(sfm_tape *tape);
uint32_t sfm_tape_sample_rate(const sfm_tape *tape);
uint32_t sfm_tape_channels(const sfm_tape *tape); /* of each side */

#define SFM_TAPE_MOST_SAMPLES 2880 /* of each channel that are appended at once */

/* Writer. Each tick appends the same number of samples to both sides, first sent, then heard. They are at `sample_rate`, by
 * a whole factor more or less than the tape's. A side of one channel has no `right`. */
void sfm_tape_append_sent(sfm_tape *tape, uint32_t sample_rate, const int16_t *left, const int16_t *right, size_t count);
void sfm_tape_append_heard(sfm_tape *tape, uint32_t sample_rate, const int16_t *left, const int16_t *right, size_t count);
/* Tells when the next frame that is appended is due; the first time counts. */
void sfm_tape_note_time(sfm_tape *tape, int64_t due_ns);
/* 1 when nothing more goes onto it: limit reached, overflow, or refused by the reader. */
int sfm_tape_full(const sfm_tape *tape);
void sfm_tape_end(sfm_tape *tape);          /* the writer's last call */
uint64_t sfm_tape_written(const sfm_tape *tape); /* frames that both sides have */
uint64_t sfm_tape_limit(const sfm_tape *tape);   /* frames, 0: none */

/* Tells that samples were appended of which nobody knows how they sounded. */
void sfm_tape_note_unknown(sfm_tape *tape);
int sfm_tape_has_unknown(const sfm_tape *tape); /* of an ended tape */

/* Reader. `frames` interleaved, all that was sent before what was heard; returns how many were there. */
size_t sfm_tape_read(sfm_tape *tape, int16_t *frames, size_t capacity);
int sfm_tape_ended(const sfm_tape *tape);      /* the writer is done; what is left can be read */
int sfm_tape_overflowed(const sfm_tape *tape);
int64_t sfm_tape_began_ns(const sfm_tape *tape); /* when its first frame was due; -1 when there is none. Of an ended tape */
void sfm_tape_refuse(sfm_tape *tape);          /* the disk takes no more: the writer stops at its next tick */
/* cffi:end */

#include "sfm_payload_ring.h"

/* Beside the samples, the payloads of one side, for who records those. Before anybody writes: 0 or SFM_ERROR_MEMORY. */
enum sfm_tape_side { SFM_TAPE_SENT = 1, SFM_TAPE_HEARD = 2 };
int sfm_tape_keep_payloads(sfm_tape *tape, int side);
/* Writer: a payload of that side; of another, or where none are kept, nothing happens. */
void sfm_tape_append_payload(sfm_tape *tape, int side, const sfm_codec *codec, const uint8_t *payload, size_t length);
/* Writer: time of that side in which no payload came, between two that did; kept where the codec has frames for that. */
void sfm_tape_append_gap(sfm_tape *tape, int side, const sfm_codec *codec, size_t duration_ts);
/* Reader. */
size_t sfm_tape_read_payload(sfm_tape *tape, const sfm_codec **codec, uint8_t *payload, size_t capacity);

#endif
