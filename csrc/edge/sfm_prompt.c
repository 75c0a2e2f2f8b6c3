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

#include "../core/sfm_error.h"
#include "sfm_edge_error.h"
#include "sfm_outgoing.h"

struct sfm_prompt {
    const sfm_codec *codec;
    const uint8_t *bytes;
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
    free(prompt);
}

const sfm_codec *sfm_prompt_codec(const sfm_prompt *prompt) { return prompt->codec; }

uint64_t sfm_prompt_samples(const sfm_prompt *prompt) { return prompt->samples; }

uint32_t sfm_prompt_packet_samples(const sfm_prompt *prompt) { return prompt->packet_samples; }

size_t sfm_prompt_copy(const sfm_prompt *prompt, uint64_t start, size_t count, uint8_t *out) {
    size_t length = sfm_codec_bytes(prompt->codec, count);
    memcpy(out, prompt->bytes + sfm_codec_bytes(prompt->codec, start), length);
    return length;
}

size_t sfm_prompt_packet(const sfm_prompt *prompt, uint64_t at, const uint8_t **out) {
    uint64_t index = at / prompt->packet_samples;
    uint32_t begin = index == 0 ? 0 : prompt->ends[index - 1];
    *out = prompt->bytes + begin;
    return prompt->ends[index] - begin;
}
