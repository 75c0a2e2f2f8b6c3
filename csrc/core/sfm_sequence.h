/* The one place where 16- and 32-bit numbers wrap, and the rules that tell a restarted sender from a late packet
 * (RFC 3550 appendix A.1). */
#ifndef SFM_SEQUENCE_H
#define SFM_SEQUENCE_H

#include <stdint.h>

/* cffi:begin */

/* How far `later` is ahead of `earlier` on the circle of 16-bit numbers: -32768 to 32767. */
int32_t sfm_sequence_delta(uint16_t later, uint16_t earlier);

/* How far `later` is ahead of `earlier` on the circle of 32-bit numbers: -2^31 to 2^31-1. */
int64_t sfm_timestamp_delta(uint32_t later, uint32_t earlier);

/* The unwrapped number nearest to `reference` whose low 16 bits are `sequence_number`. */
int64_t sfm_sequence_extend(int64_t reference, uint16_t sequence_number);

/* The unwrapped number nearest to `reference` whose low 32 bits are `timestamp`. */
int64_t sfm_timestamp_extend(int64_t reference, uint32_t timestamp);

/* `duration_ts` units of a clock in nanoseconds, rounded towards zero; exact for whole seconds. `clock_rate` in Hz,
 * not 0. */
int64_t sfm_ns_from_ts(int64_t duration_ts, uint32_t clock_rate);

/* Nanoseconds in units of a clock, rounded towards zero. */
int64_t sfm_ts_from_ns(int64_t duration_ns, uint32_t clock_rate);

/* A forward step of this many packets or more is a jump, not loss (RFC 3550 appendix A.1). */
#define SFM_MAX_DROPOUT 3000
/* A packet this many behind the newest or fewer is late, further behind is a jump (RFC 3550 appendix A.1). */
#define SFM_MAX_MISORDER 100

/* Follows one sender through wraps, jumps and changes of SSRC. Zero bytes are a valid initial state.
 *
 * A packet that fits neither the current SSRC nor its sequence is held in probation: only when the very next packet
 * continues it did the sender restart (RFC 3550 appendix A.1: two packets in sequence). A packet of the current
 * sender in between ends the probation, so a stray or forged packet, or a second sender beside a live one, cannot
 * take the stream over. */
typedef struct sfm_source {
    int64_t highest;                    /* unwrapped sequence number of the newest packet */
    uint32_t ssrc;                      /* of the current sender */
    uint32_t candidate_ssrc;            /* of the packet in probation */
    uint16_t candidate_sequence_number; /* of the packet in probation */
    uint8_t has_source;                 /* 0 until the first packet */
    uint8_t has_candidate;              /* 1 while a packet is in probation */
} sfm_source;

enum sfm_source_verdict {
    SFM_SOURCE_FIRST = 0,     /* the first packet ever: it opens the stream */
    SFM_SOURCE_CONTINUED = 1, /* belongs to the current stream, in order or not */
    SFM_SOURCE_PENDING = 2,   /* on probation: may be dropped, or kept until the next packet decides */
    SFM_SOURCE_RESTARTED = 3, /* confirms the one on probation: the stream starts anew with that one and this one */
};

/* Classifies a packet (enum sfm_source_verdict). For FIRST, CONTINUED and RESTARTED `extended` gets the unwrapped
 * sequence number; after a restart numbers begin again between 0 and 65535. */
int sfm_source_track(sfm_source *source, uint32_t ssrc, uint16_t sequence_number, int64_t *extended);
/* cffi:end */

#endif
