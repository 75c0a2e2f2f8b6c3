#include "sfm_loss_pattern.h"

/* A single missing packet is no burst: it stays part of the gap around it. */
static void close_cluster(sfm_loss_pattern *pattern)
{
    if (pattern->cluster_missing > 1) {
        pattern->bursts++;
        pattern->burst_packets += pattern->cluster_packets;
        pattern->burst_missing += pattern->cluster_missing;
        pattern->gaps += pattern->gap_before;
        pattern->gap_before = 0;
    } else if (pattern->cluster_missing == 1) {
        pattern->gap_before = 1;
    }
    pattern->cluster_packets = 0;
    pattern->cluster_missing = 0;
}

static void add_missing(sfm_loss_pattern *pattern)
{
    pattern->runs += pattern->packets == 0 || pattern->heard_since > 0;
    if (pattern->heard_since >= SFM_LOSS_GMIN)
        close_cluster(pattern);
    if (pattern->cluster_missing == 0)
        pattern->gap_before |= pattern->heard_since > 0;
    else
        pattern->cluster_packets += pattern->heard_since;
    pattern->cluster_packets++;
    pattern->cluster_missing++;
    pattern->missing++;
    pattern->heard_since = 0;
}

void sfm_loss_pattern_add(sfm_loss_pattern *pattern, int heard)
{
    if (heard)
        pattern->heard_since++;
    else
        add_missing(pattern);
    pattern->packets++;
}

void sfm_loss_pattern_read(const sfm_loss_pattern *pattern, sfm_loss_summary *summary)
{
    sfm_loss_pattern ended = *pattern;
    close_cluster(&ended);
    ended.gaps += ended.gap_before || ended.heard_since > 0;
    *summary = (sfm_loss_summary){
        .packets = ended.packets,
        .missing = ended.missing,
        .runs = ended.runs,
        .bursts = ended.bursts,
        .burst_packets = ended.burst_packets,
        .burst_missing = ended.burst_missing,
        .gaps = ended.gaps,
        .gap_packets = ended.packets - ended.burst_packets,
        .gap_missing = ended.missing - ended.burst_missing,
    };
}
