#include <stdlib.h>

#include "../core/sfm_warm.h"
#include "sfm_leg_inside.h"

enum {
    DEFAULT_PTIME_MS = 20,
    MIN_PTIME_MS = 5,
    PROGRESS_MS = 500,
    DTMF_VOLUME_DBM0 = 10,
    NS_PER_MS = 1000000,
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

void sfm_leg_keep_heard_payload(void *leg, const sfm_codec *codec, const uint8_t *payload, size_t length);

int sfm_leg_create(const sfm_leg_config *config, sfm_leg **out) {
    void *block;
    sfm_leg *leg = sfm_lines_alloc(sizeof *leg, &block);
    if (leg == NULL) {
        return SFM_ERROR_MEMORY;
    }
    memset(leg, 0, offsetof(sfm_leg, events));
    leg->block = block;
    leg->sample_rate = config->sample_rate;
    leg->clock_rate = config->jitter.clock_rate;
    leg->jitter = config->jitter;
    leg->params.ptime_ms = DEFAULT_PTIME_MS;
    leg->tick_ns = (int64_t)DEFAULT_PTIME_MS * NS_PER_MS;
    leg->counters.first_packet_ns = -1;
    leg->counters.payload_type = -1;
    (void)sfm_silence_detector_init(&leg->silence, SFM_LEG_SILENCE_DBOV); /* a level in range */
    sfm_stream_statistics_init(&leg->stream, leg->clock_rate);
    int error = create_parts(leg, config);
    if (error != SFM_OK) {
        sfm_leg_destroy(leg);
        return error;
    }
    sfm_playout_set_sink(leg->playout, sfm_leg_keep_heard_payload, leg);
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
        free(leg->block);
    }
}

/* --- events ------------------------------------------------------------------------------------------------------ */

sfm_event *sfm_leg_push_event(sfm_leg *leg, int32_t kind, uint64_t job) {
    uint32_t slot = (leg->events_first + leg->events_count) % EVENT_CAPACITY;
    leg->events_count += leg->events_count < EVENT_CAPACITY;
    leg->events[slot] = (sfm_event){.kind = kind, .job = job, .total_ms = -1};
    return &leg->events[slot];
}

int sfm_leg_next_event(sfm_leg *leg, sfm_event *event) {
    if (leg->events_count == 0) {
        return 0;
    }
    *event = leg->events[leg->events_first];
    leg->events_first = (leg->events_first + 1) % EVENT_CAPACITY;
    leg->events_count--;
    return 1;
}

void sfm_leg_push_progress(sfm_leg *leg, int32_t kind, uint64_t job, uint64_t elapsed_ms, uint64_t total_ms,
                          uint64_t *reported_ms) {
    if (elapsed_ms < *reported_ms + PROGRESS_MS) {
        return;
    }
    *reported_ms = elapsed_ms / PROGRESS_MS * PROGRESS_MS;
    sfm_event *event = sfm_leg_push_event(leg, kind, job);
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

static void set_receive_formats(sfm_leg *leg, const sfm_leg_params *params) {
    for (uint32_t i = 0; i < leg->params.receive_format_count; i++) {
        sfm_playout_set_codec(leg->playout, leg->params.receive_formats[i].payload_type, NULL, NULL);
    }
    sfm_playout_set_right(leg->playout, leg->states != NULL ? leg->states->right : NULL);
    for (uint32_t i = 0; i < params->receive_format_count; i++) {
        const sfm_leg_format *format = &params->receive_formats[i];
        sfm_playout_set_codec(leg->playout, format->payload_type, format->codec, sfm_leg_state_at(leg, 1 + i));
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
    (void)sfm_codec_decoder_init(sent, sfm_leg_state_at(leg, 0));
}

/* Once ptime or skew have changed, as it is asked for several times a tick. */
static void set_tick(sfm_leg *leg) {
    int64_t ptime_ns = (int64_t)leg->params.ptime_ms * NS_PER_MS;
    int64_t skew_ppb = leg->outgoing.impair.config.skew_ppb;
    leg->tick_ns = skew_ppb == 0 ? ptime_ns : ptime_ns * 1000000000 / (1000000000 + skew_ppb);
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
    set_tick(leg);
    leg->started = true;
    choose_digits(leg);
    return SFM_OK;
}

uint32_t sfm_leg_ptime_ms(const sfm_leg *leg) { return leg->params.ptime_ms; }

int64_t sfm_leg_tick_ns(const sfm_leg *leg) { return leg->tick_ns; }

int sfm_leg_started(const sfm_leg *leg) { return leg->started; }

uint32_t sfm_leg_sample_rate(const sfm_leg *leg) { return leg->sample_rate; }

/* --- commands ---------------------------------------------------------------------------------------------------- */

void sfm_leg_finish_play(sfm_leg *leg, bool completed) {
    if (leg->play.prompt == NULL) {
        return;
    }
    sfm_event *event = sfm_leg_push_event(leg, SFM_EVENT_PLAY_FINISHED, leg->play.job);
    event->elapsed_ms = (int64_t)sfm_play_elapsed_ms(&leg->play);
    event->total_ms = (int64_t)sfm_play_missed_ms(&leg->play);
    event->completed = completed;
    leg->play.prompt = NULL;
}

void sfm_leg_play(sfm_leg *leg, const sfm_prompt *prompt, uint64_t job, uint32_t times, uint64_t limit_ms) {
    sfm_leg_finish_play(leg, false);
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

void sfm_leg_stop_play(sfm_leg *leg) { sfm_leg_finish_play(leg, false); }

void sfm_leg_stop_record(sfm_leg *leg) {
    if (leg->tape == NULL) {
        return;
    }
    sfm_leg_push_event(leg, SFM_EVENT_TAPE_ENDED, leg->tape_job);
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

void sfm_leg_finish_dtmf(sfm_leg *leg, bool completed) {
    if (leg->dtmf_active) {
        leg->dtmf_active = false;
        sfm_leg_push_event(leg, SFM_EVENT_DTMF_SENT, leg->dtmf_job)->completed = completed;
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
    int error = sfm_dtmf_sender_start(&leg->dtmf, sfm_leg_dtmf_clock(leg), &audible);
    if (error == SFM_OK) {
        leg->dtmf_active = true;
        leg->dtmf_busy = true;
        leg->dtmf_job = job;
        leg->dtmf_origin = leg->sender.timestamp;
    }
    return error;
}

/* Cut short in the repeats of the last end or in its gap, the digits were sent all the same. */
void sfm_leg_stop_dtmf(sfm_leg *leg) {
    bool told = sfm_dtmf_sender_told(&leg->dtmf) != 0;
    (void)sfm_dtmf_sender_stop(&leg->dtmf);
    sfm_leg_finish_dtmf(leg, told);
}

void sfm_leg_mute(sfm_leg *leg, int on) { leg->muted = on != 0; }

int sfm_leg_impair(sfm_leg *leg, const sfm_impair_config *config) {
    int error = sfm_outgoing_impair(&leg->outgoing, config);
    set_tick(leg);
    return error;
}

/* --- listening --------------------------------------------------------------------------------------------------- */

int sfm_leg_watch(sfm_leg *leg, sfm_watch *watch, uint64_t job, uint64_t topic, int look_back) {
    return leg->listener != NULL ? sfm_listener_begin(leg->listener, watch, job, topic, look_back)
                                 : SFM_ERROR_ARGUMENT;
}

void sfm_leg_report_hearing(sfm_leg *leg, const sfm_listener_report *report) {
    int32_t kind = report->over ? SFM_EVENT_HEARING_FINISHED : SFM_EVENT_HEARING_PROGRESS;
    sfm_event *event = sfm_leg_push_event(leg, kind, report->job);
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
        sfm_leg_report_hearing(leg, &report);
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

/* --- memory that is wanted soon ---------------------------------------------------------------------------------- */

void sfm_leg_use_room(sfm_leg *leg, sfm_outgoing_packet *room) { leg->room = room; }

static void warm_between(const sfm_leg *leg, size_t begin, size_t end) { sfm_warm((const char *)leg + begin, end - begin); }

/* What each of the two touches. */
void sfm_leg_warm_sending(const sfm_leg *leg, int step) {
    if (step == 0) {
        warm_between(leg, 0, offsetof(sfm_leg, silence));
    } else if (step == 1) {
        warm_between(leg, offsetof(sfm_leg, counters), offsetof(sfm_leg, outgoing) + SFM_CACHE_LINE_BYTES);
    } else {
        sfm_secure_warm_sending(&leg->secure, step - 2);
    }
}

/* Sending has just been there: the rest. */
void sfm_leg_warm_hearing(const sfm_leg *leg, int step) {
    if (step == 0) {
        warm_between(leg, offsetof(sfm_leg, silence), offsetof(sfm_leg, counters));
        warm_between(leg, offsetof(sfm_leg, sounding), offsetof(sfm_leg, stream) + offsetof(sfm_stream_statistics, skew.when_ns));
    } else {
        sfm_playout_warm(leg->playout, step - 1);
        sfm_secure_warm_hearing(&leg->secure);
    }
}
