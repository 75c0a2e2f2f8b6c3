/* What a leg does to its own packets on purpose: loss, bursts of it, duplicates, reordering, delay, jitter, bit errors.
 * Decides only; the sender acts. The same seed and the same packets give the same decisions.
 *
 * Bursts are those of Gilbert and Elliott: a chain of two states, good and bad, in whose good state nothing is lost and
 * in whose bad state each packet is with the given density. A density of 1 is Gilbert's: all of a burst is lost. */
#ifndef SFM_IMPAIR_H
#define SFM_IMPAIR_H

#include <stdint.h>

#include "sfm_random.h"

/* cffi:begin */
typedef struct sfm_impair_config {
    uint32_t loss_per_million;      /* of all packets; each on its own unless there are bursts */
    uint32_t duplicate_per_million; /* of the packets not lost */
    uint32_t reorder_per_million;   /* of the packets not lost: let the next one pass */
    uint32_t corrupt_per_million;   /* of the packets not lost: one bit of the payload is turned over */
    uint32_t burst_thousandths;     /* mean length of a bad state in 1/1000 packets, 1000 or more; 0: no bursts */
    uint32_t density_per_million;   /* lost of the packets in a bad state, more than loss_per_million; 0: all */
    int64_t delay_ns;               /* of every packet */
    int64_t jitter_ns;              /* delay on top of it, evenly from 0 to this; packets keep their order */
    int64_t skew_ppb;               /* how fast the clock of the whole leg runs, for its owner; +-10^7 at most */
} sfm_impair_config;

typedef struct sfm_impair_counts {
    uint64_t packets;
    uint64_t lost;
    uint64_t duplicated;
    uint64_t reordered;
    uint64_t delayed;
    uint64_t corrupted;
} sfm_impair_counts;

/* Fields are private, counts may be read. */
typedef struct sfm_impair {
    sfm_impair_config config;
    sfm_impair_counts counts;
    sfm_random random;
    int64_t last_release_ns;
    uint32_t begin_per_million; /* from good to bad */
    uint32_t end_per_million;   /* from bad to good */
    uint8_t bad;     /* 1 in the bad state */
    uint8_t holding; /* 1 while the sender holds a packet back */
} sfm_impair;

/* What to do with one packet, in this order. */
typedef struct sfm_impair_action {
    uint8_t drop;          /* 1: this packet is not sent */
    uint8_t duplicate;     /* 1: send it twice */
    uint8_t hold;          /* 1: keep it back until an action says release_held; at most one is held at any time */
    uint8_t release_held;  /* 1: after this packet (sent or dropped), send the one held before it */
    uint8_t corrupt;       /* 1: turn over bit `corrupt_bit` modulo the number of bits that the payload has */
    uint32_t corrupt_bit;
    int64_t release_ns;    /* when to send what this action lets go; >= now_ns, never before an earlier one */
} sfm_impair_action;

/* 0, or SFM_ERROR_ARGUMENT when a rate is above a million, a time negative or above 60 s, a burst shorter than a packet,
 * its density not above the loss, or the loss more than bursts of that length can bring about. */
int sfm_impair_init(sfm_impair *impair, const sfm_impair_config *config, uint64_t seed);

/* Changes the rates and keeps random numbers and counts (a held packet stays held). Errors as for init. */
int sfm_impair_configure(sfm_impair *impair, const sfm_impair_config *config);

/* Decides about the packet that would be sent at `now_ns`. */
void sfm_impair_decide(sfm_impair *impair, int64_t now_ns, sfm_impair_action *action);

/* 1 when a packet was held and has to be sent now because no other follows; 0 otherwise. */
int sfm_impair_flush(sfm_impair *impair);
/* cffi:end */

#endif
