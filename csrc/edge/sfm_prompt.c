#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "sfm_prompt.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../core/sfm_error.h"
#include "sfm_edge_error.h"
#include "sfm_outgoing.h"

/* Of a prompt that is encoded while it plays. `bytes` begins with the room for the ends of all packets. */
typedef struct growing {
    int file;
    uint64_t body; /* where payload begins */
    uint64_t length; /* of the payload so far */
    uint32_t packets;
    _Atomic uint64_t ready;
    _Atomic uint64_t wanted;
    atomic_bool sealed;
} growing;

struct sfm_prompt {
    const sfm_codec *codec;
    const uint8_t *bytes;
    growing *growth; /* NULL: all of it is there */
    size_t mapped;
    uint64_t samples;
    uint32_t packet_samples;
    const uint32_t *ends; /* of the packets, in `bytes`; NULL: a stream of frames */
    _Atomic uint32_t references;
};

static int map_file(int file, size_t length, const sfm_codec *codec, sfm_prompt **out) {
    sfm_prompt *prompt = calloc(1, sizeof *prompt);
    if (prompt == NULL) {
        return SFM_ERROR_MEMORY;
    }
    void *bytes = mmap(NULL, length, PROT_READ, MAP_SHARED, file, 0);
    if (bytes == MAP_FAILED) {
        free(prompt);
        return sfm_system_error(-errno);
    }
    (void)madvise(bytes, length, MADV_WILLNEED); /* a page fault on the pacing thread would delay a packet */
    *prompt = (sfm_prompt){.codec = codec, .bytes = bytes, .mapped = length};
    atomic_init(&prompt->references, 1);
    *out = prompt;
    return SFM_OK;
}

int sfm_prompt_map(int file, size_t length, const sfm_codec *codec, sfm_prompt **out) {
    if (length == 0 || codec->frame_bytes == 0 || length % codec->frame_bytes != 0) {
        return SFM_ERROR_ARGUMENT;
    }
    int error = map_file(file, length, codec, out);
    if (error == SFM_OK) {
        (*out)->samples = (uint64_t)length / codec->frame_bytes * codec->frame_samples;
    }
    return error;
}

/* --- encoded while it plays -------------------------------------------------------------------------------------- */

static uint64_t payload_room(const sfm_codec *codec, uint32_t packet_samples, uint64_t samples, uint64_t packets) {
    if (packet_samples == 0) {
        return samples / codec->frame_samples * codec->frame_bytes;
    }
    uint64_t room = packets * SFM_MAX_PAYLOAD_BYTES;
    return room < UINT32_MAX ? room : UINT32_MAX; /* where packets end is told in 32 bits */
}

static int open_file(int file, uint64_t length, growing *growth) {
    growth->file = dup(file);
    return growth->file >= 0 && ftruncate(growth->file, (off_t)length) == 0 ? SFM_OK : sfm_system_error(-errno);
}

static void free_growth(growing *growth) {
    if (growth != NULL && growth->file >= 0) {
        (void)close(growth->file);
    }
    free(growth);
}

int sfm_prompt_open(int file, const sfm_codec *codec, uint32_t packet_samples, uint64_t samples, sfm_prompt **out) {
    uint64_t packets = packet_samples != 0 ? (samples + packet_samples - 1) / packet_samples : 0;
    bool whole = packet_samples != 0 || (codec->frame_bytes != 0 && samples % codec->frame_samples == 0);
    if (samples == 0 || !whole || packets > UINT32_MAX) {
        return SFM_ERROR_ARGUMENT;
    }
    growing *growth = calloc(1, sizeof *growth);
    if (growth == NULL) {
        return SFM_ERROR_MEMORY;
    }
    growth->body = packets * sizeof(uint32_t);
    uint64_t length = growth->body + payload_room(codec, packet_samples, samples, packets);
    int error = open_file(file, length, growth);
    sfm_prompt *prompt = NULL;
    error = error == SFM_OK ? map_file(file, (size_t)length, codec, &prompt) : error;
    if (error != SFM_OK) {
        free_growth(growth);
        return error;
    }
    prompt->growth = growth;
    prompt->samples = samples;
    prompt->packet_samples = packet_samples;
    prompt->ends = packet_samples != 0 ? (const uint32_t *)(const void *)prompt->bytes : NULL;
    *out = prompt;
    return SFM_OK;
}

/* Through the file, not the mapping: a full disk is an error here and a signal there. */
static int write_at(const growing *growth, const void *data, size_t length, uint64_t at) {
    for (size_t done = 0; done < length;) {
        ssize_t count = pwrite(growth->file, (const uint8_t *)data + done, length - done, (off_t)(at + done));
        if (count < 0 && errno != EINTR) {
            return sfm_system_error(-errno);
        }
        done += count > 0 ? (size_t)count : 0;
    }
    return SFM_OK;
}

/* A page that is touched for the first time would delay a packet of the pacing thread. */
static void touch(const sfm_prompt *prompt, uint64_t at, size_t length) {
    enum { PAGE = 4096 };
    for (uint64_t page = at / PAGE * PAGE; page < at + length; page += PAGE) {
        (void)*(const volatile uint8_t *)(prompt->bytes + page);
    }
}

static int append_ends(const sfm_prompt *prompt, size_t length, const uint32_t *sizes, uint32_t count) {
    growing *growth = prompt->growth;
    uint64_t sum = growth->length;
    for (uint32_t i = 0; i < count; i++) {
        sum += sizes[i];
        if (sizes[i] > SFM_MAX_PAYLOAD_BYTES || sum > UINT32_MAX) {
            return SFM_ERROR_ARGUMENT;
        }
    }
    if (sum != growth->length + length) {
        return SFM_ERROR_ARGUMENT;
    }
    uint32_t end = (uint32_t)growth->length;
    int error = SFM_OK;
    for (uint32_t i = 0; i < count && error == SFM_OK; i++) {
        end += sizes[i];
        error = write_at(growth, &end, sizeof end, (uint64_t)(growth->packets + i) * sizeof end);
    }
    touch(prompt, (uint64_t)growth->packets * sizeof end, count * sizeof end);
    return error;
}

static uint64_t samples_of(const sfm_prompt *prompt, size_t length, uint32_t count) {
    const sfm_codec *codec = prompt->codec;
    return prompt->packet_samples != 0 ? (uint64_t)count * prompt->packet_samples
                                       : (uint64_t)length / codec->frame_bytes * codec->frame_samples;
}

int sfm_prompt_append(sfm_prompt *prompt, const uint8_t *payload, size_t length, const uint32_t *sizes, uint32_t count) {
    growing *growth = prompt->growth;
    if (growth == NULL || sfm_prompt_sealed(prompt) || (prompt->packet_samples != 0) != (count != 0) ||
        (count == 0 && length % prompt->codec->frame_bytes != 0)) {
        return SFM_ERROR_ARGUMENT;
    }
    uint64_t before = sfm_prompt_ready(prompt);
    uint64_t after = before + samples_of(prompt, length, count);
    if (before >= prompt->samples || after >= prompt->samples + (count != 0 ? prompt->packet_samples : 1)) {
        return SFM_ERROR_ARGUMENT;
    }
    int error = count != 0 ? append_ends(prompt, length, sizes, count) : SFM_OK;
    uint64_t at = growth->body + growth->length;
    error = error == SFM_OK ? write_at(growth, payload, length, at) : error;
    if (error != SFM_OK) {
        return error;
    }
    touch(prompt, at, length);
    growth->length += length;
    growth->packets += count;
    atomic_store_explicit(&growth->ready, after < prompt->samples ? after : prompt->samples, memory_order_release);
    return SFM_OK;
}

void sfm_prompt_seal(sfm_prompt *prompt) {
    if (prompt->growth != NULL) {
        atomic_store_explicit(&prompt->growth->sealed, true, memory_order_release);
    }
}

uint64_t sfm_prompt_ready(const sfm_prompt *prompt) {
    return prompt->growth != NULL ? atomic_load_explicit(&prompt->growth->ready, memory_order_acquire) : prompt->samples;
}

uint64_t sfm_prompt_wanted(const sfm_prompt *prompt) {
    return prompt->growth != NULL ? atomic_load_explicit(&prompt->growth->wanted, memory_order_relaxed) : prompt->samples;
}

bool sfm_prompt_sealed(const sfm_prompt *prompt) {
    return prompt->growth == NULL || atomic_load_explicit(&prompt->growth->sealed, memory_order_acquire);
}

static void want(growing *growth, uint64_t end) {
    uint64_t known = atomic_load_explicit(&growth->wanted, memory_order_relaxed);
    while (known < end && !atomic_compare_exchange_weak_explicit(&growth->wanted, &known, end, memory_order_relaxed,
                                                                 memory_order_relaxed)) {
    }
}

/* How many of `count` samples from `start` on can be played. */
static size_t ready_from(const sfm_prompt *prompt, uint64_t start, size_t count) {
    if (prompt->growth == NULL) {
        return count;
    }
    want(prompt->growth, start + count);
    uint64_t ready = sfm_prompt_ready(prompt);
    uint64_t left = ready > start ? ready - start : 0;
    return left < count ? (size_t)left : count;
}

/* ----------------------------------------------------------------------------------------------------------------- */

static bool ends_are_good(const uint32_t *ends, uint32_t count, size_t length) {
    uint32_t before = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (ends[i] < before || ends[i] > length || ends[i] - before > SFM_MAX_PAYLOAD_BYTES) {
            return false;
        }
        before = ends[i];
    }
    return true;
}

int sfm_prompt_map_packets(int file, size_t length, const sfm_codec *codec, uint32_t packet_samples,
                           uint32_t packet_count, uint64_t samples, sfm_prompt **out) {
    uint64_t room = (uint64_t)packet_samples * packet_count;
    if (samples == 0 || samples > room || room - samples >= packet_samples) {
        return SFM_ERROR_ARGUMENT;
    }
    size_t table = (length + 3) / 4 * 4;
    sfm_prompt *prompt = NULL;
    int error = map_file(file, table + packet_count * sizeof(uint32_t), codec, &prompt);
    if (error != SFM_OK) {
        return error;
    }
    prompt->ends = (const uint32_t *)(const void *)(prompt->bytes + table);
    prompt->packet_samples = packet_samples;
    prompt->samples = samples;
    if (!ends_are_good(prompt->ends, packet_count, length)) {
        sfm_prompt_release(prompt);
        return SFM_ERROR_ARGUMENT;
    }
    *out = prompt;
    return SFM_OK;
}

void sfm_prompt_retain(sfm_prompt *prompt) { atomic_fetch_add_explicit(&prompt->references, 1, memory_order_relaxed); }

void sfm_prompt_release(sfm_prompt *prompt) {
    if (prompt == NULL || atomic_fetch_sub_explicit(&prompt->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    munmap((void *)(uintptr_t)prompt->bytes, prompt->mapped);
    free_growth(prompt->growth);
    free(prompt);
}

const sfm_codec *sfm_prompt_codec(const sfm_prompt *prompt) { return prompt->codec; }

uint64_t sfm_prompt_samples(const sfm_prompt *prompt) { return prompt->samples; }

uint32_t sfm_prompt_packet_samples(const sfm_prompt *prompt) { return prompt->packet_samples; }

size_t sfm_prompt_copy(const sfm_prompt *prompt, uint64_t start, size_t count, uint8_t *out) {
    const sfm_codec *codec = prompt->codec;
    size_t ready = sfm_codec_bytes(codec, ready_from(prompt, start, count) / codec->frame_samples * codec->frame_samples);
    size_t length = sfm_codec_bytes(codec, count);
    uint64_t body = prompt->growth != NULL ? prompt->growth->body : 0;
    memcpy(out, prompt->bytes + body + sfm_codec_bytes(codec, start), ready);
    memset(out + ready, codec->silence, length - ready);
    return length;
}

size_t sfm_prompt_packet(const sfm_prompt *prompt, uint64_t at, const uint8_t **out) {
    uint64_t index = at / prompt->packet_samples;
    if (ready_from(prompt, at, 1) == 0) {
        *out = NULL;
        return 0;
    }
    uint32_t begin = index == 0 ? 0 : prompt->ends[index - 1];
    uint64_t body = prompt->growth != NULL ? prompt->growth->body : 0;
    *out = prompt->bytes + body + begin;
    return prompt->ends[index] - begin;
}
