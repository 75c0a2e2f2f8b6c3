#include "sfm_tape.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../core/sfm_error.h"
#include "../core/sfm_passed.h"
#include "../core/sfm_resampler.h"

enum { MOST_CHANNELS = 2 };

/* What is sent, or what is heard. */
typedef struct side {
    uint64_t frames;      /* that are written: the writer's own */
    uint32_t from_rate;   /* that `resamplers` take; 0: they were never set up */
    sfm_resampler resamplers[MOST_CHANNELS];
} side;

struct sfm_tape {
    uint32_t sample_rate;
    uint32_t channels; /* of each side */
    uint64_t limit;
    int64_t began_ns; /* when the first frame was due; -1: not yet known. Published with `ended` */
    side sent;
    side heard; /* published below */
    _Atomic uint64_t published;
    _Atomic uint64_t consumed;
    _Atomic bool ended;
    _Atomic bool overflowed;
    _Atomic bool refused;
    bool unknown; /* published with `ended` */
    int payload_side; /* enum sfm_tape_side; 0: none */
    sfm_payload_ring *payloads;
    bool payloads_begun; /* one is in it, behind which time could be missing */
    int16_t frames[]; /* of `channels` sent, then as many heard */
};

int sfm_tape_create(uint32_t sample_rate, uint32_t channels, uint64_t limit_frames, sfm_tape **out) {
    if (channels < 1 || channels > MOST_CHANNELS) {
        return SFM_ERROR_ARGUMENT;
    }
    sfm_tape *tape = calloc(1, sizeof *tape + (size_t)SFM_TAPE_FRAMES * 2 * channels * sizeof tape->frames[0]);
    if (tape == NULL) {
        return SFM_ERROR_MEMORY;
    }
    tape->sample_rate = sample_rate;
    tape->channels = channels;
    tape->limit = limit_frames;
    tape->began_ns = -1;
    *out = tape;
    return SFM_OK;
}

void sfm_tape_destroy(sfm_tape *tape) {
    if (tape != NULL) {
        sfm_payload_ring_destroy(tape->payloads);
        free(tape);
    }
}

int sfm_tape_keep_payloads(sfm_tape *tape, int kept) {
    tape->payload_side = kept;
    return sfm_payload_ring_create(&tape->payloads);
}

void sfm_tape_append_payload(sfm_tape *tape, int from, const sfm_codec *codec, const uint8_t *payload, size_t length) {
    if (tape->payload_side != from || sfm_tape_full(tape)) {
        return;
    }
    if (!sfm_payload_ring_put(tape->payloads, codec, payload, (uint32_t)length)) {
        atomic_store(&tape->overflowed, true);
    }
    tape->payloads_begun = true;
}

/* Hours of it are no loss: somebody held the call, and the ring would run over. */
void sfm_tape_append_gap(sfm_tape *tape, int from, const sfm_codec *codec, size_t duration_ts) {
    enum { LONGEST_S = 600 };
    uint8_t payload[SFM_PASSED_FRAMES + 1];
    size_t longest_ts = (size_t)LONGEST_S * codec->clock_rate;
    size_t left = (duration_ts < longest_ts ? duration_ts : longest_ts) / codec->frame_samples;
    while (tape->payloads_begun && left > 0) {
        size_t frames = left < SFM_PASSED_FRAMES ? left : SFM_PASSED_FRAMES;
        size_t length = sfm_passed_no_data(codec, frames, payload);
        if (length == 0) {
            return;
        }
        sfm_tape_append_payload(tape, from, codec, payload, length);
        left -= frames;
    }
}

size_t sfm_tape_read_payload(sfm_tape *tape, const sfm_codec **codec, uint8_t *payload, size_t capacity) {
    return tape->payloads != NULL ? sfm_payload_ring_take(tape->payloads, codec, payload, capacity) : 0;
}

void sfm_tape_note_unknown(sfm_tape *tape) { tape->unknown = true; }

int sfm_tape_has_unknown(const sfm_tape *tape) { return tape->unknown; }

uint32_t sfm_tape_sample_rate(const sfm_tape *tape) { return tape->sample_rate; }

uint32_t sfm_tape_channels(const sfm_tape *tape) { return tape->channels; }

void sfm_tape_note_time(sfm_tape *tape, int64_t due_ns) {
    if (tape->began_ns < 0) {
        tape->began_ns = due_ns - (int64_t)(tape->sent.frames * 1000000000 / tape->sample_rate);
    }
}

int64_t sfm_tape_began_ns(const sfm_tape *tape) { return tape->began_ns; }

static size_t at_most(size_t count, uint64_t room) { return count < room ? count : (size_t)room; }

static uint64_t room_for_sent(const sfm_tape *tape) {
    uint64_t until_limit = tape->limit == 0 ? UINT64_MAX : tape->limit - tape->sent.frames;
    uint64_t in_ring = SFM_TAPE_FRAMES - (tape->sent.frames - atomic_load_explicit(&tape->consumed, memory_order_acquire));
    return until_limit < in_ring ? until_limit : in_ring;
}

/* --- the writer -------------------------------------------------------------------------------------------------- */

typedef struct samples {
    const int16_t *channels[MOST_CHANNELS];
    size_t count;
} samples;

typedef int16_t resampled[MOST_CHANNELS][SFM_TAPE_MOST_SAMPLES];

/* Brings them to the tape's rate, in `room` where it is another. */
static samples at_own_rate(const sfm_tape *tape, side *to, uint32_t sample_rate, samples given, resampled room) {
    if (sample_rate == tape->sample_rate) {
        to->from_rate = 0; /* what comes at another rate later has nothing to do with what came before */
        return given;
    }
    samples made = {.count = 0};
    for (uint32_t channel = 0; channel < tape->channels; channel++) {
        if (to->from_rate != sample_rate) {
            (void)sfm_resampler_init(&to->resamplers[channel], sample_rate, tape->sample_rate);
        }
        made.count = sfm_resample(&to->resamplers[channel], given.channels[channel], given.count, room[channel]);
        made.channels[channel] = room[channel];
    }
    to->from_rate = sample_rate;
    return made;
}

static void write_side(sfm_tape *tape, side *to, uint32_t first_channel, const samples *given, size_t count) {
    uint32_t width = 2 * tape->channels;
    for (uint32_t channel = 0; channel < tape->channels; channel++) {
        const int16_t *pcm = given->channels[channel];
        for (size_t i = 0; i < count; i++) {
            tape->frames[(to->frames + i) % SFM_TAPE_FRAMES * width + first_channel + channel] = pcm[i];
        }
    }
    to->frames += count;
}

void sfm_tape_append_sent(sfm_tape *tape, uint32_t sample_rate, const int16_t *left, const int16_t *right, size_t count) {
    resampled room;
    if (sfm_tape_full(tape)) {
        return;
    }
    samples sent = at_own_rate(tape, &tape->sent, sample_rate, (samples){{left, right}, count}, room);
    size_t taken = at_most(sent.count, room_for_sent(tape));
    write_side(tape, &tape->sent, 0, &sent, taken);
    if (taken < sent.count && tape->sent.frames != tape->limit) {
        atomic_store(&tape->overflowed, true);
    }
}

/* Takes no more than was sent, so both sides end at the same frame whatever ended them. */
void sfm_tape_append_heard(sfm_tape *tape, uint32_t sample_rate, const int16_t *left, const int16_t *right, size_t count) {
    resampled room;
    samples heard = at_own_rate(tape, &tape->heard, sample_rate, (samples){{left, right}, count}, room);
    size_t taken = at_most(heard.count, tape->sent.frames - tape->heard.frames);
    write_side(tape, &tape->heard, tape->channels, &heard, taken);
    atomic_store_explicit(&tape->published, tape->heard.frames, memory_order_release);
}

static bool limit_reached(const sfm_tape *tape) { return tape->limit != 0 && tape->heard.frames >= tape->limit; }

int sfm_tape_full(const sfm_tape *tape) {
    return limit_reached(tape) || atomic_load(&tape->overflowed) || atomic_load(&tape->refused);
}

void sfm_tape_end(sfm_tape *tape) { atomic_store_explicit(&tape->ended, true, memory_order_release); }

uint64_t sfm_tape_written(const sfm_tape *tape) { return atomic_load_explicit(&tape->published, memory_order_acquire); }

uint64_t sfm_tape_limit(const sfm_tape *tape) { return tape->limit; }

/* --- the reader -------------------------------------------------------------------------------------------------- */

size_t sfm_tape_read(sfm_tape *tape, int16_t *frames, size_t capacity) {
    size_t width = 2 * (size_t)tape->channels;
    uint64_t consumed = atomic_load_explicit(&tape->consumed, memory_order_relaxed);
    size_t count = at_most(capacity, sfm_tape_written(tape) - consumed);
    size_t first = (size_t)(consumed % SFM_TAPE_FRAMES);
    size_t until_end = at_most(count, SFM_TAPE_FRAMES - first);
    memcpy(frames, tape->frames + first * width, until_end * width * sizeof frames[0]);
    memcpy(frames + until_end * width, tape->frames, (count - until_end) * width * sizeof frames[0]);
    atomic_store_explicit(&tape->consumed, consumed + count, memory_order_release);
    return count;
}

int sfm_tape_ended(const sfm_tape *tape) { return atomic_load_explicit(&tape->ended, memory_order_acquire); }

int sfm_tape_overflowed(const sfm_tape *tape) { return atomic_load(&tape->overflowed); }

void sfm_tape_refuse(sfm_tape *tape) { atomic_store(&tape->refused, true); }
