#include "sfm_engine.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../core/sfm_error.h"
#include "../core/sfm_random.h"
#include "../core/sfm_warm.h"
#include "sfm_edge_error.h"
#include "sfm_floor.h"
#include "sfm_recorder.h"
#include "sfm_worker.h"

enum { WORKER_PRIORITY = 10, FLOOR_PRIORITY = 11 };

static const int64_t RECORD_EVERY_NS = 100000000;

struct sfm_engine {
    sfm_engine_config config;
    sfm_worker *workers[SFM_ENGINE_MAX_THREADS];
    uint32_t worker_count;
    sfm_recorder *recorder;
    sfm_floor *floor;
    sfm_notifier notifier;
    sfm_waiter *answer;      /* where READ commands are waited for */
    sfm_mailbox outbox;
    sfm_mail *undrained;     /* taken out of the outbox, oldest first */
    sfm_engine_leg *legs;
    uint32_t last_number;
    uint16_t port_cursor;
    uint64_t stream_seed;
    sfm_simulation *simulation; /* NULL: the machine itself */
    int64_t recorded_ns;        /* when the simulated disk was last written to */
    bool announced;             /* since the simulated time last began to move */
    bool stopped;
};

/* --- what the threads call --------------------------------------------------------------------------------------- */

void sfm_engine_post(sfm_engine *engine, sfm_notice *notice) { sfm_mailbox_put(&engine->outbox, &notice->mail); }

void sfm_engine_announce(sfm_engine *engine) {
    if (engine->simulation != NULL) {
        engine->announced = true;
    }
    sfm_notifier_raise(&engine->notifier);
}

void sfm_engine_tape_ended(sfm_engine *engine) { sfm_recorder_hurry(engine->recorder); }

void sfm_engine_answered(sfm_engine *engine) { sfm_waiter_wake(engine->answer); }

/* --- recordings -------------------------------------------------------------------------------------------------- */

typedef struct record_job {
    sfm_notice finished; /* first: its block is the job */
    sfm_recording recording;
} record_job;

static void discard_record_job(void *block) { sfm_tape_destroy(((record_job *)block)->recording.tape); }

static int64_t recorded_ms(const sfm_recording *recording) {
    const sfm_frame_file *frames = &recording->frame_file;
    return recording->codec != NULL ? (int64_t)(frames->duration_ts * 1000 / frames->clock_rate)
                                    : (int64_t)(recording->frames * 1000 / recording->wav.sample_rate);
}

/* Of an encoding name that stays; SFM_OK where WAV is wanted. */
static int want_frames(sfm_recording *recording, const sfm_record_options *options) {
    const sfm_codec *codec = options->codec != NULL ? sfm_codec_find(options->codec) : NULL;
    if (codec == NULL) {
        return options->codec == NULL ? SFM_OK : SFM_ERROR_ARGUMENT;
    }
    recording->codec = codec->name;
    return sfm_tape_keep_payloads(recording->tape, options->channels == SFM_CHANNELS_SENT ? SFM_TAPE_SENT : SFM_TAPE_HEARD);
}

static void recording_finished(void *context, sfm_recording *recording) {
    sfm_engine *engine = context;
    record_job *job = recording->context;
    job->finished.event.elapsed_ms = recorded_ms(recording);
    job->finished.event.began_ns = sfm_tape_began_ns(recording->tape);
    job->finished.event.error = sfm_system_error(recording->error);
    sfm_engine_post(engine, &job->finished);
    sfm_engine_announce(engine);
}

static record_job *create_record_job(const sfm_engine_leg *leg, uint64_t number, const sfm_record_options *options,
                                     uint32_t sample_rate) {
    record_job *job = calloc(1, sizeof *job);
    if (job == NULL) {
        return NULL;
    }
    uint64_t limit = options->limit_ms * sample_rate / 1000;
    if (sfm_tape_create(sample_rate, options->side_channels == 2 ? 2 : 1, limit, &job->recording.tape) != SFM_OK) {
        free(job);
        return NULL;
    }
    if (want_frames(&job->recording, options) != SFM_OK) {
        discard_record_job(job);
        free(job);
        return NULL;
    }
    job->finished.block = job;
    job->finished.discard = discard_record_job;
    job->finished.event =
        (sfm_event){.kind = SFM_EVENT_RECORDING_FINISHED, .leg = leg->number, .job = number, .total_ms = -1};
    job->recording.channels = options->channels;
    job->recording.context = job;
    return job;
}

/* --- life -------------------------------------------------------------------------------------------------------- */

static int start_workers(sfm_engine *engine) {
    for (uint32_t i = 0; i < engine->config.threads; i++) {
        sfm_worker *worker = calloc(1, sizeof *worker);
        if (worker == NULL) {
            return SFM_ERROR_MEMORY;
        }
        int error = sfm_worker_start(worker, engine, engine->simulation, engine->config.realtime ? WORKER_PRIORITY : 0);
        if (error != SFM_OK) {
            sfm_worker_free(worker);
            return error;
        }
        engine->workers[engine->worker_count++] = worker;
    }
    return SFM_OK;
}

static int start_threads(sfm_engine *engine) {
    engine->answer = sfm_waiter_create();
    engine->recorder = sfm_recorder_create(recording_finished, engine, engine->simulation == NULL);
    if (engine->answer == NULL || engine->recorder == NULL) {
        return SFM_ERROR_MEMORY;
    }
    if (engine->config.measure_floor) {
        engine->floor = sfm_floor_create(engine->config.realtime ? FLOOR_PRIORITY : 0);
    }
    return start_workers(engine);
}

int sfm_engine_create(const sfm_engine_config *config, sfm_engine **out) {
    bool simulated = config->simulation != NULL;
    if (config->threads == 0 || config->threads > (simulated ? 1 : SFM_ENGINE_MAX_THREADS)) {
        return SFM_ERROR_ARGUMENT;
    }
    sfm_engine *engine = calloc(1, sizeof *engine);
    if (engine == NULL) {
        return SFM_ERROR_MEMORY;
    }
    engine->config = *config;
    engine->config.simulation = NULL; /* the caller's memory, not to be kept */
    int error = simulated ? sfm_simulation_create(config->simulation, &engine->simulation) : SFM_OK;
    engine->stream_seed = simulated ? ~config->simulation->seed
                                    : (uint64_t)sfm_wallclock_ns() ^ (uint64_t)(uintptr_t)engine;
    if (error == SFM_OK) {
        error = sfm_system_error(sfm_notifier_open(&engine->notifier));
    }
    if (error != SFM_OK) {
        sfm_simulation_destroy(engine->simulation);
        free(engine);
        return error;
    }
    error = start_threads(engine);
    if (error != SFM_OK) {
        sfm_engine_destroy(engine);
        return error;
    }
    *out = engine;
    return SFM_OK;
}

void sfm_engine_stop(sfm_engine *engine) {
    if (engine->stopped) {
        return;
    }
    engine->stopped = true;
    for (uint32_t i = 0; i < engine->worker_count; i++) {
        sfm_worker_stop(engine->workers[i]);
    }
    if (engine->recorder != NULL) {
        sfm_recorder_destroy(engine->recorder); /* after the workers: only they end tapes */
        engine->recorder = NULL;
    }
}

static void drain_all(sfm_engine *engine) {
    sfm_event ignored;
    while (sfm_engine_drain(engine, &ignored, 1) > 0) {
    }
}

void sfm_engine_destroy(sfm_engine *engine) {
    if (engine == NULL) {
        return;
    }
    sfm_engine_stop(engine);
    sfm_floor_destroy(engine->floor);
    drain_all(engine);
    while (engine->legs != NULL) {
        sfm_engine_leg_free(engine->legs);
    }
    for (uint32_t i = 0; i < engine->worker_count; i++) {
        sfm_worker_free(engine->workers[i]);
    }
    sfm_simulation_destroy(engine->simulation);
    sfm_waiter_destroy(engine->answer);
    sfm_notifier_close(&engine->notifier);
    free(engine);
}

/* --- events out -------------------------------------------------------------------------------------------------- */

int sfm_engine_fileno(const sfm_engine *engine) { return engine->notifier.readable; }

static void release_notice(sfm_notice *notice) {
    if (notice->block == NULL) {
        atomic_store_explicit(&notice->in_flight, false, memory_order_release);
        return;
    }
    if (notice->discard != NULL) {
        notice->discard(notice->block);
    }
    free(notice->block);
}

static sfm_notice *next_notice(sfm_engine *engine) {
    if (engine->undrained == NULL) {
        engine->undrained = sfm_mailbox_take(&engine->outbox);
    }
    sfm_notice *notice = (sfm_notice *)engine->undrained;
    if (notice != NULL) {
        engine->undrained = notice->mail.next;
    }
    return notice;
}

int sfm_engine_drain(sfm_engine *engine, sfm_event *events, size_t capacity) {
    size_t count = 0;
    sfm_notice *notice;
    sfm_notifier_clear(&engine->notifier); /* before looking: what comes now raises it again */
    while (count < capacity && (notice = next_notice(engine)) != NULL) {
        events[count] = notice->event;
        count += notice->event.kind != 0;
        if (notice->event.kind == SFM_EVENT_LEG_CLOSED) {
            ((sfm_letter *)notice)->leg->given_back = true; /* a notice of that kind is the first part of its letter */
        }
        release_notice(notice);
    }
    if (count == capacity) {
        sfm_notifier_raise(&engine->notifier);
    }
    return (int)count;
}

/* --- simulated time ----------------------------------------------------------------------------------------------- */

/* Tapes are read long before they are full: they hold more than half a second at any sample rate. */
static void write_recordings(sfm_engine *engine) {
    int64_t now_ns = sfm_simulation_now_ns(engine->simulation);
    if (now_ns - engine->recorded_ns >= RECORD_EVERY_NS) {
        engine->recorded_ns = now_ns;
        sfm_recorder_step(engine->recorder);
    }
}

int64_t sfm_engine_advance(sfm_engine *engine, int64_t until_ns) {
    sfm_simulation *simulation = engine->simulation;
    engine->announced = false;
    while (!engine->announced && sfm_worker_step(engine->workers[0], until_ns)) {
        write_recordings(engine);
    }
    if (!engine->announced) {
        sfm_simulation_move(simulation, until_ns);
    }
    return sfm_simulation_now_ns(simulation);
}

void sfm_engine_stall(sfm_engine *engine, int64_t until_ns) { sfm_simulation_move(engine->simulation, until_ns); }

uint32_t sfm_engine_open_sockets(const sfm_engine *engine) {
    return (uint32_t)sfm_simulation_open_sockets(engine->simulation);
}

/* --- statistics -------------------------------------------------------------------------------------------------- */

/* Asks the thread that owns the numbers; the letter is this function's own, and it waits for the answer. */
static void ask(sfm_engine *engine, sfm_worker *worker, sfm_letter *letter) {
    sfm_worker_post(worker, letter);
    sfm_waiter_sleep(engine->answer, INT64_MAX);
}

void sfm_engine_read_statistics(sfm_engine *engine, sfm_engine_statistics *statistics) {
    memset(statistics, 0, sizeof *statistics);
    statistics->threads = engine->worker_count;
    for (uint32_t i = 0; i < engine->worker_count; i++) {
        sfm_letter letter = {.command = SFM_COMMAND_READ_WORKER, .body.engine_statistics = statistics};
        ask(engine, engine->workers[i], &letter);
        statistics->realtime_threads += engine->workers[i]->thread.realtime;
    }
    if (engine->floor != NULL) {
        sfm_floor_read(engine->floor, &statistics->floor);
    }
}

void sfm_engine_leg_read_statistics(sfm_engine_leg *leg, sfm_engine_leg_statistics *statistics) {
    if (leg->given_back) {
        sfm_worker_read_leg(leg, statistics);
        return;
    }
    sfm_letter letter = {.command = SFM_COMMAND_READ_LEG, .leg = leg, .body.leg_statistics = statistics};
    ask(leg->engine, leg->worker, &letter);
}

/* --- legs -------------------------------------------------------------------------------------------------------- */

static sfm_letter *create_letter(sfm_engine_leg *leg, enum sfm_command command, uint64_t job) {
    sfm_letter *letter = calloc(1, sizeof *letter);
    if (letter != NULL) {
        letter->completion.block = letter;
        letter->completion.event.job = job;
        letter->command = command;
        letter->leg = leg;
    }
    return letter;
}

static int post_letter(sfm_letter *letter) {
    if (letter == NULL) {
        return SFM_ERROR_MEMORY;
    }
    sfm_worker_post(letter->leg->worker, letter);
    return SFM_OK;
}

static sfm_worker *least_busy(const sfm_engine *engine) {
    sfm_worker *chosen = engine->workers[0];
    for (uint32_t i = 1; i < engine->worker_count; i++) {
        if (engine->workers[i]->leg_count < chosen->leg_count) {
            chosen = engine->workers[i];
        }
    }
    return chosen;
}

static sfm_leg_config leg_config(sfm_engine *engine, const sfm_leg_options *options, uint32_t number) {
    sfm_random random;
    sfm_random_seed(&random, engine->stream_seed + number);
    sfm_leg_config config = {.sample_rate = options->sample_rate, .jitter = options->jitter, .listener = options->listener};
    config.kept_frames = options->kept_frames;
    config.seed = engine->config.seed + number;
    config.stream_seed = sfm_random_next(&random);
    config.wallclock_offset_ns =
        engine->simulation != NULL
            ? sfm_simulation_wallclock_ns(engine->simulation) - sfm_simulation_now_ns(engine->simulation)
            : sfm_wallclock_ns() - sfm_clock_ns();
    snprintf(config.cname, sizeof config.cname, "%016llx@sipflow", (unsigned long long)sfm_random_next(&random));
    return config;
}

/* A leg that has everything but its sockets. */
static int create_leg(sfm_engine *engine, const sfm_leg_options *options, sfm_engine_leg **out) {
    void *block;
    sfm_engine_leg *leg = sfm_lines_alloc(sizeof *leg, &block);
    if (leg == NULL) {
        return SFM_ERROR_MEMORY;
    }
    memset(leg, 0, offsetof(sfm_engine_leg, digits));
    leg->block = block;
    sfm_leg_config config = leg_config(engine, options, engine->last_number + 1);
    int error = sfm_leg_create(&config, &leg->leg);
    if (error != SFM_OK) {
        free(leg->block);
        return error;
    }
    leg->engine = engine;
    leg->worker = least_busy(engine);
    leg->number = ++engine->last_number;
    leg->phase = leg->worker->phases;
    leg->sample_rate = options->sample_rate;
    *out = leg;
    return SFM_OK;
}

static void enlist(sfm_engine *engine, sfm_engine_leg *leg) {
    leg->port = leg->sockets.port;
    leg->next = engine->legs;
    engine->legs = leg;
    leg->worker->leg_count++;
    leg->worker->phases++;
}

static int open_with_sockets(sfm_engine *engine, const sfm_leg_options *options, sfm_engine_leg *leg) {
    sfm_letter *letter = create_letter(leg, SFM_COMMAND_OPEN, 0);
    if (letter == NULL) {
        return SFM_ERROR_MEMORY;
    }
    int error =
        sfm_ports_open(engine->simulation, options->address, options->first_port, options->last_port,
                               &engine->port_cursor, &leg->sockets);
    if (error != SFM_OK) {
        free(letter);
        return error;
    }
    enlist(engine, leg);
    return post_letter(letter);
}

int sfm_engine_open_leg(sfm_engine *engine, const sfm_leg_options *options, sfm_engine_leg **out) {
    sfm_engine_leg *leg = NULL;
    if (engine->stopped || least_busy(engine)->leg_count >= SFM_WORKER_MAX_LEGS) {
        return SFM_ERROR_SPACE;
    }
    int error = create_leg(engine, options, &leg);
    if (error != SFM_OK) {
        return error;
    }
    error = open_with_sockets(engine, options, leg);
    if (error != SFM_OK) {
        sfm_leg_destroy(leg->leg);
        free(leg->block);
        return error;
    }
    *out = leg;
    return SFM_OK;
}

uint32_t sfm_engine_leg_number(const sfm_engine_leg *leg) { return leg->number; }

uint16_t sfm_engine_leg_port(const sfm_engine_leg *leg) { return leg->port; }

void sfm_engine_leg_free(sfm_engine_leg *leg) {
    sfm_engine_leg **link = &leg->engine->legs;
    while (*link != leg) {
        link = &(*link)->next;
    }
    *link = leg->next;
    leg->worker->leg_count--;
    free(atomic_load_explicit(&leg->inbox, memory_order_relaxed));
    sfm_leg_destroy(leg->leg);
    free(leg->block);
}

/* --- commands ---------------------------------------------------------------------------------------------------- */

static int parse_remote(const sfm_leg_remote *remote, sfm_start_command *command) {
    if (sfm_address_parse(&command->remote, remote->address, remote->port) != 0) {
        return SFM_ERROR_ADDRESS;
    }
    if (remote->rtcp_port != 0) {
        (void)sfm_address_parse(&command->remote_rtcp, remote->address, remote->rtcp_port);
    }
    return SFM_OK;
}

static void discard_states(void *block) { sfm_leg_states_destroy(((sfm_letter *)block)->body.start.states); }

int sfm_engine_leg_start(sfm_engine_leg *leg, const sfm_leg_params *params, const sfm_leg_remote *remote) {
    sfm_start_command command = {.params = *params};
    if (!sfm_leg_accepts(params)) {
        return SFM_ERROR_ARGUMENT;
    }
    int error = parse_remote(remote, &command);
    if (error != SFM_OK) {
        return error;
    }
    sfm_letter *letter = create_letter(leg, SFM_COMMAND_START, 0);
    if (letter == NULL || sfm_leg_states_create(params, &command.states) != SFM_OK) {
        free(letter);
        return SFM_ERROR_MEMORY;
    }
    letter->body.start = command;
    letter->completion.discard = discard_states;
    leg->sample_rate = params->send_format.codec->sample_rate;
    return post_letter(letter);
}

static void discard_play(void *block) { sfm_prompt_release(((sfm_letter *)block)->body.play.prompt); }

static int post_prompt(sfm_letter *letter, const sfm_play_command *play) {
    if (letter != NULL) {
        sfm_prompt_retain(play->prompt);
        letter->completion.discard = discard_play;
        letter->body.play = *play;
    }
    return post_letter(letter);
}

int sfm_engine_leg_play(sfm_engine_leg *leg, sfm_prompt *prompt, uint64_t job, uint32_t times, uint64_t limit_ms) {
    sfm_play_command play = {.prompt = prompt, .times = times, .limit_ms = limit_ms};
    return post_prompt(create_letter(leg, SFM_COMMAND_PLAY, job), &play);
}

int sfm_engine_leg_swap_prompt(sfm_engine_leg *leg, sfm_prompt *prompt, uint64_t job) {
    sfm_play_command play = {.prompt = prompt, .job = job};
    return post_prompt(create_letter(leg, SFM_COMMAND_SWAP_PROMPT, 0), &play);
}

int sfm_engine_leg_stop_play(sfm_engine_leg *leg) { return post_letter(create_letter(leg, SFM_COMMAND_STOP_PLAY, 0)); }

static int start_recording(sfm_engine *engine, record_job *job, const sfm_record_options *options) {
    if (job == NULL) {
        return SFM_ERROR_MEMORY;
    }
    int error = sfm_recorder_start(engine->recorder, &job->recording, options->path, options->limit_bytes);
    if (error != 0) {
        discard_record_job(job);
        free(job);
    }
    return sfm_system_error(error);
}

int sfm_engine_leg_record(sfm_engine_leg *leg, uint64_t number, const sfm_record_options *options) {
    sfm_letter *letter = create_letter(leg, SFM_COMMAND_RECORD, number);
    if (letter == NULL) {
        return SFM_ERROR_MEMORY;
    }
    record_job *job = create_record_job(leg, number, options, leg->sample_rate);
    sfm_tape *tape = job != NULL ? job->recording.tape : NULL;
    int error = start_recording(leg->engine, job, options);
    if (error != SFM_OK) {
        free(letter);
        return error;
    }
    letter->body.tape = tape;
    return post_letter(letter);
}

int sfm_engine_leg_stop_record(sfm_engine_leg *leg) {
    return post_letter(create_letter(leg, SFM_COMMAND_STOP_RECORD, 0));
}

int sfm_engine_leg_pause_record(sfm_engine_leg *leg, int on) {
    sfm_letter *letter = create_letter(leg, SFM_COMMAND_PAUSE_RECORD, 0);
    if (letter != NULL) {
        letter->body.on = on;
    }
    return post_letter(letter);
}

static int check_digits(const sfm_dtmf_sequence *sequence) {
    sfm_dtmf_sender trial;
    memset(&trial, 0, sizeof trial);
    return sfm_dtmf_sender_start(&trial, 8000, sequence);
}

int sfm_engine_leg_send_dtmf(sfm_engine_leg *leg, uint64_t job, const sfm_dtmf_sequence *sequence) {
    int error = check_digits(sequence);
    if (error != SFM_OK) {
        return error;
    }
    sfm_letter *letter = create_letter(leg, SFM_COMMAND_SEND_DTMF, job);
    if (letter != NULL) {
        sfm_dtmf_command *command = &letter->body.dtmf;
        snprintf(command->digits, sizeof command->digits, "%s", sequence->digits);
        command->sequence = *sequence;
        command->sequence.digits = command->digits;
    }
    return post_letter(letter);
}

int sfm_engine_leg_mute(sfm_engine_leg *leg, int on) {
    sfm_letter *letter = create_letter(leg, SFM_COMMAND_MUTE, 0);
    if (letter != NULL) {
        letter->body.on = on;
    }
    return post_letter(letter);
}

int sfm_engine_leg_impair(sfm_engine_leg *leg, const sfm_impair_config *config) {
    sfm_impair trial;
    int error = config != NULL ? sfm_impair_init(&trial, config, 0) : SFM_OK;
    if (error != SFM_OK) {
        return error;
    }
    sfm_letter *letter = create_letter(leg, SFM_COMMAND_IMPAIR, 0);
    if (letter != NULL && config != NULL) {
        letter->body.impair = *config;
    }
    return post_letter(letter);
}

static void discard_keys(void *block) { sfm_srtp_destroy(((sfm_letter *)block)->body.srtp); }

int sfm_engine_leg_secure(sfm_engine_leg *leg, sfm_srtp *srtp) {
    sfm_letter *letter = create_letter(leg, SFM_COMMAND_SECURE, 0);
    if (letter == NULL) {
        sfm_srtp_destroy(srtp);
        return SFM_ERROR_MEMORY;
    }
    letter->completion.discard = discard_keys;
    letter->body.srtp = srtp;
    return post_letter(letter);
}

static void discard_watch(void *block) { sfm_watch_destroy(((sfm_letter *)block)->body.watch.watch); }

int sfm_engine_leg_watch(sfm_engine_leg *leg, uint64_t job, sfm_watch *watch, uint64_t topic, int look_back) {
    sfm_letter *letter = create_letter(leg, SFM_COMMAND_WATCH, job);
    if (letter == NULL) {
        sfm_watch_destroy(watch);
        return SFM_ERROR_MEMORY;
    }
    letter->completion.discard = discard_watch;
    letter->body.watch = (sfm_watch_command){.watch = watch, .topic = topic, .look_back = look_back};
    return post_letter(letter);
}

int sfm_engine_leg_end_watch(sfm_engine_leg *leg, uint64_t job) {
    sfm_letter *letter = create_letter(leg, SFM_COMMAND_END_WATCH, 0);
    if (letter != NULL) {
        letter->body.watch.job = job;
    }
    return post_letter(letter);
}

size_t sfm_engine_leg_read_heard(sfm_engine_leg *leg, sfm_ear_frame *frames, size_t capacity) {
    sfm_heard_request request = {.frames = frames, .capacity = capacity};
    sfm_letter letter = {.command = SFM_COMMAND_READ_HEARD, .leg = leg, .body.heard = &request};
    ask(leg->engine, leg->worker, &letter);
    return request.count;
}

size_t sfm_engine_leg_read_kept(sfm_engine_leg *leg, int16_t *frames, size_t capacity, uint32_t *sample_rate) {
    if (leg->given_back) {
        return sfm_leg_read_kept(leg->leg, frames, capacity, sample_rate);
    }
    sfm_kept_request request = {.frames = frames, .capacity = capacity};
    sfm_letter letter = {.command = SFM_COMMAND_READ_KEPT, .leg = leg, .body.kept = &request};
    ask(leg->engine, leg->worker, &letter);
    *sample_rate = request.sample_rate;
    return request.count;
}

int sfm_engine_leg_open_inbox(sfm_engine_leg *leg) {
    if (atomic_load_explicit(&leg->inbox, memory_order_relaxed) == NULL) {
        sfm_inbox *inbox = calloc(1, sizeof *inbox);
        if (inbox == NULL) {
            return SFM_ERROR_MEMORY;
        }
        atomic_store_explicit(&leg->inbox, inbox, memory_order_release);
    }
    return SFM_OK;
}

int sfm_engine_leg_read_inbox(sfm_engine_leg *leg, uint8_t *data, size_t capacity) {
    sfm_inbox *inbox = atomic_load_explicit(&leg->inbox, memory_order_relaxed);
    return inbox == NULL ? 0 : (int)sfm_inbox_take(inbox, data, capacity);
}

static void discard_datagram(void *block) { free(((sfm_letter *)block)->body.datagram.data); }

int sfm_engine_leg_send(sfm_engine_leg *leg, const uint8_t *data, size_t length) {
    sfm_letter *letter = create_letter(leg, SFM_COMMAND_SEND, 0);
    uint8_t *copy = malloc(length);
    if (letter == NULL || copy == NULL) {
        free(letter);
        free(copy);
        return SFM_ERROR_MEMORY;
    }
    memcpy(copy, data, length);
    letter->completion.discard = discard_datagram;
    letter->body.datagram = (sfm_send_command){.data = copy, .length = length};
    return post_letter(letter);
}

int sfm_engine_leg_close(sfm_engine_leg *leg) { return post_letter(create_letter(leg, SFM_COMMAND_CLOSE, 0)); }
