#include "sfm_level.h"

#include <math.h>

#include "sfm_error.h"

#define FULL_SCALE_SQUARED (32768.0 * 32768.0)
#define CLIPPED_MAGNITUDE 32124U

void sfm_level_add(sfm_level *level, const int16_t *pcm, size_t count)
{
    uint64_t sum = 0;
    uint64_t clipped = 0;
    uint32_t peak = level->peak;
    for (size_t i = 0; i < count; i++) {
        int32_t sample = pcm[i];
        uint32_t magnitude = (uint32_t)(sample < 0 ? -sample : sample);
        sum += (uint64_t)magnitude * magnitude;
        clipped += magnitude >= CLIPPED_MAGNITUDE;
        peak = magnitude > peak ? magnitude : peak;
    }
    level->samples += count;
    level->sum_of_squares += sum;
    level->clipped += clipped;
    level->peak = peak;
}

int sfm_level_dbov(const sfm_level *level)
{
    if (level->sum_of_squares == 0)
        return SFM_LEVEL_SILENT;
    double mean_square = (double)level->sum_of_squares / (double)level->samples / FULL_SCALE_SQUARED;
    int dbov = (int)(-10.0 * log10(mean_square) + 0.5);
    return dbov < SFM_LEVEL_SILENT ? dbov : SFM_LEVEL_SILENT;
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
int sfm_silence_detector_update(sfm_silence_detector *detector, const int16_t *pcm, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (uint64_t)((int32_t)pcm[i] * (int32_t)pcm[i]);
    int silent = sum <= detector->threshold * count;
    detector->silent_samples = silent ? detector->silent_samples + count : 0;
    detector->active_samples = silent ? (count == 0 ? detector->active_samples : 0) : detector->active_samples + count;
    return silent;
}
