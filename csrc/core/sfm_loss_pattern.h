/* How losses are spread: runs of them, and the bursts and gaps of RFC 3611 section 4.7.2. A plain value: embed it.
 *
 * Fed with the fate of one packet after the other, in the order in which they were sent. A burst begins and ends with a
 * packet that was lost or discarded and holds no run of SFM_LOSS_GMIN or more that were heard; all else is gap, single
 * losses included that have so many heard ones on either side. */
#ifndef SFM_LOSS_PATTERN_H
#define SFM_LOSS_PATTERN_H

#include <stdint.h>

/* cffi:begin */
#define SFM_LOSS_GMIN 16

/* Zero bytes are a valid initial state. */
typedef struct sfm_loss_pattern {
    uint64_t packets;
    uint64_t missing;        /* lost or discarded */
    uint64_t runs;           /* of missing packets in a row */
    uint64_t bursts;         /* that are over */
    uint64_t burst_packets;  /* in them, the heard ones between included */
    uint64_t burst_missing;
    /* private */
    uint64_t cluster_packets; /* from the first missing packet of what may be a burst to the last */
    uint64_t cluster_missing;
    uint64_t heard_since;    /* packets since the last missing one */
    uint64_t gaps;           /* that are over and had a packet */
    uint8_t gap_before;      /* whether packets lie before the cluster that no burst holds */
} sfm_loss_pattern;

void sfm_loss_pattern_add(sfm_loss_pattern *pattern, int heard);

/* What has come so far, as if the stream ended here. */
typedef struct sfm_loss_summary {
    uint64_t packets;
    uint64_t missing;
    uint64_t runs;
    uint64_t bursts;
    uint64_t burst_packets;
    uint64_t burst_missing;
    uint64_t gaps;
    uint64_t gap_packets;
    uint64_t gap_missing;
} sfm_loss_summary;

void sfm_loss_pattern_read(const sfm_loss_pattern *pattern, sfm_loss_summary *summary);
/* cffi:end */

#endif
