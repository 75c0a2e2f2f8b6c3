/* How much faster or slower a sender's RTP clock runs than ours, whatever the jitter. A plain value: embed it.
 *
 * Queues only ever add to a transit time, so the packets that were not held up lie on a straight line whose slope is the
 * difference of the clocks. Of each stretch of time the packet with the shortest transit is kept; when there are more
 * stretches than room, two become one. The line is the one below all of these points that is nearest to them (Moon,
 * Skelly, Towsley, Estimation and Removal of Clock Skew from Network Delay Measurements, INFOCOM 1999). A route that
 * becomes longer or shorter in the middle of a call bends it. */
#ifndef SFM_SKEW_H
#define SFM_SKEW_H

#include <stdint.h>

/* cffi:begin */
#define SFM_SKEW_STRETCHES 32
/* Over less time than this no skew is told: the jitter of a few packets would be called one. */
#define SFM_SKEW_LEAST_NS 5000000000

/* Zero bytes are a valid initial state. Fields are private. */
typedef struct sfm_skew {
    int64_t start_ns;
    int64_t stretch_ns;
    int64_t stretch_end_ns;                 /* of the newest */
    int64_t newest_ns;
    int64_t quickest_ns;                    /* transit of the newest stretch: all that most packets are compared with */
    uint32_t count;
    int64_t when_ns[SFM_SKEW_STRETCHES];    /* arrival of the quickest packet of each stretch, from the first one on */
    int64_t transit_ns[SFM_SKEW_STRETCHES]; /* its transit, less that of the first packet */
} sfm_skew;

/* Takes a packet; `transit_ns` is arrival minus timestamp from any zero that stays the same. */
void sfm_skew_add(sfm_skew *skew, int64_t arrival_ns, int64_t transit_ns);

/* 1, and by how many billionths the sender's clock is fast (negative: slow); or 0 while that cannot be told. */
int sfm_skew_read(const sfm_skew *skew, int64_t *fast_ppb);
/* cffi:end */

#endif
