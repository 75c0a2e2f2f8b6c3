#include "sfm_seam.h"

#include <stdbool.h>
#include <string.h>

#include "sfm_outgoing.h"

static void keep(sfm_seam *seam, const uint8_t *payload, size_t length) {
    if (length > SFM_SEAM_HISTORY) {
        payload += length - SFM_SEAM_HISTORY;
        length = SFM_SEAM_HISTORY;
    }
    size_t room = SFM_SEAM_HISTORY - seam->known;
    if (length > room) {
        size_t dropped = length - room;
        memmove(seam->history, seam->history + dropped, seam->known - dropped);
        seam->known -= (uint32_t)dropped;
        seam->overflown = 1;
    }
    memcpy(seam->history + seam->known, payload, length);
    seam->known += (uint32_t)length;
}

static void count_silence(sfm_seam *seam, const uint8_t *payload, size_t length) {
    for (size_t i = 0; i < length; i++) {
        seam->silent = payload[i] != SFM_G722_SILENCE ? 0 : seam->silent + (seam->silent < SFM_SEAM_SETTLED);
    }
}

void sfm_seam_pass(sfm_seam *seam, const uint8_t *payload, size_t length) {
    keep(seam, payload, length);
    count_silence(seam, payload, length);
    seam->next_job = 0;
}

/* Whether the listener's decoder is where the prompt was encoded for. */
static bool is_settled(const sfm_seam *seam, uint64_t position) {
    bool only_silence = !seam->overflown && seam->silent >= seam->known;
    return position == 0 && (only_silence || seam->silent >= SFM_SEAM_SETTLED);
}

static void find_listener(sfm_seam *seam) {
    int16_t unheard[2 * SFM_SEAM_HISTORY];
    if (seam->overflown) {
        sfm_g722_init_settled(&seam->listener);
    } else {
        sfm_g722_init(&seam->listener);
    }
    sfm_g722_decode(&seam->listener, seam->history, seam->known, unheard);
}

static void find_source(sfm_seam *seam, const sfm_prompt *prompt, uint64_t position) {
    uint8_t codes[SFM_SEAM_HISTORY];
    int16_t unheard[2 * SFM_SEAM_HISTORY];
    size_t count = position < 2 * SFM_SEAM_HISTORY ? (size_t)position : 2 * SFM_SEAM_HISTORY;
    sfm_g722_init_settled(&seam->source);
    sfm_g722_decode(&seam->source, codes, sfm_prompt_copy(prompt, position - count, count, codes), unheard);
}

/* Band by band: through the filters it would come later than what follows it unchanged. */
static void encode_anew(sfm_seam *seam, uint8_t *payload, size_t length) {
    for (size_t i = 0; i < length; i++) {
        int low;
        int high;
        sfm_g722_decode_bands(&seam->source, payload[i], 1, &low, &high);
        payload[i] = sfm_g722_encode_bands(&seam->listener, low, high);
    }
    seam->mended += (uint32_t)length;
}

/* Whether the listener would hear these bytes, as they are, nearly as they were meant: 30 dB above the difference. */
static bool may_end(const sfm_seam *seam, const uint8_t *payload, size_t length) {
    enum { RATIO = 1000, STEP = 64 };
    sfm_g722 meant = seam->source;
    sfm_g722 heard = seam->listener;
    int64_t energy = (int64_t)STEP * (int64_t)length;
    int64_t difference = 0;
    for (size_t i = 0; i < length; i++) {
        int low[2];
        int high[2];
        sfm_g722_decode_bands(&meant, payload[i], 1, &low[0], &high[0]);
        sfm_g722_decode_bands(&heard, payload[i], 1, &low[1], &high[1]);
        energy += (int64_t)low[0] * low[0] + (int64_t)high[0] * high[0];
        difference += (int64_t)(low[0] - low[1]) * (low[0] - low[1]) + (int64_t)(high[0] - high[1]) * (high[0] - high[1]);
    }
    return difference * RATIO < energy;
}

/* A piece that lies in one round of the prompt. */
static void mend_piece(sfm_seam *seam, const sfm_play *play, uint64_t position, uint8_t *payload, size_t length) {
    if (seam->next_job != play->job || seam->next_position != position) {
        seam->mending = 0;
        seam->mended = 0;
        if (!is_settled(seam, position)) {
            find_source(seam, play->prompt, position);
            find_listener(seam);
            seam->mending = 1;
        }
    }
    if (seam->mending && seam->mended >= SFM_SEAM_LEAST && may_end(seam, payload, length)) {
        seam->mending = 0;
    }
    if (seam->mending) {
        encode_anew(seam, payload, length);
    }
    sfm_seam_pass(seam, payload, length);
    seam->next_job = play->job;
    seam->next_position = position + 2 * length;
}

void sfm_seam_mend(sfm_seam *seam, const sfm_play *before, const sfm_play *play, uint8_t *payload, size_t length) {
    uint64_t samples = sfm_prompt_samples(before->prompt);
    uint64_t position = before->position;
    size_t played = (size_t)(play->played - before->played) / 2;
    for (size_t done = 0; done < played && done < length;) {
        size_t piece = (size_t)(samples - position) / 2;
        piece = piece < played - done ? piece : played - done;
        piece = piece < length - done ? piece : length - done;
        mend_piece(seam, before, position, payload + done, piece);
        position = (position + 2 * piece) % samples;
        done += piece;
    }
    if (played < length) { /* filled up with silence */
        sfm_seam_pass(seam, payload + played, length - played);
    }
}
