/* The way of payloads from a leg to the disk: a ring of bytes in memory, for codecs that only pass through.
 *
 * The leg's thread writes, another one reads; neither ever waits. */
#ifndef SFM_PAYLOAD_RING_H
#define SFM_PAYLOAD_RING_H

#include <stddef.h>
#include <stdint.h>

#include "../core/sfm_codec.h"

typedef struct sfm_payload_ring sfm_payload_ring;

/* 0 or SFM_ERROR_MEMORY. */
int sfm_payload_ring_create(sfm_payload_ring **out);
void sfm_payload_ring_destroy(sfm_payload_ring *ring); /* NULL is fine */
/* 1, or 0 when there is no room for it. */
int sfm_payload_ring_put(sfm_payload_ring *ring, const sfm_codec *codec, const uint8_t *payload, uint32_t length);
/* The oldest payload: its bytes, and whose it is. 0 when there is none; `capacity` has to hold the longest. */
size_t sfm_payload_ring_take(sfm_payload_ring *ring, const sfm_codec **codec, uint8_t *payload, size_t capacity);

#endif
