/* What a leg does to its own packets on purpose: loss, duplicates, reordering, jitter. Decides only; the sender acts.
 * The same seed and the same packets give the same decisions. */
#ifndef SFM_IMPAIR_H
#define SFM_IMPAIR_H

#include <stdint.h>

#include "sfm_random.h"

/* cffi:begin */
typedef struct sfm_impair_config {
    uint32_t loss_per_million;      /* each packet on its own */
    uint32_t duplicate_per_million; /* of the packets not lost */
    uint32_t reorder_per_million;   /* of the packets not lost: let the next one pass */
    uint32_t reserved;              /* 0 */
    int64_t jitter_ns;              /* delay evenly from 0 to this; packets keep their order */
} sfm_impair_config;

typedef struct sfm_impair_counts {
    uint64_t packets;
    uint64_t lost;
    uint64_t duplicated;
    uint64_t reordered;
    uint64_t delayed;
} sfm_impair_counts;

/* Fields are private, counts may be read. */
typedef struct sfm_impair {
    sfm_impair_config config;
    sfm_impair_counts counts;
    sfm_random random;
    int64_t last_release_ns;
    uint8_t holding; /* 1 while the sender holds a packet back */
} sfm_impair;

/* What to do with one packet, in this order. */
typedef struct sfm_impair_action {
    uint8_t drop;          /* 1: this packet is not sent */
    uint8_t duplicate;     /* 1: send it twice */
    uint8_t hold;          /* 1: keep it back until an action says release_held; at most one is held at any time */
    uint8_t release_held;  /* 1: after this packet (sent or dropped), send the one held before it */
    int64_t release_ns;    /* when to send what this action lets go; >= now_ns, never before an earlier one */
} sfm_impair_action;

/* 0, or SFM_ERROR_ARGUMENT when a rate is above a million or jitter_ns negative or above 60 s. */
int sfm_impair_init(sfm_impair *impair, const sfm_impair_config *config, uint64_t seed);

/* Changes the rates and keeps random numbers and counts (a held packet stays held). Errors as for init. */
int sfm_impair_configure(sfm_impair *impair, const sfm_impair_config *config);

/* Decides about the packet that would be sent at `now_ns`. */
void sfm_impair_decide(sfm_impair *impair, int64_t now_ns, sfm_impair_action *action);

/* 1 when a packet was held and has to be sent now because no other follows; 0 otherwise. */
int sfm_impair_flush(sfm_impair *impair);
/* cffi:end */

#endif
