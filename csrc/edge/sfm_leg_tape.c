#include "sfm_leg_inside.h"

typedef void (*append_function)(sfm_tape *tape, uint32_t sample_rate, const int16_t *left, const int16_t *right,
                                size_t count);

static void append_to_tape(sfm_leg *leg, sfm_sound sound, size_t count, bool heard) {
    append_function append = heard ? sfm_tape_append_heard : sfm_tape_append_sent;
    const int16_t *left = sfm_tape_channels(leg->tape) > 1 ? sound.left : sound.mixed;
    append(leg->tape, leg->sample_rate, left, sound.right, count);
}

void sfm_leg_tape_sent(sfm_leg *leg, sfm_sound sent) {
    if (leg->keepsake != NULL) {
        sfm_keepsake_append_sent(leg->keepsake, leg->sample_rate, sent.mixed, sfm_leg_tick_samples(leg));
    }
    if (sfm_leg_running_tape(leg) != NULL) {
        append_to_tape(leg, sent, sfm_leg_tick_samples(leg), false);
    }
}

void sfm_leg_tape_silence(sfm_leg *leg) {
    static const int16_t silence[MAX_TICK_SAMPLES];
    sfm_leg_tape_sent(leg, sfm_sound_of_one(silence));
}

void sfm_leg_keep_payload(sfm_leg *leg, int side, const sfm_codec *codec, const uint8_t *payload, size_t length) {
    sfm_tape *tape = sfm_leg_running_tape(leg);
    if (tape != NULL && length > 0) {
        sfm_tape_note_unknown(tape);
        sfm_tape_append_payload(tape, side, codec, payload, length);
    }
}

void sfm_leg_keep_heard_payload(void *leg, const sfm_codec *codec, const uint8_t *payload, size_t length) {
    sfm_tape *tape = sfm_leg_running_tape(leg);
    if (payload != NULL) {
        sfm_leg_keep_payload(leg, SFM_TAPE_HEARD, codec, payload, length);
    } else if (tape != NULL) {
        sfm_tape_append_gap(tape, SFM_TAPE_HEARD, codec, length);
    }
}

void sfm_leg_tape_heard(sfm_leg *leg, sfm_sound heard, size_t count) {
    if (leg->keepsake != NULL) {
        sfm_keepsake_append_heard(leg->keepsake, leg->sample_rate, heard.mixed, count);
    }
    if (sfm_leg_running_tape(leg) == NULL) {
        return;
    }
    append_to_tape(leg, heard, count, true);
    uint32_t rate = sfm_tape_sample_rate(leg->tape);
    sfm_leg_push_progress(leg, SFM_EVENT_RECORD_PROGRESS, leg->tape_job, sfm_tape_written(leg->tape) * 1000 / rate,
                  sfm_tape_limit(leg->tape) * 1000 / rate, &leg->tape_reported_ms);
    if (sfm_tape_full(leg->tape)) {
        sfm_leg_stop_record(leg);
    }
}
