/* RTCP extended reports (RFC 3611): the block of VoIP metrics, section 4.7. */
#ifndef SFM_RTCP_XR_H
#define SFM_RTCP_XR_H

#include <stddef.h>
#include <stdint.h>

/* cffi:begin */
#define SFM_RTCP_EXTENDED_REPORT 207
#define SFM_XR_UNAVAILABLE 127 /* of levels and scores */
#define SFM_XR_VOIP_BYTES 44   /* a packet with the one block */

/* What one side heard of a stream. Shares are in 1/256, rounded down; times in ms. */
typedef struct sfm_voip_metrics {
    uint32_t ssrc; /* of the stream */
    uint8_t loss_rate;
    uint8_t discard_rate; /* came, but too late or too early to be heard */
    uint8_t burst_density; /* missing share within bursts */
    uint8_t gap_density;
    uint16_t burst_ms; /* mean length */
    uint16_t gap_ms;
    uint16_t round_trip_ms;
    uint16_t end_system_ms; /* what this side adds to the delay */
    int8_t signal_dbm; /* dBm0; SFM_XR_UNAVAILABLE */
    int8_t noise_dbm;
    uint8_t echo_return_loss_db;
    uint8_t gmin; /* heard packets that end a burst */
    uint8_t r_factor; /* 0-100; SFM_XR_UNAVAILABLE, as all scores */
    uint8_t external_r_factor;
    uint8_t mos_lq; /* tenths */
    uint8_t mos_cq;
    uint8_t receiver; /* concealment, and how the jitter buffer adapts: section 4.7.6 */
    uint16_t buffer_nominal_ms;
    uint16_t buffer_maximum_ms;
    uint16_t buffer_absolute_maximum_ms;
} sfm_voip_metrics;

/* Writes an XR packet of `ssrc` with the block: SFM_XR_VOIP_BYTES, or SFM_ERROR_SPACE. */
int sfm_rtcp_write_voip_metrics(uint32_t ssrc, const sfm_voip_metrics *metrics, uint8_t *out, size_t capacity);
/* Finds the block about a stream in the body of an XR packet (behind its header): 1, 0 when there is none, or
 * SFM_ERROR_TRUNCATED. Blocks of other types are passed over. */
int sfm_rtcp_find_voip_metrics(const uint8_t *body, size_t length, uint32_t about, sfm_voip_metrics *metrics);
/* cffi:end */

#endif
