#include "sfm_level.h"

#include <math.h>

#include "sfm_error.h"

#define FULL_SCALE_SQUARED (32768.0 * 32768.0)
#define CLIPPED_MAGNITUDE 32124

/* Loops that a compiler turns into vector instructions: one sum, one comparison a loop, no branch. */
static int32_t narrow_sum_of_squares(const int16_t *pcm, size_t count)
{
    int32_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (int32_t)pcm[i] * pcm[i];
    return sum;
}

static uint64_t wide_sum_of_squares(const int16_t *pcm, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (uint32_t)((int32_t)pcm[i] * (int32_t)pcm[i]);
    return sum;
}

/* Of samples no larger than `peak`. A sum of 32 bits takes a quarter of the instructions, and all but loud audio fits in. */
static uint64_t sum_of_squares(const int16_t *pcm, size_t count, uint32_t peak)
{
    return (uint64_t)peak * peak * count <= INT32_MAX ? (uint64_t)narrow_sum_of_squares(pcm, count)
                                                      : wide_sum_of_squares(pcm, count);
}

static uint32_t largest_magnitude(const int16_t *pcm, size_t count)
{
    int16_t lowest = 0;
    int16_t highest = 0;
    for (size_t i = 0; i < count; i++) {
        lowest = pcm[i] < lowest ? pcm[i] : lowest;
        highest = pcm[i] > highest ? pcm[i] : highest;
    }
    return (uint32_t)(-lowest > highest ? -lowest : highest);
}

static uint64_t count_clipped(const int16_t *pcm, size_t count)
{
    uint64_t clipped = 0;
    for (size_t i = 0; i < count; i++)
        clipped += pcm[i] >= CLIPPED_MAGNITUDE || pcm[i] <= -CLIPPED_MAGNITUDE;
    return clipped;
}

void sfm_level_add(sfm_level *level, const int16_t *pcm, size_t count)
{
    uint32_t peak = largest_magnitude(pcm, count);
    level->samples += count;
    level->sum_of_squares += sum_of_squares(pcm, count, peak);
    level->peak = peak > level->peak ? peak : level->peak;
    if (peak >= CLIPPED_MAGNITUDE)
        level->clipped += count_clipped(pcm, count);
}

void sfm_level_merge(sfm_level *level, const sfm_level *other)
{
    level->samples += other->samples;
    level->sum_of_squares += other->sum_of_squares;
    level->peak = other->peak > level->peak ? other->peak : level->peak;
    level->clipped += other->clipped;
}

/* In steps of 1/`scale` dB, to the nearest. */
static int dbov_in(const sfm_level *level, int scale)
{
    if (level->sum_of_squares == 0)
        return scale * SFM_LEVEL_SILENT;
    double mean_square = (double)level->sum_of_squares / (double)level->samples / FULL_SCALE_SQUARED;
    int steps = (int)(-10.0 * scale * log10(mean_square) + 0.5);
    return steps < scale * SFM_LEVEL_SILENT ? steps : scale * SFM_LEVEL_SILENT;
}

int sfm_level_dbov(const sfm_level *level)
{
    return dbov_in(level, 1);
}

int sfm_level_tenths(const sfm_level *level)
{
    return dbov_in(level, 10);
}

int sfm_block_dbov(const int16_t *pcm, size_t count)
{
    sfm_level level = {0};
    sfm_level_add(&level, pcm, count);
    return sfm_level_dbov(&level);
}

int sfm_silence_detector_init(sfm_silence_detector *detector, int threshold_dbov)
{
    if (threshold_dbov < 1 || threshold_dbov > SFM_LEVEL_SILENT)
        return SFM_ERROR_ARGUMENT;
    detector->silent_samples = 0;
    detector->active_samples = 0;
    detector->threshold = (uint64_t)(FULL_SCALE_SQUARED * pow(10.0, -0.1 * threshold_dbov));
    return SFM_OK;
}

/* No logarithm per block: the mean square is compared with the threshold's. */
int sfm_silence_detector_take(sfm_silence_detector *detector, const sfm_level *block)
{
    uint64_t count = block->samples;
    int silent = block->sum_of_squares <= detector->threshold * count;
    detector->silent_samples = silent ? detector->silent_samples + count : 0;
    detector->active_samples = silent ? (count == 0 ? detector->active_samples : 0) : detector->active_samples + count;
    return silent;
}

int sfm_silence_detector_update(sfm_silence_detector *detector, const int16_t *pcm, size_t count)
{
    sfm_level block = {0};
    sfm_level_add(&block, pcm, count);
    return sfm_silence_detector_take(detector, &block);
}
