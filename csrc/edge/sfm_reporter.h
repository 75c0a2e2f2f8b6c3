/* One leg's RTCP: when to report, what, and what the peer reported (RFC 3550 section 6, for two participants). */
#ifndef SFM_REPORTER_H
#define SFM_REPORTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../core/sfm_random.h"
#include "../core/sfm_rtcp_xr.h"
#include "../core/sfm_rtp.h"
#include "../core/sfm_stream_statistics.h"

/* cffi:begin */
#define SFM_CNAME_BYTES 64

/* What the peer said about our stream in its newest report block. */
typedef struct sfm_remote_report {
    uint32_t reports;         /* how many came; 0: the rest means nothing */
    uint8_t fraction_lost;    /* of the last interval, in 1/256 */
    int32_t cumulative_lost;
    uint32_t jitter_ts;
    int64_t round_trip_ns;    /* -1 until it can be known */
    uint8_t said_bye;
    uint8_t heard_nothing; /* the newest report tells of no packet of ours, although many had been sent since the one before */
    uint32_t extended_reports; /* how many came; 0: `voip` means nothing */
    sfm_voip_metrics voip;
} sfm_remote_report;
/* cffi:end */

/* Our side of a report. */
typedef struct sfm_sender_state {
    uint32_t ssrc;
    uint32_t timestamp;    /* RTP timestamp of the moment `now_ns` */
    uint32_t packet_count; /* 0: nothing was sent ever, and a receiver report is due */
    uint32_t octet_count;
    uint32_t packets_per_second; /* while it sends */
} sfm_sender_state;

typedef struct sfm_reporter {
    int64_t
        wallclock_offset_ns; /* wallclock minus monotonic, fixed: a wallclock that is set must not bend round trips */
    int64_t next_report_ns;      /* 0 before the first tick */
    int64_t last_report_ns;      /* or when the first tick was */
    double average_bytes;        /* of the RTCP packets of both sides, smoothed (section 6.3.3) */
    int64_t last_sr_arrival_ns;
    uint32_t last_sr;            /* middle 32 bits of the NTP time in the peer's newest sender report, 0: none */
    uint32_t sent_at_report;     /* packet_count when the peer's newest report came */
    uint32_t highest_told;       /* extended highest sequence number in its newest block about us */
    uint32_t reported_packets;   /* packet_count at the last report: only who sent since then is a sender (6.4) */
    bool has_reported;
    bool reduced_size;           /* the peer takes reports without SDES (RFC 5506) */
    uint32_t reports_written;
    sfm_remote_report remote;
    sfm_random random;
    char cname[SFM_CNAME_BYTES];
} sfm_reporter;

void sfm_reporter_init(sfm_reporter *reporter, const char *cname, uint64_t seed, int64_t wallclock_offset_ns);
/* Every 5 s in the mean, the first time after half of that; drawn and reconsidered as in section 6.3 and appendix A.7. */
bool sfm_reporter_due(sfm_reporter *reporter, int64_t now_ns);
/* Writes SR or RR with CNAME, XR when there are `metrics`, and BYE when `bye`. Of reports in reduced size every fourth, the
 * first and the last are whole. Bytes, or an error of sfm_rtcp_write. */
int sfm_reporter_write(sfm_reporter *reporter, const sfm_sender_state *sender, sfm_stream_statistics *statistics,
                       const sfm_voip_metrics *metrics, int64_t now_ns, bool bye, uint8_t *out, size_t capacity);
/* Takes a compound packet; how much the peer has sent is told to `statistics`. Who heard nothing since its last report says
 * nothing of us (RFC 3550 section 6.4.1), or the same sequence number again. 0, or an error of sfm_rtcp_open and nothing
 * changed. */
int sfm_reporter_receive(sfm_reporter *reporter, const sfm_sender_state *sender, sfm_stream_statistics *statistics,
                         const uint8_t *data, size_t length, int64_t arrival_ns);

#endif
