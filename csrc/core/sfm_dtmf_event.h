/* DTMF digits as RTP telephone-events (RFC 4733): the sender's schedule and the receiver's judgement.
 *
 * Both are plain values: embed them, no destroy needed. */
#ifndef SFM_DTMF_EVENT_H
#define SFM_DTMF_EVENT_H

#include <stddef.h>
#include <stdint.h>

/* cffi:begin */
#define SFM_DTMF_PAYLOAD_BYTES 4
#define SFM_DTMF_MAX_DIGITS 128
#define SFM_DTMF_MAX_PACKETS 5
#define SFM_DTMF_REMEMBERED 16

/* Event code 0-15 of a digit 0-9 * # A-D a-d (RFC 4733 table 7), or SFM_ERROR_DIGIT. */
int sfm_dtmf_code(char digit);

/* The digit of an event code 0-15 in upper case, or 0. */
char sfm_dtmf_digit(uint8_t code);

/* One telephone-event packet to send; the caller adds payload type, SSRC and its next sequence number. */
typedef struct sfm_dtmf_packet {
    uint32_t timestamp; /* start of the event (or of its segment), the same in all its packets */
    uint8_t marker;     /* 1 in the first packet of a digit */
    uint8_t end;        /* 1 in the three end packets */
    uint8_t payload[SFM_DTMF_PAYLOAD_BYTES];
} sfm_dtmf_packet;

typedef struct sfm_dtmf_sequence {
    const char *digits;  /* 1-128 of 0-9 * # A-D a-d and `,` for a pause; copied */
    uint32_t tone_ms;    /* 1-60000 */
    uint32_t gap_ms;     /* after each digit, 0-60000 */
    uint32_t pause_ms;   /* of each `,`, 0-60000 */
    uint8_t volume_dbm0; /* power level without its minus sign, 0-63; 10 is usual */
} sfm_dtmf_sequence;

/* Sends a string of digits. Zero bytes are a valid idle state. Fields are private. */
typedef struct sfm_dtmf_sender {
    char digits[SFM_DTMF_MAX_DIGITS];
    uint32_t clock_rate;
    uint32_t tone_ts;
    uint32_t gap_ts;
    uint32_t pause_ts;
    uint32_t digit_count;
    uint32_t index;          /* of the digit that sounds or comes next */
    uint32_t state;
    uint32_t event_start;    /* timestamp at which the digit began */
    uint32_t reported_ts;    /* duration in its last report, 0 before the first */
    uint32_t segment_start;  /* timestamp of the current segment of a long event */
    uint32_t next_start;     /* earliest timestamp of the next digit */
    uint32_t ends_left;      /* end packets still to send */
    uint8_t volume;
} sfm_dtmf_sender;

/* Takes a string of digits; the first goes out at the next tick. 0, or SFM_ERROR_BUSY, _DIGIT, _ARGUMENT. */
int sfm_dtmf_sender_start(sfm_dtmf_sender *sender, uint32_t clock_rate, const sfm_dtmf_sequence *sequence);

/* The packets of one tick; returns how many (0-5), or SFM_ERROR_ARGUMENT. `timestamp`: that of the audio packet whose
 * place this is, `ptime_ts`: its length, 1-65535. After the call, a tick that got no packet and finds the sender no
 * longer busy sends audio; every other sends these packets (perhaps none: a gap) and no audio, and the timestamp goes
 * on as if it had.
 *
 * Marker and first report, then one report per tick, then the end three times (RFC 4733 section 2.5.1.4): one per tick
 * so that one burst of loss does not take all, or the rest at once when the next digit is due before. Durations
 * count up to the end of the tick's own span, as audio does. A digit never starts before tone and gap of the one before
 * have passed; 50 ms tone and 50 ms gap take 100 ms a digit at ptime 10 and 20. */
int sfm_dtmf_sender_next(sfm_dtmf_sender *sender, uint32_t timestamp, uint32_t ptime_ts,
                         sfm_dtmf_packet packets[SFM_DTMF_MAX_PACKETS]);

/* 1 from start until the last end packet and the last gap are over. */
int sfm_dtmf_sender_busy(const sfm_dtmf_sender *sender);

/* 1 when every digit was sent to its end at least once: only repeated ends, the gap and pauses are left. */
int sfm_dtmf_sender_told(const sfm_dtmf_sender *sender);

/* Ends a sounding digit at the length it has (its three ends still go out), forgets the digits after it and the gap.
 * Returns how many digits had begun. */
int sfm_dtmf_sender_stop(sfm_dtmf_sender *sender);

/* One digit heard before. */
typedef struct sfm_dtmf_heard {
    uint32_t timestamp;           /* of its first packet that came */
    uint32_t last_timestamp;      /* of its newest segment */
    uint32_t total_before_ts;     /* length of the segments before that */
    uint16_t duration_ts;         /* longest report of the newest segment */
    uint16_t last_sequence_number;
    uint8_t code;
    uint8_t ended;
    uint8_t volume_dbm0;
} sfm_dtmf_heard;

/* Judges telephone-event packets. Zero bytes are a valid initial state. Fields are private. */
typedef struct sfm_dtmf_receiver {
    sfm_dtmf_heard heard[SFM_DTMF_REMEMBERED];
    uint64_t count; /* digits heard ever */
} sfm_dtmf_receiver;

enum sfm_dtmf_report_kind {
    SFM_DTMF_NOTHING = 0, /* seen before, or not a digit */
    SFM_DTMF_BEGAN = 1,   /* a digit, for the first and only time */
    SFM_DTMF_ENDED = 2,   /* the first end packet of a digit that was reported before: its duration is final */
};

typedef struct sfm_dtmf_report {
    int32_t kind;         /* enum sfm_dtmf_report_kind */
    char digit;
    uint8_t ended;        /* 1 when the packet that began it was an end packet: no ENDED will follow */
    uint32_t timestamp;   /* of the digit's first packet that came */
    uint32_t duration_ts; /* longest heard so far */
    uint8_t volume_dbm0;  /* power level that its first packet tells, without its minus sign */
} sfm_dtmf_report;

/* Takes one telephone-event packet. Returns the kind of report, or SFM_ERROR_TRUNCATED (payload under 4 bytes).
 *
 * A digit is known by its timestamp and event code; the last 16 are remembered, and an older timestamp than all of
 * these, by less than 2^20 units, is a stray. Two further kinds of packet are the same digit: a later segment of a long
 * event (RFC 4733 section 2.5.1.3: same code, no end yet, timestamp a multiple of 0xFFFF on), and, for senders that
 * wrongly step the timestamp inside an event, the same code in the very next sequence number without marker, no
 * further on than its own duration. Clear the value (all bytes zero) when the RTP stream restarts. */
int sfm_dtmf_receiver_put(sfm_dtmf_receiver *receiver, uint16_t sequence_number, uint32_t timestamp, uint8_t marker,
                          const uint8_t *payload, size_t length, sfm_dtmf_report *report);
/* cffi:end */

#endif
