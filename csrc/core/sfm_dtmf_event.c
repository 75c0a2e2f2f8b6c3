#include "sfm_dtmf_event.h"

#include <string.h>

#include "sfm_bytes.h"
#include "sfm_error.h"
#include "sfm_sequence.h"

#define DIGITS "0123456789*#ABCD"
#define PAUSE ','
#define CODES 16
#define SEGMENT_TS 0xFFFFU /* longest duration of one segment (RFC 4733 section 2.5.1.3) */
#define END_PACKETS 3
#define MAX_MS 60000U
#define MAX_VOLUME 63
#define MAX_CLOCK_RATE 192000U

int sfm_dtmf_code(char digit)
{
    char upper = digit >= 'a' && digit <= 'd' ? (char)(digit - 'a' + 'A') : digit;
    const char *found = upper == '\0' ? NULL : strchr(DIGITS, upper);
    return found ? (int)(found - DIGITS) : SFM_ERROR_DIGIT;
}

char sfm_dtmf_digit(uint8_t code)
{
    return code < CODES ? DIGITS[code] : '\0';
}

/* --- sender ------------------------------------------------------------------------------------------------------
 *
 *            start              due              tone over             three ends out
 *   IDLE ------------> FIRST ----------> TONE ----------------> GAP ------------------> GAP
 *     ^                                   ^                      |  digits left and due   |
 *     |                                   +----------------------+                       |
 *     +---------------------------------------------- no digit left, last gap over ------+
 */
enum state {
    IDLE = 0,
    FIRST = 1, /* digits are waiting for the first tick, which fixes the time */
    TONE = 2,
    GAP = 3,
};

static int count_digits(const char *digits, uint32_t *count)
{
    for (*count = 0; digits[*count] != '\0'; (*count)++) {
        if (*count == SFM_DTMF_MAX_DIGITS)
            return SFM_ERROR_ARGUMENT;
        if (digits[*count] != PAUSE && sfm_dtmf_code(digits[*count]) < 0)
            return SFM_ERROR_DIGIT;
    }
    return *count > 0 ? SFM_OK : SFM_ERROR_ARGUMENT;
}

static uint32_t ts_from_ms(uint32_t duration_ms, uint32_t clock_rate)
{
    return (uint32_t)((uint64_t)duration_ms * clock_rate / 1000);
}

int sfm_dtmf_sender_start(sfm_dtmf_sender *sender, uint32_t clock_rate, const sfm_dtmf_sequence *sequence)
{
    if (sender->state != IDLE)
        return SFM_ERROR_BUSY;
    if (clock_rate < 1000 || clock_rate > MAX_CLOCK_RATE || sequence->tone_ms < 1 || sequence->tone_ms > MAX_MS ||
        sequence->gap_ms > MAX_MS || sequence->pause_ms > MAX_MS || sequence->volume_dbm0 > MAX_VOLUME)
        return SFM_ERROR_ARGUMENT;
    uint32_t count;
    int error = count_digits(sequence->digits, &count);
    if (error < 0)
        return error;

    memset(sender, 0, sizeof *sender);
    memcpy(sender->digits, sequence->digits, count);
    sender->digit_count = count;
    sender->clock_rate = clock_rate;
    sender->tone_ts = ts_from_ms(sequence->tone_ms, clock_rate);
    sender->gap_ts = ts_from_ms(sequence->gap_ms, clock_rate);
    sender->pause_ts = ts_from_ms(sequence->pause_ms, clock_rate);
    sender->volume = sequence->volume_dbm0;
    sender->state = FIRST;
    return SFM_OK;
}

/*  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |     event     |E|R| volume    |          duration             |
 * +---------------------------------------------------------------+
 */
static void write_event(const sfm_dtmf_sender *sender, uint32_t duration_ts, int end, sfm_dtmf_packet *packet)
{
    packet->timestamp = sender->segment_start;
    packet->marker = 0;
    packet->end = (uint8_t)end;
    packet->payload[0] = (uint8_t)sfm_dtmf_code(sender->digits[sender->index]);
    packet->payload[1] = (uint8_t)((end ? 0x80 : 0) | sender->volume);
    sfm_put16(packet->payload + 2, (uint16_t)duration_ts);
}

static void begin_digit(sfm_dtmf_sender *sender, uint32_t timestamp)
{
    sender->state = TONE;
    sender->event_start = sender->segment_start = timestamp;
    sender->reported_ts = 0;
}

/* A long event goes on in a new segment: the full one gets its last report, without the end bit. */
static int close_segment(sfm_dtmf_sender *sender, uint32_t heard_ts, sfm_dtmf_packet *packet)
{
    if (heard_ts - (sender->segment_start - sender->event_start) <= SEGMENT_TS)
        return 0;
    write_event(sender, SEGMENT_TS, 0, packet);
    sender->segment_start += SEGMENT_TS;
    return 1;
}

/* How many of the pending ends go out now: one, or all when the next digit starts with the next tick. */
static uint32_t ends_due(const sfm_dtmf_sender *sender, uint32_t timestamp, uint32_t ptime_ts)
{
    int is_last = sender->index + 1 >= sender->digit_count;
    int next_tick_starts = sfm_timestamp_delta(timestamp + ptime_ts, sender->next_start) >= 0;
    return !is_last && next_tick_starts ? sender->ends_left : 1;
}

static int send_ends(sfm_dtmf_sender *sender, uint32_t timestamp, uint32_t ptime_ts, sfm_dtmf_packet *packets,
                     int count)
{
    uint32_t duration_ts = sender->tone_ts - (sender->segment_start - sender->event_start);
    for (uint32_t due = ends_due(sender, timestamp, ptime_ts); due > 0; due--) {
        write_event(sender, duration_ts, 1, &packets[count++]);
        sender->ends_left--;
    }
    if (sender->ends_left == 0)
        sender->index++;
    return count;
}

static int tick_tone(sfm_dtmf_sender *sender, uint32_t timestamp, uint32_t ptime_ts, sfm_dtmf_packet *packets)
{
    uint32_t heard_ts = timestamp + ptime_ts - sender->event_start;
    int is_first = sender->reported_ts == 0;
    int is_over = heard_ts >= sender->tone_ts;
    if (is_over)
        heard_ts = sender->tone_ts;
    int count = close_segment(sender, heard_ts, packets);
    uint32_t segment_ts = heard_ts - (sender->segment_start - sender->event_start);
    if (segment_ts > SEGMENT_TS)
        return count; /* the timestamp leapt over a whole segment: the next tick closes that one */
    sender->reported_ts = heard_ts;
    if (is_first || !is_over)
        write_event(sender, segment_ts, 0, &packets[count++]);
    packets[0].marker = (uint8_t)is_first;
    if (!is_over)
        return count;
    sender->state = GAP;
    sender->ends_left = END_PACKETS;
    sender->next_start = sender->event_start + sender->tone_ts + sender->gap_ts;
    return send_ends(sender, timestamp, ptime_ts, packets, count);
}

static void skip_pauses(sfm_dtmf_sender *sender)
{
    while (sender->index < sender->digit_count && sender->digits[sender->index] == PAUSE) {
        sender->next_start += sender->pause_ts;
        sender->index++;
    }
}

static int tick_gap(sfm_dtmf_sender *sender, uint32_t timestamp, uint32_t ptime_ts, sfm_dtmf_packet *packets)
{
    if (sender->ends_left > 0)
        return send_ends(sender, timestamp, ptime_ts, packets, 0);
    skip_pauses(sender);
    if (sfm_timestamp_delta(timestamp, sender->next_start) < 0)
        return 0;
    if (sender->index == sender->digit_count) {
        sender->state = IDLE;
        return 0;
    }
    begin_digit(sender, timestamp);
    return tick_tone(sender, timestamp, ptime_ts, packets);
}

int sfm_dtmf_sender_next(sfm_dtmf_sender *sender, uint32_t timestamp, uint32_t ptime_ts,
                         sfm_dtmf_packet packets[SFM_DTMF_MAX_PACKETS])
{
    if (ptime_ts == 0 || ptime_ts > SEGMENT_TS)
        return SFM_ERROR_ARGUMENT;
    if (sender->state == IDLE)
        return 0;
    if (sender->state == FIRST) {
        sender->next_start = timestamp;
        sender->state = GAP;
    }
    if (sender->state == TONE)
        return tick_tone(sender, timestamp, ptime_ts, packets);
    return tick_gap(sender, timestamp, ptime_ts, packets);
}

int sfm_dtmf_sender_busy(const sfm_dtmf_sender *sender)
{
    return sender->state != IDLE;
}

int sfm_dtmf_sender_told(const sfm_dtmf_sender *sender)
{
    if (sender->state == FIRST || sender->state == TONE)
        return 0;
    uint32_t next = sender->index + (sender->ends_left > 0 ? 1 : 0);
    while (next < sender->digit_count && sender->digits[next] == PAUSE)
        next++;
    return next >= sender->digit_count;
}

static int begun_digits(const sfm_dtmf_sender *sender)
{
    int sounding = sender->state == TONE || sender->ends_left > 0;
    int count = 0;
    for (uint32_t i = 0; i < sender->index + (sounding ? 1 : 0); i++)
        count += sender->digits[i] != PAUSE;
    return count;
}

int sfm_dtmf_sender_stop(sfm_dtmf_sender *sender)
{
    int begun = begun_digits(sender);
    if (sender->state == TONE) {
        sender->tone_ts = sender->reported_ts;
        sender->gap_ts = 0;
        sender->digit_count = sender->index + 1;
    } else if (sender->ends_left > 0) {
        sender->next_start = sender->event_start + sender->tone_ts;
        sender->digit_count = sender->index + 1;
    } else {
        sender->state = IDLE;
    }
    return begun;
}

/* --- receiver ----------------------------------------------------------------------------------------------------- */

/* How far behind everything remembered a packet may be and still be called a stray; further off it is a restart. */
#define STRAY_TS (1 << 20)
#define MAX_SEGMENTS 256 /* more than the longest tone at the fastest clock */

typedef struct event {
    uint32_t timestamp;
    uint16_t sequence_number;
    uint16_t duration_ts;
    uint8_t code;
    uint8_t end;
    uint8_t marker;
    uint8_t volume_dbm0;
} event;

static uint32_t remembered(const sfm_dtmf_receiver *receiver)
{
    return receiver->count < SFM_DTMF_REMEMBERED ? (uint32_t)receiver->count : SFM_DTMF_REMEMBERED;
}

/* The n-th newest digit, from 0. */
static sfm_dtmf_heard *recall(sfm_dtmf_receiver *receiver, uint32_t n)
{
    return &receiver->heard[(receiver->count - 1 - n) % SFM_DTMF_REMEMBERED];
}

static int is_within(const sfm_dtmf_heard *heard, const event *e)
{
    return heard->code == e->code && sfm_timestamp_delta(e->timestamp, heard->timestamp) >= 0 &&
           sfm_timestamp_delta(e->timestamp, heard->last_timestamp) <= 0;
}

/* A later segment of a long event; those between may be lost as a whole. */
static int is_later_segment(const sfm_dtmf_heard *heard, const event *e)
{
    int64_t step = sfm_timestamp_delta(e->timestamp, heard->last_timestamp);
    return !heard->ended && step > 0 && step % SEGMENT_TS == 0 && step <= MAX_SEGMENTS * (int64_t)SEGMENT_TS;
}

/* A sender that moves the timestamp within an event. A new digit cannot look so: its first packet would have taken this
 * sequence number, and its own short duration would not reach back to the last packet of the digit before. */
static int is_stepped(const sfm_dtmf_heard *heard, const event *e)
{
    int64_t step = sfm_timestamp_delta(e->timestamp, heard->last_timestamp);
    return e->sequence_number == (uint16_t)(heard->last_sequence_number + 1) && (e->end || !heard->ended) &&
           step > 0 && step <= e->duration_ts;
}

static sfm_dtmf_heard *find(sfm_dtmf_receiver *receiver, const event *e)
{
    for (uint32_t n = 0; n < remembered(receiver); n++)
        if (is_within(recall(receiver, n), e))
            return recall(receiver, n);
    if (receiver->count == 0 || e->marker || recall(receiver, 0)->code != e->code)
        return NULL;
    sfm_dtmf_heard *newest = recall(receiver, 0);
    if (is_later_segment(newest, e)) {
        newest->total_before_ts += e->timestamp - newest->last_timestamp;
        newest->duration_ts = 0;
    } else if (!is_stepped(newest, e)) {
        return NULL;
    }
    newest->last_timestamp = e->timestamp;
    return newest;
}

static int is_stray(sfm_dtmf_receiver *receiver, const event *e)
{
    if (receiver->count < SFM_DTMF_REMEMBERED)
        return 0;
    for (uint32_t n = 0; n < SFM_DTMF_REMEMBERED; n++) {
        int64_t behind = sfm_timestamp_delta(recall(receiver, n)->timestamp, e->timestamp);
        if (behind <= 0 || behind > STRAY_TS)
            return 0;
    }
    return 1;
}

static void fill_report(const sfm_dtmf_heard *heard, int kind, sfm_dtmf_report *report)
{
    report->kind = kind;
    report->digit = sfm_dtmf_digit(heard->code);
    report->ended = heard->ended;
    report->timestamp = heard->timestamp;
    report->duration_ts = heard->total_before_ts + heard->duration_ts;
    report->volume_dbm0 = heard->volume_dbm0;
}

/* Durations of an earlier segment that comes late say nothing new. */
static int hear_again(sfm_dtmf_heard *heard, const event *e, sfm_dtmf_report *report)
{
    int ends = e->end && !heard->ended;
    if (e->timestamp == heard->last_timestamp && e->duration_ts > heard->duration_ts)
        heard->duration_ts = e->duration_ts;
    if (sfm_sequence_delta(e->sequence_number, heard->last_sequence_number) > 0)
        heard->last_sequence_number = e->sequence_number;
    heard->ended |= e->end;
    fill_report(heard, ends ? SFM_DTMF_ENDED : SFM_DTMF_NOTHING, report);
    return report->kind;
}

static int hear_first(sfm_dtmf_receiver *receiver, const event *e, sfm_dtmf_report *report)
{
    receiver->count++;
    *recall(receiver, 0) = (sfm_dtmf_heard){
        .timestamp = e->timestamp,
        .last_timestamp = e->timestamp,
        .duration_ts = e->duration_ts,
        .last_sequence_number = e->sequence_number,
        .code = e->code,
        .ended = e->end,
        .volume_dbm0 = e->volume_dbm0,
    };
    fill_report(recall(receiver, 0), SFM_DTMF_BEGAN, report);
    return report->kind;
}

int sfm_dtmf_receiver_put(sfm_dtmf_receiver *receiver, uint16_t sequence_number, uint32_t timestamp, uint8_t marker,
                          const uint8_t *payload, size_t length, sfm_dtmf_report *report)
{
    if (length < SFM_DTMF_PAYLOAD_BYTES)
        return SFM_ERROR_TRUNCATED;
    memset(report, 0, sizeof *report);
    event e = {
        .timestamp = timestamp,
        .sequence_number = sequence_number,
        .duration_ts = sfm_get16(payload + 2),
        .code = payload[0],
        .end = payload[1] >> 7,
        .volume_dbm0 = payload[1] & MAX_VOLUME,
        .marker = marker,
    };
    if (e.code >= CODES)
        return SFM_DTMF_NOTHING;
    sfm_dtmf_heard *heard = find(receiver, &e);
    if (heard)
        return hear_again(heard, &e, report);
    if (is_stray(receiver, &e))
        return SFM_DTMF_NOTHING;
    return hear_first(receiver, &e, report);
}
