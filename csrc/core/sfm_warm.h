/* Asks the processor for memory that will be needed in a microsecond or two.
 *
 * Thousands of calls have more state than the caches hold, so each packet meets its call cold: a miss, and a walk
 * through page tables, for each of the fifty lines it touches. A thread that knows which call comes next asks ahead,
 * while the kernel sends the packet of this one. Nothing is read and nothing changes; wrong guesses cost nothing. */
#ifndef SFM_WARM_H
#define SFM_WARM_H

#include <stddef.h>

#define SFM_CACHE_LINE_BYTES 64

static inline void sfm_warm(const void *memory, size_t bytes)
{
    const char *line = memory;
    for (size_t at = 0; at < bytes; at += SFM_CACHE_LINE_BYTES)
        __builtin_prefetch(line + at);
}

#endif
