/* RTP packets (RFC 3550 section 5) and compound RTCP packets (RFC 3550 section 6): reading and writing.
 *
 * Readers take any bytes, look at no byte outside [data, data + length), and describe what they found by offsets and
 * pointers into the caller's memory. Writers fill the caller's memory and return the number of bytes. */
#ifndef SFM_RTP_H
#define SFM_RTP_H

#include <stddef.h>
#include <stdint.h>

#include "sfm_rtcp_xr.h"

/* cffi:begin */
#define SFM_RTP_HEADER_BYTES 12
#define SFM_RTP_MAX_CSRC 15

/* The fixed header (RFC 3550 section 5.1); the version is always 2. */
typedef struct sfm_rtp_header {
    uint8_t marker;           /* 0 or 1 */
    uint8_t payload_type;     /* 0-127 */
    uint16_t sequence_number;
    uint32_t timestamp;       /* units of the payload's clock */
    uint32_t ssrc;
} sfm_rtp_header;

typedef struct sfm_rtp_packet {
    sfm_rtp_header header;
    uint32_t csrc[SFM_RTP_MAX_CSRC];
    uint8_t csrc_count;        /* 0-15 */
    uint8_t has_extension;     /* 0 or 1 */
    uint8_t padding_bytes;     /* 0 when there is no padding, else counts its own count byte */
    uint16_t extension_profile; /* "defined by profile" word, 0xBEDE for RFC 8285 one-byte elements */
    size_t extension_offset;   /* of the extension's data, after its 4-byte header */
    size_t extension_length;   /* bytes, a multiple of 4 */
    size_t payload_offset;
    size_t payload_length;     /* bytes without padding, may be 0 */
} sfm_rtp_packet;

/* Reads one RTP packet (RFC 3550 section 5.1, extension 5.3.1). 0, or SFM_ERROR_TRUNCATED, _VERSION, _PADDING. */
int sfm_rtp_parse(const uint8_t *data, size_t length, sfm_rtp_packet *packet);

/* Writes the 12 bytes of a header without CSRCs, extension or padding; returns 12 or SFM_ERROR_SPACE, _ARGUMENT. */
int sfm_rtp_write_header(const sfm_rtp_header *header, uint8_t *out, size_t capacity);

/* 1 when the bytes can only be RTCP where both share a port (packet types 192-223, RFC 5761 section 4), else 0. */
int sfm_rtcp_is_rtcp(const uint8_t *data, size_t length);

#define SFM_RTCP_SENDER_REPORT 200
#define SFM_RTCP_RECEIVER_REPORT 201
#define SFM_RTCP_SOURCE_DESCRIPTION 202
#define SFM_RTCP_BYE 203
#define SFM_RTCP_APPLICATION 204
#define SFM_RTCP_MAX_COUNT 31

/* One packet of a compound. */
typedef struct sfm_rtcp_packet {
    uint8_t packet_type;   /* 192-223; 200 SR, 201 RR, 202 SDES, 203 BYE, 204 APP */
    uint8_t count;         /* 0-31: report blocks, chunks, sources or subtype */
    uint8_t padding_bytes; /* 0 when there is none; only the last packet of a compound may have some */
    const uint8_t *body;   /* after the 4-byte header */
    size_t body_length;    /* bytes without padding */
} sfm_rtcp_packet;

/* Walks over a compound packet. */
typedef struct sfm_rtcp_cursor {
    const uint8_t *data;
    size_t length;
    size_t offset; /* of the next packet */
} sfm_rtcp_cursor;

/* Checks the whole compound (version, lengths, padding only in the last: RFC 3550 appendix A.2) and sets the cursor
 * before its first packet. A first packet that is not a report is accepted (RFC 5506 reduced size). Returns the
 * number of packets (>= 1), or SFM_ERROR_TRUNCATED, _VERSION, _PADDING, _PACKET_TYPE. */
int sfm_rtcp_open(const uint8_t *data, size_t length, sfm_rtcp_cursor *cursor);

/* Gives the next packet: 1, or 0 after the last. The cursor must come from sfm_rtcp_open. */
int sfm_rtcp_next(sfm_rtcp_cursor *cursor, sfm_rtcp_packet *packet);

/* Report block (RFC 3550 section 6.4.1). */
typedef struct sfm_rtcp_report_block {
    uint32_t ssrc;                     /* the source this block is about */
    int32_t cumulative_lost;           /* packets, -2^23 to 2^23-1; negative when duplicates came */
    uint32_t extended_highest_sequence_number;
    uint32_t jitter_ts;                /* units of the source's clock */
    uint32_t last_sr;                  /* middle 32 bits of the NTP time of the last SR, 0 when none came */
    uint32_t delay_since_last_sr;      /* 1/65536 s */
    uint8_t fraction_lost;             /* lost since the previous report, in 1/256 */
} sfm_rtcp_report_block;

/* Sender info (RFC 3550 section 6.4.1). */
typedef struct sfm_rtcp_sender_info {
    uint64_t ntp_time;      /* 32.32 seconds since 1900 */
    uint32_t rtp_timestamp; /* the same moment on the RTP clock */
    uint32_t packet_count;
    uint32_t octet_count;   /* payload bytes */
} sfm_rtcp_sender_info;

/* A sender or receiver report. */
typedef struct sfm_rtcp_report {
    uint32_t ssrc;
    uint8_t has_sender_info; /* 1 for SR, 0 for RR */
    uint8_t block_count;
    sfm_rtcp_sender_info sender_info;
    sfm_rtcp_report_block blocks[SFM_RTCP_MAX_COUNT];
} sfm_rtcp_report;

/* Reads SR and RR (RFC 3550 sections 6.4.1, 6.4.2); profile extensions after the blocks are ignored.
 * 0, or SFM_ERROR_PACKET_TYPE, _TRUNCATED. */
int sfm_rtcp_parse_report(const sfm_rtcp_packet *packet, sfm_rtcp_report *report);

typedef struct sfm_rtcp_bye {
    uint32_t sources[SFM_RTCP_MAX_COUNT];
    uint8_t source_count;
    uint8_t reason_length;  /* bytes, 0 when there is no reason */
    const uint8_t *reason;  /* UTF-8 without terminator, NULL when there is none */
} sfm_rtcp_bye;

/* Reads BYE (RFC 3550 section 6.6). 0, or SFM_ERROR_PACKET_TYPE, _TRUNCATED. */
int sfm_rtcp_parse_bye(const sfm_rtcp_packet *packet, sfm_rtcp_bye *bye);

/* What is kept of an SDES chunk: the only item that RFC 3550 requires. */
typedef struct sfm_rtcp_cname {
    uint32_t ssrc;
    uint8_t length;       /* bytes, 0 when the chunk has no CNAME */
    const uint8_t *text;  /* UTF-8 without terminator, NULL when the chunk has no CNAME */
} sfm_rtcp_cname;

typedef struct sfm_rtcp_source_description {
    sfm_rtcp_cname chunks[SFM_RTCP_MAX_COUNT];
    uint8_t chunk_count;
} sfm_rtcp_source_description;

/* Reads SDES (RFC 3550 section 6.5), all items checked, CNAMEs kept. 0, or SFM_ERROR_PACKET_TYPE, _TRUNCATED. */
int sfm_rtcp_parse_source_description(const sfm_rtcp_packet *packet, sfm_rtcp_source_description *description);

/* What to put into a compound packet: a report, an SDES with the CNAME, and a BYE when the stream ends. */
typedef struct sfm_rtcp_compound {
    uint32_t ssrc;
    const sfm_rtcp_sender_info *sender_info;  /* NULL makes a receiver report */
    const sfm_rtcp_report_block *blocks;      /* may be NULL when block_count is 0 */
    uint8_t block_count;                      /* 0-31 */
    const char *cname;                        /* 1-255 bytes; NULL: reduced size, no SDES (RFC 5506) */
    const char *bye_reason;                   /* NULL: no BYE; "": BYE without a reason; at most 255 bytes */
    const sfm_voip_metrics *voip_metrics;     /* NULL: no extended report */
} sfm_rtcp_compound;

/* Writes SR or RR, SDES, perhaps XR and BYE (RFC 3550 section 6.1). Returns the bytes, or SFM_ERROR_SPACE, _ARGUMENT. */
int sfm_rtcp_write(const sfm_rtcp_compound *compound, uint8_t *out, size_t capacity);

/* Nanoseconds since 1970 as 32.32 NTP time (RFC 3550 section 4). */
uint64_t sfm_ntp_from_unix_ns(uint64_t unix_ns);

/* The middle 32 bits of an NTP time, as `last_sr` and round trips use them. */
uint32_t sfm_ntp_middle(uint64_t ntp_time);

/* Round-trip time from a report block about our own stream (RFC 3550 section 6.4.1), in ns; `now_ntp_middle` is when
 * the block came. -1 when the block has no last_sr or the sum is negative. */
int64_t sfm_rtcp_round_trip_ns(const sfm_rtcp_report_block *block, uint32_t now_ntp_middle);
/* cffi:end */

#endif
