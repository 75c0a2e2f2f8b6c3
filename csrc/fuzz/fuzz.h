/* What the fuzz targets share: the entry point, a reader that never runs out, and an assertion that survives NDEBUG. */
#ifndef SFM_FUZZ_H
#define SFM_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                                             \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            abort();                                                                                                   \
    } while (0)

/* Reads the input as a list of numbers; zeros after its end. */
typedef struct fuzz_input {
    const uint8_t *data;
    size_t left;
} fuzz_input;

static inline uint32_t fuzz_take(fuzz_input *input, unsigned bytes)
{
    uint32_t value = 0;
    for (; bytes > 0; bytes--) {
        value <<= 8;
        if (input->left > 0) {
            value |= *input->data++;
            input->left--;
        }
    }
    return value;
}

#endif
