#include "sfm_heard.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sfm_error.h"

enum {
    BANDS = SFM_EAR_BANDS,
    BLOCK = 16,                                          /* frames */
    REACH = 6,                                           /* frames that a block may lie off, either way */
    OFFSETS = 2 * REACH + 1,
    STEP = 2,                                            /* frames by which neighbouring blocks may differ */
    EDGE_FRAMES = SFM_HEARD_EDGE_MS / SFM_EAR_FRAME_MS,
    MIN_FRAMES = SFM_HEARD_MIN_MS / SFM_EAR_FRAME_MS,
    MAX_FRAMES = SFM_HEARD_MAX_MS / SFM_EAR_FRAME_MS,
};

static const double CANDIDATE = 0.4;     /* correlation from which a place is looked at closely */
static const float PRESENT = 0.7F;       /* correlation from which a block counts as heard */
static const double SOUND = 0.1;         /* share of the loudest frame from which a frame is sound: -40 dB */
static const double LOUD = 0.2;          /* and from which its absence can be told: -28 dB */
static const double ABSENT = 0.4;        /* share of the expected loudness below which a frame is missing: -16 dB */
static const double STEADY = 0.02;       /* share of change in the energy below which a sound is steady */
static const double LIGHT = 0.1;         /* weight, of the mean, below which a block says nothing */

typedef struct heard_block {
    uint32_t first, end;      /* frames */
    double energy;            /* of its frames, means taken out: the weight */
    float fit[OFFSETS];
    float best[OFFSETS];      /* sum of the best path that ends here */
    int8_t from[OFFSETS];
    int offset;               /* chosen */
    int absent;
} heard_block;

struct sfm_heard {
    uint32_t count;           /* frames of the prompt without silence at its ends */
    uint32_t lead;            /* frames of silence that were cut off its start */
    uint32_t ring;            /* count + 2 REACH + 1 */
    uint32_t blocks;
    int32_t wanted;
    double energy;            /* sum of the squares of `shape` */
    double loudest;
    uint64_t fed;
    uint64_t number;          /* of the newest frame */
    int64_t sums[BANDS];      /* of the current stretch */
    int64_t squares;
    double before[2];         /* correlations one and two frames ago */
    sfm_heard_report best;
    int found;
    int16_t *shape;           /* the prompt, each band's mean taken out */
    uint32_t *loudness;       /* sum of the bands of each frame of the prompt */
    uint16_t *live;           /* the newest `ring` frames, twice, so that each stretch lies in one piece */
    heard_block *block;
};

/* --- the prompt --------------------------------------------------------------------------------------------------- */

static uint32_t loudness_of(const uint16_t *bands)
{
    uint32_t sum = 0;
    for (int band = 0; band < BANDS; band++)
        sum += bands[band];
    return sum;
}

static uint32_t loudest_of(const sfm_ear_frame *frames, size_t count)
{
    uint32_t loudest = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t loudness = loudness_of(frames[i].bands);
        loudest = loudness > loudest ? loudness : loudest;
    }
    return loudest;
}

/* Cuts silence off both ends. */
static void find_sound(const sfm_ear_frame *frames, size_t *first, size_t *end)
{
    double least = SOUND * loudest_of(frames + *first, *end - *first);
    while (*first < *end && loudness_of(frames[*first].bands) <= least)
        ++*first;
    while (*end > *first && loudness_of(frames[*end - 1].bands) <= least)
        --*end;
}

static void take_shape(sfm_heard *heard, const sfm_ear_frame *frames)
{
    for (int band = 0; band < BANDS; band++) {
        int64_t sum = 0;
        for (uint32_t t = 0; t < heard->count; t++)
            sum += frames[t].bands[band];
        int64_t mean = (sum + heard->count / 2) / heard->count;
        for (uint32_t t = 0; t < heard->count; t++)
            heard->shape[t * BANDS + (uint32_t)band] = (int16_t)(frames[t].bands[band] - mean);
    }
    for (uint32_t t = 0; t < heard->count; t++)
        heard->loudness[t] = loudness_of(frames[t].bands);
    heard->loudest = loudest_of(frames, heard->count);
}

static void cut_blocks(sfm_heard *heard)
{
    for (uint32_t k = 0; k < heard->blocks; k++) {
        heard_block *block = &heard->block[k];
        block->first = k * heard->count / heard->blocks;
        block->end = (k + 1) * heard->count / heard->blocks;
        for (uint32_t i = block->first * BANDS; i < block->end * BANDS; i++)
            block->energy += (double)heard->shape[i] * heard->shape[i];
        heard->energy += block->energy;
    }
}

static int is_steady(const sfm_heard *heard, const sfm_ear_frame *frames)
{
    double whole = 0.0;
    for (uint32_t t = 0; t < heard->count; t++)
        for (int band = 0; band < BANDS; band++)
            whole += (double)frames[t].bands[band] * frames[t].bands[band];
    return heard->energy < STEADY * whole;
}

static sfm_heard *allocate(uint32_t count)
{
    uint32_t ring = count + 2 * REACH + 1, blocks = count / BLOCK;
    size_t bytes = sizeof(sfm_heard) + blocks * sizeof(heard_block) + count * sizeof(uint32_t) +
                   (size_t)(count + 2 * ring) * BANDS * sizeof(int16_t);
    sfm_heard *heard = calloc(1, bytes);
    if (heard == NULL)
        return NULL;
    heard->count = count;
    heard->ring = ring;
    heard->blocks = blocks;
    heard->block = (heard_block *)(heard + 1);
    heard->loudness = (uint32_t *)(heard->block + blocks);
    heard->shape = (int16_t *)(heard->loudness + count);
    heard->live = (uint16_t *)(heard->shape + count * BANDS);
    return heard;
}

int sfm_heard_create(const sfm_ear_frame *frames, size_t count, int32_t score, sfm_heard **out)
{
    size_t first = 0, end = count;
    if (score < 0 || score > 1000)
        return SFM_ERROR_ARGUMENT;
    find_sound(frames, &first, &end);
    if (end - first < MIN_FRAMES || end - first > MAX_FRAMES)
        return SFM_ERROR_LENGTH;
    sfm_heard *heard = allocate((uint32_t)(end - first));
    if (heard == NULL)
        return SFM_ERROR_MEMORY;
    heard->lead = (uint32_t)first;
    heard->wanted = score;
    take_shape(heard, frames + first);
    cut_blocks(heard);
    heard->best = (sfm_heard_report){.start = -1, .length_ms = (int32_t)heard->count * SFM_EAR_FRAME_MS};
    if (is_steady(heard, frames + first)) {
        free(heard);
        return SFM_ERROR_PAYLOAD_TYPE;
    }
    *out = heard;
    return SFM_OK;
}

void sfm_heard_destroy(sfm_heard *heard) { free(heard); }

uint32_t sfm_heard_tail(const sfm_heard *heard) { return heard->ring + 1; }

uint32_t sfm_heard_cost(const sfm_heard *heard) { return heard->count * BANDS; }

/* --- the closer look ---------------------------------------------------------------------------------------------- */

static int64_t product(const int16_t *shape, const uint16_t *live, uint32_t values)
{
    int64_t sums[4] = {0};
    for (uint32_t i = 0; i + 4 <= values; i += 4) {
        sums[0] += (int32_t)shape[i] * live[i];
        sums[1] += (int32_t)shape[i + 1] * live[i + 1];
        sums[2] += (int32_t)shape[i + 2] * live[i + 2];
        sums[3] += (int32_t)shape[i + 3] * live[i + 3];
    }
    return sums[0] + sums[1] + sums[2] + sums[3];
}

/* The stretch whose start lies REACH frames behind the oldest one of the ring; everything below is about it. */
static const uint16_t *stretch(const sfm_heard *heard)
{
    return heard->live + (size_t)(heard->fed % heard->ring) * BANDS;
}

static void take_means(const sfm_heard *heard, const uint16_t *live, double *means)
{
    for (int band = 0; band < BANDS; band++) {
        int64_t sum = 0;
        for (uint32_t t = 0; t < heard->count; t++)
            sum += live[(REACH + t) * BANDS + (uint32_t)band];
        means[band] = (double)sum / heard->count;
    }
}

/* Correlation coefficient of a block with as many frames of what was heard, and in `*cross` what they share. */
static float fit_of(const sfm_heard *heard, const heard_block *block, const uint16_t *live, const double *means,
                    double *cross)
{
    double shared = 0.0, energy = 0.0;
    const int16_t *shape = heard->shape + block->first * BANDS;
    for (uint32_t t = 0; t < block->end - block->first; t++)
        for (int band = 0; band < BANDS; band++) {
            double value = live[t * BANDS + (uint32_t)band] - means[band];
            shared += shape[t * BANDS + (uint32_t)band] * value;
            energy += value * value;
        }
    double norm = sqrt(energy * block->energy);
    *cross = shared;
    return norm > 0.0 && shared > 0.0 ? (float)(shared / norm) : 0.0F;
}

static const uint16_t *live_block(const heard_block *block, const uint16_t *live, int offset)
{
    return live + (block->first + (uint32_t)offset) * BANDS;
}

static void extend_paths(heard_block *block, const heard_block *previous)
{
    for (int to = 0; to < OFFSETS; to++) {
        int low = to > STEP ? to - STEP : 0, high = to + STEP < OFFSETS ? to + STEP : OFFSETS - 1;
        int chosen = to;
        for (int from = low; from <= high; from++)
            chosen = previous->best[from] > previous->best[chosen] ? from : chosen;
        block->best[to] += previous->best[chosen];
        block->from[to] = (int8_t)chosen;
    }
}

/* Which offset each block has on the best path (dynamic programming, forwards and then back). */
static void find_path(sfm_heard *heard, const uint16_t *live, const double *means)
{
    double ignored;
    for (uint32_t k = 0; k < heard->blocks; k++) {
        heard_block *block = &heard->block[k];
        for (int offset = 0; offset < OFFSETS; offset++) {
            block->fit[offset] = fit_of(heard, block, live_block(block, live, offset), means, &ignored);
            block->best[offset] = (float)(block->energy / heard->energy) * block->fit[offset];
        }
        if (k > 0)
            extend_paths(block, block - 1);
    }
    const heard_block *last = &heard->block[heard->blocks - 1];
    int offset = REACH;
    for (int other = 0; other < OFFSETS; other++)
        offset = last->best[other] > last->best[offset] ? other : offset;
    for (uint32_t k = heard->blocks; k-- > 0;) {
        heard->block[k].offset = offset;
        offset = heard->block[k].from[offset];
    }
}

/* Blocks that were not heard. Where the prompt itself is quiet nothing can be said. */
static double mark_absent(sfm_heard *heard)
{
    double score = 0.0;
    for (uint32_t k = 0; k < heard->blocks; k++) {
        heard_block *block = &heard->block[k];
        double weight = block->energy / heard->energy;
        block->absent = block->fit[block->offset] < PRESENT && weight * heard->blocks > LIGHT;
        score += weight * block->fit[block->offset];
    }
    return score;
}

/* By how much the loudness is greater than the prompt's, where it was heard. */
static double measure_gain(const sfm_heard *heard, const uint16_t *live, const double *means)
{
    double shared = 0.0, energy = 0.0;
    for (uint32_t k = 0; k < heard->blocks; k++) {
        const heard_block *block = &heard->block[k];
        double cross;
        if (block->absent)
            continue;
        (void)fit_of(heard, block, live_block(block, live, block->offset), means, &cross);
        shared += cross;
        energy += block->energy;
    }
    return energy > 0.0 && shared > 0.0 ? shared / energy : 0.0;
}

enum presence { QUIET, THERE, MISSING };

static enum presence presence_of(const sfm_heard *heard, const uint16_t *live, const heard_block *block, uint32_t t,
                                 double gain)
{
    double expected = heard->loudness[t];
    if (block->absent)
        return MISSING;
    if (expected < LOUD * heard->loudest)
        return QUIET;
    double loudness = loudness_of(live + (t + (uint32_t)block->offset) * BANDS);
    return loudness < ABSENT * gain * expected ? MISSING : THERE;
}

/* The block of a frame: the last one that begins at or before it. */
static const heard_block *block_of(const sfm_heard *heard, uint32_t t)
{
    uint32_t k = t * heard->blocks / heard->count;
    return k + 1 < heard->blocks && heard->block[k + 1].first <= t ? &heard->block[k + 1] : &heard->block[k];
}

/* Frames from one end of the prompt to the first one that was heard. */
static uint32_t missing_from(const sfm_heard *heard, const uint16_t *live, double gain, int backwards)
{
    uint32_t missing = 0;
    for (uint32_t i = 0; i < heard->count; i++) {
        uint32_t t = backwards ? heard->count - 1 - i : i;
        enum presence presence = presence_of(heard, live, block_of(heard, t), t, gain);
        if (presence == THERE)
            break;
        missing = presence == MISSING ? i + 1 : missing;
    }
    return missing;
}

static uint32_t gaps(const sfm_heard *heard, uint32_t clipped, uint32_t missing)
{
    uint32_t frames = 0;
    for (uint32_t k = 0; k < heard->blocks; k++) {
        const heard_block *block = &heard->block[k];
        if (block->absent && block->first >= clipped && block->end + missing <= heard->count)
            frames += block->end - block->first;
    }
    return frames;
}

static sfm_heard_report judge(sfm_heard *heard)
{
    const uint16_t *live = stretch(heard);
    double means[BANDS];
    take_means(heard, live, means);
    find_path(heard, live, means);
    sfm_heard_report report = heard->best;
    report.score = (int32_t)(1000.0 * mark_absent(heard) + 0.5);
    double gain = measure_gain(heard, live, means);
    uint32_t clipped = missing_from(heard, live, gain, 0), missing = missing_from(heard, live, gain, 1);
    report.gain_db10 = gain > 0.0 ? (int32_t)lrint(400.0 * log10(gain)) : 0;
    report.clipped_ms = (int32_t)clipped * SFM_EAR_FRAME_MS;
    report.missing_ms = (int32_t)missing * SFM_EAR_FRAME_MS;
    report.gap_ms = (int32_t)gaps(heard, clipped, missing) * SFM_EAR_FRAME_MS;
    int64_t oldest = (int64_t)heard->number - heard->ring + 1;
    int64_t start = oldest + heard->block[0].offset - heard->lead;
    report.start = start > 0 ? start : 0;
    return report;
}

static int is_whole(const sfm_heard *heard, const sfm_heard_report *report)
{
    return report->score >= heard->wanted && report->clipped_ms <= SFM_HEARD_EDGE_MS &&
           report->missing_ms <= SFM_HEARD_EDGE_MS;
}

static int look_closely(sfm_heard *heard)
{
    sfm_heard_report report = judge(heard);
    if (is_whole(heard, &report)) {
        heard->best = report;
        heard->found = 1;
        return SFM_HEARD_FOUND;
    }
    if (report.score <= heard->best.score)
        return SFM_HEARD_NOTHING;
    heard->best = report;
    return SFM_HEARD_BETTER;
}

/* --- frame by frame ----------------------------------------------------------------------------------------------- */

static void slide(sfm_heard *heard, const uint16_t *in, const uint16_t *out)
{
    for (int band = 0; band < BANDS; band++) {
        int64_t added = in[band], gone = out[band];
        heard->sums[band] += added - gone;
        heard->squares += added * added - gone * gone;
    }
}

static double correlation(const sfm_heard *heard, const uint16_t *live)
{
    double energy = (double)heard->squares;
    for (int band = 0; band < BANDS; band++)
        energy -= (double)heard->sums[band] * (double)heard->sums[band] / heard->count;
    double shared = (double)product(heard->shape, live, heard->count * BANDS);
    return energy > 0.0 && shared > 0.0 ? shared / sqrt(energy * heard->energy) : 0.0;
}

static void keep(sfm_heard *heard, const sfm_ear_frame *frame)
{
    uint16_t *slot = heard->live + (size_t)(heard->fed % heard->ring) * BANDS;
    memcpy(slot, frame->bands, sizeof frame->bands);
    memcpy(slot + (size_t)heard->ring * BANDS, frame->bands, sizeof frame->bands);
    heard->fed++;
}

int sfm_heard_put(sfm_heard *heard, const sfm_ear_frame *frame, uint64_t number)
{
    if (heard->found)
        return SFM_HEARD_NOTHING;
    keep(heard, frame);
    heard->number = number;
    const uint16_t *oldest = stretch(heard);
    slide(heard, oldest + (size_t)(heard->count + REACH) * BANDS, oldest + (size_t)REACH * BANDS);
    double now = correlation(heard, oldest + (size_t)(REACH + 1) * BANDS);
    int peak = heard->before[0] >= CANDIDATE && heard->before[0] >= heard->before[1] && heard->before[0] > now;
    double passed = heard->before[0];
    heard->before[1] = heard->before[0];
    heard->before[0] = now;
    if (peak)
        return look_closely(heard);
    if (heard->best.start < 0 && (int32_t)(1000.0 * passed) > heard->best.score)
        heard->best.score = (int32_t)(1000.0 * passed);
    return SFM_HEARD_NOTHING;
}

void sfm_heard_read(const sfm_heard *heard, sfm_heard_report *report) { *report = heard->best; }
