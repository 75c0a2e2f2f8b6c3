/* Jitter buffer: packets in as they come, pieces of one playout time line out.
 *
 * The buffer never looks at a clock. The caller says when a packet arrived and when the next piece will be heard, on
 * the same monotonic clock. Put everything that has arrived before asking for the next piece: whoever ticks with the
 * due time of the tick, not with the moment of its wake-up, hears nothing of its own scheduling stalls.
 *
 * How it decides (durations in units of the RTP clock):
 *
 *  - The first packet is played `target` after the shortest transit seen so far would have brought it.
 *  - From then on one packet follows the other without a look at the time, so that on a clean network every sample
 *    comes out once, unchanged.
 *  - A hole with later packets behind it is loss: CONCEAL, at most what the missing packets can have held.
 *  - A step of the timestamp without a missing sequence number is a pause of the sender: SILENCE. Only here, and
 *    after events, the playout delay may shrink or grow towards the target. A hole of several packets is filled for a
 *    shorter time when what is behind it would wait for longer than the target, but for one packet's time at least.
 *  - An empty buffer is not known to be loss. Time goes on (CONCEAL, later SILENCE) while the position waits; what
 *    comes next decides: with a hole in front of it the time spent counts as the hole, so nothing shifts; without one
 *    the packets were late, none is thrown away and the delay has grown by the time spent.
 *  - In fixed mode the position never waits: late packets are dropped, nothing ever shifts. Five late packets in a row
 *    start the time line anew.
 *  - The target is the delay above the shortest transit that came in three separate half seconds of the last 8 to 16 s,
 *    plus 10 ms, within the limits: what comes once in a while, as when a radio looks for networks, is concealed when
 *    it comes and not waited for all the time. Of the first 8 s it is the largest delay.
 *  - A sender that restarts (SSRC, sequence number; see sfm_source) starts the time line anew once its second packet
 *    confirms it; the first is kept, so nothing of the new stream is lost.
 */
#ifndef SFM_JITTER_H
#define SFM_JITTER_H

#include <stddef.h>
#include <stdint.h>

/* cffi:begin */
typedef struct sfm_jitter sfm_jitter;

typedef struct sfm_jitter_config {
    uint32_t clock_rate;            /* RTP clock in Hz, 1000-192000 */
    uint32_t initial_delay_ms;      /* first target; in fixed mode the delay. 40 by default */
    uint32_t min_delay_ms;          /* adaptive mode: 20 by default */
    uint32_t max_delay_ms;          /* adaptive mode: 200 by default, at most 5000; more than that is dropped */
    uint32_t fixed;                 /* 1: the delay stays initial_delay_ms */
    uint32_t packet_capacity;       /* packets it can hold, a power of two 8-4096; 64 by default */
    uint32_t payload_capacity;      /* bytes per packet, 1-65535; 960 by default: 120 ms of G.711 */
} sfm_jitter_config;

/* Fills in the defaults named above for a clock. */
void sfm_jitter_defaults(sfm_jitter_config *config, uint32_t clock_rate);

/* The only allocation. 0, or SFM_ERROR_ARGUMENT, _MEMORY and *out untouched. */
int sfm_jitter_create(const sfm_jitter_config *config, sfm_jitter **out);

/* NULL is fine. */
void sfm_jitter_destroy(sfm_jitter *jitter);

/* Asks for the memory of the next put and get (sfm_warm.h): first the parts that say where the others are. */
void sfm_jitter_warm(const sfm_jitter *jitter);
void sfm_jitter_warm_packets(const sfm_jitter *jitter);

typedef struct sfm_jitter_packet {
    uint32_t ssrc;
    uint32_t timestamp;
    uint32_t duration_ts;    /* audio in the payload, from sfm_codec.duration_ts; > 0 */
    uint16_t sequence_number;
    uint8_t payload_type;
    uint8_t marker;
    int64_t arrival_ns;      /* monotonic, never goes back from call to call */
    const uint8_t *payload;  /* copied */
    size_t payload_length;   /* bytes, at most payload_capacity */
} sfm_jitter_packet;

enum sfm_jitter_put_result {
    SFM_JITTER_ACCEPTED = 0,
    SFM_JITTER_DUPLICATE = 1,
    SFM_JITTER_LATE = 2,
    SFM_JITTER_PENDING = 3,   /* on probation, kept */
    SFM_JITTER_RESTARTED = 4, /* accepted, and the time line starts anew */
};

/* Takes one audio packet: enum sfm_jitter_put_result, or SFM_ERROR_ARGUMENT, _SPACE and nothing changed. */
int sfm_jitter_put(sfm_jitter *jitter, const sfm_jitter_packet *packet);

/* Takes a packet of the same stream that holds no audio (telephone-event, comfort noise): its sequence number is no
 * loss, and the time until the next audio packet is SILENCE. Payload and duration are ignored. Results as above. */
int sfm_jitter_put_event(sfm_jitter *jitter, const sfm_jitter_packet *packet);

enum sfm_jitter_kind {
    SFM_JITTER_PACKET = 0,  /* decode and play this packet */
    SFM_JITTER_CONCEAL = 1, /* make up audio: packets are lost or late */
    SFM_JITTER_SILENCE = 2, /* the sender paused, or concealment has gone on for long enough */
    SFM_JITTER_WAITING = 3, /* no stream yet, or its start is being buffered */
};

typedef struct sfm_jitter_piece {
    int32_t kind;            /* enum sfm_jitter_kind */
    uint32_t duration_ts;    /* of this piece, >= 1; a packet's may exceed what was wanted, the others' never does */
    uint32_t timestamp;      /* the fields from here on describe a packet, 0 for the other kinds */
    uint32_t ssrc;
    uint16_t sequence_number;
    uint8_t payload_type;
    uint8_t marker;
    int64_t delay_ns;        /* from its arrival to now */
    const uint8_t *payload;  /* valid until the next call with this buffer */
    size_t payload_length;
} sfm_jitter_piece;

/* The next piece of the time line. `now_ns`: when its first sample will be heard; `wanted_ts`: how much is still
 * needed, 1 to 2^20. A caller that got a longer packet keeps the rest and asks again when that is used up.
 * Returns the kind, or SFM_ERROR_ARGUMENT. */
int sfm_jitter_get(sfm_jitter *jitter, int64_t now_ns, uint32_t wanted_ts, sfm_jitter_piece *piece);

/* Time between what is played next and the earliest packet inside, 0 when that is next; -1 while there is none, or while
 * the time line has not begun or waits for late packets. */
int64_t sfm_jitter_gap_ts(const sfm_jitter *jitter);

/* Looks at the earliest packet inside without taking it: 1 and *piece as if it were played (delay_ns 0), or 0. */
int sfm_jitter_peek(const sfm_jitter *jitter, sfm_jitter_piece *piece);

/* Counts since create. received = duplicate + late + overflow + discarded + events + played + still inside. */
typedef struct sfm_jitter_counts {
    uint64_t received;     /* packets put, events included */
    uint64_t played;       /* audio packets handed out */
    uint64_t events;       /* event packets whose turn came */
    uint64_t lost;         /* audio packets that were not there when their turn came, and concealed */
    uint64_t late;         /* came after their turn */
    uint64_t duplicate;
    uint64_t reordered;    /* accepted, but older than one before */
    uint64_t overflow;     /* accepted, then dropped because more than max_delay or packet_capacity was inside */
    uint64_t discarded;    /* dropped with the old stream at a restart, or on probation and not confirmed */
    uint64_t resets;       /* restarts of the sender and jumps of its timestamp */
    uint64_t concealed_ts; /* length of the CONCEAL pieces in the place of packets that were missing or late */
    uint64_t silence_ts;   /* length of all SILENCE pieces, and of CONCEAL pieces that turned out to be a pause */
    uint64_t waiting_ts;   /* length of all WAITING pieces */
    uint64_t stretched_ts; /* time inserted mid-stream because packets were late */
    uint32_t buffered;     /* packets inside now, one on probation included */
    uint32_t buffered_ts;  /* audio inside now */
    uint32_t packet_ts;    /* length of the packet played last, 0 before the first */
    int64_t target_delay_ns;
    int64_t current_delay_ns; /* arrival to playout of the last packet played, 0 before the first */
    int64_t mean_delay_ns;    /* over all packets played, 0 before the first */
} sfm_jitter_counts;

void sfm_jitter_read_counts(const sfm_jitter *jitter, sfm_jitter_counts *counts);

/* Forgets the stream and what is buffered (counted as discarded), keeps counts: for a re-INVITE that moves the peer. */
void sfm_jitter_reset(sfm_jitter *jitter);

/* Another RTP clock from now on: a reset, and durations counted so far are converted. 0, or SFM_ERROR_ARGUMENT. */
int sfm_jitter_set_clock(sfm_jitter *jitter, uint32_t clock_rate);
/* cffi:end */

#endif
