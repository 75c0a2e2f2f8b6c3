#include "sfm_rtcp_xr.h"

#include "sfm_bytes.h"
#include "sfm_error.h"

enum { HEADER_BYTES = 8, BLOCK_HEADER_BYTES = 4, VOIP_METRICS = 7, VOIP_WORDS = 8 };

/*  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +---------------------------------------------------------------+
 * |     BT=7      |   reserved    |       block length = 8        |
 * |                        SSRC of source                         |
 * |   loss rate   | discard rate  | burst density |  gap density  |
 * |       burst duration          |         gap duration          |
 * |     round trip delay          |       end system delay        |
 * | signal level  |  noise level  |     RERL      |     Gmin      |
 * |   R factor    | ext. R factor |    MOS-LQ     |    MOS-CQ     |
 * |   RX config   |   reserved    |          JB nominal           |
 * |          JB maximum           |          JB abs max           |
 * +---------------------------------------------------------------+
 */
static void write_block(uint8_t *p, const sfm_voip_metrics *metrics)
{
    p[0] = VOIP_METRICS;
    p[1] = 0;
    sfm_put16(p + 2, VOIP_WORDS);
    sfm_put32(p + 4, metrics->ssrc);
    p[8] = metrics->loss_rate;
    p[9] = metrics->discard_rate;
    p[10] = metrics->burst_density;
    p[11] = metrics->gap_density;
    sfm_put16(p + 12, metrics->burst_ms);
    sfm_put16(p + 14, metrics->gap_ms);
    sfm_put16(p + 16, metrics->round_trip_ms);
    sfm_put16(p + 18, metrics->end_system_ms);
    p[20] = (uint8_t)metrics->signal_dbm;
    p[21] = (uint8_t)metrics->noise_dbm;
    p[22] = metrics->echo_return_loss_db;
    p[23] = metrics->gmin;
    p[24] = metrics->r_factor;
    p[25] = metrics->external_r_factor;
    p[26] = metrics->mos_lq;
    p[27] = metrics->mos_cq;
    p[28] = metrics->receiver;
    p[29] = 0;
    sfm_put16(p + 30, metrics->buffer_nominal_ms);
    sfm_put16(p + 32, metrics->buffer_maximum_ms);
    sfm_put16(p + 34, metrics->buffer_absolute_maximum_ms);
}

static void read_block(const uint8_t *p, sfm_voip_metrics *metrics)
{
    *metrics = (sfm_voip_metrics){
        .ssrc = sfm_get32(p + 4),
        .loss_rate = p[8],
        .discard_rate = p[9],
        .burst_density = p[10],
        .gap_density = p[11],
        .burst_ms = sfm_get16(p + 12),
        .gap_ms = sfm_get16(p + 14),
        .round_trip_ms = sfm_get16(p + 16),
        .end_system_ms = sfm_get16(p + 18),
        .signal_dbm = (int8_t)p[20],
        .noise_dbm = (int8_t)p[21],
        .echo_return_loss_db = p[22],
        .gmin = p[23],
        .r_factor = p[24],
        .external_r_factor = p[25],
        .mos_lq = p[26],
        .mos_cq = p[27],
        .receiver = p[28],
        .buffer_nominal_ms = sfm_get16(p + 30),
        .buffer_maximum_ms = sfm_get16(p + 32),
        .buffer_absolute_maximum_ms = sfm_get16(p + 34),
    };
}

int sfm_rtcp_write_voip_metrics(uint32_t ssrc, const sfm_voip_metrics *metrics, uint8_t *out, size_t capacity)
{
    if (capacity < SFM_XR_VOIP_BYTES)
        return SFM_ERROR_SPACE;
    out[0] = 2 << 6;
    out[1] = SFM_RTCP_EXTENDED_REPORT;
    sfm_put16(out + 2, SFM_XR_VOIP_BYTES / 4 - 1);
    sfm_put32(out + 4, ssrc);
    write_block(out + HEADER_BYTES, metrics);
    return SFM_XR_VOIP_BYTES;
}

int sfm_rtcp_find_voip_metrics(const uint8_t *body, size_t length, uint32_t about, sfm_voip_metrics *metrics)
{
    size_t at = 4; /* behind the SSRC of who reports */
    if (length < at)
        return SFM_ERROR_TRUNCATED;
    while (at < length) {
        if (length - at < BLOCK_HEADER_BYTES)
            return SFM_ERROR_TRUNCATED;
        size_t words = sfm_get16(body + at + 2);
        if (length - at - BLOCK_HEADER_BYTES < words * 4)
            return SFM_ERROR_TRUNCATED;
        if (body[at] == VOIP_METRICS && words == VOIP_WORDS && sfm_get32(body + at + 4) == about) {
            read_block(body + at, metrics);
            return 1;
        }
        at += BLOCK_HEADER_BYTES + words * 4;
    }
    return 0;
}
