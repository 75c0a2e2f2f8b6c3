/* Packets on their way out of a leg: at once, or as its impairment says (dropped, doubled, held back, delayed). */
#ifndef SFM_OUTGOING_H
#define SFM_OUTGOING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../core/sfm_impair.h"
#include "../core/sfm_rtp.h"

/* cffi:begin */
#define SFM_MAX_PTIME_MS 60
#define SFM_MAX_PAYLOAD_BYTES 1400
#define SFM_OUTGOING_CAPACITY 256
#define SFM_SRTP_TRAILER_BYTES 16 /* the longest authentication tag: that of AEAD_AES_*_GCM (RFC 7714) */

typedef struct sfm_outgoing_packet {
    int64_t due_ns; /* when it has to leave */
    size_t length;
    size_t payload_length; /* without header and SRTP's tag */
    uint8_t data[SFM_RTP_HEADER_BYTES + SFM_MAX_PAYLOAD_BYTES + SFM_SRTP_TRAILER_BYTES];
    uint8_t is_rtcp;
} sfm_outgoing_packet;
/* cffi:end */

typedef struct sfm_outgoing {
    bool impaired;
    uint32_t first; /* of the queue, which is in order of due_ns */
    uint32_t count;
    const sfm_outgoing_packet *lent; /* in front of the queue, in its owner's memory; NULL: none */
    sfm_outgoing_packet *queue; /* SFM_OUTGOING_CAPACITY; without impairment only the first few are ever touched */
    sfm_outgoing_packet *held;  /* behind the queue */
    sfm_impair impair;
} sfm_outgoing;

/* Allocates the queue, which is not cleared: memory that no packet ever needs is never the process's. 0 or
 * SFM_ERROR_MEMORY. */
int sfm_outgoing_init(sfm_outgoing *outgoing, uint64_t seed);
void sfm_outgoing_free(sfm_outgoing *outgoing);
/* NULL ends the impairment. 0 or SFM_ERROR_ARGUMENT. */
int sfm_outgoing_impair(sfm_outgoing *outgoing, const sfm_impair_config *config);
/* Takes a packet that is due at its due_ns; bit errors are made in it. */
void sfm_outgoing_put(sfm_outgoing *outgoing, sfm_outgoing_packet *packet);
/* The same, and where nothing holds the packet back it is not copied: it stays where it is until it is taken, which has to
 * come before that memory is used again. */
void sfm_outgoing_lend(sfm_outgoing *outgoing, sfm_outgoing_packet *packet);
/* RTCP shares the way, and so its delay; nothing else happens to it. False where nothing is delayed, or it is too long. */
bool sfm_outgoing_delay_rtcp(sfm_outgoing *outgoing, const uint8_t *data, size_t length, int64_t now_ns);
/* Lets a packet go that was held back for a next one that does not come. */
void sfm_outgoing_flush(sfm_outgoing *outgoing, int64_t now_ns);
int64_t sfm_outgoing_next_due_ns(const sfm_outgoing *outgoing); /* INT64_MAX when empty */
/* The next packet that is due at `now_ns`, valid until the next put; NULL when there is none. */
const sfm_outgoing_packet *sfm_outgoing_take(sfm_outgoing *outgoing, int64_t now_ns);

#endif
