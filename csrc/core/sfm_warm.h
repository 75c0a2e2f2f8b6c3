/* Asks the processor for memory that will be needed in a microsecond or two.
 *
 * Thousands of calls have more state than the caches hold, so each packet meets its call cold: a miss, and a walk
 * through page tables, for each of the fifty lines it touches. A thread that knows which call comes next asks ahead,
 * while the kernel sends the packet of this one. Nothing is read and nothing changes; wrong guesses cost nothing. */
#ifndef SFM_WARM_H
#define SFM_WARM_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define SFM_CACHE_LINE_BYTES 64

/* Memory that begins with a cache line; *block is what has to be freed. NULL when there is none. (aligned_alloc would leave
 * small pieces of its own to malloc, which keeps some of them.) */
static inline void *sfm_lines_alloc(size_t bytes, void **block)
{
    char *memory = malloc(bytes + SFM_CACHE_LINE_BYTES - 1);
    *block = memory;
    size_t past = (uintptr_t)memory % SFM_CACHE_LINE_BYTES;
    return memory == NULL || past == 0 ? memory : memory + SFM_CACHE_LINE_BYTES - past;
}

static inline void sfm_warm(const void *memory, size_t bytes)
{
    const char *line = memory;
    for (size_t at = 0; at < bytes; at += SFM_CACHE_LINE_BYTES)
        __builtin_prefetch(line + at);
}

#endif
