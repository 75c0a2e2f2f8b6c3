#include "../core/sfm_channels.h"
#include "sfm_leg_inside.h"

enum {
    NOISE_AFTER_MS = 200, /* of silence: a pause between two words is none */
    NOISE_INTERVAL_MS = 400, /* from one description of the noise to the next */
};

static void put_packet(sfm_leg *leg, sfm_outgoing_packet *packet, const sfm_rtp_header *header, size_t payload_length) {
    sfm_rtp_write_header(header, packet->data, sizeof packet->data);
    packet->length = SFM_RTP_HEADER_BYTES + payload_length;
    packet->is_rtcp = 0;
    packet->payload_length = payload_length;
    leg->sender.sequence_number++;
    leg->sender.packet_count++;
    leg->sender.octet_count += (uint32_t)payload_length;
    if (!sfm_secure_protect(&leg->secure, packet->data, &packet->length, sizeof packet->data, false)) {
        return;
    }
    if (packet == leg->room) {
        sfm_outgoing_lend(&leg->outgoing, packet);
    } else {
        sfm_outgoing_put(&leg->outgoing, packet);
    }
}

static sfm_rtp_header next_header(const sfm_leg *leg, uint8_t payload_type) {
    return (sfm_rtp_header){.payload_type = payload_type,
                            .sequence_number = leg->sender.sequence_number,
                            .timestamp = leg->sender.timestamp,
                            .ssrc = leg->sender.ssrc};
}


static sfm_sound of_interleaved(const int16_t *interleaved, size_t count, sound_room *room) {
    sfm_split_channels(interleaved, room->left, room->right, count);
    return sfm_sound_of_both(room->left, room->right, room->mixed, count);
}

/* What a listener without loss decodes: the payload, not the prompt. */
static sfm_sound decode_sent(sfm_leg *leg, const uint8_t *payload, size_t length, sound_room *room) {
    const sfm_codec *codec = leg->params.send_format.codec;
    int16_t interleaved[2 * MAX_TICK_SAMPLES];
    bool is_wide = codec->decoded_channels > 1;
    int16_t *pcm = is_wide ? interleaved : room->mixed;
    int decoded = length > 0 ? sfm_codec_decode(codec, sfm_leg_state_at(leg, 0), payload, length, pcm, MAX_TICK_SAMPLES)
                             : sfm_codec_conceal(codec, sfm_leg_state_at(leg, 0), NULL, 0, pcm, sfm_leg_tick_samples(leg));
    size_t channels = is_wide ? 2 : 1;
    size_t good = decoded > 0 ? (size_t)decoded : 0;
    if (good < MAX_TICK_SAMPLES) {
        memset(pcm + channels * good, 0, channels * (MAX_TICK_SAMPLES - good) * sizeof pcm[0]);
    }
    return is_wide ? of_interleaved(interleaved, sfm_leg_tick_samples(leg), room) : sfm_sound_of_one(pcm);
}

/* Records it, and tells whether it is silence that comfort noise may stand for. */
static bool hear_sent(sfm_leg *leg, const uint8_t *payload, size_t length) {
    sound_room room;
    bool wants_noise = leg->params.noise_send_payload_type != 0 && leg->params.send_format.codec->decode != NULL;
    if (sfm_leg_running_tape(leg) == NULL && leg->keepsake == NULL && !wants_noise) {
        return false;
    }
    sfm_sound sent = decode_sent(leg, payload, length, &room);
    if (leg->params.send_format.codec->decode == NULL) {
        sfm_leg_keep_payload(leg, SFM_TAPE_SENT, leg->params.send_format.codec, payload, length);
    }
    sfm_leg_tape_sent(leg, sent);
    if (!wants_noise || sfm_block_dbov(sent.mixed, sfm_leg_tick_samples(leg)) < SFM_LEG_SILENCE_DBOV) {
        return false;
    }
    sfm_level_add(&leg->pauses.noise, sent.mixed, sfm_leg_tick_samples(leg));
    return true;
}

static size_t silent_payload(const sfm_leg *leg, uint8_t *payload) {
    int length =
        sfm_codec_silence(leg->params.send_format.codec, sfm_leg_tick_samples(leg), payload, SFM_MAX_PAYLOAD_BYTES);
    return length > 0 ? (size_t)length : 0;
}

static size_t next_of_prompt(sfm_leg *leg, uint8_t *payload) {
    const sfm_codec *codec = leg->params.send_format.codec;
    sfm_seam *seam = leg->states != NULL ? leg->states->seam : NULL;
    sfm_play before = leg->play;
    size_t length = sfm_play_next(&leg->play, codec, payload, leg->params.ptime_ms);
    if (leg->muted) {
        length = silent_payload(leg, payload);
    }
    if (seam != NULL && !leg->muted && sfm_prompt_codec(before.prompt) == codec) {
        sfm_seam_mend(seam, &before, &leg->play, payload, length);
    } else if (seam != NULL) {
        sfm_seam_pass(seam, payload, length);
    }
    return length;
}

static size_t next_payload(sfm_leg *leg, uint8_t *payload) {
    if (leg->play.prompt != NULL) {
        return next_of_prompt(leg, payload);
    }
    size_t length = silent_payload(leg, payload);
    if (leg->states != NULL && leg->states->seam != NULL) {
        sfm_seam_pass(leg->states->seam, payload, length);
    }
    return length;
}

static bool says_nothing(const sfm_leg *leg) { return leg->play.prompt == NULL || leg->muted; }

/* One byte: the level (RFC 3389 section 3.1). */
static void send_noise(sfm_leg *leg, sfm_outgoing_packet *packet) {
    sfm_rtp_header header = next_header(leg, leg->params.noise_send_payload_type);
    packet->data[SFM_RTP_HEADER_BYTES] = (uint8_t)sfm_level_dbov(&leg->pauses.noise);
    leg->pauses.noise = (sfm_level){0};
    leg->counters.noise_sent++;
    put_packet(leg, packet, &header, 1);
}

/* What a packet time is worth: its packet, a description of the noise, or nothing at all. */
enum sending { SEND_AUDIO, SEND_NOISE, SEND_NOTHING };

static enum sending in_pause(sfm_leg *leg, uint32_t after_ms, uint32_t interval_ms, enum sending due) {
    pauses *quiet = &leg->pauses;
    uint32_t ptime_ms = leg->params.ptime_ms;
    quiet->quiet_ms += quiet->quiet_ms <= after_ms ? ptime_ms : 0;
    if (quiet->quiet_ms <= after_ms) {
        return SEND_AUDIO;
    }
    bool is_due = quiet->unsent_ms == 0 || quiet->unsent_ms >= interval_ms;
    quiet->unsent_ms = (is_due ? 0 : quiet->unsent_ms) + ptime_ms;
    return is_due ? due : SEND_NOTHING;
}

static enum sending choose_sending(sfm_leg *leg, bool quiet) {
    uint32_t interval_ms = leg->params.send_format.codec->silence_interval_ms;
    if (leg->params.noise_send_payload_type != 0 && quiet) {
        return in_pause(leg, NOISE_AFTER_MS, NOISE_INTERVAL_MS, SEND_NOISE);
    }
    if (interval_ms != 0 && says_nothing(leg)) {
        return in_pause(leg, 0, interval_ms, SEND_AUDIO);
    }
    leg->pauses = (pauses){0};
    return SEND_AUDIO;
}

static void send_audio(sfm_leg *leg, int64_t due_ns) {
    sfm_outgoing_packet own;
    sfm_outgoing_packet *packet = leg->room != NULL ? leg->room : &own;
    packet->due_ns = due_ns;
    size_t length = next_payload(leg, packet->data + SFM_RTP_HEADER_BYTES);
    enum sending sending = choose_sending(leg, hear_sent(leg, packet->data + SFM_RTP_HEADER_BYTES, length));
    if (sending == SEND_NOISE) {
        send_noise(leg, packet);
    }
    if (length == 0 || sending != SEND_AUDIO) { /* what comes after a pause begins a talkspurt */
        leg->sender.marker = true;
        return;
    }
    sfm_rtp_header header = next_header(leg, leg->params.send_format.payload_type);
    header.marker = leg->sender.marker;
    leg->sender.marker = false;
    put_packet(leg, packet, &header, length);
}

/* The time of a prompt goes on while nothing of it is sent, as it does for whoever speaks into a phone. */
static void pass_prompt_time(sfm_leg *leg) {
    uint8_t unheard[SFM_MAX_PAYLOAD_BYTES];
    if (leg->play.prompt != NULL) {
        (void)sfm_play_next(&leg->play, leg->params.send_format.codec, unheard, leg->params.ptime_ms);
    }
    sfm_leg_tape_silence(leg);
    leg->sender.marker = true;
}

/* From the stream's clock to that of telephone-event and back, as if both had begun with the digits. They differ only
 * where a peer offers nothing better (Opus at 48 kHz with telephone-event at 8 kHz): then the RTP timestamp stays the
 * stream's and the durations are those of the event's clock, which is how such peers read and write them. */
static uint32_t at_clock(const sfm_leg *leg, uint32_t timestamp, uint32_t from_rate, uint32_t to_rate) {
    return leg->dtmf_origin + (uint32_t)((uint64_t)(timestamp - leg->dtmf_origin) * to_rate / from_rate);
}

/* Once, with the first of its three ends. */
static void report_sent_digit(sfm_leg *leg, const sfm_dtmf_packet *sent) {
    if (sent->end && !leg->dtmf_ended) {
        sfm_event *event = sfm_leg_push_event(leg, SFM_EVENT_DIGIT_SENT, 0);
        event->digit = sfm_dtmf_digit(sent->payload[0]);
        event->elapsed_ms = (int64_t)leg->dtmf.tone_ts * 1000 / sfm_leg_dtmf_clock(leg);
        event->volume_dbm0 = leg->dtmf.volume;
    }
    leg->dtmf_ended = sent->end != 0;
}

static void send_events(sfm_leg *leg, int64_t due_ns) {
    sfm_dtmf_packet events[SFM_DTMF_MAX_PACKETS];
    uint32_t clock = sfm_leg_dtmf_clock(leg);
    uint32_t now = at_clock(leg, leg->sender.timestamp, leg->clock_rate, clock);
    int count = sfm_dtmf_sender_next(&leg->dtmf, now, clock / 1000 * leg->params.ptime_ms, events);
    for (int i = 0; i < count; i++) {
        sfm_outgoing_packet packet;
        packet.due_ns = due_ns;
        sfm_rtp_header header = next_header(leg, (uint8_t)leg->params.dtmf_send_payload_type);
        header.timestamp = at_clock(leg, events[i].timestamp, clock, leg->clock_rate);
        header.marker = events[i].marker;
        memcpy(packet.data + SFM_RTP_HEADER_BYTES, events[i].payload, SFM_DTMF_PAYLOAD_BYTES);
        put_packet(leg, &packet, &header, SFM_DTMF_PAYLOAD_BYTES);
        report_sent_digit(leg, &events[i]);
    }
    if (!sfm_dtmf_sender_busy(&leg->dtmf)) {
        sfm_leg_finish_dtmf(leg, true);
    }
}

static bool sends_digits(sfm_leg *leg) {
    leg->dtmf_busy = leg->dtmf_busy && sfm_dtmf_sender_busy(&leg->dtmf);
    return leg->dtmf_busy && leg->params.dtmf_send_payload_type >= 0;
}

static void send_something(sfm_leg *leg, int64_t due_ns) {
    if (!leg->params.sends) {
        pass_prompt_time(leg);
        sfm_outgoing_flush(&leg->outgoing, due_ns);
    } else if (sends_digits(leg)) {
        pass_prompt_time(leg);
        send_events(leg, due_ns);
    } else {
        send_audio(leg, due_ns);
    }
}

static void report_play(sfm_leg *leg) {
    if (leg->play.prompt == NULL) {
        return;
    }
    sfm_leg_push_progress(leg, SFM_EVENT_PLAY_PROGRESS, leg->play.job, sfm_play_elapsed_ms(&leg->play),
                  sfm_play_total_ms(&leg->play), &leg->play_reported_ms);
    if (sfm_play_done(&leg->play)) {
        sfm_leg_finish_play(leg, true);
    } else if (sfm_play_broken(&leg->play)) {
        sfm_leg_finish_play(leg, false);
    }
}

/* How long there could have been audio both ways, and how long of that nothing has come: one-way audio. */
static void count_both_ways(sfm_leg *leg) {
    if (leg->params.sends && leg->params.receives) {
        int64_t tick_ns = (int64_t)leg->params.ptime_ms * 1000000;
        leg->counters.both_ways_ns += tick_ns;
        leg->counters.unanswered_ns += tick_ns;
    }
}

void sfm_leg_send_tick(sfm_leg *leg, int64_t due_ns) {
    if (sfm_leg_running_tape(leg) != NULL) {
        sfm_tape_note_time(leg->tape, due_ns);
    }
    if (!sfm_leg_may_send(leg)) {
        sfm_leg_tape_silence(leg);
        return;
    }
    count_both_ways(leg);
    send_something(leg, due_ns);
    leg->sender.timestamp += sfm_leg_tick_ts(leg);
    leg->sender.timestamp_ns = due_ns + sfm_leg_tick_ns(leg);
    report_play(leg);
}

const sfm_outgoing_packet *sfm_leg_take(sfm_leg *leg, int64_t now_ns) {
    const sfm_outgoing_packet *packet = sfm_outgoing_take(&leg->outgoing, now_ns);
    if (packet != NULL && !packet->is_rtcp) {
        leg->counters.packets_sent++;
        leg->counters.bytes_sent += packet->payload_length;
    }
    return packet;
}

int64_t sfm_leg_next_due_ns(const sfm_leg *leg) { return sfm_outgoing_next_due_ns(&leg->outgoing); }

bool sfm_leg_delay_rtcp(sfm_leg *leg, const uint8_t *data, size_t length, int64_t now_ns) {
    return sfm_outgoing_delay_rtcp(&leg->outgoing, data, length, now_ns);
}

void sfm_leg_skip_sending(sfm_leg *leg) {
    if (!sfm_leg_may_send(leg)) {
        sfm_leg_tape_silence(leg);
        return;
    }
    pass_prompt_time(leg);
    report_play(leg);
    leg->sender.timestamp += sfm_leg_tick_ts(leg);
}
