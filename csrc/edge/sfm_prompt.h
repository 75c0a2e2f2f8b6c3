/* Encoded audio that any number of legs send at the same time: decoded, resampled and encoded once, mapped from a file,
 * shared by reference count.
 *
 * One that is long is encoded while it plays: a single thread appends, any number of others play what is ready.
 *
 * Either a stream of frames of one size (codecs with frame_bytes: any piece of whole frames can be a packet), or packets
 * that were encoded one by one for one packet time (all others), with a table of where each ends. */
#ifndef SFM_PROMPT_H
#define SFM_PROMPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../core/sfm_codec.h"

/* cffi:begin */
typedef struct sfm_prompt sfm_prompt;

/* Maps the first `length` bytes of `file`, which may be closed (and unlinked) afterwards: frames of a codec that has
 * frame_bytes. The caller holds one reference. 0, or SFM_ERROR_ARGUMENT (empty, not whole frames, or a codec without
 * frame_bytes), _MEMORY, SFM_ERROR_SYSTEM. */
int sfm_prompt_map(int file, size_t length, const sfm_codec *codec, sfm_prompt **out);

/* Maps `packet_count` packets of `packet_samples` each: `length` bytes of payload, one packet behind the other (a packet
 * without bytes is one that is not sent), then from the next multiple of 4 on a uint32_t for each: where it ends.
 * `samples`: how long the audio is, which the last packet may exceed. As above; SFM_ERROR_ARGUMENT also for ends that go
 * back, lie outside, or are more than SFM_MAX_PAYLOAD_BYTES apart. */
int sfm_prompt_map_packets(int file, size_t length, const sfm_codec *codec, uint32_t packet_samples,
                           uint32_t packet_count, uint64_t samples, sfm_prompt **out);

/* A prompt that is encoded while it plays: `samples` long, as frames of a codec that has frame_bytes (`packet_samples` 0)
 * or as packets of `packet_samples`, which will be appended. `file`, empty, is made (sparsely) as long as it can become, and
 * may be closed and unlinked afterwards. 0, or SFM_ERROR_ARGUMENT (no samples, not whole frames), _MEMORY, _SYSTEM. */
int sfm_prompt_open(int file, const sfm_codec *codec, uint32_t packet_samples, uint64_t samples, sfm_prompt **out);

/* What comes next: `length` bytes of whole frames (`count` 0), or `count` packets one behind the other, of which `sizes` has
 * the bytes of each. By one thread at a time. 0, or SFM_ERROR_ARGUMENT (more than was announced, not whole frames, sizes
 * that are not `length`, or nobody may append any more), _SYSTEM (the disk is full). */
int sfm_prompt_append(sfm_prompt *prompt, const uint8_t *payload, size_t length, const uint32_t *sizes, uint32_t count);

/* Nothing is appended any more: what plays it ends where it ends. */
void sfm_prompt_seal(sfm_prompt *prompt);

uint64_t sfm_prompt_ready(const sfm_prompt *prompt); /* samples that can be played now */
uint64_t sfm_prompt_wanted(const sfm_prompt *prompt); /* behind the last sample that any leg has asked for yet */
bool sfm_prompt_sealed(const sfm_prompt *prompt); /* ready is all that there will be */

void sfm_prompt_retain(sfm_prompt *prompt);
void sfm_prompt_release(sfm_prompt *prompt); /* NULL is fine */

const sfm_codec *sfm_prompt_codec(const sfm_prompt *prompt);
uint64_t sfm_prompt_samples(const sfm_prompt *prompt);
uint32_t sfm_prompt_packet_samples(const sfm_prompt *prompt); /* 0: a stream of frames */

/* A stream: copies `count` samples' worth (whole frames) of bytes from sample `start`, which with `count` lies inside.
 * Silence where it is not ready. Returns bytes. */
size_t sfm_prompt_copy(const sfm_prompt *prompt, uint64_t start, size_t count, uint8_t *out);

/* Packets: the one that sample `at`, inside, belongs to; its bytes. NULL in `out` where it is not ready. */
size_t sfm_prompt_packet(const sfm_prompt *prompt, uint64_t at, const uint8_t **out);
/* cffi:end */

#endif
