#include "sfm_payload_ring.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "../core/sfm_error.h"

enum { RING_BYTES = 1 << 16 }; /* seconds of any of these codecs */

typedef struct entry {
    const sfm_codec *codec;
    uint32_t length;
} entry;

struct sfm_payload_ring {
    _Atomic uint64_t written; /* bytes ever */
    _Atomic uint64_t taken;
    uint8_t bytes[RING_BYTES];
};

int sfm_payload_ring_create(sfm_payload_ring **out) {
    *out = calloc(1, sizeof **out);
    return *out != NULL ? SFM_OK : SFM_ERROR_MEMORY;
}

void sfm_payload_ring_destroy(sfm_payload_ring *ring) { free(ring); }

static uint64_t copy_in(sfm_payload_ring *ring, uint64_t at, const void *from, size_t length) {
    for (size_t i = 0; i < length; i++) {
        ring->bytes[(at + i) % RING_BYTES] = ((const uint8_t *)from)[i];
    }
    return at + length;
}

static uint64_t copy_out(const sfm_payload_ring *ring, uint64_t at, void *to, size_t length) {
    for (size_t i = 0; i < length; i++) {
        ((uint8_t *)to)[i] = ring->bytes[(at + i) % RING_BYTES];
    }
    return at + length;
}

int sfm_payload_ring_put(sfm_payload_ring *ring, const sfm_codec *codec, const uint8_t *payload, uint32_t length) {
    entry head;
    memset(&head, 0, sizeof head); /* the bytes between its members, too, for they are copied */
    head.codec = codec;
    head.length = length;
    uint64_t at = atomic_load_explicit(&ring->written, memory_order_relaxed);
    uint64_t used = at - atomic_load_explicit(&ring->taken, memory_order_acquire);
    if (sizeof head + length > RING_BYTES - used) {
        return 0;
    }
    at = copy_in(ring, at, &head, sizeof head);
    at = copy_in(ring, at, payload, length);
    atomic_store_explicit(&ring->written, at, memory_order_release);
    return 1;
}

size_t sfm_payload_ring_take(sfm_payload_ring *ring, const sfm_codec **codec, uint8_t *payload, size_t capacity) {
    entry head;
    uint64_t at = atomic_load_explicit(&ring->taken, memory_order_relaxed);
    if (at == atomic_load_explicit(&ring->written, memory_order_acquire)) {
        return 0;
    }
    at = copy_out(ring, at, &head, sizeof head);
    size_t length = head.length < capacity ? head.length : capacity;
    (void)copy_out(ring, at, payload, length);
    *codec = head.codec;
    atomic_store_explicit(&ring->taken, at + head.length, memory_order_release);
    return length;
}
