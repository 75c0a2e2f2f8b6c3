/* SRTP and SRTCP (RFC 3711) of one leg, by a libsrtp that another module has loaded.
 *
 * The functions come as addresses and the contexts ready made: who knows the library's types is one Python file
 * (sipflow/media/srtp.py). What is here owns the contexts and decides what libsrtp does not: which of two keys a packet
 * was protected with while they change, and what becomes of packets that come before their key.
 *
 *   protect    RTP -> SRTP, once for each packet, before the impairment: what the network doubles is the same bytes
 *   unprotect  SRTP -> RTP by the newest keys, else by those before, until a second after the first packet under the new
 *
 * A context belongs to one direction of one leg, and to the thread that steps the leg. */
#ifndef SFM_SRTP_H
#define SFM_SRTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfm_outgoing.h"

/* cffi:begin */
#define SFM_SRTP_EARLY_PACKETS 8
#define SFM_SRTP_PACKET_BYTES 1500

/* Addresses of libsrtp's functions, all of (srtp_t, void *packet, int *length) but dealloc, which is of (srtp_t). They
 * return 0 or srtp_err_status_t. */
typedef struct sfm_srtp_library {
    uintptr_t protect;
    uintptr_t unprotect;
    uintptr_t protect_rtcp;
    uintptr_t unprotect_rtcp;
    uintptr_t dealloc;
} sfm_srtp_library;

/* The keys of one agreement, as contexts (srtp_t) for each direction. */
typedef struct sfm_srtp sfm_srtp;

/* Takes both contexts over, also when it fails. One of them 0: the leg goes on with what it has in that direction (its
 * rollover counter with it). Both 0: keys are still being agreed on; what comes meanwhile is kept for them. 0,
 * SFM_ERROR_ARGUMENT (a function without an address) or SFM_ERROR_MEMORY. */
int sfm_srtp_create(const sfm_srtp_library *library, uintptr_t send, uintptr_t receive, sfm_srtp **out);
void sfm_srtp_destroy(sfm_srtp *srtp);
/* One packet in place, for vectors: its new length, or -srtp_err_status_t. Never NULL contexts. */
int sfm_srtp_protect_packet(sfm_srtp *srtp, uint8_t *packet, int32_t length, int32_t rtcp);
int sfm_srtp_unprotect_packet(sfm_srtp *srtp, uint8_t *packet, int32_t length, int32_t rtcp);
/* cffi:end */

typedef struct sfm_srtp_counts {
    uint64_t failures; /* RTP packets whose authentication failed under every key, or that were no SRTP: in the clear,
                          before the peer had said a word of the handshake that gives keys, too */
    uint64_t rtcp_failures; /* the same of RTCP: some phones send reports in the clear, or with a short tag */
    uint64_t replays;  /* packets that came before, or are older than the window (RFC 3711 section 3.3.2) */
    uint64_t rekeys;   /* how often packets came under keys that replaced others */
    uint64_t unsent;   /* packets that could not be protected: the key is used up */
} sfm_srtp_counts;

/* What a leg has: plain RTP while `current` is NULL. */
typedef struct sfm_secure {
    sfm_srtp *current;
    sfm_srtp *former;       /* keys before these, NULL when they are over */
    int64_t former_over_ns; /* when they are; INT64_MAX until a packet came under the current ones */
    bool peer_shakes;       /* a datagram of a handshake came from it: before that it can have no keys */
    sfm_srtp_counts counts;
} sfm_secure;

/* A packet that came, laid open: in the caller's memory, which one packet after another uses, whosever it is. */
typedef struct sfm_srtp_opened {
    size_t length; /* 0: none */
    int64_t arrival_ns;
    union {
        uint32_t words[SFM_SRTP_PACKET_BYTES / 4]; /* libsrtp reads words */
        uint8_t data[SFM_SRTP_PACKET_BYTES];
    } as;
} sfm_srtp_opened;

enum sfm_secure_result {
    SFM_SECURE_OPENED = 0,
    SFM_SECURE_REFUSED = 1, /* counted */
    SFM_SECURE_USELESS = 2, /* counted; and nothing fits any more, for half a second: told once, until something does */
};

void sfm_secure_close(sfm_secure *secure);
/* Takes `srtp` over, NULL for plain RTP. The keys before go on opening packets for a while. */
void sfm_secure_set(sfm_secure *secure, sfm_srtp *srtp);
/* RTP packets refused since the keys in force were set, or waited for, when none was opened by them and it was not told
 * yet; else 0. */
uint32_t sfm_secure_useless(const sfm_secure *secure);
/* Whether nothing may be sent because there are no keys yet. */
bool sfm_secure_waits(const sfm_secure *secure);
/* Whether the packet may be sent; `length` grows by the authentication tag, of which `capacity` leaves room. */
bool sfm_secure_protect(sfm_secure *secure, uint8_t *packet, size_t *length, size_t capacity, bool rtcp);
int sfm_secure_unprotect(sfm_secure *secure, const uint8_t *data, size_t length, int64_t arrival_ns, bool rtcp,
                         sfm_srtp_opened *opened);
/* The next packet that had come before the current keys were set and is theirs; false when there is none. */
bool sfm_secure_next_early(sfm_secure *secure, sfm_srtp_opened *opened);

/* Asks for what stands in front of the contexts, in two steps for sending; then one is enough for hearing (sfm_warm.h). What
 * lies behind them is libsrtp's. */
void sfm_secure_warm_sending(const sfm_secure *secure, int step);
void sfm_secure_warm_hearing(const sfm_secure *secure);

#endif
