#include "sfm_outgoing.h"

#include <string.h>
#include <sys/mman.h>

#include "../core/sfm_error.h"

static const sfm_impair_config UNIMPAIRED = {0};

#define QUEUE_BYTES ((SFM_OUTGOING_CAPACITY + 1) * sizeof(sfm_outgoing_packet))

int sfm_outgoing_init(sfm_outgoing *outgoing, uint64_t seed) {
    memset(outgoing, 0, sizeof *outgoing);
    /* Pages of its own, which go back when the leg is closed. A heap would give each new leg a place that overlaps others
     * of before, and with every call a few more pages would be written to, until all of all queues were. */
    void *pages = mmap(NULL, QUEUE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) {
        return SFM_ERROR_MEMORY;
    }
    outgoing->queue = pages;
    outgoing->held = outgoing->queue + SFM_OUTGOING_CAPACITY;
    return sfm_impair_init(&outgoing->impair, &UNIMPAIRED, seed);
}

void sfm_outgoing_free(sfm_outgoing *outgoing) {
    if (outgoing->queue != NULL) {
        (void)munmap(outgoing->queue, QUEUE_BYTES);
    }
}

int sfm_outgoing_impair(sfm_outgoing *outgoing, const sfm_impair_config *config) {
    int error = sfm_impair_configure(&outgoing->impair, config != NULL ? config : &UNIMPAIRED);
    if (error == SFM_OK) {
        /* Once impaired, always decided about: a packet may still be held when the impairment ends. */
        outgoing->impaired = outgoing->impaired || config != NULL;
    }
    return error;
}

static void copy_packet(sfm_outgoing_packet *to, const sfm_outgoing_packet *from) {
    to->due_ns = from->due_ns;
    to->length = from->length;
    to->payload_length = from->payload_length;
    to->is_rtcp = from->is_rtcp;
    memcpy(to->data, from->data, from->length);
}

/* A full queue does what a full router does: the packet that finds no room is lost. Two seconds of delay and half of one
 * of jitter at a packet time of 20 ms, every packet doubled, fit. */
static void append(sfm_outgoing *outgoing, const sfm_outgoing_packet *packet, int64_t due_ns) {
    if (outgoing->count == SFM_OUTGOING_CAPACITY) {
        outgoing->impair.counts.lost++;
        return;
    }
    if (outgoing->count == 0) {
        outgoing->first = 0; /* a queue that empties at every tick stays in the same few pages */
    }
    sfm_outgoing_packet *slot = &outgoing->queue[(outgoing->first + outgoing->count) % SFM_OUTGOING_CAPACITY];
    copy_packet(slot, packet);
    slot->due_ns = due_ns;
    outgoing->count++;
}

static void turn_bit_over(sfm_outgoing_packet *packet, uint32_t bit) {
    if (packet->length > SFM_RTP_HEADER_BYTES) {
        bit %= (uint32_t)(packet->length - SFM_RTP_HEADER_BYTES) * 8;
        packet->data[SFM_RTP_HEADER_BYTES + bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
}

static void release_held(sfm_outgoing *outgoing, int64_t due_ns) { append(outgoing, outgoing->held, due_ns); }

static void put_impaired(sfm_outgoing *outgoing, sfm_outgoing_packet *packet) {
    sfm_impair_action action;
    sfm_impair_decide(&outgoing->impair, packet->due_ns, &action);
    if (action.corrupt) {
        turn_bit_over(packet, action.corrupt_bit);
    }
    if (!action.drop && !action.hold) {
        append(outgoing, packet, action.release_ns);
    }
    if (!action.drop && action.duplicate) {
        append(outgoing, packet, action.release_ns);
    }
    if (action.release_held) {
        release_held(outgoing, action.release_ns);
    }
    if (action.hold) {
        copy_packet(outgoing->held, packet);
    }
}

void sfm_outgoing_put(sfm_outgoing *outgoing, sfm_outgoing_packet *packet) {
    if (outgoing->impaired) {
        put_impaired(outgoing, packet);
    } else {
        append(outgoing, packet, packet->due_ns);
    }
}

bool sfm_outgoing_delay_rtcp(sfm_outgoing *outgoing, const uint8_t *data, size_t length, int64_t now_ns) {
    sfm_outgoing_packet packet = {.length = length, .is_rtcp = 1};
    int64_t due_ns = now_ns + outgoing->impair.config.delay_ns;
    if (outgoing->impair.config.delay_ns == 0 || length > sizeof packet.data) {
        return false;
    }
    if (outgoing->count > 0) { /* nothing overtakes on the way */
        uint32_t last = (outgoing->first + outgoing->count - 1) % SFM_OUTGOING_CAPACITY;
        due_ns = due_ns > outgoing->queue[last].due_ns ? due_ns : outgoing->queue[last].due_ns;
    }
    memcpy(packet.data, data, length);
    append(outgoing, &packet, due_ns);
    return true;
}

void sfm_outgoing_lend(sfm_outgoing *outgoing, sfm_outgoing_packet *packet) {
    if (outgoing->impaired || outgoing->count > 0) {
        sfm_outgoing_put(outgoing, packet);
    } else {
        outgoing->lent = packet;
    }
}

void sfm_outgoing_flush(sfm_outgoing *outgoing, int64_t now_ns) {
    if (sfm_impair_flush(&outgoing->impair)) {
        release_held(outgoing, now_ns);
    }
}

static const sfm_outgoing_packet *next_packet(const sfm_outgoing *outgoing) {
    if (outgoing->lent != NULL) {
        return outgoing->lent;
    }
    return outgoing->count > 0 ? &outgoing->queue[outgoing->first] : NULL;
}

int64_t sfm_outgoing_next_due_ns(const sfm_outgoing *outgoing) {
    const sfm_outgoing_packet *packet = next_packet(outgoing);
    return packet == NULL ? INT64_MAX : packet->due_ns;
}

const sfm_outgoing_packet *sfm_outgoing_take(sfm_outgoing *outgoing, int64_t now_ns) {
    const sfm_outgoing_packet *packet = next_packet(outgoing);
    if (packet == NULL || packet->due_ns > now_ns) {
        return NULL;
    }
    if (packet == outgoing->lent) {
        outgoing->lent = NULL;
    } else {
        outgoing->first = (outgoing->first + 1) % SFM_OUTGOING_CAPACITY;
        outgoing->count--;
    }
    return packet;
}
