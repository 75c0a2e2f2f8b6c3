#include "sfm_leg.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "../core/sfm_error.h"
#include "../core/sfm_level.h"
#include "../core/sfm_playout.h"
#include "../core/sfm_random.h"
#include "../core/sfm_rtp.h"
#include "../core/sfm_stream_statistics.h"
#include "../core/sfm_warm.h"
#include "sfm_play.h"
#include "sfm_seam.h"
#include "sfm_sound.h"

enum {
    DEFAULT_PTIME_MS = 20,
    MIN_PTIME_MS = 5,
    PROGRESS_MS = 500,
    DTMF_VOLUME_DBM0 = 10,
    MAX_TICK_SAMPLES = SFM_MAX_SAMPLE_RATE / 1000 * SFM_MAX_PTIME_MS,
    EVENT_CAPACITY = 32,
    UNDER_WAY_MS = 500, /* of packets that the peer has sent and that did not come: fewer may still come */
    HEAR_OUT_MS = 500, /* at most, when the leg closes: more than a jitter buffer holds */
    NOISE_AFTER_MS = 200, /* of silence: a pause between two words is none */
    NOISE_INTERVAL_MS = 400, /* from one description of the noise to the next */
    DIGIT_SILENCE_NS = 150 * 1000 * 1000, /* without packets a digit is over: senders repeat at least every 50 ms */
};

/* Events of one call: the owner drains them after each, so the bound is what one call can produce. */
typedef struct event_queue {
    uint32_t first;
    uint32_t count;
    sfm_event events[EVENT_CAPACITY];
} event_queue;

/* The RTP stream that the leg sends. */
typedef struct sender {
    uint32_t ssrc;
    uint16_t sequence_number;
    uint32_t timestamp;     /* of the next tick's first sample */
    int64_t timestamp_ns;   /* when that tick is due, as far as known */
    bool marker;            /* the next audio packet begins a talkspurt */
    uint32_t packet_count;  /* as RTCP counts: what the leg sent, whatever the impairment did to it */
    uint32_t octet_count;
} sender;

typedef struct counters {
    uint64_t packets_sent;
    uint64_t bytes_sent;
    uint64_t malformed;
    uint64_t unknown_payload;
    uint64_t noise_sent;
    uint64_t noise_received;
    uint64_t unwanted;
    uint64_t jitter_sum_ns;
    uint64_t jitter_count;
    int64_t first_packet_ns;
    int64_t both_ways_ns;
    int64_t unanswered_ns;
    uint64_t listened_samples;
    uint64_t silent_samples;
    uint64_t silence_max_samples;
    uint64_t unknown_samples;
    int32_t payload_type; /* of the newest audio packet; -1 */
} counters;

/* What is sent when nobody speaks. */
typedef struct pauses {
    uint32_t quiet_ms;  /* how long it has been quiet */
    uint32_t unsent_ms; /* how much of that has passed since something was sent */
    sfm_level noise;    /* since it was described */
} pauses;

/* One block: the decoder of what is sent (for recordings), then those of what may come. */
struct sfm_leg_states {
    uint32_t count;
    void *states[1 + SFM_LEG_MAX_FORMATS]; /* NULL for a codec without state */
    sfm_seam *seam; /* of what is sent; NULL: its codec has none */
    sfm_playout_right *right; /* NULL: none of what may come has two channels */
};

struct sfm_leg {
    uint32_t sample_rate;
    uint32_t clock_rate;   /* of what is sent */
    bool started;
    bool muted;
    bool first_packet_seen; /* of the current stream */
    sfm_leg_params params;
    sfm_leg_states *states;
    sfm_random random;
    sender sender;
    pauses pauses;
    sfm_play play;
    uint64_t play_reported_ms;
    sfm_dtmf_sender dtmf;
    uint32_t dtmf_origin; /* timestamp of the stream at which the digits began */
    uint64_t dtmf_job;
    bool dtmf_active;
    bool dtmf_ended; /* the digit that is sent was told of */
    sfm_dtmf_receiver digits;
    sfm_dtmf_report sounding; /* digit that began and is to be reported when it ends; kind SFM_DTMF_NOTHING: none */
    int64_t sounding_ns;      /* arrival of its newest packet */
    sfm_playout *playout;
    sfm_stream_statistics stream;
    sfm_reporter reporter;
    sfm_level level;
    sfm_silence_detector silence;
    sfm_tape *tape;
    uint64_t tape_job;
    uint64_t tape_reported_ms;
    bool tape_paused;
    sfm_keepsake *keepsake; /* NULL: nothing is kept */
    counters counters;
    sfm_listener *listener; /* NULL: nothing is listened for */
    bool always_digits;
    sfm_outgoing outgoing;
    sfm_outgoing_packet *room; /* the owner's, for the packet of this tick; NULL: none */
    sfm_secure secure;
    sfm_jitter_config jitter;
    event_queue events; /* last, for most of it is never touched: what every packet needs stands in front of it */
    sfm_level level_left; /* behind even that: what few legs have */
    sfm_level level_right;
};

/* --- life -------------------------------------------------------------------------------------------------------- */

static void begin_stream(sfm_leg *leg) {
    leg->sender.ssrc = (uint32_t)sfm_random_next(&leg->random);
    /* In the lower half: a first packet that is lost leaves no doubt about SRTP's rollover counter (RFC 3711 section 3.3.1,
     * RFC 4568 section 6.4). */
    leg->sender.sequence_number = (uint16_t)sfm_random_next(&leg->random) & 0x7FFF;
    leg->sender.timestamp = (uint32_t)sfm_random_next(&leg->random);
}

static int seed_leg(sfm_leg *leg, const sfm_leg_config *config) {
    sfm_random_seed(&leg->random, config->stream_seed);
    begin_stream(leg);
    sfm_reporter_init(&leg->reporter, config->cname, sfm_random_next(&leg->random), config->wallclock_offset_ns);
    return sfm_outgoing_init(&leg->outgoing, config->seed);
}

static int create_parts(sfm_leg *leg, const sfm_leg_config *config) {
    int error = sfm_playout_create(&config->jitter, config->sample_rate, &leg->playout);
    if (error == SFM_OK) {
        error = sfm_listener_create(&config->listener, &leg->listener);
    }
    if (error == SFM_OK) {
        error = sfm_keepsake_create(config->kept_frames, &leg->keepsake);
    }
    leg->always_digits = config->listener.always_digits != 0;
    return error == SFM_OK ? seed_leg(leg, config) : error;
}

static void keep_heard_payload(void *leg, const sfm_codec *codec, const uint8_t *payload, size_t length);

int sfm_leg_create(const sfm_leg_config *config, sfm_leg **out) {
    sfm_leg *leg = malloc(sizeof *leg);
    if (leg == NULL) {
        return SFM_ERROR_MEMORY;
    }
    memset(leg, 0, offsetof(sfm_leg, events) + offsetof(event_queue, events));
    leg->sample_rate = config->sample_rate;
    leg->clock_rate = config->jitter.clock_rate;
    leg->jitter = config->jitter;
    leg->params.ptime_ms = DEFAULT_PTIME_MS;
    leg->counters.first_packet_ns = -1;
    leg->counters.payload_type = -1;
    (void)sfm_silence_detector_init(&leg->silence, SFM_LEG_SILENCE_DBOV); /* a level in range */
    sfm_stream_statistics_init(&leg->stream, leg->clock_rate);
    int error = create_parts(leg, config);
    if (error != SFM_OK) {
        sfm_leg_destroy(leg);
        return error;
    }
    leg->level_left = leg->level_right = (sfm_level){0};
    sfm_playout_set_sink(leg->playout, keep_heard_payload, leg);
    *out = leg;
    return SFM_OK;
}

void sfm_leg_destroy(sfm_leg *leg) {
    if (leg != NULL) {
        sfm_outgoing_free(&leg->outgoing);
        sfm_playout_destroy(leg->playout);
        sfm_listener_destroy(leg->listener);
        sfm_keepsake_destroy(leg->keepsake);
        sfm_secure_close(&leg->secure);
        sfm_leg_states_destroy(leg->states);
        free(leg);
    }
}

/* --- events ------------------------------------------------------------------------------------------------------ */

static sfm_event *push_event(sfm_leg *leg, int32_t kind, uint64_t job) {
    event_queue *queue = &leg->events;
    uint32_t slot = (queue->first + queue->count) % EVENT_CAPACITY;
    queue->count += queue->count < EVENT_CAPACITY;
    queue->events[slot] = (sfm_event){.kind = kind, .job = job, .total_ms = -1};
    return &queue->events[slot];
}

int sfm_leg_next_event(sfm_leg *leg, sfm_event *event) {
    event_queue *queue = &leg->events;
    if (queue->count == 0) {
        return 0;
    }
    *event = queue->events[queue->first];
    queue->first = (queue->first + 1) % EVENT_CAPACITY;
    queue->count--;
    return 1;
}

/* Reports each time another half second is full. */
static void push_progress(sfm_leg *leg, int32_t kind, uint64_t job, uint64_t elapsed_ms, uint64_t total_ms,
                          uint64_t *reported_ms) {
    if (elapsed_ms < *reported_ms + PROGRESS_MS) {
        return;
    }
    *reported_ms = elapsed_ms / PROGRESS_MS * PROGRESS_MS;
    sfm_event *event = push_event(leg, kind, job);
    event->elapsed_ms = (int64_t)elapsed_ms;
    event->total_ms = total_ms == 0 ? -1 : (int64_t)total_ms;
}

/* --- negotiated parameters --------------------------------------------------------------------------------------- */

static bool rates_fit(const sfm_codec *sent, const sfm_codec *received) {
    uint32_t larger = sent->sample_rate > received->sample_rate ? sent->sample_rate : received->sample_rate;
    uint32_t smaller = sent->sample_rate + received->sample_rate - larger;
    return larger % smaller == 0;
}

static bool packet_fits(const sfm_codec *codec, uint32_t ptime_ms) {
    uint32_t samples = codec->sample_rate / 1000 * ptime_ms;
    return ptime_ms >= MIN_PTIME_MS && ptime_ms <= SFM_MAX_PTIME_MS && samples % codec->frame_samples == 0 &&
           sfm_codec_bytes(codec, samples) <= SFM_MAX_PAYLOAD_BYTES;
}

int sfm_leg_accepts(const sfm_leg_params *params) {
    const sfm_codec *sent = params->send_format.codec;
    bool fit = params->receive_format_count <= SFM_LEG_MAX_FORMATS && packet_fits(sent, params->ptime_ms);
    for (uint32_t i = 0; fit && i < params->receive_format_count; i++) {
        fit = rates_fit(sent, params->receive_formats[i].codec);
    }
    return fit;
}

static void choose_digits(sfm_leg *leg);
static const sfm_codec *codec_of_state(const sfm_leg_params *params, uint32_t index) {
    return index == 0 ? params->send_format.codec : params->receive_formats[index - 1].codec;
}

static size_t seam_bytes(const sfm_leg_params *params) {
    return params->send_format.codec == sfm_codec_find("G722") ? (sizeof(sfm_seam) + 15) / 16 * 16 : 0;
}

static size_t aligned_state(const sfm_codec *codec) { return (codec->decoder_bytes + 15) / 16 * 16; }

static bool hears_two_channels(const sfm_leg_params *params) {
    bool found = false;
    for (uint32_t i = 0; i < params->receive_format_count; i++) {
        found = found || params->receive_formats[i].codec->decoded_channels > 1;
    }
    return found;
}

int sfm_leg_states_create(const sfm_leg_params *params, sfm_leg_states **out) {
    size_t header = (sizeof(sfm_leg_states) + 15) / 16 * 16;
    size_t bytes = 0;
    uint32_t count = 1 + params->receive_format_count;
    if (params->receive_format_count > SFM_LEG_MAX_FORMATS) {
        return SFM_ERROR_ARGUMENT;
    }
    for (uint32_t i = 0; i < count; i++) {
        bytes += aligned_state(codec_of_state(params, i));
    }
    bytes += seam_bytes(params);
    *out = NULL;
    bool two_channels = hears_two_channels(params);
    if (bytes == 0 && !two_channels) {
        return SFM_OK;
    }
    sfm_leg_states *block = calloc(1, header + bytes);
    if (block == NULL) {
        return SFM_ERROR_MEMORY;
    }
    if (two_channels && sfm_playout_right_create(&block->right) != SFM_OK) {
        free(block);
        return SFM_ERROR_MEMORY;
    }
    uint8_t *next = (uint8_t *)block + header;
    block->count = count;
    for (uint32_t i = 0; i < count; i++) {
        size_t size = aligned_state(codec_of_state(params, i));
        block->states[i] = size > 0 ? next : NULL;
        next += size;
    }
    block->seam = seam_bytes(params) > 0 ? (sfm_seam *)(void *)next : NULL;
    *out = block;
    return SFM_OK;
}

void sfm_leg_states_destroy(sfm_leg_states *states) {
    if (states != NULL) {
        sfm_playout_right_destroy(states->right);
        free(states);
    }
}

static bool same_formats(const sfm_leg_params *a, const sfm_leg_params *b) {
    bool same = a->send_format.codec == b->send_format.codec && a->receive_format_count == b->receive_format_count;
    for (uint32_t i = 0; same && i < a->receive_format_count; i++) {
        same = a->receive_formats[i].codec == b->receive_formats[i].codec &&
               a->receive_formats[i].payload_type == b->receive_formats[i].payload_type;
    }
    return same;
}

static void swap_states(sfm_leg *leg, sfm_leg_states **states) {
    sfm_leg_states *before = leg->states;
    leg->states = *states;
    *states = before;
}

static void *state_at(const sfm_leg *leg, uint32_t index) {
    return leg->states != NULL && index < leg->states->count ? leg->states->states[index] : NULL;
}

static void set_receive_formats(sfm_leg *leg, const sfm_leg_params *params) {
    for (uint32_t i = 0; i < leg->params.receive_format_count; i++) {
        sfm_playout_set_codec(leg->playout, leg->params.receive_formats[i].payload_type, NULL, NULL);
    }
    sfm_playout_set_right(leg->playout, leg->states != NULL ? leg->states->right : NULL);
    for (uint32_t i = 0; i < params->receive_format_count; i++) {
        const sfm_leg_format *format = &params->receive_formats[i];
        sfm_playout_set_codec(leg->playout, format->payload_type, format->codec, state_at(leg, 1 + i));
    }
}

/* A stream has one clock (RFC 7160): another clock is another stream. Digits under way end, their clock has gone. */
static void set_clock(sfm_leg *leg, uint32_t clock_rate) {
    if (clock_rate == leg->clock_rate) {
        return;
    }
    leg->clock_rate = clock_rate;
    if (leg->sender.packet_count > 0) {
        begin_stream(leg);
        leg->sender.packet_count = 0;
        leg->sender.octet_count = 0;
        leg->sender.marker = true;
        sfm_leg_stop_dtmf(leg);
    }
}

/* What is heard from now on has the rate of what is sent; what was counted in samples is converted. */
static void use_sample_rate(sfm_leg *leg, const sfm_codec *sent) {
    uint64_t before = leg->sample_rate;
    counters *counted = &leg->counters;
    if (sent->sample_rate == before) {
        return;
    }
    counted->listened_samples = counted->listened_samples * sent->sample_rate / before;
    counted->silent_samples = counted->silent_samples * sent->sample_rate / before;
    counted->silence_max_samples = counted->silence_max_samples * sent->sample_rate / before;
    counted->unknown_samples = counted->unknown_samples * sent->sample_rate / before;
    leg->silence.silent_samples = leg->silence.silent_samples * sent->sample_rate / before;
    leg->sample_rate = sent->sample_rate;
    (void)sfm_playout_configure(leg->playout, sent->clock_rate, sent->sample_rate); /* accepts made sure */
}

static void use_codec(sfm_leg *leg, const sfm_leg_params *params, sfm_leg_states **states) {
    const sfm_codec *sent = params->send_format.codec;
    use_sample_rate(leg, sent);
    set_clock(leg, sent->clock_rate);
    swap_states(leg, states);
    set_receive_formats(leg, params);
    (void)sfm_codec_decoder_init(sent, state_at(leg, 0));
}

int sfm_leg_start(sfm_leg *leg, const sfm_leg_params *params, sfm_leg_states **states) {
    if (!sfm_leg_accepts(params)) {
        return SFM_ERROR_ARGUMENT;
    }
    if (!leg->started || !same_formats(&leg->params, params)) {
        use_codec(leg, params, states);
    }
    if (params->moved) {
        sfm_playout_reset(leg->playout);
        leg->first_packet_seen = false;
    }
    leg->sender.marker = leg->sender.marker || !leg->started;
    if (params->receives && !leg->params.receives) { /* back from a hold, in which nothing had to come */
        sfm_stream_statistics_resume(&leg->stream);
        leg->counters.unanswered_ns = 0;
    }
    leg->params = *params;
    leg->started = true;
    choose_digits(leg);
    return SFM_OK;
}

uint32_t sfm_leg_ptime_ms(const sfm_leg *leg) { return leg->params.ptime_ms; }

int64_t sfm_leg_tick_ns(const sfm_leg *leg) {
    int64_t ptime_ns = (int64_t)leg->params.ptime_ms * 1000000;
    int64_t skew_ppb = leg->outgoing.impair.config.skew_ppb;
    return skew_ppb == 0 ? ptime_ns : ptime_ns * 1000000000 / (1000000000 + skew_ppb);
}

int sfm_leg_started(const sfm_leg *leg) { return leg->started; }

uint32_t sfm_leg_sample_rate(const sfm_leg *leg) { return leg->sample_rate; }

/* --- commands ---------------------------------------------------------------------------------------------------- */

static void finish_play(sfm_leg *leg, bool completed) {
    if (leg->play.prompt == NULL) {
        return;
    }
    sfm_event *event = push_event(leg, SFM_EVENT_PLAY_FINISHED, leg->play.job);
    event->elapsed_ms = (int64_t)sfm_play_elapsed_ms(&leg->play);
    event->completed = completed;
    leg->play.prompt = NULL;
}

void sfm_leg_play(sfm_leg *leg, const sfm_prompt *prompt, uint64_t job, uint32_t times, uint64_t limit_ms) {
    finish_play(leg, false);
    sfm_play_start(&leg->play, prompt, job, times, limit_ms);
    leg->play_reported_ms = 0;
}

int sfm_leg_swap_prompt(sfm_leg *leg, const sfm_prompt *prompt, uint64_t job) {
    if (leg->play.prompt == NULL || leg->play.job != job) {
        return 0;
    }
    sfm_play_swap(&leg->play, prompt);
    return 1;
}

void sfm_leg_stop_play(sfm_leg *leg) { finish_play(leg, false); }

void sfm_leg_stop_record(sfm_leg *leg) {
    if (leg->tape == NULL) {
        return;
    }
    push_event(leg, SFM_EVENT_TAPE_ENDED, leg->tape_job);
    sfm_tape_end(leg->tape);
    leg->tape = NULL;
}

void sfm_leg_record(sfm_leg *leg, sfm_tape *tape, uint64_t job) {
    sfm_leg_stop_record(leg);
    leg->tape = tape;
    leg->tape_job = job;
    leg->tape_reported_ms = 0;
    leg->tape_paused = false;
}

size_t sfm_leg_read_kept(const sfm_leg *leg, int16_t *frames, size_t capacity, uint32_t *sample_rate) {
    *sample_rate = leg->keepsake != NULL ? sfm_keepsake_sample_rate(leg->keepsake) : 0;
    return leg->keepsake != NULL ? sfm_keepsake_read(leg->keepsake, frames, capacity) : 0;
}

void sfm_leg_pause_record(sfm_leg *leg, int on) { leg->tape_paused = on != 0; }

static uint32_t dtmf_clock(const sfm_leg *leg) {
    return leg->params.dtmf_send_clock_rate != 0 ? leg->params.dtmf_send_clock_rate : leg->clock_rate;
}

static void finish_dtmf(sfm_leg *leg, bool completed) {
    if (leg->dtmf_active) {
        leg->dtmf_active = false;
        push_event(leg, SFM_EVENT_DTMF_SENT, leg->dtmf_job)->completed = completed;
    }
}

int sfm_leg_send_dtmf(sfm_leg *leg, const sfm_dtmf_sequence *sequence, uint64_t job) {
    if (leg->dtmf_active) {
        return SFM_ERROR_BUSY;
    }
    if (!leg->started || leg->params.dtmf_send_payload_type < 0) {
        return SFM_ERROR_PAYLOAD_TYPE;
    }
    sfm_dtmf_sequence audible = *sequence;
    audible.volume_dbm0 = DTMF_VOLUME_DBM0;
    int error = sfm_dtmf_sender_start(&leg->dtmf, dtmf_clock(leg), &audible);
    if (error == SFM_OK) {
        leg->dtmf_active = true;
        leg->dtmf_job = job;
        leg->dtmf_origin = leg->sender.timestamp;
    }
    return error;
}

/* Cut short in the repeats of the last end or in its gap, the digits were sent all the same. */
void sfm_leg_stop_dtmf(sfm_leg *leg) {
    bool told = sfm_dtmf_sender_told(&leg->dtmf) != 0;
    (void)sfm_dtmf_sender_stop(&leg->dtmf);
    finish_dtmf(leg, told);
}

void sfm_leg_mute(sfm_leg *leg, int on) { leg->muted = on != 0; }

int sfm_leg_impair(sfm_leg *leg, const sfm_impair_config *config) {
    return sfm_outgoing_impair(&leg->outgoing, config);
}

/* --- listening --------------------------------------------------------------------------------------------------- */

int sfm_leg_watch(sfm_leg *leg, sfm_watch *watch, uint64_t job, uint64_t topic, int look_back) {
    return leg->listener != NULL ? sfm_listener_begin(leg->listener, watch, job, topic, look_back)
                                 : SFM_ERROR_ARGUMENT;
}

static void report_hearing(sfm_leg *leg, const sfm_listener_report *report) {
    int32_t kind = report->over ? SFM_EVENT_HEARING_FINISHED : SFM_EVENT_HEARING_PROGRESS;
    sfm_event *event = push_event(leg, kind, report->job);
    event->completed = report->found;
    event->hearing = report->hearing;
}

void sfm_leg_end_watch(sfm_leg *leg, uint64_t job) {
    sfm_listener_report report;
    if (leg->listener == NULL) {
        return;
    }
    for (uint64_t one = job != 0 ? job : sfm_listener_any_job(leg->listener);
         one != 0 && sfm_listener_end(leg->listener, one, &report);
         one = job != 0 ? 0 : sfm_listener_any_job(leg->listener)) {
        report_hearing(leg, &report);
    }
}

size_t sfm_leg_read_heard(const sfm_leg *leg, sfm_ear_frame *frames, size_t capacity) {
    if (leg->listener == NULL) {
        return 0;
    }
    const sfm_ear *ear = sfm_listener_ear(leg->listener);
    return sfm_ear_copy(ear, sfm_ear_oldest(ear), frames, capacity);
}

/* Who can send digits as events does; looking for them in the audio, too, could only find what is none. */
static void choose_digits(sfm_leg *leg) {
    if (leg->listener != NULL) {
        bool wanted = leg->always_digits || leg->params.dtmf_receive_payload_type < 0;
        sfm_ear_look_for_digits(sfm_listener_ear(leg->listener), wanted);
    }
}

/* --- sending ----------------------------------------------------------------------------------------------------- */

static uint32_t tick_samples(const sfm_leg *leg) { return leg->sample_rate / 1000 * leg->params.ptime_ms; }

static uint32_t tick_ts(const sfm_leg *leg) { return leg->clock_rate / 1000 * leg->params.ptime_ms; }

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

static sfm_tape *running_tape(sfm_leg *leg) { return leg->tape_paused ? NULL : leg->tape; }

typedef void (*append_function)(sfm_tape *tape, uint32_t sample_rate, const int16_t *left, const int16_t *right,
                                size_t count);

static void append_to_tape(sfm_leg *leg, sfm_sound sound, size_t count, bool heard) {
    append_function append = heard ? sfm_tape_append_heard : sfm_tape_append_sent;
    const int16_t *left = sfm_tape_channels(leg->tape) > 1 ? sound.left : sound.mixed;
    append(leg->tape, leg->sample_rate, left, sound.right, count);
}

static void tape_sent(sfm_leg *leg, sfm_sound sent) {
    if (leg->keepsake != NULL) {
        sfm_keepsake_append_sent(leg->keepsake, leg->sample_rate, sent.mixed, tick_samples(leg));
    }
    if (running_tape(leg) != NULL) {
        append_to_tape(leg, sent, tick_samples(leg), false);
    }
}

static void tape_silence(sfm_leg *leg) {
    static const int16_t silence[MAX_TICK_SAMPLES];
    tape_sent(leg, sfm_sound_of_one(silence));
}

/* Room for what a packet time sounds like. Of one channel only `mixed` is used. */
typedef struct sound_room {
    int16_t mixed[MAX_TICK_SAMPLES];
    int16_t left[MAX_TICK_SAMPLES];
    int16_t right[MAX_TICK_SAMPLES];
} sound_room;

static sfm_sound of_interleaved(const int16_t *interleaved, size_t count, sound_room *room) {
    for (size_t i = 0; i < count; i++) {
        room->left[i] = interleaved[2 * i];
        room->right[i] = interleaved[2 * i + 1];
    }
    return sfm_sound_of_both(room->left, room->right, room->mixed, count);
}

/* What a listener without loss decodes: the payload, not the prompt. */
static sfm_sound decode_sent(sfm_leg *leg, const uint8_t *payload, size_t length, sound_room *room) {
    const sfm_codec *codec = leg->params.send_format.codec;
    int16_t interleaved[2 * MAX_TICK_SAMPLES];
    bool is_wide = codec->decoded_channels > 1;
    int16_t *pcm = is_wide ? interleaved : room->mixed;
    int decoded = length > 0 ? sfm_codec_decode(codec, state_at(leg, 0), payload, length, pcm, MAX_TICK_SAMPLES)
                             : sfm_codec_conceal(codec, state_at(leg, 0), NULL, 0, pcm, tick_samples(leg));
    size_t channels = is_wide ? 2 : 1;
    size_t good = decoded > 0 ? (size_t)decoded : 0;
    if (good < MAX_TICK_SAMPLES) {
        memset(pcm + channels * good, 0, channels * (MAX_TICK_SAMPLES - good) * sizeof pcm[0]);
    }
    return is_wide ? of_interleaved(interleaved, tick_samples(leg), room) : sfm_sound_of_one(pcm);
}

/* What nobody here decodes: kept as it is, and the samples that stand for it say nothing. */
static void keep_payload(sfm_leg *leg, int side, const sfm_codec *codec, const uint8_t *payload, size_t length) {
    sfm_tape *tape = running_tape(leg);
    if (tape != NULL && length > 0) {
        sfm_tape_note_unknown(tape);
        sfm_tape_append_payload(tape, side, codec, payload, length);
    }
}

static void keep_heard_payload(void *leg, const sfm_codec *codec, const uint8_t *payload, size_t length) {
    keep_payload(leg, SFM_TAPE_HEARD, codec, payload, length);
}

/* Records it, and tells whether it is silence that comfort noise may stand for. */
static bool hear_sent(sfm_leg *leg, const uint8_t *payload, size_t length) {
    sound_room room;
    bool wants_noise = leg->params.noise_send_payload_type != 0 && leg->params.send_format.codec->decode != NULL;
    if (running_tape(leg) == NULL && leg->keepsake == NULL && !wants_noise) {
        return false;
    }
    sfm_sound sent = decode_sent(leg, payload, length, &room);
    if (leg->params.send_format.codec->decode == NULL) {
        keep_payload(leg, SFM_TAPE_SENT, leg->params.send_format.codec, payload, length);
    }
    tape_sent(leg, sent);
    if (!wants_noise || sfm_block_dbov(sent.mixed, tick_samples(leg)) < SFM_LEG_SILENCE_DBOV) {
        return false;
    }
    sfm_level_add(&leg->pauses.noise, sent.mixed, tick_samples(leg));
    return true;
}

static size_t silent_payload(const sfm_leg *leg, uint8_t *payload) {
    int length =
        sfm_codec_silence(leg->params.send_format.codec, tick_samples(leg), payload, SFM_MAX_PAYLOAD_BYTES);
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
    tape_silence(leg);
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
        sfm_event *event = push_event(leg, SFM_EVENT_DIGIT_SENT, 0);
        event->digit = sfm_dtmf_digit(sent->payload[0]);
        event->elapsed_ms = (int64_t)leg->dtmf.tone_ts * 1000 / dtmf_clock(leg);
        event->volume_dbm0 = leg->dtmf.volume;
    }
    leg->dtmf_ended = sent->end != 0;
}

static void send_events(sfm_leg *leg, int64_t due_ns) {
    sfm_dtmf_packet events[SFM_DTMF_MAX_PACKETS];
    uint32_t clock = dtmf_clock(leg);
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
        finish_dtmf(leg, true);
    }
}

/* Whether there is somebody to send to, and all that it takes. */
static bool may_send(const sfm_leg *leg) { return leg->started && !sfm_secure_waits(&leg->secure); }

static void send_something(sfm_leg *leg, int64_t due_ns) {
    if (!leg->params.sends) {
        pass_prompt_time(leg);
        sfm_outgoing_flush(&leg->outgoing, due_ns);
    } else if (sfm_dtmf_sender_busy(&leg->dtmf) && leg->params.dtmf_send_payload_type >= 0) {
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
    push_progress(leg, SFM_EVENT_PLAY_PROGRESS, leg->play.job, sfm_play_elapsed_ms(&leg->play),
                  sfm_play_total_ms(&leg->play), &leg->play_reported_ms);
    if (sfm_play_done(&leg->play)) {
        finish_play(leg, true);
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
    if (running_tape(leg) != NULL) {
        sfm_tape_note_time(leg->tape, due_ns);
    }
    if (!may_send(leg)) {
        tape_silence(leg);
        return;
    }
    count_both_ways(leg);
    send_something(leg, due_ns);
    leg->sender.timestamp += tick_ts(leg);
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

/* --- memory that is wanted soon ---------------------------------------------------------------------------------- */

void sfm_leg_use_room(sfm_leg *leg, sfm_outgoing_packet *room) { leg->room = room; }

static void warm_between(const sfm_leg *leg, size_t begin, size_t end) { sfm_warm((const char *)leg + begin, end - begin); }

/* What each of the two touches, as the struct has it in its order: of the whole of it half is for digits and reports. */
void sfm_leg_warm_sending(const sfm_leg *leg, int step) {
    if (step == 0) {
        warm_between(leg, 0, offsetof(sfm_leg, dtmf) + SFM_CACHE_LINE_BYTES);
    } else if (step == 1) {
        warm_between(leg, offsetof(sfm_leg, counters), offsetof(sfm_leg, events) + SFM_CACHE_LINE_BYTES);
    } else {
        sfm_secure_warm_sending(&leg->secure, step - 2);
    }
}

/* Sending has just been there: the rest. */
void sfm_leg_warm_hearing(const sfm_leg *leg, int step) {
    if (step == 0) {
        warm_between(leg, offsetof(sfm_leg, sounding), offsetof(sfm_leg, reporter));
        warm_between(leg, offsetof(sfm_leg, level), offsetof(sfm_leg, counters));
    } else {
        sfm_playout_warm(leg->playout, step - 1);
        sfm_secure_warm_hearing(&leg->secure);
    }
}

/* --- receiving --------------------------------------------------------------------------------------------------- */

static void note_first_packet(sfm_leg *leg, int64_t arrival_ns) {
    if (leg->first_packet_seen) {
        return;
    }
    leg->first_packet_seen = true;
    if (leg->counters.first_packet_ns < 0) {
        leg->counters.first_packet_ns = arrival_ns;
    }
    push_event(leg, SFM_EVENT_FIRST_PACKET, 0);
}

static uint32_t received_dtmf_clock(const sfm_leg *leg) {
    uint32_t clock = leg->params.dtmf_receive_clock_rate;
    return clock != 0 ? clock : sfm_playout_clock_rate(leg->playout);
}

static void report_digit(sfm_leg *leg, const sfm_dtmf_report *report) {
    sfm_event *event = push_event(leg, SFM_EVENT_DIGIT_RECEIVED, 0);
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

/* What the jitter buffer refuses as no codec's holds its place in the sequence all the same: it is no loss. */
static void receive_media(sfm_leg *leg, const sfm_rtp_header *header, const uint8_t *payload, size_t length,
                          int64_t arrival_ns) {
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
    }
    if (result == SFM_JITTER_LATE) {
        sfm_stream_statistics_discard(&leg->stream, header->sequence_number);
    }
    if (result < 0) {
        sfm_playout_put_event(leg->playout, header, arrival_ns);
    }
}

static const sfm_codec *codec_of_type(const sfm_leg *leg, int32_t payload_type) {
    for (uint32_t i = 0; i < leg->params.receive_format_count; i++) {
        if (leg->params.receive_formats[i].payload_type == payload_type) {
            return leg->params.receive_formats[i].codec;
        }
    }
    return NULL;
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
static bool open_packet(sfm_leg *leg, const uint8_t *data, size_t length, int64_t arrival_ns, bool rtcp,
                        sfm_srtp_opened *opened) {
    int result = sfm_secure_unprotect(&leg->secure, data, length, arrival_ns, rtcp, opened);
    if (result == SFM_SECURE_USELESS) {
        push_event(leg, SFM_EVENT_SRTP_USELESS, 0);
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
    return open_packet(leg, data, length, arrival_ns, false, &opened)
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

static void tape_heard(sfm_leg *leg, sfm_sound heard, size_t count) {
    if (leg->keepsake != NULL) {
        sfm_keepsake_append_heard(leg->keepsake, leg->sample_rate, heard.mixed, count);
    }
    if (running_tape(leg) == NULL) {
        return;
    }
    append_to_tape(leg, heard, count, true);
    uint32_t rate = sfm_tape_sample_rate(leg->tape);
    push_progress(leg, SFM_EVENT_RECORD_PROGRESS, leg->tape_job, sfm_tape_written(leg->tape) * 1000 / rate,
                  sfm_tape_limit(leg->tape) * 1000 / rate, &leg->tape_reported_ms);
    if (sfm_tape_full(leg->tape)) {
        sfm_leg_stop_record(leg);
    }
}

static void report_inband_digits(sfm_leg *leg) {
    sfm_inband_digit digit;
    while (sfm_ear_next_digit(sfm_listener_ear(leg->listener), &digit)) {
        sfm_event *event = push_event(leg, SFM_EVENT_DIGIT_RECEIVED, 0);
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

static int is_pause(int content) {
    return content <= 0 || (content & (SFM_PLAYOUT_AUDIO | SFM_PLAYOUT_CONCEALED)) == 0;
}

static void listen(sfm_leg *leg, const int16_t *pcm, uint32_t count, int content) {
    sfm_listener_report report;
    if (leg->listener == NULL) {
        return;
    }
    sfm_listener_hear(leg->listener, pcm, count, leg->sample_rate, is_pause(content));
    report_inband_digits(leg);
    while (sfm_listener_next(leg->listener, &report)) {
        report_hearing(leg, &report);
    }
}

/* From the first packet on: before it nobody has begun to speak. */
static void watch_silence(sfm_leg *leg, const int16_t *pcm, size_t count) {
    counters *counted = &leg->counters;
    if (!leg->first_packet_seen || !leg->params.receives) {
        return;
    }
    counted->listened_samples += count;
    if (sfm_silence_detector_update(&leg->silence, pcm, count)) {
        counted->silent_samples += count;
    }
    if (leg->silence.silent_samples > counted->silence_max_samples) {
        counted->silence_max_samples = leg->silence.silent_samples;
    }
}

static sfm_sound read_sound(sfm_leg *leg, int64_t due_ns, sound_room *room, int *content) {
    uint32_t count = tick_samples(leg);
    if (leg->states == NULL || leg->states->right == NULL) {
        *content = sfm_playout_read(leg->playout, due_ns, room->mixed, count);
        return sfm_sound_of_one(room->mixed);
    }
    *content = sfm_playout_read_both(leg->playout, due_ns, room->left, room->right, count);
    return sfm_sound_of_both(room->left, room->right, room->mixed, count);
}

static void count_level(sfm_leg *leg, sfm_sound heard, size_t count) {
    sfm_level_add(&leg->level, heard.mixed, count);
    if (heard.left != heard.right) {
        sfm_level_add(&leg->level_left, heard.left, count);
        sfm_level_add(&leg->level_right, heard.right, count);
    }
}

void sfm_leg_playout_tick(sfm_leg *leg, int64_t due_ns) {
    sound_room room;
    uint32_t count = tick_samples(leg);
    end_silent_digit(leg, due_ns);
    int content;
    sfm_sound heard = read_sound(leg, due_ns, &room, &content);
    if (is_unknown(leg, content)) {
        leg->counters.unknown_samples += count;
        leg->silence.silent_samples = 0;
    } else {
        if (content > 0 && (content & SFM_PLAYOUT_AUDIO) != 0) {
            count_level(leg, heard, count);
        }
        listen(leg, heard.mixed, count, content);
        watch_silence(leg, heard.mixed, count);
    }
    tape_heard(leg, heard, count);
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
        if (!is_unknown(leg, content)) {
            sfm_listener_hear(leg->listener, heard.mixed, tick_samples(leg), leg->sample_rate, is_pause(content));
        }
        sfm_playout_read_counts(leg->playout, &counts);
    }
    report_inband_digits(leg);
    sfm_listener_hear_out(leg->listener);
}

static void skip_sending(sfm_leg *leg) {
    if (!may_send(leg)) {
        tape_silence(leg);
        return;
    }
    pass_prompt_time(leg);
    report_play(leg);
    leg->sender.timestamp += tick_ts(leg);
}

void sfm_leg_skip(sfm_leg *leg, uint32_t ticks) {
    static const int16_t silence[MAX_TICK_SAMPLES];
    for (uint32_t i = 0; i < ticks; i++) {
        skip_sending(leg);
        listen(leg, silence, tick_samples(leg), SFM_PLAYOUT_SILENCE);
        tape_heard(leg, sfm_sound_of_one(silence), tick_samples(leg));
    }
}

/* --- RTCP -------------------------------------------------------------------------------------------------------- */

static sfm_sender_state sender_state(const sfm_leg *leg, int64_t now_ns) {
    int64_t ahead_ts = sfm_ts_from_ns(leg->sender.timestamp_ns - now_ns, leg->clock_rate);
    return (sfm_sender_state){.ssrc = leg->sender.ssrc,
                              .timestamp = leg->sender.timestamp - (uint32_t)ahead_ts,
                              .packet_count = leg->sender.packet_count,
                              .octet_count = leg->sender.octet_count,
                              .packets_per_second = 1000 / leg->params.ptime_ms};
}

/* Of the peer's packets, which need not be as long as ours. */
static uint32_t heard_ptime_ms(const sfm_leg *leg) {
    sfm_jitter_counts counts;
    sfm_playout_read_counts(leg->playout, &counts);
    int64_t ms = sfm_ns_from_ts(counts.packet_ts, sfm_playout_clock_rate(leg->playout)) / 1000000;
    return ms > 0 ? (uint32_t)ms : leg->params.ptime_ms;
}

static uint8_t share(uint64_t part, uint64_t whole) {
    uint64_t of_256 = whole > 0 ? part * 256 / whole : 0;
    return of_256 < UINT8_MAX ? (uint8_t)of_256 : UINT8_MAX;
}

static uint16_t whole_ms(int64_t ns) {
    int64_t ms = ns / 1000000;
    return ms <= 0 ? 0 : ms < UINT16_MAX ? (uint16_t)ms : UINT16_MAX;
}

static uint16_t mean_ms(uint64_t packets, uint64_t count, uint32_t ptime_ms) {
    return count > 0 ? whole_ms((int64_t)(packets * ptime_ms / count) * 1000000) : 0;
}

/* What was measured; the scores of G.107 are not known here, nor are levels in dBm0 and echo. */
static sfm_voip_metrics voip_metrics(const sfm_leg *leg) {
    enum { PITCH_REPETITION = 2 << 6, ADAPTIVE = 3 << 4, FIXED = 2 << 4 };
    sfm_leg_statistics counted;
    sfm_jitter_counts buffer;
    sfm_leg_read_statistics(leg, &counted);
    sfm_playout_read_counts(leg->playout, &buffer);
    const sfm_loss_summary *pattern = &counted.pattern;
    return (sfm_voip_metrics){
        .ssrc = counted.remote_ssrc,
        .loss_rate = share(counted.packets_lost, counted.packets_expected),
        .discard_rate = share(counted.late, counted.packets_expected),
        .burst_density = share(pattern->burst_missing, pattern->burst_packets),
        .gap_density = share(pattern->gap_missing, pattern->gap_packets),
        .burst_ms = mean_ms(pattern->burst_packets, pattern->bursts, heard_ptime_ms(leg)),
        .gap_ms = mean_ms(pattern->gap_packets, pattern->gaps, heard_ptime_ms(leg)),
        .round_trip_ms = whole_ms(counted.remote.round_trip_ns),
        .end_system_ms = whole_ms(counted.playout_delay_mean_ns + (int64_t)heard_ptime_ms(leg) * 1000000),
        .signal_dbm = SFM_XR_UNAVAILABLE,
        .noise_dbm = SFM_XR_UNAVAILABLE,
        .echo_return_loss_db = SFM_XR_UNAVAILABLE,
        .gmin = SFM_LOSS_GMIN,
        .r_factor = SFM_XR_UNAVAILABLE,
        .external_r_factor = SFM_XR_UNAVAILABLE,
        .mos_lq = SFM_XR_UNAVAILABLE,
        .mos_cq = SFM_XR_UNAVAILABLE,
        .receiver = (uint8_t)(PITCH_REPETITION | (leg->jitter.fixed ? FIXED : ADAPTIVE)),
        .buffer_nominal_ms = whole_ms(buffer.target_delay_ns),
        .buffer_maximum_ms = (uint16_t)(leg->jitter.fixed ? leg->jitter.initial_delay_ms : leg->jitter.max_delay_ms),
        .buffer_absolute_maximum_ms =
            (uint16_t)(leg->jitter.fixed ? leg->jitter.initial_delay_ms : leg->jitter.max_delay_ms),
    };
}

int sfm_leg_write_rtcp(sfm_leg *leg, int64_t now_ns, int bye, uint8_t *out, size_t capacity) {
    bool silent_so_far = leg->sender.packet_count == 0 && !leg->reporter.has_reported;
    if (!may_send(leg) || (bye ? silent_so_far : !sfm_reporter_due(&leg->reporter, now_ns))) {
        return 0; /* who never sent anything says no good-bye (RFC 3550 section 6.3.7) */
    }
    sfm_sender_state state = sender_state(leg, now_ns);
    bool extended = leg->params.rtcp_xr && leg->stream.received > 0;
    sfm_voip_metrics metrics = extended ? voip_metrics(leg) : (sfm_voip_metrics){0};
    leg->reporter.reduced_size = leg->params.rtcp_reduced != 0;
    int written = sfm_reporter_write(&leg->reporter, &state, &leg->stream, extended ? &metrics : NULL, now_ns, bye != 0,
                                     out, capacity);
    size_t length = written > 0 ? (size_t)written : 0;
    bool sent = length == 0 || sfm_secure_protect(&leg->secure, out, &length, capacity, true);
    return written <= 0 ? written : sent ? (int)length : 0;
}

int sfm_leg_receive_rtcp(sfm_leg *leg, const uint8_t *data, size_t length, int64_t arrival_ns) {
    sfm_srtp_opened opened;
    bool secured = leg->secure.current != NULL;
    if (secured && !open_packet(leg, data, length, arrival_ns, true, &opened)) {
        return SFM_OK;
    }
    const uint8_t *plain = secured ? opened.as.data : data;
    size_t plain_length = secured ? opened.length : length;
    sfm_sender_state state = sender_state(leg, arrival_ns);
    int error = sfm_reporter_receive(&leg->reporter, &state, &leg->stream, plain, plain_length, arrival_ns);
    leg->counters.malformed += error != SFM_OK;
    return error;
}

/* --- statistics -------------------------------------------------------------------------------------------------- */

static void read_sent(const sfm_leg *leg, sfm_leg_statistics *statistics) {
    statistics->packets_sent = leg->counters.packets_sent;
    statistics->bytes_sent = leg->counters.bytes_sent;
    statistics->impairment_lost = leg->outgoing.impair.counts.lost;
    statistics->ssrc = leg->sender.ssrc;
}

/* Packets that the peer says it has sent since the newest one that came. A few of them are under way, or were when it said
 * so. */
static uint64_t lost_at_end(const sfm_leg *leg) {
    uint64_t unseen = sfm_stream_statistics_unseen(&leg->stream);
    return unseen * heard_ptime_ms(leg) >= UNDER_WAY_MS ? unseen : 0;
}

static void read_received(const sfm_leg *leg, sfm_leg_statistics *statistics) {
    uint64_t at_end = lost_at_end(leg);
    uint64_t burst = sfm_stream_statistics_max_loss_burst(&leg->stream);
    statistics->packets_received = leg->stream.received;
    statistics->bytes_received = leg->stream.received_bytes;
    statistics->packets_expected = sfm_stream_statistics_expected(&leg->stream) + at_end;
    statistics->packets_lost = sfm_stream_statistics_lost(&leg->stream) + at_end;
    statistics->duplicates = leg->stream.duplicate;
    statistics->reordered = leg->stream.reordered;
    statistics->restarts = leg->stream.restarts;
    statistics->max_loss_burst = burst > at_end ? burst : at_end;
    statistics->remote_ssrc = leg->stream.source.ssrc;
    statistics->malformed = leg->counters.malformed;
    statistics->unknown_payload = leg->counters.unknown_payload;
    statistics->noise_sent = leg->counters.noise_sent;
    statistics->noise_received = leg->counters.noise_received;
    statistics->unwanted = leg->counters.unwanted;
    statistics->first_packet_ns = leg->counters.first_packet_ns;
    statistics->payload_type = leg->counters.payload_type;
    statistics->both_ways_ns = leg->counters.both_ways_ns;
    statistics->unanswered_ns = leg->counters.unanswered_ns;
    sfm_stream_statistics_pattern(&leg->stream, &statistics->pattern);
    statistics->skew_known = sfm_skew_read(&leg->stream.skew, &statistics->skew_ppb) != 0;
}

static void read_jitter(const sfm_leg *leg, sfm_leg_statistics *statistics) {
    bool measured = leg->stream.received > 1;
    uint64_t count = leg->counters.jitter_count > 0 ? leg->counters.jitter_count : 1;
    statistics->jitter_ns = measured ? sfm_stream_statistics_jitter_ns(&leg->stream) : -1;
    statistics->jitter_mean_ns = measured ? (int64_t)(leg->counters.jitter_sum_ns / count) : -1;
    statistics->jitter_max_ns = measured ? leg->stream.max_jitter_ns : -1;
    /* the gap that goes on counts, too */
    int64_t gap_ns = leg->counters.unanswered_ns > leg->stream.max_gap_ns ? leg->counters.unanswered_ns
                                                                           : leg->stream.max_gap_ns;
    statistics->max_gap_ns = measured ? gap_ns : -1;
}

static void read_playout(const sfm_leg *leg, sfm_leg_statistics *statistics) {
    sfm_jitter_counts counts;
    sfm_playout_read_counts(leg->playout, &counts);
    bool played = counts.played > 0;
    statistics->late = counts.late + counts.overflow;
    uint32_t clock_rate = sfm_playout_clock_rate(leg->playout);
    statistics->concealed_ns = played ? sfm_ns_from_ts((int64_t)counts.concealed_ts, clock_rate) : -1;
    statistics->playout_delay_ns = played ? counts.current_delay_ns : -1;
    statistics->playout_delay_mean_ns = played ? counts.mean_delay_ns : -1;
    statistics->packet_ns = played ? sfm_ns_from_ts(counts.packet_ts, clock_rate) : -1;
}

static void read_level(const sfm_leg *leg, sfm_leg_statistics *statistics) {
    bool heard = leg->level.samples > 0;
    statistics->level_dbov = heard ? sfm_level_dbov(&leg->level) : -1;
    statistics->level_left_dbov = leg->level_left.samples > 0 ? sfm_level_dbov(&leg->level_left) : -1;
    statistics->level_right_dbov = leg->level_right.samples > 0 ? sfm_level_dbov(&leg->level_right) : -1;
    statistics->peak = heard ? (int32_t)leg->level.peak : -1;
    statistics->clipped_samples = leg->level.clipped;
    statistics->heard_samples = leg->level.samples;
    statistics->listened_ns = sfm_ns_from_ts((int64_t)leg->counters.listened_samples, leg->sample_rate);
    statistics->unknown_ns = sfm_ns_from_ts((int64_t)leg->counters.unknown_samples, leg->sample_rate);
    statistics->silent_ns = sfm_ns_from_ts((int64_t)leg->counters.silent_samples, leg->sample_rate);
    statistics->silence_max_ns = sfm_ns_from_ts((int64_t)leg->counters.silence_max_samples, leg->sample_rate);
}

static void read_secure(const sfm_leg *leg, sfm_leg_statistics *statistics) {
    statistics->srtp_failures = leg->secure.counts.failures;
    statistics->srtcp_failures = leg->secure.counts.rtcp_failures;
    statistics->srtp_replays = leg->secure.counts.replays;
    statistics->srtp_rekeys = leg->secure.counts.rekeys;
    statistics->srtp_unsent = leg->secure.counts.unsent;
    statistics->srtp_useless = sfm_secure_useless(&leg->secure);
}

void sfm_leg_read_statistics(const sfm_leg *leg, sfm_leg_statistics *statistics) {
    memset(statistics, 0, sizeof *statistics);
    read_sent(leg, statistics);
    read_received(leg, statistics);
    read_jitter(leg, statistics);
    read_playout(leg, statistics);
    read_level(leg, statistics);
    read_secure(leg, statistics);
    statistics->remote = leg->reporter.remote;
}
