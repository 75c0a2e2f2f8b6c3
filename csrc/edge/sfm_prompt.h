/* Encoded audio that any number of legs send at the same time: decoded, resampled and encoded once, mapped from a file,
 * shared by reference count. For sample-based codecs (a fixed number of bytes per sample). */
#ifndef SFM_PROMPT_H
#define SFM_PROMPT_H

#include <stddef.h>
#include <stdint.h>

#include "../core/sfm_codec.h"

/* cffi:begin */
typedef struct sfm_prompt sfm_prompt;

/* Maps the first `length` bytes of `file`, which may be closed (and unlinked) afterwards. The caller holds one
 * reference. 0, or SFM_ERROR_ARGUMENT (empty, or not whole samples), _MEMORY, SFM_ERROR_SYSTEM. */
int sfm_prompt_map(int file, size_t length, const sfm_codec *codec, sfm_prompt **out);
void sfm_prompt_retain(sfm_prompt *prompt);
void sfm_prompt_release(sfm_prompt *prompt); /* NULL is fine */

const sfm_codec *sfm_prompt_codec(const sfm_prompt *prompt);
uint64_t sfm_prompt_samples(const sfm_prompt *prompt);
/* Copies `count` samples' worth of encoded bytes from sample `start`, which with `count` lies inside. Returns bytes. */
size_t sfm_prompt_copy(const sfm_prompt *prompt, uint64_t start, size_t count, uint8_t *out);
/* cffi:end */

#endif
