#include "sfm_leg_inside.h"

enum {
    HEAR_OUT_MS = 500, /* at most, when the leg closes: more than a jitter buffer holds */
    DIGIT_SILENCE_NS = 150 * 1000 * 1000, /* without packets a digit is over: senders repeat at least every 50 ms */
};

/* --- receiving --------------------------------------------------------------------------------------------------- */

static void note_first_packet(sfm_leg *leg, int64_t arrival_ns) {
    if (leg->first_packet_seen) {
        return;
    }
    leg->first_packet_seen = true;
    if (leg->counters.first_packet_ns < 0) {
        leg->counters.first_packet_ns = arrival_ns;
    }
    sfm_leg_push_event(leg, SFM_EVENT_FIRST_PACKET, 0);
}

static uint32_t received_dtmf_clock(const sfm_leg *leg) {
    uint32_t clock = leg->params.dtmf_receive_clock_rate;
    return clock != 0 ? clock : sfm_playout_clock_rate(leg->playout);
}

static void report_digit(sfm_leg *leg, const sfm_dtmf_report *report) {
    sfm_event *event = sfm_leg_push_event(leg, SFM_EVENT_DIGIT_RECEIVED, 0);
    event->digit = report->digit;
    event->elapsed_ms = (int64_t)report->duration_ts * 1000 / received_dtmf_clock(leg);
    event->volume_dbm0 = report->volume_dbm0;
}

void sfm_leg_end_digit(sfm_leg *leg) {
    if (leg->sounding.kind != SFM_DTMF_NOTHING) {
        report_digit(leg, &leg->sounding);
        leg->sounding.kind = SFM_DTMF_NOTHING;
    }
}

/* A digit is told when it ends: with its length, and not while its sender is still at it, for whoever hangs up on a
 * digit would cut the digit off. When all three end packets are lost, the next digit or a silence ends it. */
static void receive_digit(sfm_leg *leg, const sfm_rtp_header *header, const uint8_t *payload, size_t length,
                          int64_t arrival_ns) {
    sfm_dtmf_report report;
    int kind = sfm_dtmf_receiver_put(&leg->digits, header->sequence_number, header->timestamp, header->marker, payload,
                                     length, &report);
    leg->sounding_ns = arrival_ns;
    if (kind < 0) {
        leg->counters.malformed++;
    } else if (kind == SFM_DTMF_BEGAN) {
        sfm_leg_end_digit(leg);
        leg->sounding = report;
        if (report.ended) {
            sfm_leg_end_digit(leg);
        }
    } else if (kind == SFM_DTMF_ENDED && leg->sounding.kind != SFM_DTMF_NOTHING) {
        leg->sounding.duration_ts = report.duration_ts;
        sfm_leg_end_digit(leg);
    }
}

static void end_silent_digit(sfm_leg *leg, int64_t now_ns) {
    if (leg->sounding.kind != SFM_DTMF_NOTHING && now_ns - leg->sounding_ns > DIGIT_SILENCE_NS) {
        sfm_leg_end_digit(leg);
    }
}

static bool is_digit(const sfm_leg *leg, const sfm_rtp_header *header) {
    return header->payload_type == leg->params.dtmf_receive_payload_type;
}

static bool is_noise(const sfm_leg *leg, const sfm_rtp_header *header) {
    return leg->params.noise_receive_payload_type != 0 && header->payload_type == leg->params.noise_receive_payload_type;
}

/* What follows the level describes a spectrum (RFC 3389 section 3.2); the noise that is played is white. */
static void receive_noise(sfm_leg *leg, const sfm_rtp_header *header, const uint8_t *payload, size_t length,
                          int64_t arrival_ns) {
    if (length == 0) {
        leg->counters.malformed++;
        sfm_playout_put_event(leg->playout, header, arrival_ns);
        return;
    }
    leg->counters.noise_received++;
    sfm_playout_put_noise(leg->playout, header, payload[0] & 0x7F, arrival_ns);
}

static const sfm_codec *codec_of_type(const sfm_leg *leg, int32_t payload_type) {
    for (uint32_t i = 0; i < leg->params.receive_format_count; i++) {
        if (leg->params.receive_formats[i].payload_type == payload_type) {
            return leg->params.receive_formats[i].codec;
        }
    }
    return NULL;
}

/* In a buffer that nobody emptied meanwhile it would be too much, and be called late. */
static void receive_deaf(sfm_leg *leg, const sfm_rtp_header *header, const uint8_t *payload, size_t length,
                         int64_t arrival_ns) {
    if (is_digit(leg, header)) {
        receive_digit(leg, header, payload, length, arrival_ns);
    } else if (is_noise(leg, header)) {
        leg->counters.noise_received++;
    } else if (codec_of_type(leg, header->payload_type) == NULL) {
        leg->counters.unknown_payload++;
    }
}

/* What the jitter buffer refuses as no codec's holds its place in the sequence all the same: it is no loss. */
static void receive_media(sfm_leg *leg, const sfm_rtp_header *header, const uint8_t *payload, size_t length,
                          int64_t arrival_ns) {
    if (arrival_ns < leg->deaf_until_ns) {
        receive_deaf(leg, header, payload, length, arrival_ns);
        return;
    }
    if (is_digit(leg, header)) {
        receive_digit(leg, header, payload, length, arrival_ns);
        sfm_playout_put_event(leg->playout, header, arrival_ns);
        return;
    }
    if (is_noise(leg, header)) {
        receive_noise(leg, header, payload, length, arrival_ns);
        return;
    }
    int result = sfm_playout_put(leg->playout, header, payload, length, arrival_ns);
    if (result == SFM_ERROR_PAYLOAD_TYPE) {
        leg->counters.unknown_payload++;
    } else if (result < 0) {
        leg->counters.unplayable++;
    }
    if (result == SFM_JITTER_LATE) {
        sfm_stream_statistics_discard(&leg->stream, header->sequence_number);
    }
    if (result < 0) {
        sfm_playout_put_event(leg->playout, header, arrival_ns);
    }
}

static void count_packet(sfm_leg *leg, const sfm_rtp_header *header, size_t length, int64_t arrival_ns) {
    const sfm_codec *codec = codec_of_type(leg, header->payload_type);
    if (codec != NULL) {
        sfm_stream_statistics_set_clock(&leg->stream, codec->clock_rate);
        leg->counters.payload_type = header->payload_type;
    }
    sfm_stream_statistics_update(&leg->stream, header, length, arrival_ns, codec != NULL);
    leg->counters.unanswered_ns = 0;
    leg->counters.jitter_sum_ns += (uint64_t)sfm_stream_statistics_jitter_ns(&leg->stream);
    leg->counters.jitter_count++;
}

static int receive_rtp(sfm_leg *leg, const uint8_t *data, size_t length, int64_t arrival_ns) {
    sfm_rtp_packet packet;
    int error = sfm_rtp_parse(data, length, &packet);
    if (error != SFM_OK) {
        leg->counters.malformed++;
        return error;
    }
    count_packet(leg, &packet.header, packet.payload_length, arrival_ns);
    if (!leg->params.receives) {
        leg->counters.unwanted++;
        return SFM_OK;
    }
    note_first_packet(leg, arrival_ns);
    receive_media(leg, &packet.header, data + packet.payload_offset, packet.payload_length, arrival_ns);
    return SFM_OK;
}

/* What is protected, laid open; what cannot be is as if it had never come, but for a count. */
bool sfm_leg_open_packet(sfm_leg *leg, const uint8_t *data, size_t length, int64_t arrival_ns, bool rtcp,
                        sfm_srtp_opened *opened) {
    int result = sfm_secure_unprotect(&leg->secure, data, length, arrival_ns, rtcp, opened);
    if (result == SFM_SECURE_USELESS) {
        sfm_leg_push_event(leg, SFM_EVENT_SRTP_USELESS, 0);
    }
    return result == SFM_SECURE_OPENED;
}

int sfm_leg_receive(sfm_leg *leg, const uint8_t *data, size_t length, int64_t arrival_ns) {
    sfm_srtp_opened opened;
    if (sfm_rtcp_is_rtcp(data, length)) {
        return sfm_leg_receive_rtcp(leg, data, length, arrival_ns);
    }
    if (leg->secure.current == NULL) {
        return receive_rtp(leg, data, length, arrival_ns);
    }
    return sfm_leg_open_packet(leg, data, length, arrival_ns, false, &opened)
               ? receive_rtp(leg, opened.as.data, opened.length, arrival_ns)
               : SFM_OK;
}

static bool is_agreed(const sfm_leg *leg, const sfm_rtp_header *header) {
    bool found = is_digit(leg, header);
    for (uint32_t i = 0; i < leg->params.receive_format_count; i++) {
        found = found || leg->params.receive_formats[i].payload_type == header->payload_type;
    }
    return found;
}

int sfm_leg_adopt(sfm_leg *leg, const uint8_t *data, size_t length, int64_t arrival_ns) {
    sfm_rtp_packet packet;
    bool is_rtp = !sfm_rtcp_is_rtcp(data, length) && sfm_rtp_parse(data, length, &packet) == SFM_OK;
    if (!is_rtp || !is_agreed(leg, &packet.header)) {
        return 0;
    }
    uint64_t before = leg->stream.received;
    (void)sfm_leg_receive(leg, data, length, arrival_ns);
    return leg->stream.received > before;
}

void sfm_leg_secure(sfm_leg *leg, sfm_srtp *srtp) {
    sfm_srtp_opened opened;
    sfm_secure_set(&leg->secure, srtp);
    while (sfm_secure_next_early(&leg->secure, &opened)) {
        (void)receive_rtp(leg, opened.as.data, opened.length, opened.arrival_ns);
    }
}

void sfm_leg_note_handshake(sfm_leg *leg) { leg->secure.peer_shakes = true; }

/* --- hearing ----------------------------------------------------------------------------------------------------- */

static void report_inband_digits(sfm_leg *leg) {
    sfm_inband_digit digit;
    while (sfm_ear_next_digit(sfm_listener_ear(leg->listener), &digit)) {
        sfm_event *event = sfm_leg_push_event(leg, SFM_EVENT_DIGIT_RECEIVED, 0);
        event->digit = digit.digit;
        event->elapsed_ms = digit.duration_ms;
        event->inband = 1;
        event->volume_dbm0 = digit.volume_dbm0;
    }
}

/* Whether nobody here knows what sounded: the packets are of a codec that only passes through, or the first of them
 * waits to be played. */
static bool is_unknown(const sfm_leg *leg, int content) {
    if (content < 0 || (content & SFM_PLAYOUT_AUDIO) != 0) {
        return content > 0 && (content & SFM_PLAYOUT_UNKNOWN) != 0;
    }
    const sfm_codec *newest = codec_of_type(leg, leg->counters.payload_type);
    return (content & SFM_PLAYOUT_UNKNOWN) != 0 || (newest != NULL && newest->decode == NULL);
}

static int kind_of(const sfm_leg *leg, int content) {
    if (is_unknown(leg, content)) {
        return SFM_EAR_UNHEARD;
    }
    bool sounds = content > 0 && (content & (SFM_PLAYOUT_AUDIO | SFM_PLAYOUT_CONCEALED)) != 0;
    return sounds ? SFM_EAR_SOUND : SFM_EAR_PAUSE;
}

static void listen(sfm_leg *leg, const int16_t *pcm, uint32_t count, int content) {
    sfm_listener_report report;
    if (leg->listener == NULL) {
        return;
    }
    sfm_listener_hear(leg->listener, pcm, count, leg->sample_rate, kind_of(leg, content));
    report_inband_digits(leg);
    while (sfm_listener_next(leg->listener, &report)) {
        sfm_leg_report_hearing(leg, &report);
    }
}

/* From the first packet on: before it nobody has begun to speak. */
static void watch_silence(sfm_leg *leg, const sfm_level *block) {
    counters *counted = &leg->counters;
    if (!leg->first_packet_seen || !leg->params.receives) {
        return;
    }
    counted->listened_samples += block->samples;
    if (sfm_silence_detector_take(&leg->silence, block)) {
        counted->silent_samples += block->samples;
    }
    if (leg->silence.silent_samples > counted->silence_max_samples) {
        counted->silence_max_samples = leg->silence.silent_samples;
    }
}

static sfm_sound read_sound(sfm_leg *leg, int64_t due_ns, sound_room *room, int *content) {
    uint32_t count = sfm_leg_tick_samples(leg);
    if (leg->states == NULL || leg->states->right == NULL) {
        *content = sfm_playout_read(leg->playout, due_ns, room->mixed, count);
        return sfm_sound_of_one(room->mixed);
    }
    *content = sfm_playout_read_both(leg->playout, due_ns, room->left, room->right, count);
    return sfm_sound_of_both(room->left, room->right, room->mixed, count);
}

static void count_level(sfm_leg *leg, sfm_sound heard, const sfm_level *block, size_t count) {
    sfm_level_merge(&leg->level, block);
    if (heard.left != heard.right) {
        sfm_level_add(&leg->level_left, heard.left, count);
        sfm_level_add(&leg->level_right, heard.right, count);
    }
}

void sfm_leg_playout_tick(sfm_leg *leg, int64_t due_ns) {
    sound_room room;
    uint32_t count = sfm_leg_tick_samples(leg);
    end_silent_digit(leg, due_ns);
    int content;
    sfm_sound heard = read_sound(leg, due_ns, &room, &content);
    if (is_unknown(leg, content)) {
        leg->counters.unknown_samples += count;
        leg->silence.silent_samples = 0;
        listen(leg, heard.mixed, count, content);
    } else {
        sfm_level block = {0};
        sfm_level_add(&block, heard.mixed, count);
        if (content > 0 && (content & SFM_PLAYOUT_AUDIO) != 0) {
            count_level(leg, heard, &block, count);
        }
        listen(leg, heard.mixed, count, content);
        watch_silence(leg, &block);
    }
    sfm_leg_tape_heard(leg, heard, count);
}

/* What had arrived was on its way to the ear. */
void sfm_leg_hear_out(sfm_leg *leg, int64_t due_ns) {
    sound_room room;
    sfm_jitter_counts counts;
    if (leg->listener == NULL) {
        return;
    }
    sfm_playout_read_counts(leg->playout, &counts);
    for (uint32_t ms = 0; counts.buffered > 0 && ms < HEAR_OUT_MS; ms += leg->params.ptime_ms) {
        int content;
        sfm_sound heard = read_sound(leg, due_ns + (int64_t)ms * 1000000, &room, &content);
        sfm_listener_hear(leg->listener, heard.mixed, sfm_leg_tick_samples(leg), leg->sample_rate, kind_of(leg, content));
        sfm_playout_read_counts(leg->playout, &counts);
    }
    report_inband_digits(leg);
    sfm_listener_hear_out(leg->listener);
}

void sfm_leg_skip(sfm_leg *leg, uint32_t ticks, int64_t until_ns) {
    static const int16_t silence[MAX_TICK_SAMPLES];
    leg->deaf_until_ns = until_ns;
    sfm_playout_reset(leg->playout);
    for (uint32_t i = 0; i < ticks; i++) {
        sfm_leg_skip_sending(leg);
        listen(leg, silence, sfm_leg_tick_samples(leg), SFM_PLAYOUT_SILENCE);
        sfm_leg_tape_heard(leg, sfm_sound_of_one(silence), sfm_leg_tick_samples(leg));
    }
}
