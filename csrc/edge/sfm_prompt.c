#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "sfm_prompt.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../core/sfm_error.h"
#include "sfm_edge_error.h"

struct sfm_prompt {
    const sfm_codec *codec;
    const uint8_t *bytes;
    size_t length;
    size_t bytes_per_sample;
    _Atomic uint32_t references;
};

int sfm_prompt_map(int file, size_t length, const sfm_codec *codec, sfm_prompt **out) {
    size_t bytes_per_sample = codec->max_bytes_per_second / codec->sample_rate;
    if (length == 0 || codec->frame_samples != 1 || length % bytes_per_sample != 0) {
        return SFM_ERROR_ARGUMENT;
    }
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
    *prompt = (sfm_prompt){.codec = codec, .bytes = bytes, .length = length, .bytes_per_sample = bytes_per_sample};
    atomic_init(&prompt->references, 1);
    *out = prompt;
    return SFM_OK;
}

void sfm_prompt_retain(sfm_prompt *prompt) { atomic_fetch_add_explicit(&prompt->references, 1, memory_order_relaxed); }

void sfm_prompt_release(sfm_prompt *prompt) {
    if (prompt == NULL || atomic_fetch_sub_explicit(&prompt->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    munmap((void *)(uintptr_t)prompt->bytes, prompt->length);
    free(prompt);
}

const sfm_codec *sfm_prompt_codec(const sfm_prompt *prompt) { return prompt->codec; }

uint64_t sfm_prompt_samples(const sfm_prompt *prompt) { return prompt->length / prompt->bytes_per_sample; }

size_t sfm_prompt_copy(const sfm_prompt *prompt, uint64_t start, size_t count, uint8_t *out) {
    size_t length = count * prompt->bytes_per_sample;
    memcpy(out, prompt->bytes + start * prompt->bytes_per_sample, length);
    return length;
}
