#include "sfm_jitter.h"

#include <stdlib.h>
#include <string.h>

#include "sfm_error.h"
#include "sfm_sequence.h"
#include "sfm_warm.h"

#define NS_PER_MS 1000000
#define NONE UINT16_MAX
#define MAX_WANTED_TS (1U << 20)
#define MAX_DURATION_TS (1U << 20)
#define CONCEAL_MS 100              /* an empty buffer is concealed this long, then silent */
#define HYSTERESIS_NS (20 * NS_PER_MS) /* smaller differences between delay and target are left alone */
#define JUMP_SLACK_NS (100 * NS_PER_MS) /* a packet due this much beyond the largest delay has a jumped timestamp */
#define DISCONTINUITY_NS 1000000000 /* a step of transit times that no network makes */
#define WINDOW_NS 8000000000        /* shortest transit and largest delay are kept for one to two of these */
#define TARGET_MARGIN_NS (10 * NS_PER_MS)
#define SPELL_NS 500000000          /* delays of so long a time count as one */
#define SPELL_OVER_NS (5 * NS_PER_MS) /* it ends when the delay is down to half its peak plus this */
#define PEAKS 3                     /* a delay has to come in so many spells before it is waited for */
#define LATE_RUN 5

/* One packet inside. */
typedef struct slot {
    int64_t sequence;  /* unwrapped */
    int64_t timestamp; /* unwrapped */
    int64_t arrival_ns;
    uint32_t ssrc;
    uint32_t duration_ts;
    uint32_t length;
    uint8_t payload_type;
    uint8_t marker;
    uint8_t is_event;
} slot;

/* What the network did in a stretch of time. Transit times, arrival minus timestamp, count from a common zero. */
typedef struct window {
    int64_t shortest_transit_ns;
    int64_t peaks_ns[PEAKS]; /* largest delays above the shortest transit that was known then, one a spell; largest first */
} window;

struct sfm_jitter {
    sfm_jitter_config config;
    int64_t min_delay_ns;
    int64_t max_delay_ns;
    int64_t initial_delay_ns;

    /* packets: ring[sequence & mask] is the index of a slot, NONE where there is no packet; free slots are a stack, so
     * that the few slots in use stay in the cache */
    slot *slots;
    uint8_t *payloads;
    uint16_t *ring;
    uint16_t *free_slots;
    uint32_t free_count;
    uint32_t ring_count;
    uint16_t candidate; /* slot of the packet on probation */
    int64_t lowest;     /* lowest sequence in the ring, when there is one */
    int64_t newest;     /* highest sequence ever put in, when has_newest */
    int64_t buffered_ts;

    /* the time line */
    int64_t position;        /* timestamp that is played next */
    int64_t played_end;      /* end of the last audio packet that was played */
    int64_t next_sequence;   /* follows the last one whose turn came */
    uint64_t history;        /* bit n: next_sequence - 1 - n came */
    int64_t starved_ts;      /* time put out since the buffer ran dry at position */
    int64_t guessed_ts;      /* of it, concealed: whether it is a loss or a pause the next packet tells */
    uint32_t last_duration_ts;
    uint32_t late_run;

    /* the network */
    sfm_source source;
    window current;
    window previous;
    int64_t window_start_ns;
    int64_t spell_start_ns;
    int64_t spell_peak_ns;
    int64_t zero_arrival_ns; /* arrival and timestamp of transit zero */
    int64_t zero_timestamp;
    int64_t last_transit_ns;
    int64_t last_timestamp;  /* of the newest packet, to unwrap the next */

    int64_t delay_sum_ns;
    sfm_jitter_counts counts;

    uint8_t started;       /* the time line runs */
    uint8_t has_next;      /* next_sequence and history mean something */
    uint8_t has_newest;    /* newest and last_timestamp mean something */
    uint8_t has_transit;
    uint8_t has_window;
    uint8_t learned;       /* a whole window was measured: the initial delay no longer binds */
    uint8_t after_event;   /* the last packet whose turn came held no audio */
};

/* --- create and destroy ------------------------------------------------------------------------------------------- */

void sfm_jitter_defaults(sfm_jitter_config *config, uint32_t clock_rate)
{
    *config = (sfm_jitter_config){
        .clock_rate = clock_rate,
        .initial_delay_ms = 40,
        .min_delay_ms = 20,
        .max_delay_ms = 200,
        .packet_capacity = 64,
        .payload_capacity = 960,
    };
}

static int is_power_of_two(uint32_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

static int check_config(const sfm_jitter_config *config)
{
    int delays = config->fixed ? config->initial_delay_ms <= 5000
                               : config->min_delay_ms <= config->initial_delay_ms &&
                                     config->initial_delay_ms <= config->max_delay_ms && config->max_delay_ms <= 5000;
    return delays && config->clock_rate >= 1000 && config->clock_rate <= 192000 && config->packet_capacity >= 8 &&
           config->packet_capacity <= 4096 && is_power_of_two(config->packet_capacity) &&
           config->payload_capacity >= 1 && config->payload_capacity <= 65535;
}

int sfm_jitter_create(const sfm_jitter_config *config, sfm_jitter **out)
{
    if (!check_config(config))
        return SFM_ERROR_ARGUMENT;
    uint32_t slot_count = config->packet_capacity + 2; /* a full ring, one on probation, one that comes in */
    size_t slots_offset = (sizeof(sfm_jitter) + 15) / 16 * 16;
    size_t ring_offset = slots_offset + slot_count * sizeof(slot);
    size_t free_offset = ring_offset + config->packet_capacity * sizeof(uint16_t);
    size_t payloads_offset = free_offset + slot_count * sizeof(uint16_t);
    /* Slots and payloads are not cleared: of room for 64 packets a call without jitter uses three, and memory that was
     * never written to is no page of the process. */
    uint8_t *memory = malloc(payloads_offset + (size_t)slot_count * config->payload_capacity);
    if (memory == NULL)
        return SFM_ERROR_MEMORY;
    memset(memory, 0, sizeof(sfm_jitter));

    sfm_jitter *jitter = (sfm_jitter *)(void *)memory;
    jitter->config = *config;
    jitter->min_delay_ns = (int64_t)(config->fixed ? config->initial_delay_ms : config->min_delay_ms) * NS_PER_MS;
    jitter->max_delay_ns = (int64_t)(config->fixed ? config->initial_delay_ms : config->max_delay_ms) * NS_PER_MS;
    jitter->initial_delay_ns = (int64_t)config->initial_delay_ms * NS_PER_MS;
    jitter->slots = (slot *)(void *)(memory + slots_offset);
    jitter->ring = (uint16_t *)(void *)(memory + ring_offset);
    jitter->free_slots = (uint16_t *)(void *)(memory + free_offset);
    jitter->payloads = memory + payloads_offset;
    for (uint32_t i = 0; i < config->packet_capacity; i++)
        jitter->ring[i] = NONE;
    for (uint32_t i = 0; i < slot_count; i++)
        jitter->free_slots[i] = (uint16_t)(slot_count - 1 - i);
    jitter->free_count = slot_count;
    jitter->candidate = NONE;
    *out = jitter;
    return SFM_OK;
}

void sfm_jitter_destroy(sfm_jitter *jitter)
{
    free(jitter);
}

void sfm_jitter_warm(const sfm_jitter *jitter)
{
    sfm_warm(jitter, sizeof *jitter);
}

/* The slot that comes next out of the stack, and the packet whose turn it is. */
void sfm_jitter_warm_packets(const sfm_jitter *jitter)
{
    enum { TYPICAL_PAYLOAD = 160, SLOTS = 3 };
    sfm_warm(jitter->slots, SLOTS * sizeof(slot));
    sfm_warm(&jitter->ring[(uint64_t)jitter->lowest & (jitter->config.packet_capacity - 1)], sizeof(uint16_t));
    sfm_warm(&jitter->free_slots[jitter->free_count > 0 ? jitter->free_count - 1 : 0], sizeof(uint16_t));
    for (size_t i = 0; i < SLOTS; i++)
        sfm_warm(jitter->payloads + i * jitter->config.payload_capacity, TYPICAL_PAYLOAD);
}

/* --- the ring of packets ------------------------------------------------------------------------------------------ */

static uint16_t *ring_at(sfm_jitter *jitter, int64_t sequence)
{
    return &jitter->ring[(uint64_t)sequence & (jitter->config.packet_capacity - 1)];
}

static const slot *earliest(const sfm_jitter *jitter)
{
    if (jitter->ring_count == 0)
        return NULL;
    return &jitter->slots[jitter->ring[(uint64_t)jitter->lowest & (jitter->config.packet_capacity - 1)]];
}

static slot *head_of(sfm_jitter *jitter)
{
    return jitter->ring_count > 0 ? &jitter->slots[*ring_at(jitter, jitter->lowest)] : NULL;
}

static uint8_t *payload_of(const sfm_jitter *jitter, uint16_t index)
{
    return jitter->payloads + (size_t)index * jitter->config.payload_capacity;
}

static void release_slot(sfm_jitter *jitter, uint16_t index)
{
    jitter->free_slots[jitter->free_count++] = index;
}

/* Takes the lowest packet out; its slot stays readable until the next one is filled. */
static slot *pop_head(sfm_jitter *jitter)
{
    uint16_t *cell = ring_at(jitter, jitter->lowest);
    slot *head = &jitter->slots[*cell];
    release_slot(jitter, *cell);
    *cell = NONE;
    jitter->ring_count--;
    jitter->buffered_ts -= head->duration_ts;
    if (jitter->ring_count > 0)
        do
            jitter->lowest++;
        while (*ring_at(jitter, jitter->lowest) == NONE);
    return head;
}

static void push(sfm_jitter *jitter, uint16_t index)
{
    const slot *added = &jitter->slots[index];
    *ring_at(jitter, added->sequence) = index;
    if (jitter->ring_count == 0 || added->sequence < jitter->lowest)
        jitter->lowest = added->sequence;
    jitter->ring_count++;
    jitter->buffered_ts += added->duration_ts;
}

static uint16_t fill_slot(sfm_jitter *jitter, const sfm_jitter_packet *packet, int is_event)
{
    uint16_t index = jitter->free_slots[--jitter->free_count];
    slot *filled = &jitter->slots[index];
    *filled = (slot){
        .arrival_ns = packet->arrival_ns,
        .timestamp = packet->timestamp,
        .ssrc = packet->ssrc,
        .payload_type = packet->payload_type,
        .marker = packet->marker,
        .is_event = (uint8_t)is_event,
    };
    if (!is_event) {
        filled->duration_ts = packet->duration_ts;
        filled->length = (uint32_t)packet->payload_length;
        if (packet->payload_length > 0)
            memcpy(payload_of(jitter, index), packet->payload, packet->payload_length);
    }
    return index;
}

static void flush(sfm_jitter *jitter)
{
    while (jitter->ring_count > 0) {
        pop_head(jitter);
        jitter->counts.discarded++;
    }
}

static void drop_candidate(sfm_jitter *jitter)
{
    if (jitter->candidate == NONE)
        return;
    release_slot(jitter, jitter->candidate);
    jitter->candidate = NONE;
    jitter->counts.discarded++;
}

/* --- what the network does ---------------------------------------------------------------------------------------- */

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t to_ns(const sfm_jitter *jitter, int64_t duration_ts)
{
    return sfm_ns_from_ts(duration_ts, jitter->config.clock_rate);
}

static int64_t to_ts(const sfm_jitter *jitter, int64_t duration_ns)
{
    return sfm_ts_from_ns(duration_ns, jitter->config.clock_rate);
}

static int64_t transit_of(const sfm_jitter *jitter, int64_t timestamp, int64_t arrival_ns)
{
    return arrival_ns - jitter->zero_arrival_ns - to_ns(jitter, timestamp - jitter->zero_timestamp);
}

static int64_t shortest_transit(const sfm_jitter *jitter)
{
    return smaller(jitter->current.shortest_transit_ns, jitter->previous.shortest_transit_ns);
}

static void turn_window(sfm_jitter *jitter, int64_t transit_ns, int64_t arrival_ns)
{
    int64_t age_ns = arrival_ns - jitter->window_start_ns;
    if (age_ns < WINDOW_NS)
        return;
    window fresh = {.shortest_transit_ns = transit_ns};
    jitter->previous = age_ns < 2 * WINDOW_NS ? jitter->current : fresh;
    jitter->current = fresh;
    jitter->window_start_ns = arrival_ns;
    jitter->learned = 1;
}

/* Transit times count from this packet on; what is known of delays stays. */
static void restart_transit(sfm_jitter *jitter, int64_t timestamp, int64_t arrival_ns)
{
    jitter->zero_arrival_ns = arrival_ns;
    jitter->zero_timestamp = timestamp;
    jitter->current.shortest_transit_ns = 0;
    jitter->previous.shortest_transit_ns = 0;
    jitter->last_transit_ns = 0;
    jitter->has_transit = 1;
    if (!jitter->has_window)
        jitter->window_start_ns = jitter->spell_start_ns = arrival_ns;
    jitter->has_window = 1;
}

/* Puts a value where it belongs among the largest. */
static void rank(int64_t peaks_ns[PEAKS], int64_t value_ns)
{
    for (size_t i = 0; i < PEAKS; i++)
        if (value_ns > peaks_ns[i]) {
            int64_t displaced_ns = peaks_ns[i];
            peaks_ns[i] = value_ns;
            value_ns = displaced_ns;
        }
}

/* A stall delays many packets, and is one delay all the same: the first of them has it in full, the others less. */
static void note_delay(sfm_jitter *jitter, int64_t delay_ns, int64_t arrival_ns)
{
    int is_over = arrival_ns - jitter->spell_start_ns >= SPELL_NS &&
                  delay_ns <= jitter->spell_peak_ns / 2 + SPELL_OVER_NS;
    if (!is_over) {
        jitter->spell_peak_ns = larger(jitter->spell_peak_ns, delay_ns);
        return;
    }
    rank(jitter->current.peaks_ns, jitter->spell_peak_ns);
    jitter->spell_start_ns = arrival_ns;
    jitter->spell_peak_ns = delay_ns;
}

static void observe(sfm_jitter *jitter, int64_t timestamp, int64_t arrival_ns)
{
    int64_t transit_ns = jitter->has_transit ? transit_of(jitter, timestamp, arrival_ns) : 0;
    int64_t step_ns = transit_ns - jitter->last_transit_ns;
    if (!jitter->has_transit || step_ns >= DISCONTINUITY_NS || step_ns <= -DISCONTINUITY_NS) {
        restart_transit(jitter, timestamp, arrival_ns);
        transit_ns = 0;
    }
    jitter->last_transit_ns = transit_ns;
    turn_window(jitter, transit_ns, arrival_ns);
    jitter->current.shortest_transit_ns = smaller(jitter->current.shortest_transit_ns, transit_ns);
    note_delay(jitter, transit_ns - shortest_transit(jitter), arrival_ns);
}

/* The delay that came in PEAKS spells; until a whole window was measured, in one. */
static int64_t usual_delay(const sfm_jitter *jitter)
{
    int64_t peaks_ns[PEAKS];
    memcpy(peaks_ns, jitter->current.peaks_ns, sizeof peaks_ns);
    for (size_t i = 0; i < PEAKS; i++)
        rank(peaks_ns, jitter->previous.peaks_ns[i]);
    rank(peaks_ns, jitter->spell_peak_ns);
    return peaks_ns[jitter->learned ? PEAKS - 1 : 0];
}

static int64_t target_delay(const sfm_jitter *jitter)
{
    int64_t needed_ns = usual_delay(jitter) + TARGET_MARGIN_NS;
    if (!jitter->learned)
        needed_ns = larger(needed_ns, jitter->initial_delay_ns);
    return smaller(larger(needed_ns, jitter->min_delay_ns), jitter->max_delay_ns);
}

/* When a packet should be heard: `target` after the shortest transit would have brought it, but it never waits longer
 * than `target` itself. */
static int64_t due_time(const sfm_jitter *jitter, const slot *packet)
{
    int64_t by_transit = jitter->zero_arrival_ns + shortest_transit(jitter) +
                         to_ns(jitter, packet->timestamp - jitter->zero_timestamp);
    return smaller(by_transit, packet->arrival_ns) + target_delay(jitter);
}

/* --- packets come in ---------------------------------------------------------------------------------------------- */

/* The buffer runs dry no more, and so much of what was concealed meanwhile was a pause of the sender. */
static void end_guess(sfm_jitter *jitter, int64_t pause_ts)
{
    int64_t silence_ts = smaller(larger(pause_ts, 0), jitter->guessed_ts);
    jitter->counts.concealed_ts += (uint64_t)(jitter->guessed_ts - silence_ts);
    jitter->counts.silence_ts += (uint64_t)silence_ts;
    jitter->guessed_ts = 0;
    jitter->starved_ts = 0;
}

static void forget_time_line(sfm_jitter *jitter)
{
    end_guess(jitter, 0);
    jitter->started = 0;
    jitter->has_next = 0;
    jitter->has_newest = 0;
    jitter->has_transit = 0;
    jitter->after_event = 0;
    jitter->history = 0;
    jitter->late_run = 0;
}

/* A packet whose turn is over. What came already is a duplicate; a late event does no harm and counts as one. */
static int put_behind(sfm_jitter *jitter, int64_t sequence, int is_event)
{
    int64_t behind = jitter->next_sequence - 1 - sequence;
    uint64_t bit = behind < 64 ? (uint64_t)1 << behind : 0;
    if (jitter->history & bit) {
        jitter->counts.duplicate++;
        return SFM_JITTER_DUPLICATE;
    }
    jitter->history |= bit;
    if (is_event)
        jitter->counts.events++;
    else
        jitter->counts.late++;
    return SFM_JITTER_LATE;
}

/* Whether the time of an audio packet has passed although its sequence number has not. Only for packets older than
 * the newest: a sender whose timestamp goes back is not late. In fixed mode for all: there time never waits. */
static int is_time_over(const sfm_jitter *jitter, const slot *packet)
{
    if (!jitter->started || packet->is_event)
        return 0;
    if (jitter->config.fixed)
        return packet->timestamp < jitter->position + jitter->starved_ts;
    return packet->sequence < jitter->newest && packet->timestamp < jitter->position;
}

/* Drops the lowest packet because there is too much; the time line goes on behind it. */
static void drop_oldest(sfm_jitter *jitter)
{
    const slot *dropped = pop_head(jitter);
    jitter->counts.overflow++;
    if (!jitter->has_next)
        return;
    int64_t skipped = dropped->sequence - jitter->next_sequence;
    jitter->history = skipped < 63 ? jitter->history << (skipped + 1) | 1 : 1;
    jitter->next_sequence = dropped->sequence + 1;
    if (!dropped->is_event)
        jitter->played_end = dropped->timestamp + dropped->duration_ts;
}

/* After packets were dropped: what is left is played at once. */
static void skip_to_head(sfm_jitter *jitter)
{
    const slot *head = head_of(jitter);
    if (!jitter->started || head == NULL)
        return;
    jitter->position = head->timestamp;
    end_guess(jitter, 0);
}

static int make_room(sfm_jitter *jitter, int64_t sequence)
{
    int dropped = 0;
    while (jitter->ring_count > 0 && jitter->lowest <= sequence - (int64_t)jitter->config.packet_capacity) {
        drop_oldest(jitter);
        dropped = 1;
    }
    return dropped;
}

/* Fixed mode, and a whole run of packets is too late: their clock has run away from ours, or the way became longer.
 * The time line starts anew with the last of them. */
static int gives_up_time_line(sfm_jitter *jitter)
{
    if (!jitter->config.fixed || ++jitter->late_run < LATE_RUN)
        return 0;
    jitter->started = 0;
    jitter->has_transit = 0;
    jitter->counts.resets++;
    return 1;
}

static int count_late(sfm_jitter *jitter)
{
    jitter->counts.late++;
    return SFM_JITTER_LATE;
}

/* Finds out whether the packet in a slot may go into the ring: ACCEPTED, or why not. */
static int judge(sfm_jitter *jitter, const slot *packet)
{
    int64_t sequence = packet->sequence;
    if (jitter->has_next && sequence < jitter->next_sequence)
        return put_behind(jitter, sequence, packet->is_event);
    uint16_t there = *ring_at(jitter, sequence);
    if (there != NONE && jitter->slots[there].sequence == sequence) {
        jitter->counts.duplicate++;
        return SFM_JITTER_DUPLICATE;
    }
    if (jitter->has_newest && sequence <= jitter->newest - (int64_t)jitter->config.packet_capacity)
        return count_late(jitter);
    if (is_time_over(jitter, packet) && !gives_up_time_line(jitter))
        return count_late(jitter);
    return SFM_JITTER_ACCEPTED;
}

static int place(sfm_jitter *jitter, uint16_t index, int64_t sequence)
{
    slot *packet = &jitter->slots[index];
    packet->sequence = sequence;
    packet->timestamp = jitter->has_newest
                            ? sfm_timestamp_extend(jitter->last_timestamp, (uint32_t)packet->timestamp)
                            : packet->timestamp;
    int verdict = judge(jitter, packet);
    if (!packet->is_event && verdict != SFM_JITTER_DUPLICATE)
        observe(jitter, packet->timestamp, packet->arrival_ns);
    if (verdict != SFM_JITTER_ACCEPTED) {
        release_slot(jitter, index);
        return verdict;
    }
    jitter->late_run = 0;
    int dropped = make_room(jitter, sequence);
    push(jitter, index);
    if (dropped)
        skip_to_head(jitter);
    jitter->counts.reordered += jitter->has_newest && sequence < jitter->newest;
    if (!jitter->has_newest || sequence > jitter->newest) {
        jitter->newest = sequence;
        jitter->last_timestamp = packet->timestamp;
        jitter->has_newest = 1;
    }
    return verdict;
}

static int restart(sfm_jitter *jitter, uint16_t index, int64_t sequence)
{
    uint16_t candidate = jitter->candidate;
    jitter->candidate = NONE;
    flush(jitter);
    forget_time_line(jitter);
    jitter->counts.resets++;
    place(jitter, candidate, sequence - 1);
    place(jitter, index, sequence);
    return SFM_JITTER_RESTARTED;
}

static int put(sfm_jitter *jitter, const sfm_jitter_packet *packet, int is_event)
{
    int64_t sequence = 0;
    int tracked = sfm_source_track(&jitter->source, packet->ssrc, packet->sequence_number, &sequence);
    jitter->counts.received++;
    if (tracked == SFM_SOURCE_RESTARTED)
        return restart(jitter, fill_slot(jitter, packet, is_event), sequence);
    drop_candidate(jitter);
    uint16_t index = fill_slot(jitter, packet, is_event);
    if (tracked != SFM_SOURCE_PENDING)
        return place(jitter, index, sequence);
    jitter->candidate = index;
    return SFM_JITTER_PENDING;
}

int sfm_jitter_put(sfm_jitter *jitter, const sfm_jitter_packet *packet)
{
    if (packet->duration_ts == 0 || packet->duration_ts > MAX_DURATION_TS)
        return SFM_ERROR_ARGUMENT;
    if (packet->payload_length > jitter->config.payload_capacity)
        return SFM_ERROR_SPACE;
    return put(jitter, packet, 0);
}

int sfm_jitter_put_event(sfm_jitter *jitter, const sfm_jitter_packet *packet)
{
    return put(jitter, packet, 1);
}

/* --- pieces go out ------------------------------------------------------------------------------------------------ */

static int give_time(sfm_jitter *jitter, int kind, int64_t duration_ts, sfm_jitter_piece *piece)
{
    memset(piece, 0, sizeof *piece);
    piece->kind = kind;
    piece->duration_ts = (uint32_t)duration_ts;
    if (kind == SFM_JITTER_CONCEAL && jitter->starved_ts > 0)
        jitter->guessed_ts += duration_ts;
    else if (kind == SFM_JITTER_CONCEAL)
        jitter->counts.concealed_ts += (uint64_t)duration_ts;
    else if (kind == SFM_JITTER_SILENCE)
        jitter->counts.silence_ts += (uint64_t)duration_ts;
    else
        jitter->counts.waiting_ts += (uint64_t)duration_ts;
    return kind;
}

/* Nothing can be played: time goes on, the position waits. */
static int starve(sfm_jitter *jitter, uint32_t wanted_ts, sfm_jitter_piece *piece)
{
    if (!jitter->started)
        return give_time(jitter, SFM_JITTER_WAITING, wanted_ts, piece);
    int is_short = to_ns(jitter, jitter->starved_ts) < CONCEAL_MS * (int64_t)NS_PER_MS;
    jitter->starved_ts += wanted_ts;
    return give_time(jitter, is_short && !jitter->after_event ? SFM_JITTER_CONCEAL : SFM_JITTER_SILENCE, wanted_ts,
                     piece);
}

static int64_t missing_before(const sfm_jitter *jitter, const slot *head)
{
    return jitter->has_next ? head->sequence - jitter->next_sequence : 0;
}

/* Missing packets that held audio: no more than fit between the audio on both sides. After an event all of them may
 * have been events, and none is counted. */
static int64_t lost_before(const sfm_jitter *jitter, const slot *head)
{
    int64_t hole_ts = head->timestamp - jitter->played_end;
    if (!jitter->started || jitter->after_event || hole_ts <= 0 || jitter->last_duration_ts == 0)
        return 0;
    int64_t fitting = (hole_ts - 1) / jitter->last_duration_ts + 1;
    return smaller(missing_before(jitter, head), fitting);
}

static const slot *take_turn(sfm_jitter *jitter)
{
    const slot *head = head_of(jitter);
    int64_t missing = missing_before(jitter, head);
    jitter->counts.lost += (uint64_t)lost_before(jitter, head);
    jitter->history = missing < 63 ? jitter->history << (missing + 1) | 1 : 1;
    jitter->next_sequence = head->sequence + 1;
    jitter->has_next = 1;
    jitter->after_event = head->is_event;
    return pop_head(jitter);
}

static sfm_jitter_piece describe(const sfm_jitter *jitter, const slot *packet, int64_t delay_ns)
{
    return (sfm_jitter_piece){
        .kind = SFM_JITTER_PACKET,
        .duration_ts = packet->duration_ts,
        .timestamp = (uint32_t)packet->timestamp,
        .ssrc = packet->ssrc,
        .sequence_number = (uint16_t)packet->sequence,
        .payload_type = packet->payload_type,
        .marker = packet->marker,
        .delay_ns = delay_ns,
        .payload = payload_of(jitter, (uint16_t)(packet - jitter->slots)),
        .payload_length = packet->length,
    };
}

static int play(sfm_jitter *jitter, int64_t now_ns, sfm_jitter_piece *piece)
{
    const slot *packet = take_turn(jitter);
    jitter->position = jitter->played_end = packet->timestamp + packet->duration_ts;
    jitter->last_duration_ts = packet->duration_ts;
    jitter->counts.played++;
    jitter->counts.current_delay_ns = now_ns - packet->arrival_ns;
    jitter->delay_sum_ns += jitter->counts.current_delay_ns;
    *piece = describe(jitter, packet, jitter->counts.current_delay_ns);
    return SFM_JITTER_PACKET;
}

static void pass_event(sfm_jitter *jitter)
{
    take_turn(jitter);
    jitter->counts.events++;
}

/* More audio than the largest delay allows, after a stall longer than that: the oldest goes. */
static void drop_excess(sfm_jitter *jitter, uint32_t wanted_ts)
{
    int64_t most_ts = to_ts(jitter, jitter->max_delay_ns) + wanted_ts;
    int dropped = 0;
    while (jitter->ring_count > 1 && jitter->buffered_ts > most_ts + head_of(jitter)->duration_ts) {
        drop_oldest(jitter);
        dropped = 1;
    }
    if (dropped)
        skip_to_head(jitter);
}

static void start(sfm_jitter *jitter, const slot *head)
{
    jitter->started = 1;
    jitter->position = jitter->played_end = head->timestamp;
    end_guess(jitter, 0);
    jitter->last_duration_ts = head->duration_ts;
}

/* The buffer was empty and now there is audio: how much of the time since then belongs to the hole in front of it? The
 * rest was inserted, because the packets were late; then a little more may be, until their due time. Returns 0 to
 * go on waiting. */
static int end_starvation(sfm_jitter *jitter, const slot *head, int64_t now_ns)
{
    int64_t hole_ts = larger(head->timestamp - jitter->position, 0);
    int64_t absorbed_ts = jitter->config.fixed ? jitter->starved_ts : smaller(hole_ts, jitter->starved_ts);
    int64_t stretched_ts = jitter->starved_ts - absorbed_ts;
    if (stretched_ts > 0 && now_ns < due_time(jitter, head))
        return 0;
    if (to_ns(jitter, stretched_ts) >= DISCONTINUITY_NS) {
        jitter->counts.resets++; /* the sender's timestamp stood still while it paused: no packet was late */
        stretched_ts = 0;
    }
    jitter->counts.stretched_ts += (uint64_t)stretched_ts;
    jitter->position += absorbed_ts;
    int64_t missing_ts = jitter->after_event ? 0 : missing_before(jitter, head) * jitter->last_duration_ts;
    end_guess(jitter, jitter->guessed_ts - stretched_ts - smaller(absorbed_ts, missing_ts));
    return 1;
}

/* The time line goes on at the head: at once when that is due, else it starts as with a first packet. */
static void jump(sfm_jitter *jitter, const slot *head, int64_t now_ns)
{
    jitter->counts.resets++;
    jitter->position = jitter->played_end = head->timestamp;
    if (now_ns < due_time(jitter, head))
        jitter->started = 0;
}

/* Whether the head would wait beyond the largest delay, were the gap in front of it filled to its end. */
static int waits_too_long(const sfm_jitter *jitter, const slot *head, int64_t now_ns)
{
    int64_t gap_ts = head->timestamp - jitter->position;
    int64_t delay_ns = now_ns + to_ns(jitter, gap_ts) - head->arrival_ns;
    return gap_ts > 0 && delay_ns > jitter->max_delay_ns + JUMP_SLACK_NS;
}

/* Whether the missing packets can have held all the time in front of the head. */
static int is_loss(const sfm_jitter *jitter, const slot *head)
{
    int64_t lost_ts = missing_before(jitter, head) * jitter->last_duration_ts;
    return !jitter->after_event && head->timestamp - jitter->position <= lost_ts;
}

/* Whether the sender's timestamp went back, or further ahead than time and loss explain. */
static int is_jump(const sfm_jitter *jitter, const slot *head, int64_t now_ns)
{
    return head->timestamp < jitter->position ||
           (waits_too_long(jitter, head, now_ns) && !is_loss(jitter, head));
}

/* A pause of the sender is where the delay may move towards the target: the pause gets shorter or longer. So does loss
 * after a stall that left more delay than allowed. */
static void adapt_gap(sfm_jitter *jitter, const slot *head, int64_t now_ns, uint32_t wanted_ts)
{
    int64_t gap_ts = head->timestamp - jitter->position;
    int64_t excess_ns = now_ns + to_ns(jitter, gap_ts) - due_time(jitter, head);
    if (excess_ns > HYSTERESIS_NS + to_ns(jitter, wanted_ts))
        jitter->position += smaller(to_ts(jitter, excess_ns), gap_ts);
    else if (excess_ns < -HYSTERESIS_NS)
        jitter->position += to_ts(jitter, excess_ns);
}

/* A stall may have left more delay than is needed, and a sender that never pauses no place to get rid of it but loss: of
 * a hole of several packets one packet's time is concealed at least. */
static void shorten_loss(sfm_jitter *jitter, const slot *head, int64_t now_ns, uint32_t wanted_ts)
{
    int64_t gap_ts = head->timestamp - jitter->position;
    int64_t spare_ts = gap_ts - jitter->last_duration_ts;
    int64_t excess_ns = now_ns + to_ns(jitter, gap_ts) - due_time(jitter, head);
    if (!jitter->config.fixed && !head->is_event && spare_ts > 0 && excess_ns > HYSTERESIS_NS + to_ns(jitter, wanted_ts))
        jitter->position += smaller(to_ts(jitter, excess_ns), spare_ts);
}

/* An event has no time of its own to be moved: the audio behind it adapts. */
static int may_adapt(const sfm_jitter *jitter, const slot *head, int64_t now_ns)
{
    int is_pause = jitter->after_event || missing_before(jitter, head) == 0;
    return !jitter->config.fixed && !head->is_event && (is_pause || waits_too_long(jitter, head, now_ns));
}

/* Time in front of the head, at least 1: loss as far as the missing packets can have reached, else a pause. */
static int fill_gap(sfm_jitter *jitter, const slot *head, uint32_t wanted_ts, sfm_jitter_piece *piece)
{
    int64_t gap_ts = smaller(head->timestamp - jitter->position, wanted_ts);
    int64_t missing = jitter->after_event ? 0 : missing_before(jitter, head);
    int64_t lost_ts = jitter->played_end + missing * jitter->last_duration_ts - jitter->position;
    int kind = SFM_JITTER_SILENCE;
    if (missing > 0 && lost_ts > 0) {
        kind = SFM_JITTER_CONCEAL;
        gap_ts = smaller(gap_ts, lost_ts);
    }
    jitter->position += gap_ts;
    return give_time(jitter, kind, gap_ts, piece);
}

/* An event's turn comes when the audio lost before it has been concealed, or when none is missing. */
static int is_event_due(const sfm_jitter *jitter, const slot *head)
{
    return !jitter->started || jitter->after_event || missing_before(jitter, head) == 0 ||
           head->timestamp <= jitter->position + jitter->starved_ts;
}

static void pass_due_events(sfm_jitter *jitter)
{
    for (slot *head = head_of(jitter); head && head->is_event && is_event_due(jitter, head); head = head_of(jitter))
        pass_event(jitter);
}

/* Brings the time line to the point where the head is to be played, or time is to be filled in front of it; NULL when
 * nothing can be played yet. */
static const slot *find_head(sfm_jitter *jitter, int64_t now_ns)
{
    for (;;) {
        pass_due_events(jitter);
        const slot *head = head_of(jitter);
        if (head == NULL || (!jitter->started && now_ns < due_time(jitter, head)))
            return NULL;
        if (!jitter->started)
            start(jitter, head);
        if (jitter->starved_ts > 0 && !end_starvation(jitter, head, now_ns))
            return NULL;
        if (!is_jump(jitter, head, now_ns))
            return head;
        jump(jitter, head, now_ns); /* the gap is gone now, so the second round ends */
    }
}

int sfm_jitter_get(sfm_jitter *jitter, int64_t now_ns, uint32_t wanted_ts, sfm_jitter_piece *piece)
{
    if (wanted_ts == 0 || wanted_ts > MAX_WANTED_TS)
        return SFM_ERROR_ARGUMENT;
    if (jitter->started && !jitter->config.fixed)
        drop_excess(jitter, wanted_ts);
    const slot *head = find_head(jitter, now_ns);
    if (head == NULL)
        return starve(jitter, wanted_ts, piece);
    if (head->timestamp > jitter->position) {
        if (may_adapt(jitter, head, now_ns))
            adapt_gap(jitter, head, now_ns, wanted_ts);
        else
            shorten_loss(jitter, head, now_ns, wanted_ts);
    }
    if (head->timestamp > jitter->position)
        return fill_gap(jitter, head, wanted_ts, piece);
    return play(jitter, now_ns, piece);
}

int64_t sfm_jitter_gap_ts(const sfm_jitter *jitter)
{
    const slot *head = earliest(jitter);
    if (head == NULL || !jitter->started || jitter->starved_ts > 0)
        return -1;
    return larger(head->timestamp - jitter->position, 0);
}

int sfm_jitter_peek(const sfm_jitter *jitter, sfm_jitter_piece *piece)
{
    const slot *head = earliest(jitter);
    if (head == NULL || head->is_event)
        return 0;
    *piece = describe(jitter, head, 0);
    return 1;
}

void sfm_jitter_read_counts(const sfm_jitter *jitter, sfm_jitter_counts *counts)
{
    *counts = jitter->counts;
    counts->buffered = jitter->ring_count + (jitter->candidate != NONE);
    counts->buffered_ts = (uint32_t)jitter->buffered_ts;
    counts->packet_ts = jitter->last_duration_ts;
    counts->target_delay_ns = target_delay(jitter);
    counts->mean_delay_ns = counts->played > 0 ? jitter->delay_sum_ns / (int64_t)counts->played : 0;
}

void sfm_jitter_reset(sfm_jitter *jitter)
{
    flush(jitter);
    drop_candidate(jitter);
    forget_time_line(jitter);
    memset(&jitter->source, 0, sizeof jitter->source);
}

static uint64_t converted(uint64_t duration_ts, uint32_t from_rate, uint32_t to_rate)
{
    return duration_ts / from_rate * to_rate + duration_ts % from_rate * to_rate / from_rate;
}

int sfm_jitter_set_clock(sfm_jitter *jitter, uint32_t clock_rate)
{
    uint32_t before = jitter->config.clock_rate;
    if (clock_rate < 1000 || clock_rate > 192000)
        return SFM_ERROR_ARGUMENT;
    sfm_jitter_reset(jitter);
    sfm_jitter_counts *counts = &jitter->counts;
    counts->concealed_ts = converted(counts->concealed_ts, before, clock_rate);
    counts->silence_ts = converted(counts->silence_ts, before, clock_rate);
    counts->waiting_ts = converted(counts->waiting_ts, before, clock_rate);
    counts->stretched_ts = converted(counts->stretched_ts, before, clock_rate);
    jitter->last_duration_ts = (uint32_t)converted(jitter->last_duration_ts, before, clock_rate);
    jitter->config.clock_rate = clock_rate;
    return SFM_OK;
}
