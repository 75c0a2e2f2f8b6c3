#include "sfm_tape.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "../core/sfm_error.h"

struct sfm_tape {
    uint32_t sample_rate;
    uint64_t limit;
    uint64_t sent;  /* frames whose left channel is written: the writer's own */
    int64_t began_ns; /* when the first frame was due; -1: not yet known. Published with `ended` */
    uint64_t heard; /* frames whose right channel is written: the writer's own, published below */
    _Atomic uint64_t published;
    _Atomic uint64_t consumed;
    _Atomic bool ended;
    _Atomic bool overflowed;
    _Atomic bool refused;
    int16_t frames[SFM_TAPE_FRAMES][2];
};

int sfm_tape_create(uint32_t sample_rate, uint64_t limit_frames, sfm_tape **out) {
    sfm_tape *tape = calloc(1, sizeof *tape);
    if (tape == NULL) {
        return SFM_ERROR_MEMORY;
    }
    tape->sample_rate = sample_rate;
    tape->limit = limit_frames;
    tape->began_ns = -1;
    *out = tape;
    return SFM_OK;
}

void sfm_tape_destroy(sfm_tape *tape) { free(tape); }

uint32_t sfm_tape_sample_rate(const sfm_tape *tape) { return tape->sample_rate; }

void sfm_tape_note_time(sfm_tape *tape, int64_t due_ns) {
    if (tape->began_ns < 0) {
        tape->began_ns = due_ns - (int64_t)(tape->sent * 1000000000 / tape->sample_rate);
    }
}

int64_t sfm_tape_began_ns(const sfm_tape *tape) { return tape->began_ns; }

static size_t at_most(size_t count, uint64_t room) { return count < room ? count : (size_t)room; }

static uint64_t room_for_sent(const sfm_tape *tape) {
    uint64_t until_limit = tape->limit == 0 ? UINT64_MAX : tape->limit - tape->sent;
    uint64_t in_ring = SFM_TAPE_FRAMES - (tape->sent - atomic_load_explicit(&tape->consumed, memory_order_acquire));
    return until_limit < in_ring ? until_limit : in_ring;
}

void sfm_tape_append_sent(sfm_tape *tape, const int16_t *pcm, size_t count) {
    if (sfm_tape_full(tape)) {
        return;
    }
    size_t taken = at_most(count, room_for_sent(tape));
    for (size_t i = 0; i < taken; i++) {
        tape->frames[(tape->sent + i) % SFM_TAPE_FRAMES][0] = pcm[i];
    }
    tape->sent += taken;
    if (taken < count && tape->sent != tape->limit) {
        atomic_store(&tape->overflowed, true);
    }
}

/* Takes no more than was sent, so both channels end at the same frame whatever ended them. */
void sfm_tape_append_heard(sfm_tape *tape, const int16_t *pcm, size_t count) {
    size_t taken = at_most(count, tape->sent - tape->heard);
    for (size_t i = 0; i < taken; i++) {
        tape->frames[(tape->heard + i) % SFM_TAPE_FRAMES][1] = pcm[i];
    }
    tape->heard += taken;
    atomic_store_explicit(&tape->published, tape->heard, memory_order_release);
}

static bool limit_reached(const sfm_tape *tape) { return tape->limit != 0 && tape->heard >= tape->limit; }

int sfm_tape_full(const sfm_tape *tape) {
    return limit_reached(tape) || atomic_load(&tape->overflowed) || atomic_load(&tape->refused);
}

void sfm_tape_end(sfm_tape *tape) { atomic_store_explicit(&tape->ended, true, memory_order_release); }

uint64_t sfm_tape_written(const sfm_tape *tape) { return atomic_load_explicit(&tape->published, memory_order_acquire); }

uint64_t sfm_tape_limit(const sfm_tape *tape) { return tape->limit; }

size_t sfm_tape_read(sfm_tape *tape, int16_t *frames, size_t capacity) {
    uint64_t consumed = atomic_load_explicit(&tape->consumed, memory_order_relaxed);
    size_t count = at_most(capacity, sfm_tape_written(tape) - consumed);
    for (size_t i = 0; i < count; i++) {
        const int16_t *frame = tape->frames[(consumed + i) % SFM_TAPE_FRAMES];
        frames[2 * i] = frame[0];
        frames[2 * i + 1] = frame[1];
    }
    atomic_store_explicit(&tape->consumed, consumed + count, memory_order_release);
    return count;
}

int sfm_tape_ended(const sfm_tape *tape) { return atomic_load_explicit(&tape->ended, memory_order_acquire); }

int sfm_tape_overflowed(const sfm_tape *tape) { return atomic_load(&tape->overflowed); }

void sfm_tape_refuse(sfm_tape *tape) { atomic_store(&tape->refused, true); }
