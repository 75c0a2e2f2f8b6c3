#include "sfm_worker.h"

#include <stdlib.h>
#include <string.h>

#include "../core/sfm_error.h"
#include "../core/sfm_warm.h"

enum {
    STRANGERS_EVERY_TICKS = 10, /* how often the socket is looked at that only strangers write to */
    RTCP_EVERY_TICKS = 25,    /* how often the RTCP socket is looked at: half a second at 20 ms */
    MAX_RECEIVE_CALLS = 1 + SFM_RECEIVE_CAPACITY / SFM_DATAGRAM_BATCH,
    PHASES = 64, /* places in the packet time at which legs send: at 20 ms a wake-up every 312 µs at most, for however
                    many legs, as a wake-up costs as much as sending two packets */
    CAPACITY_BYTES = 1500,
};

static const int64_t MAX_STALL_NS = 1000000000;

static int64_t period_ns(const sfm_engine_leg *leg) { return sfm_leg_tick_ns(leg->leg); }

/* --- the world, or a simulation of it ---------------------------------------------------------------------------- */

static int64_t clock_ns(const sfm_worker *worker) {
    return worker->simulation != NULL ? sfm_simulation_now_ns(worker->simulation) : sfm_clock_ns();
}

static sfm_clocks read_clocks(const sfm_worker *worker) {
    const sfm_simulation *simulation = worker->simulation;
    return simulation != NULL ? (sfm_clocks){.monotonic_ns = sfm_simulation_now_ns(simulation),
                                             .wallclock_ns = sfm_simulation_wallclock_ns(simulation)}
                              : sfm_clocks_read();
}

static int send_to(const sfm_engine_leg *leg, int socket, const sfm_address *destination, const uint8_t *data,
                   size_t length) {
    sfm_simulation *simulation = leg->sockets.simulation;
    return simulation != NULL ? sfm_simulation_send(simulation, socket, destination, data, length)
                              : sfm_udp_send(socket, destination, data, length);
}

static int receive_from(const sfm_engine_leg *leg, int socket, sfm_datagram *batch, int capacity) {
    sfm_simulation *simulation = leg->sockets.simulation;
    return simulation != NULL ? sfm_simulation_receive(simulation, socket, batch, capacity)
                              : sfm_udp_receive(socket, batch, capacity, &leg->worker->clocks);
}

/* --- events out -------------------------------------------------------------------------------------------------- */

static void post(sfm_engine_leg *leg, sfm_notice *notice, const sfm_event *event) {
    notice->event = *event;
    notice->event.leg = leg->number;
    leg->worker->announce = leg->worker->announce || event->kind != 0;
    sfm_engine_post(leg->engine, notice);
}

/* Uses a notice again that has been read; whether it had been. */
static bool repost(sfm_engine_leg *leg, sfm_notice *notice, const sfm_event *event) {
    if (atomic_load_explicit(&notice->in_flight, memory_order_acquire)) {
        return false;
    }
    atomic_store_explicit(&notice->in_flight, true, memory_order_relaxed);
    post(leg, notice, event);
    return true;
}

static void post_digit(sfm_engine_leg *leg, const sfm_event *event) {
    for (uint32_t i = 0; i < leg->digits_used; i++) {
        if (repost(leg, &leg->digits[i], event)) {
            return;
        }
    }
    if (leg->digits_used == SFM_DIGIT_NOTICES) {
        leg->counted.digits_dropped++;
        return;
    }
    sfm_notice *unused = &leg->digits[leg->digits_used++];
    memset(unused, 0, sizeof *unused);
    (void)repost(leg, unused, event);
}

/* The letter's memory goes home without an event. */
static void return_letter(sfm_engine_leg *leg, sfm_letter *letter) {
    static const sfm_event nothing = {0};
    post(leg, &letter->completion, &nothing);
}

static sfm_letter **find_job(sfm_engine_leg *leg, uint64_t job) {
    sfm_letter **link = &leg->jobs;
    while (*link != NULL && (*link)->completion.event.job != job) {
        link = &(*link)->next;
    }
    return link;
}

static void post_progress(sfm_engine_leg *leg, const sfm_event *event) {
    sfm_letter *letter = *find_job(leg, event->job);
    if (letter != NULL) {
        (void)repost(leg, &letter->progress, event);
    }
}

static void complete_job(sfm_engine_leg *leg, const sfm_event *event) {
    sfm_letter **link = find_job(leg, event->job);
    sfm_letter *letter = *link;
    if (letter != NULL) {
        *link = letter->next;
        post(leg, &letter->completion, event);
    }
}

/* --- digits wait for those before them --------------------------------------------------------------------------- */

static void fail_digits(sfm_engine_leg *leg, sfm_letter *letter) {
    sfm_event event = {.kind = SFM_EVENT_DTMF_SENT, .job = letter->completion.event.job, .total_ms = -1};
    post(leg, &letter->completion, &event);
}

static void start_waiting_digits(sfm_engine_leg *leg) {
    while (leg->waiting_digits != NULL) {
        sfm_letter *letter = leg->waiting_digits;
        int error = sfm_leg_send_dtmf(leg->leg, &letter->body.dtmf.sequence, letter->completion.event.job);
        if (error == SFM_ERROR_BUSY) {
            return;
        }
        leg->waiting_digits = letter->next;
        if (error != SFM_OK) {
            fail_digits(leg, letter);
            continue;
        }
        letter->next = leg->jobs;
        leg->jobs = letter;
        return;
    }
}

static void queue_digits(sfm_engine_leg *leg, sfm_letter *letter) {
    sfm_letter **end = &leg->waiting_digits;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    letter->next = NULL;
    *end = letter;
    start_waiting_digits(leg);
}

static void drop_waiting_digits(sfm_engine_leg *leg) {
    while (leg->waiting_digits != NULL) {
        sfm_letter *letter = leg->waiting_digits;
        leg->waiting_digits = letter->next;
        fail_digits(leg, letter);
    }
}

/* --- what a leg reports ------------------------------------------------------------------------------------------ */

static void end_tape(sfm_engine_leg *leg, const sfm_event *event) {
    sfm_event nothing = {.job = event->job};
    complete_job(leg, &nothing);
    sfm_engine_tape_ended(leg->engine);
}

static void dispatch(sfm_engine_leg *leg, const sfm_event *event) {
    switch (event->kind) {
    case SFM_EVENT_FIRST_PACKET:
        (void)repost(leg, &leg->first_packet, event);
        break;
    case SFM_EVENT_SRTP_USELESS:
        (void)repost(leg, &leg->useless, event);
        break;
    case SFM_EVENT_DIGIT_RECEIVED:
    case SFM_EVENT_DIGIT_SENT:
        post_digit(leg, event);
        break;
    case SFM_EVENT_PLAY_PROGRESS:
    case SFM_EVENT_RECORD_PROGRESS:
    case SFM_EVENT_HEARING_PROGRESS:
        post_progress(leg, event);
        break;
    case SFM_EVENT_TAPE_ENDED:
        end_tape(leg, event);
        break;
    case SFM_EVENT_DTMF_SENT:
        complete_job(leg, event);
        start_waiting_digits(leg);
        break;
    default:
        complete_job(leg, event);
        break;
    }
}

static void collect_events(sfm_engine_leg *leg) {
    sfm_event event;
    while (sfm_leg_next_event(leg->leg, &event)) {
        dispatch(leg, &event);
    }
}

/* --- sending ----------------------------------------------------------------------------------------------------- */

static void count_lateness(sfm_engine_leg *leg, int64_t due_ns) {
    int64_t late_ns = clock_ns(leg->worker) - due_ns;
    uint64_t counted_ns = late_ns > 0 ? (uint64_t)late_ns : 0;
    sfm_histogram_add(&leg->worker->lateness, counted_ns);
    leg->lateness_sum_ns += counted_ns;
    leg->lateness_count++;
    if ((int64_t)counted_ns > leg->lateness_max_ns) {
        leg->lateness_max_ns = (int64_t)counted_ns;
    }
}

static void count_send_error(sfm_engine_leg *leg, int error) {
    if (error < 0) {
        leg->counted.send_errors++;
        leg->counted.last_send_error = -error;
    }
}

static int send_rtp(const sfm_engine_leg *leg, const sfm_outgoing_packet *packet) {
    bool connected = leg->sockets.peer >= 0;
    return connected ? send_to(leg, leg->sockets.peer, NULL, packet->data, packet->length)
                     : send_to(leg, leg->sockets.rtp, &leg->remote, packet->data, packet->length);
}

/* Where the peer takes both on one port (RFC 5761), RTCP leaves by the socket of RTP; what comes back on it is told apart
 * by the leg. */
static int rtcp_socket(const sfm_engine_leg *leg) {
    return sfm_address_equal(&leg->remote_rtcp, &leg->remote) ? leg->sockets.rtp : leg->sockets.rtcp;
}

static void send_report(sfm_engine_leg *leg, const uint8_t *data, size_t length) {
    if (leg->remote_rtcp.length != 0) {
        count_send_error(leg, send_to(leg, rtcp_socket(leg), &leg->remote_rtcp, data, length));
    }
}

static void send_packets(sfm_engine_leg *leg, int64_t now_ns) {
    const sfm_outgoing_packet *packet;
    while ((packet = sfm_leg_take(leg->leg, now_ns)) != NULL) {
        if (packet->is_rtcp) {
            send_report(leg, packet->data, packet->length);
            continue;
        }
        count_send_error(leg, send_rtp(leg, packet));
        count_lateness(leg, packet->due_ns);
    }
}

/* After a stall of more than a second the lost time is given up: a burst of it would help nobody. */
static void skip_stall(sfm_engine_leg *leg, int64_t now_ns) {
    if (now_ns - leg->tick_ns <= MAX_STALL_NS) {
        return;
    }
    uint32_t ticks = (uint32_t)((now_ns - leg->tick_ns) / period_ns(leg));
    leg->tick_ns += ticks * period_ns(leg);
    sfm_leg_skip(leg->leg, ticks, leg->tick_ns);
    leg->counted.missed_ticks += ticks;
    leg->worker->missed_ticks += ticks;
}

static void owe_playout(sfm_engine_leg *leg) {
    if (leg->owed_playouts++ == 0) {
        leg->owed_since_ns = leg->tick_ns;
        leg->worker->ticked[leg->worker->ticked_count++] = leg;
    }
}

static void tick(sfm_engine_leg *leg, int64_t now_ns) {
    if (leg->owed_playouts == 0) {
        skip_stall(leg, now_ns);
    }
    sfm_leg_send_tick(leg->leg, leg->tick_ns);
    owe_playout(leg);
    leg->ticks++;
    leg->tick_ns += period_ns(leg);
    collect_events(leg);
}

static void reschedule(sfm_engine_leg *leg) {
    int64_t packet_ns = sfm_leg_next_due_ns(leg->leg);
    leg->scheduled.due_ns = packet_ns < leg->tick_ns ? packet_ns : leg->tick_ns;
    sfm_schedule_put_back(&leg->worker->schedule, &leg->scheduled);
}

static void warm_engine_leg(const sfm_engine_leg *leg) { sfm_warm(leg, offsetof(sfm_engine_leg, remote_rtcp)); }

/* Takes out who is due now, oldest first, so that it is known whose memory will be wanted next. */
static size_t collect_due(sfm_worker *worker, int64_t now_ns) {
    size_t count = 0;
    while (count < SFM_DUE_CAPACITY && sfm_schedule_due_ns(&worker->schedule) <= now_ns) {
        worker->due[count] = (sfm_engine_leg *)sfm_schedule_pop(&worker->schedule);
        warm_engine_leg(worker->due[count++]);
    }
    return count;
}

typedef void (*warm_function)(const sfm_leg *leg, int step);

/* Each leg is asked for in steps while those before it are served: its own memory first, which says where the rest of
 * it is. */
static void warm_ahead(sfm_engine_leg *const *legs, size_t count, size_t next, warm_function warm) {
    for (size_t step = 0; step < SFM_WARM_STEPS; step++) {
        size_t ahead = SFM_WARM_STEPS - 1 - step;
        if (next + ahead < count) {
            warm(legs[next + ahead]->leg, (int)step);
        }
    }
}

static void send_from(sfm_engine_leg *leg, int64_t now_ns) {
    if (leg->tick_ns <= now_ns) {
        tick(leg, now_ns);
    }
    send_packets(leg, now_ns);
    reschedule(leg);
}

/* All that is due now, oldest first; what falls due meanwhile waits for the next round, or receiving could starve. */
static void send_due(sfm_worker *worker, int64_t now_ns) {
    size_t count;
    while ((count = collect_due(worker, now_ns)) > 0) {
        for (size_t i = 0; i < count; i++) {
            warm_ahead(worker->due, count, i + 1, sfm_leg_warm_sending);
            send_from(worker->due[i], now_ns);
        }
    }
}

/* --- receiving --------------------------------------------------------------------------------------------------- */

typedef int (*receive_function)(sfm_leg *leg, const uint8_t *data, size_t length, int64_t arrival_ns);

static void count_junk(sfm_engine_leg *leg, const sfm_address *source) {
    leg->counted.junk++;
    sfm_address_format(source, leg->counted.junk_source, sizeof leg->counted.junk_source);
}

/* One that finds no room is lost, which DTLS makes up for. */
static void keep_handshake(sfm_engine_leg *leg, sfm_inbox *inbox, const sfm_datagram *datagram) {
    static const sfm_event arrived = {.kind = SFM_EVENT_HANDSHAKE};
    sfm_leg_note_handshake(leg->leg);
    (void)sfm_inbox_put(inbox, datagram->data, datagram->length);
    (void)repost(leg, &leg->handshake, &arrived);
}

/* Symmetric RTP (RFC 4961): a peer behind a NAT says an address that nobody reaches, and is where its packets come from. */
static bool latch(sfm_engine_leg *leg, const sfm_datagram *datagram) {
    if (!sfm_leg_adopt(leg->leg, datagram->data, datagram->length, datagram->arrival_ns)) {
        return false;
    }
    bool muxed = sfm_address_equal(&leg->remote_rtcp, &leg->remote);
    leg->remote = datagram->source;
    leg->remote_rtcp = muxed ? datagram->source : leg->remote_rtcp;
    leg->latching = false;
    leg->unlooked = true;
    sfm_ports_connect(&leg->sockets, &leg->remote);
    collect_events(leg);
    return true;
}

static void take_datagram(sfm_engine_leg *leg, const sfm_datagram *datagram, const sfm_address *peer,
                          receive_function take) {
    bool is_media = take == sfm_leg_receive;
    if (!sfm_address_equal(&datagram->source, peer)) {
        if (!is_media || !leg->latching || !latch(leg, datagram)) {
            count_junk(leg, &datagram->source);
        }
        return;
    }
    leg->latching = leg->latching && !is_media;
    sfm_inbox *inbox = atomic_load_explicit(&leg->inbox, memory_order_acquire);
    if (inbox != NULL && sfm_is_dtls(datagram->data, datagram->length)) {
        keep_handshake(leg, inbox, datagram);
        return;
    }
    (void)take(leg->leg, datagram->data, datagram->length, datagram->arrival_ns);
    collect_events(leg);
}

/* One datagram behind `count` others, if there is room; the number of datagrams in the batch then. */
static int receive_one(sfm_engine_leg *leg, int socket, int count) {
    if (count == SFM_RECEIVE_CAPACITY) {
        return count;
    }
    int got = receive_from(leg, socket, leg->worker->batch + count, 1);
    count_send_error(leg, got);
    if (got < 0) { /* the error of a packet that we sent; behind it may wait the last words of a peer that has gone */
        got = receive_from(leg, socket, leg->worker->batch + count, 1);
        count_send_error(leg, got);
    }
    return count + (got > 0 ? got : 0);
}

/* All that waits, behind `count` others and up to `capacity` in the batch: a flood may not delay the packets of other legs.
 * Mostly nothing waits, or one datagram, and to ask for one is cheaper than to ask for many. */
static int receive_up_to(sfm_engine_leg *leg, int socket, int count, int capacity) {
    int before = count;
    count = receive_one(leg, socket, count);
    for (int tries = 0; count > before && tries < MAX_RECEIVE_CALLS && count < capacity; tries++) {
        int got = receive_from(leg, socket, leg->worker->batch + count, capacity - count);
        count_send_error(leg, got);
        count += got > 0 ? got : 0;
        if (got >= 0 && got < SFM_DATAGRAM_BATCH) {
            break;
        }
    }
    return count;
}

static int receive_waiting(sfm_engine_leg *leg, int socket, int count) {
    return receive_up_to(leg, socket, count, SFM_RECEIVE_CAPACITY);
}

/* A stream in step brings one packet a tick, and to ask the kernel for more would cost a quarter as much again. So after
 * a tick with one packet that came since the look before, only one is taken. Whatever a burst leaves behind is taken a
 * tick later, before its turn to be heard, and with the arrival that the kernel stamped; that it is older than the last
 * look tells that there is a backlog, and then all is taken again. */
static int receive_in_step(sfm_engine_leg *leg, int socket, int before) {
    bool one = leg->steady && leg->owed_playouts == 1;
    int count = one ? receive_one(leg, socket, before) : receive_waiting(leg, socket, before);
    bool fresh = count > before && leg->worker->batch[before].arrival_ns > leg->looked_ns;
    leg->steady = count == before + 1 && (!one || fresh);
    leg->looked_ns = leg->worker->clocks.monotonic_ns;
    return count;
}

/* Whether the peer's packets come to the socket that is not connected: they came before it was known, or to another
 * address of this machine than the one from which the kernel reaches it. */
static bool is_from_peer(const sfm_engine_leg *leg, int before, int count) {
    bool found = false;
    for (int i = before; i < count; i++) {
        found = found || sfm_address_equal(&leg->worker->batch[i].source, &leg->remote);
    }
    return found;
}

/* Behind `before` others in the batch. What came before the peer was known stands in front of what it sent since. After that only strangers write to the
 * socket that is not connected, and a flood of theirs no longer fills the one of the peer. */
static int receive_rtp(sfm_engine_leg *leg, int before) {
    int socket = leg->sockets.peer;
    if (socket < 0) {
        return receive_in_step(leg, leg->sockets.rtp, before);
    }
    if (!leg->unlooked && !leg->latching && (leg->ticks + leg->number) % STRANGERS_EVERY_TICKS != 0) {
        return receive_in_step(leg, socket, before);
    }
    int count = receive_waiting(leg, leg->sockets.rtp, before);
    leg->unlooked = is_from_peer(leg, before, count);
    return receive_in_step(leg, socket, count);
}

static void send_rtcp(sfm_engine_leg *leg, bool bye) {
    uint8_t data[CAPACITY_BYTES];
    int64_t now_ns = clock_ns(leg->worker);
    int length = sfm_leg_write_rtcp(leg->leg, now_ns, bye, data, sizeof data);
    if (length > 0 && (bye || !sfm_leg_delay_rtcp(leg->leg, data, (size_t)length, now_ns))) {
        send_report(leg, data, (size_t)length);
    }
}

static void take_rtp(sfm_engine_leg *leg, int from, int until) {
    for (int i = from; i < until; i++) {
        take_datagram(leg, &leg->worker->batch[i], &leg->remote, sfm_leg_receive);
    }
}

static void take_rtcp(sfm_engine_leg *leg, int count) {
    for (int i = 0; i < count; i++) {
        take_datagram(leg, &leg->worker->batch[i], &leg->remote_rtcp, sfm_leg_receive_rtcp);
    }
}

/* Its turn is not skipped where a stall jumps over it; and while RTP waits that there was no room for it is put off, as what
 * reports tell is compared with what came. */
static void exchange_rtcp(sfm_engine_leg *leg, int rtp_count) {
    uint64_t look = (leg->ticks + leg->number) / RTCP_EVERY_TICKS;
    if (look == leg->rtcp_looks || rtp_count == SFM_RECEIVE_CAPACITY) {
        return;
    }
    leg->rtcp_looks = look;
    if (!sfm_leg_started(leg->leg)) {
        return;
    }
    take_rtcp(leg, receive_waiting(leg, leg->sockets.rtcp, 0));
    send_rtcp(leg, false);
}

/* --- hearing ------------------------------------------------------------------------------------------------------ */

/* After a stall several packet times are played out at once, and what came meanwhile is put in evenly between them: at
 * once it would overflow the jitter buffer, although nothing is wrong but our own scheduling. */
static void hear(sfm_engine_leg *leg, int count) {
    int ticks = (int)leg->owed_playouts;
    int taken = 0;
    for (int tick = 1; tick <= ticks; tick++) {
        int until = count * tick / ticks;
        take_rtp(leg, taken, until);
        taken = until;
        sfm_leg_playout_tick(leg->leg, leg->owed_since_ns);
        leg->owed_since_ns += period_ns(leg);
        collect_events(leg);
    }
    leg->owed_playouts = 0;
}

/* The sockets are looked at once a tick, just before the tick is played out: nothing that came is missed, the kernel
 * stamped when it came, and a wake-up a packet is saved. */
static void hear_ticked(sfm_worker *worker) {
    worker->clocks = read_clocks(worker);
    for (size_t i = 0; i < worker->ticked_count; i++) {
        sfm_engine_leg *leg = worker->ticked[i];
        warm_ahead(worker->ticked, worker->ticked_count, i + 1, sfm_leg_warm_hearing);
        int count = sfm_leg_started(leg->leg) ? receive_rtp(leg, 0) : 0;
        hear(leg, count);
        exchange_rtcp(leg, count);
    }
    worker->ticked_count = 0;
}

/* --- commands ---------------------------------------------------------------------------------------------------- */

/* Places legs evenly over the packet time, however many come: 0, 1/2, 1/4, 3/4, 1/8, 5/8, … */
static int64_t phase_ns(uint32_t number, int64_t period) {
    uint32_t reversed = 0;
    for (uint32_t bit = 1; bit < PHASES; bit *= 2) {
        reversed = 2 * reversed + ((number & bit) != 0);
    }
    return period * reversed / PHASES;
}

static void open_leg(sfm_worker *worker, sfm_engine_leg *leg) {
    int64_t period = period_ns(leg);
    int64_t now_ns = clock_ns(worker);
    leg->tick_ns = now_ns - now_ns % period + period + phase_ns(leg->phase, period);
    leg->scheduled.due_ns = leg->tick_ns;
    leg->rtcp_looks = leg->number / RTCP_EVERY_TICKS;
    sfm_leg_use_room(leg->leg, &worker->room);
    leg->open = sfm_schedule_add(&worker->schedule, &leg->scheduled) == SFM_OK;
}

static void start_leg(sfm_engine_leg *leg, sfm_start_command *command) {
    if (command->params.latches && sfm_address_equal(&leg->signalled, &command->remote)) {
        command->remote = leg->remote; /* said once more, and known better */
        command->remote_rtcp = leg->remote_rtcp;
    } else {
        leg->signalled = command->remote;
        leg->latching = command->params.latches != 0;
    }
    command->params.moved = sfm_leg_started(leg->leg) && !sfm_address_equal(&leg->remote, &command->remote);
    bool connected = leg->sockets.peer >= 0 && sfm_address_equal(&leg->remote, &command->remote);
    if (sfm_leg_start(leg->leg, &command->params, &command->states) == SFM_OK) {
        if (!connected) {
            sfm_ports_connect(&leg->sockets, &command->remote);
            leg->unlooked = true;
        }
        leg->remote = command->remote;
        leg->remote_rtcp = command->remote_rtcp;
    }
}

/* From here on the keys are the leg's, and no more the letter's to discard. */
static void secure_leg(sfm_engine_leg *leg, sfm_letter *letter) {
    sfm_leg_secure(leg->leg, letter->body.srtp);
    letter->body.srtp = NULL;
}

static void send_datagram(sfm_engine_leg *leg, const sfm_send_command *datagram) {
    if (leg->open && leg->remote.length != 0) {
        count_send_error(leg, send_to(leg, leg->sockets.rtp, &leg->remote, datagram->data, datagram->length));
    }
}

static void play(sfm_engine_leg *leg, sfm_letter *letter) {
    const sfm_play_command *command = &letter->body.play;
    letter->next = leg->jobs;
    leg->jobs = letter;
    sfm_leg_play(leg->leg, command->prompt, letter->completion.event.job, command->times, command->limit_ms);
}

/* The play's letter takes the new prompt and this one the old: each gives back what it holds when it comes home. */
static void swap_prompt(sfm_engine_leg *leg, sfm_play_command *command) {
    sfm_letter *playing = *find_job(leg, command->job);
    if (playing != NULL && sfm_leg_swap_prompt(leg->leg, command->prompt, command->job)) {
        sfm_prompt *before = playing->body.play.prompt;
        playing->body.play.prompt = command->prompt;
        command->prompt = before;
    }
}

static void record(sfm_engine_leg *leg, sfm_letter *letter) {
    letter->next = leg->jobs;
    leg->jobs = letter;
    sfm_leg_record(leg->leg, letter->body.tape, letter->completion.event.job);
}

static void watch(sfm_engine_leg *leg, sfm_letter *letter) {
    const sfm_watch_command *command = &letter->body.watch;
    uint64_t job = letter->completion.event.job;
    int error = leg->open ? sfm_leg_watch(leg->leg, command->watch, job, command->topic, command->look_back)
                          : SFM_ERROR_BUSY;
    if (error != SFM_OK) {
        sfm_event unheard = {.kind = SFM_EVENT_HEARING_FINISHED, .job = job, .total_ms = -1, .error = error};
        unheard.hearing.ago_ms = -1;
        post(leg, &letter->completion, &unheard);
        return;
    }
    letter->next = leg->jobs;
    leg->jobs = letter;
}

static void read_path(const sfm_engine_leg *leg, sfm_path_counts *counts) {
    if (leg->open && leg->sockets.simulation != NULL) {
        sfm_simulation_read_path(leg->sockets.simulation, leg->sockets.rtp, counts);
    }
}

void sfm_worker_read_leg(const sfm_engine_leg *leg, sfm_engine_leg_statistics *statistics) {
    *statistics = leg->counted;
    read_path(leg, &statistics->path);
    statistics->socket_drops += leg->open ? sfm_ports_dropped(&leg->sockets) : 0;
    sfm_leg_read_statistics(leg->leg, &statistics->media);
    bool sent = leg->lateness_count > 0;
    statistics->lateness_mean_ns = sent ? (int64_t)(leg->lateness_sum_ns / leg->lateness_count) : -1;
    statistics->lateness_max_ns = sent ? leg->lateness_max_ns : -1;
}

static void read_worker(const sfm_worker *worker, sfm_engine_statistics *statistics) {
    sfm_histogram_merge(&statistics->lateness, &worker->lateness);
    statistics->missed_ticks += worker->missed_ticks;
}

/* What has come since the sockets were looked at: the peer's last words, and its last report with how many there were. Who
 * counts, and who closes, wants them. Reports are the first to be taken from the kernel and the last to be read: what they
 * count was sent before them, so it waits by then, however long this thread is kept from the processor in between. After a
 * stall more waits than one batch holds; a flood is not read to its end. */
static void take_last(sfm_engine_leg *leg) {
    enum { REPORTS = 16, ROUNDS = 16 };
    if (!leg->open || !sfm_leg_started(leg->leg)) {
        return;
    }
    leg->worker->clocks = read_clocks(leg->worker);
    int reports = receive_up_to(leg, leg->sockets.rtcp, 0, REPORTS);
    int count = SFM_RECEIVE_CAPACITY;
    for (int round = 0; round < ROUNDS && count == SFM_RECEIVE_CAPACITY; round++) {
        leg->steady = false;
        count = receive_rtp(leg, reports);
        take_rtp(leg, reports, count);
    }
    take_rtcp(leg, reports);
}

static void close_leg(sfm_engine_leg *leg) {
    if (!leg->open) {
        return;
    }
    take_last(leg);
    read_path(leg, &leg->counted.path); /* while there is a socket to ask */
    leg->counted.socket_drops = sfm_ports_dropped(&leg->sockets);
    leg->open = false;
    drop_waiting_digits(leg);
    sfm_leg_stop_play(leg->leg);
    sfm_leg_stop_dtmf(leg->leg);
    sfm_leg_end_digit(leg->leg);
    sfm_leg_hear_out(leg->leg, leg->tick_ns);
    sfm_leg_end_watch(leg->leg, 0);
    sfm_leg_stop_record(leg->leg);
    collect_events(leg);
    send_rtcp(leg, true);
    sfm_ports_close(&leg->sockets);
    sfm_schedule_remove(&leg->worker->schedule, &leg->scheduled);
}

static void answer_close(sfm_engine_leg *leg, sfm_letter *letter) {
    sfm_event closed = {.kind = SFM_EVENT_LEG_CLOSED};
    close_leg(leg);
    post(leg, &letter->completion, &closed);
}

/* Begins what goes on after the command; whether the letter stays with the leg until that is over. */
static bool begin(sfm_engine_leg *leg, sfm_letter *letter) {
    switch (letter->command) {
    case SFM_COMMAND_PLAY:
        play(leg, letter);
        return true;
    case SFM_COMMAND_RECORD:
        record(leg, letter);
        return true;
    case SFM_COMMAND_SEND_DTMF:
        queue_digits(leg, letter);
        return true;
    case SFM_COMMAND_WATCH:
        watch(leg, letter);
        return true;
    case SFM_COMMAND_CLOSE:
        answer_close(leg, letter);
        return true;
    default:
        return false;
    }
}

static void change(sfm_engine_leg *leg, sfm_letter *letter) {
    switch (letter->command) {
    case SFM_COMMAND_OPEN:
        open_leg(leg->worker, leg);
        break;
    case SFM_COMMAND_START:
        start_leg(leg, &letter->body.start);
        break;
    case SFM_COMMAND_SWAP_PROMPT:
        swap_prompt(leg, &letter->body.play);
        break;
    case SFM_COMMAND_STOP_PLAY:
        sfm_leg_stop_play(leg->leg);
        break;
    case SFM_COMMAND_SEND:
        send_datagram(leg, &letter->body.datagram);
        break;
    case SFM_COMMAND_SECURE:
        secure_leg(leg, letter);
        break;
    case SFM_COMMAND_END_WATCH:
        sfm_leg_end_watch(leg->leg, letter->body.watch.job);
        break;
    case SFM_COMMAND_STOP_RECORD:
        sfm_leg_stop_record(leg->leg);
        break;
    case SFM_COMMAND_PAUSE_RECORD:
        sfm_leg_pause_record(leg->leg, letter->body.on);
        break;
    case SFM_COMMAND_MUTE:
        sfm_leg_mute(leg->leg, letter->body.on);
        break;
    case SFM_COMMAND_IMPAIR:
        (void)sfm_leg_impair(leg->leg, &letter->body.impair);
        break;
    default:
        break;
    }
}

static void read_for(sfm_worker *worker, sfm_letter *letter) {
    if (letter->command == SFM_COMMAND_READ_LEG) {
        take_last(letter->leg);
        sfm_worker_read_leg(letter->leg, letter->body.leg_statistics);
    } else if (letter->command == SFM_COMMAND_READ_HEARD) {
        sfm_heard_request *request = letter->body.heard;
        request->count = sfm_leg_read_heard(letter->leg->leg, request->frames, request->capacity);
    } else if (letter->command == SFM_COMMAND_READ_KEPT) {
        sfm_kept_request *request = letter->body.kept;
        request->count = sfm_leg_read_kept(letter->leg->leg, request->frames, request->capacity, &request->sample_rate);
    } else {
        read_worker(worker, letter->body.engine_statistics);
    }
    sfm_engine_answered(worker->engine);
}

void sfm_worker_handle(sfm_worker *worker, sfm_letter *letter) {
    if (letter->command >= SFM_COMMAND_READ_LEG) {
        read_for(worker, letter); /* the asker's memory: not to be touched from here on */
        return;
    }
    sfm_engine_leg *leg = letter->leg;
    if (begin(leg, letter)) {
        collect_events(leg);
        return;
    }
    change(leg, letter);
    collect_events(leg);
    return_letter(leg, letter);
}

static void take_commands(sfm_worker *worker) {
    sfm_mail *mail = sfm_mailbox_take(&worker->inbox);
    while (mail != NULL) {
        sfm_letter *letter = (sfm_letter *)mail;
        mail = mail->next;
        sfm_worker_handle(worker, letter);
    }
}

/* --- the thread -------------------------------------------------------------------------------------------------- */

static void sleep_until_due(sfm_worker *worker) {
    int64_t due_ns = sfm_schedule_due_ns(&worker->schedule);
    if (due_ns > sfm_clock_ns()) {
        sfm_waiter_sleep(worker->waiter, due_ns);
    }
}

static void announce(sfm_worker *worker) {
    if (worker->announce) {
        worker->announce = false;
        sfm_engine_announce(worker->engine);
    }
}

static void close_all(sfm_worker *worker) {
    sfm_scheduled *item;
    while ((item = sfm_schedule_first(&worker->schedule)) != NULL) {
        close_leg((sfm_engine_leg *)item);
    }
}

bool sfm_worker_step(sfm_worker *worker, int64_t until_ns) {
    int64_t due_ns = sfm_schedule_due_ns(&worker->schedule);
    if (due_ns > until_ns) {
        return false;
    }
    sfm_simulation_move(worker->simulation, due_ns);
    send_due(worker, sfm_simulation_now_ns(worker->simulation));
    hear_ticked(worker);
    announce(worker);
    return true;
}

static void run(void *context) {
    sfm_worker *worker = context;
    while (!atomic_load_explicit(&worker->stopping, memory_order_acquire)) {
        sleep_until_due(worker);
        send_due(worker, sfm_clock_ns());
        hear_ticked(worker);
        take_commands(worker);
        announce(worker);
    }
    take_commands(worker);
    close_all(worker);
    announce(worker);
}

int sfm_worker_start(sfm_worker *worker, sfm_engine *engine, sfm_simulation *simulation, int realtime_priority) {
    sfm_thread_options options = {.name = "sipflow-media", .realtime_priority = realtime_priority};
    worker->engine = engine;
    worker->simulation = simulation;
    worker->stopped = simulation != NULL;
    worker->waiter = sfm_waiter_create();
    worker->ticked = calloc(SFM_WORKER_MAX_LEGS, sizeof(sfm_engine_leg *));
    if (worker->waiter == NULL || worker->ticked == NULL) {
        return SFM_ERROR_MEMORY;
    }
    int error = sfm_schedule_init(&worker->schedule, SFM_WORKER_MAX_LEGS);
    if (error == SFM_OK && simulation == NULL && sfm_thread_start(&worker->thread, &options, run, worker) != 0) {
        error = SFM_ERROR_MEMORY;
    }
    return error;
}

void sfm_worker_post(sfm_worker *worker, sfm_letter *letter) {
    if (worker->stopped) {
        sfm_worker_handle(worker, letter);
        announce(worker);
        return;
    }
    sfm_mailbox_put(&worker->inbox, &letter->completion.mail);
    sfm_waiter_wake(worker->waiter);
}

void sfm_worker_stop(sfm_worker *worker) {
    if (worker->simulation != NULL) {
        close_all(worker);
        announce(worker);
        return;
    }
    atomic_store_explicit(&worker->stopping, true, memory_order_release);
    sfm_waiter_wake(worker->waiter);
    sfm_thread_join(&worker->thread);
    worker->stopped = true;
}

void sfm_worker_free(sfm_worker *worker) {
    sfm_waiter_destroy(worker->waiter);
    sfm_schedule_free(&worker->schedule);
    free(worker->ticked);
    free(worker);
}
