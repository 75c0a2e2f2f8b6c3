/* What was received of one RTP stream (RFC 3550 sections 6.4.1, appendix A.1, A.3, A.8). A plain value: embed it. */
#ifndef SFM_STREAM_STATISTICS_H
#define SFM_STREAM_STATISTICS_H

#include <stddef.h>
#include <stdint.h>

#include "sfm_loss_pattern.h"
#include "sfm_rtp.h"
#include "sfm_sequence.h"
#include "sfm_skew.h"

/* cffi:begin */
#define SFM_RECENT_PACKETS 128 /* two and a half seconds of them at 20 ms, half a second at 5 ms */

/* Counts go on over restarts of the sender. Fields under "private" are the module's own. */
typedef struct sfm_stream_statistics {
    uint64_t received;          /* packets, duplicates included */
    uint64_t received_bytes;    /* payload bytes, duplicates included */
    uint64_t duplicate;
    uint64_t reordered;         /* first copies that came after a higher sequence number */
    uint64_t restarts;          /* changes of SSRC and jumps of the sequence number that were confirmed */
    uint64_t rejected;          /* packets on probation that nothing confirmed */
    uint64_t max_reorder;       /* largest distance of a reordered packet behind the newest, packets */
    int64_t max_gap_ns;         /* longest time between two arrivals */
    int64_t max_jitter_ns;      /* highest value that the jitter estimate had */
    /* private */
    sfm_source source;
    uint64_t window[2];         /* bit n of the 128: `highest - n` was received */
    uint64_t heard[2];          /* the same without those that were discarded; what leaves it is in the pattern */
    sfm_loss_pattern pattern;
    uint64_t lost_run;          /* packets in a row that did not come, before those of the window; and the longest such */
    uint64_t longest_lost_run;
    int64_t transit_ns;         /* of the last packet that counted for jitter, less that of the first one */
    int64_t base;               /* lowest sequence number of this source, unwrapped */
    uint64_t source_received;   /* of this source, duplicates included (RFC 3550 A.3) */
    uint64_t source_duplicate;
    uint64_t earlier_expected;  /* of the sources before */
    uint64_t earlier_unique;
    uint64_t expected_prior;    /* at the last report block */
    uint64_t received_prior;
    int64_t jitter_ns_16;       /* jitter in 1/16 ns (RFC 3550 A.8) */
    int64_t last_arrival_ns;
    int64_t transit_arrival_ns; /* arrival and timestamp of the last packet that counted for jitter */
    uint32_t transit_timestamp;
    uint32_t clock_rate;
    uint32_t pending_bytes;     /* of the packet on probation */
    uint32_t told_sent;         /* packets of this source by the sender's newest report */
    int32_t told_ahead;         /* by how many that was ahead of what had come by then, when it was by the fewest */
    uint32_t recent_count;      /* packets of this source that `recent` has seen */
    uint32_t recent_us[SFM_RECENT_PACKETS];      /* when the newest came, in 1024 ns, and the highest sequence number then */
    uint16_t recent_highest[SFM_RECENT_PACKETS];
    uint8_t has_told;
    uint8_t has_transit;
    uint8_t has_arrival;
    sfm_skew skew;              /* last: most of it is rarely touched */
} sfm_stream_statistics;

/* `clock_rate` in Hz, not 0. */
void sfm_stream_statistics_init(sfm_stream_statistics *statistics, uint32_t clock_rate);

/* The packets from now on are of another RTP clock: transit times count anew, all else goes on. */
void sfm_stream_statistics_set_clock(sfm_stream_statistics *statistics, uint32_t clock_rate);

/* The time until the next packet is no gap: nobody had to send. */
void sfm_stream_statistics_resume(sfm_stream_statistics *statistics);

enum sfm_statistics_verdict {
    SFM_STATISTICS_IN_ORDER = 0,
    SFM_STATISTICS_REORDERED = 1,
    SFM_STATISTICS_DUPLICATE = 2,
    SFM_STATISTICS_PENDING = 3,
    SFM_STATISTICS_RESTARTED = 4,
};

/* Counts one packet; returns enum sfm_statistics_verdict. `has_media_time` is 0 for telephone-events: all packets of an
 * event carry its start as timestamp, which would look like jitter that the network never made. A step of a second or
 * more between two transit times is a jump of the sender's timestamp and not counted as jitter either. */
int sfm_stream_statistics_update(sfm_stream_statistics *statistics, const sfm_rtp_header *header,
                                 size_t payload_bytes, int64_t arrival_ns, int has_media_time);

/* The packet came and was thrown away, because its turn to be heard was over: to a listener it is lost. What is further
 * back than 127 packets is left as it was. */
void sfm_stream_statistics_discard(sfm_stream_statistics *statistics, uint16_t sequence_number);

/* Losses and discards so far, with the newest packets as they are now. */
void sfm_stream_statistics_pattern(const sfm_stream_statistics *statistics, sfm_loss_summary *summary);

/* Packets that should have come: from the lowest to the highest sequence number, over all sources. */
uint64_t sfm_stream_statistics_expected(const sfm_stream_statistics *statistics);

/* What a sender report says: the source has sent so many packets (RFC 3550 section 6.4.1). `arrival_ns` is when it came, not
 * when it was read: it is compared with the packets that had come by then, for those behind it are of after it. */
void sfm_stream_statistics_told(sfm_stream_statistics *statistics, uint32_t ssrc, uint32_t packet_count,
                                int64_t arrival_ns);

/* Packets that the current source has sent since the newest one that came, by its sender reports: by how much they have
 * run ahead of the sequence numbers that came. What is still under way counts, too. */
uint64_t sfm_stream_statistics_unseen(const sfm_stream_statistics *statistics);

/* Most packets in a row that did not come at all; what is overtaken did. */
uint64_t sfm_stream_statistics_max_loss_burst(const sfm_stream_statistics *statistics);

/* Packets that did not come, duplicates not counted against them (unlike cumulative_lost of RTCP). */
uint64_t sfm_stream_statistics_lost(const sfm_stream_statistics *statistics);

/* Interarrival jitter (RFC 3550 A.8) in ns. */
int64_t sfm_stream_statistics_jitter_ns(const sfm_stream_statistics *statistics);

/* Fills ssrc, fraction_lost (since the last call: A.3), cumulative_lost, highest sequence number and jitter of a report
 * block about the current source; last_sr and delay_since_last_sr are left at 0. Returns 1, or 0 when nothing came
 * of it since the last call, and it has no block in this report (RFC 3550 sections 6.4 and 6.4.1). */
int sfm_stream_statistics_report(sfm_stream_statistics *statistics, sfm_rtcp_report_block *block);
/* cffi:end */

#endif
