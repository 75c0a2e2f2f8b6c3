/* Level of audio blocks in dBov (RFC 6464 section 3, RFC 6465), runs of silence, clipping. Plain values. */
#ifndef SFM_LEVEL_H
#define SFM_LEVEL_H

#include <stddef.h>
#include <stdint.h>

/* cffi:begin */
#define SFM_LEVEL_SILENT 127

/* Adds up blocks. Zero bytes are a valid initial state. */
typedef struct sfm_level {
    uint64_t samples;
    uint64_t sum_of_squares;
    uint64_t clipped;        /* samples of a magnitude of 32124 or more: the largest that mu-law can say */
    uint32_t peak;           /* largest magnitude, 0-32768 */
} sfm_level;

void sfm_level_add(sfm_level *level, const int16_t *pcm, size_t count);

/* As if all that was added to `other` had been added here. */
void sfm_level_merge(sfm_level *level, const sfm_level *other);

/* Level of all that was added, as -dBov: 0 is the overload point (a full-scale square wave), 127 silence or less. */
int sfm_level_dbov(const sfm_level *level);

/* The same in tenths: 0 to 1270. */
int sfm_level_tenths(const sfm_level *level);

/* Level of one block, as above. */
int sfm_block_dbov(const int16_t *pcm, size_t count);

/* Tells audio from silence, block by block. */
typedef struct sfm_silence_detector {
    uint64_t silent_samples; /* length of the run of silent blocks that the last block belongs to, else 0 */
    uint64_t active_samples; /* length of the run of blocks that are not silent, else 0 */
    uint64_t threshold;      /* private: mean square below which a block is silent */
} sfm_silence_detector;

/* Blocks quieter than `threshold_dbov` (-dBov, 1-127; 50 is usual) are silent. 0, or SFM_ERROR_ARGUMENT. */
int sfm_silence_detector_init(sfm_silence_detector *detector, int threshold_dbov);

/* 1 when the block is silent, else 0. An empty block changes nothing and counts as silent. */
int sfm_silence_detector_update(sfm_silence_detector *detector, const int16_t *pcm, size_t count);

/* The same with a block whose level was taken already. */
int sfm_silence_detector_take(sfm_silence_detector *detector, const sfm_level *block);
/* cffi:end */

#endif
