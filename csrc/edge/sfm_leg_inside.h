/* A leg from inside: what its five files share, and nobody else includes.
 *
 *   sfm_leg.c         life, events, negotiated parameters, commands
 *   sfm_leg_send.c    a tick of sending: prompt, digits, silence, comfort noise
 *   sfm_leg_hear.c    packets in, a tick of playout: digits, level, silence, what is listened for
 *   sfm_leg_tape.c    both directions to the recording and the keepsake
 *   sfm_leg_report.c  RTCP and statistics */
#ifndef SFM_LEG_INSIDE_H
#define SFM_LEG_INSIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "../core/sfm_error.h"
#include "../core/sfm_level.h"
#include "../core/sfm_playout.h"
#include "../core/sfm_random.h"
#include "../core/sfm_rtp.h"
#include "../core/sfm_stream_statistics.h"
#include "sfm_leg.h"
#include "sfm_play.h"
#include "sfm_seam.h"
#include "sfm_sound.h"

enum {
    MAX_TICK_SAMPLES = SFM_MAX_SAMPLE_RATE / 1000 * SFM_MAX_PTIME_MS,
    EVENT_CAPACITY = 32,
};

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

/* In front what every packet changes. */
typedef struct counters {
    uint64_t packets_sent;
    uint64_t bytes_sent;
    uint64_t jitter_sum_ns;
    uint64_t jitter_count;
    int64_t both_ways_ns;
    int64_t unanswered_ns;
    uint64_t listened_samples;
    uint64_t silent_samples;
    uint64_t silence_max_samples;
    int32_t payload_type; /* of the newest audio packet; -1 */
    uint64_t unknown_samples;
    uint64_t malformed;
    uint64_t unknown_payload;
    uint64_t unplayable;
    uint64_t noise_sent;
    uint64_t noise_received;
    uint64_t unwanted;
    int64_t first_packet_ns;
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

/* In order of use: a tick of a call in which nothing happens touches few cache lines, and those side by side. What it does
 * not touch stands behind `reporter`. */
struct sfm_leg {
    uint32_t sample_rate;
    uint32_t clock_rate;   /* of what is sent */
    bool started;
    bool muted;
    bool first_packet_seen; /* of the current stream */
    bool tape_paused;
    bool dtmf_active;
    bool dtmf_busy;  /* `dtmf` may have something to send: saves looking at it */
    bool dtmf_ended; /* the digit that is sent was told of */
    bool always_digits;
    sfm_leg_states *states;
    sfm_outgoing_packet *room; /* the owner's, for the packet of this tick; NULL: none */
    sfm_playout *playout;
    sfm_tape *tape;
    sfm_keepsake *keepsake; /* NULL: nothing is kept */
    sfm_listener *listener; /* NULL: nothing is listened for */

    sender sender;
    int64_t tick_ns; /* time from one tick to the next */
    int64_t deaf_until_ns; /* what came before that came in a stall of ours, and is not played out */
    uint32_t events_first;
    uint32_t events_count;

    sfm_leg_params params;
    sfm_play play;
    uint64_t play_reported_ms;
    pauses pauses;
    sfm_silence_detector silence;
    sfm_level level;
    counters counters;
    sfm_secure secure;
    sfm_outgoing outgoing;
    sfm_dtmf_report sounding; /* digit that began and is to be reported when it ends; kind SFM_DTMF_NOTHING: none */
    int64_t sounding_ns;      /* arrival of its newest packet */
    sfm_stream_statistics stream;

    sfm_reporter reporter;
    void *block; /* the memory of this leg */
    sfm_random random;
    sfm_dtmf_sender dtmf;
    uint32_t dtmf_origin; /* timestamp of the stream at which the digits began */
    uint64_t dtmf_job;
    sfm_dtmf_receiver digits;
    uint64_t tape_job;
    uint64_t tape_reported_ms;
    sfm_jitter_config jitter;
    sfm_level level_left; /* what few legs have */
    sfm_level level_right;
    sfm_event events[EVENT_CAPACITY]; /* of one call: the owner drains them after each, so the bound is what one call can
                                         produce. Last, and not cleared: most of it is never touched */
};

/* Room for what a packet time sounds like. Of one channel only `mixed` is used. */
typedef struct sound_room {
    int16_t mixed[MAX_TICK_SAMPLES];
    int16_t left[MAX_TICK_SAMPLES];
    int16_t right[MAX_TICK_SAMPLES];
} sound_room;

/* --- what is asked in every tick --------------------------------------------------------------------------------- */

static inline uint32_t sfm_leg_tick_samples(const sfm_leg *leg) { return leg->sample_rate / 1000 * leg->params.ptime_ms; }

static inline uint32_t sfm_leg_tick_ts(const sfm_leg *leg) { return leg->clock_rate / 1000 * leg->params.ptime_ms; }

static inline sfm_tape *sfm_leg_running_tape(sfm_leg *leg) { return leg->tape_paused ? NULL : leg->tape; }

/* Whether there is somebody to send to, and all that it takes. */
static inline bool sfm_leg_may_send(const sfm_leg *leg) { return leg->started && !sfm_secure_waits(&leg->secure); }

static inline void *sfm_leg_state_at(const sfm_leg *leg, uint32_t index) {
    return leg->states != NULL && index < leg->states->count ? leg->states->states[index] : NULL;
}

static inline uint32_t sfm_leg_dtmf_clock(const sfm_leg *leg) {
    return leg->params.dtmf_send_clock_rate != 0 ? leg->params.dtmf_send_clock_rate : leg->clock_rate;
}

/* --- events (sfm_leg.c) ------------------------------------------------------------------------------------------ */

/* An event to be filled in; the newest is overwritten when there is no place. */
sfm_event *sfm_leg_push_event(sfm_leg *leg, int32_t kind, uint64_t job);

/* Reports each time another half second is full. */
void sfm_leg_push_progress(sfm_leg *leg, int32_t kind, uint64_t job, uint64_t elapsed_ms, uint64_t total_ms,
                           uint64_t *reported_ms);

void sfm_leg_finish_play(sfm_leg *leg, bool completed);
void sfm_leg_finish_dtmf(sfm_leg *leg, bool completed);
void sfm_leg_report_hearing(sfm_leg *leg, const sfm_listener_report *report);

/* --- recording (sfm_leg_tape.c) ---------------------------------------------------------------------------------- */

void sfm_leg_tape_sent(sfm_leg *leg, sfm_sound sent);
void sfm_leg_tape_silence(sfm_leg *leg);
void sfm_leg_tape_heard(sfm_leg *leg, sfm_sound heard, size_t count);

/* What nobody here decodes, of SFM_TAPE_SENT or SFM_TAPE_HEARD: kept as it is, and the samples that stand for it say
 * nothing. */
void sfm_leg_keep_payload(sfm_leg *leg, int side, const sfm_codec *codec, const uint8_t *payload, size_t length);

/* The same of what is heard, as the playout calls it; `leg` is an sfm_leg. */
void sfm_leg_keep_heard_payload(void *leg, const sfm_codec *codec, const uint8_t *payload, size_t length);

/* --- the rest ---------------------------------------------------------------------------------------------------- */

/* A tick of which nothing can be sent any more (sfm_leg_send.c). */
void sfm_leg_skip_sending(sfm_leg *leg);

/* A packet under SRTP, RTP or RTCP; false when it was refused (sfm_leg_hear.c). */
bool sfm_leg_open_packet(sfm_leg *leg, const uint8_t *data, size_t length, int64_t arrival_ns, bool rtcp,
                         sfm_srtp_opened *opened);

#endif
