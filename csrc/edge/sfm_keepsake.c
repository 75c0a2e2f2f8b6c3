#include "sfm_keepsake.h"

#include <stdlib.h>

#include "../core/sfm_error.h"

struct sfm_keepsake {
    uint32_t capacity;
    uint32_t sample_rate;
    uint64_t sent;  /* frames whose left channel was ever written */
    uint64_t heard; /* frames whose right channel was: never more */
    int16_t frames[][2];
};

int sfm_keepsake_create(uint32_t frames, sfm_keepsake **out) {
    *out = NULL;
    if (frames == 0) {
        return SFM_OK;
    }
    sfm_keepsake *keepsake = calloc(1, sizeof *keepsake + frames * sizeof keepsake->frames[0]);
    if (keepsake == NULL) {
        return SFM_ERROR_MEMORY;
    }
    keepsake->capacity = frames;
    *out = keepsake;
    return SFM_OK;
}

void sfm_keepsake_destroy(sfm_keepsake *keepsake) { free(keepsake); }

static void write_channel(sfm_keepsake *keepsake, int channel, uint64_t at, const int16_t *pcm, size_t count) {
    size_t slot = (size_t)(at % keepsake->capacity);
    for (size_t i = 0; i < count; i++) {
        keepsake->frames[slot][channel] = pcm[i];
        slot = slot + 1 == keepsake->capacity ? 0 : slot + 1;
    }
}

void sfm_keepsake_append_sent(sfm_keepsake *keepsake, uint32_t sample_rate, const int16_t *pcm, size_t count) {
    if (keepsake->sample_rate != sample_rate) {
        keepsake->sample_rate = sample_rate;
        keepsake->sent = keepsake->heard = 0;
    }
    write_channel(keepsake, 0, keepsake->sent, pcm, count);
    keepsake->sent += count;
}

/* No more than was sent: after a change of rate what is still owed of the former one has no place. */
void sfm_keepsake_append_heard(sfm_keepsake *keepsake, uint32_t sample_rate, const int16_t *pcm, size_t count) {
    uint64_t room = keepsake->sent - keepsake->heard;
    if (keepsake->sample_rate != sample_rate) {
        return;
    }
    size_t taken = count < room ? count : (size_t)room;
    write_channel(keepsake, 1, keepsake->heard, pcm, taken);
    keepsake->heard += taken;
}

uint32_t sfm_keepsake_sample_rate(const sfm_keepsake *keepsake) { return keepsake->sample_rate; }

/* What was sent and not heard yet has taken the place of the oldest frames. */
static uint64_t readable(const sfm_keepsake *keepsake) {
    uint64_t ahead = keepsake->sent - keepsake->heard;
    uint64_t whole = ahead < keepsake->capacity ? keepsake->capacity - ahead : 0;
    return keepsake->heard < whole ? keepsake->heard : whole;
}

size_t sfm_keepsake_read(const sfm_keepsake *keepsake, int16_t *frames, size_t capacity) {
    uint64_t count = readable(keepsake);
    count = count < capacity ? count : capacity;
    uint64_t first = keepsake->heard - count;
    for (uint64_t i = 0; i < count; i++) {
        const int16_t *frame = keepsake->frames[(first + i) % keepsake->capacity];
        frames[2 * i] = frame[0];
        frames[2 * i + 1] = frame[1];
    }
    return (size_t)count;
}
