/* Datagrams that come on the media path and are no media: DTLS records (RFC 7983 section 7), for a handshake that is done
 * outside of the media thread. One thread puts, another takes; a full inbox drops what comes, as a network may. */
#ifndef SFM_INBOX_H
#define SFM_INBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SFM_INBOX_DATAGRAMS = 8, SFM_INBOX_BYTES = 2048 };

typedef struct sfm_inbox {
    _Atomic uint32_t put;
    _Atomic uint32_t taken;
    size_t lengths[SFM_INBOX_DATAGRAMS];
    uint8_t data[SFM_INBOX_DATAGRAMS][SFM_INBOX_BYTES];
} sfm_inbox;

/* Whether a datagram is DTLS by its first byte: 20 to 63. */
bool sfm_is_dtls(const uint8_t *data, size_t length);
bool sfm_inbox_put(sfm_inbox *inbox, const uint8_t *data, size_t length);
/* Length of the oldest one, copied as far as `capacity` goes; 0 when there is none. */
size_t sfm_inbox_take(sfm_inbox *inbox, uint8_t *data, size_t capacity);

#endif
