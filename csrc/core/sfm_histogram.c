#include "sfm_histogram.h"

#include <string.h>

#define LINEAR_VALUES 128U   /* a bucket each */
#define BUCKETS_PER_OCTAVE 64U
#define FIRST_OCTAVE 7U      /* 2^7 = LINEAR_VALUES */

static uint32_t highest_bit(uint64_t value)
{
    uint32_t bit = 0;
    for (uint32_t step = 32; step > 0; step /= 2)
        if (value >> step != 0) {
            value >>= step;
            bit += step;
        }
    return bit;
}

uint32_t sfm_histogram_bucket(uint64_t value)
{
    if (value < LINEAR_VALUES)
        return (uint32_t)value;
    uint32_t octave = highest_bit(value);
    uint32_t within = (uint32_t)(value >> (octave - 6)) - BUCKETS_PER_OCTAVE;
    return LINEAR_VALUES + (octave - FIRST_OCTAVE) * BUCKETS_PER_OCTAVE + within;
}

uint64_t sfm_histogram_lowest(uint32_t bucket)
{
    if (bucket >= SFM_HISTOGRAM_BUCKETS)
        return 0;
    if (bucket < LINEAR_VALUES)
        return bucket;
    uint32_t octave = FIRST_OCTAVE + (bucket - LINEAR_VALUES) / BUCKETS_PER_OCTAVE;
    uint64_t within = (bucket - LINEAR_VALUES) % BUCKETS_PER_OCTAVE;
    return (BUCKETS_PER_OCTAVE + within) << (octave - 6);
}

uint64_t sfm_histogram_highest(uint32_t bucket)
{
    if (bucket >= SFM_HISTOGRAM_BUCKETS)
        return 0;
    return bucket == SFM_HISTOGRAM_BUCKETS - 1 ? UINT64_MAX : sfm_histogram_lowest(bucket + 1) - 1;
}

void sfm_histogram_clear(sfm_histogram *histogram)
{
    memset(histogram, 0, sizeof *histogram);
}

static uint64_t saturating_sum(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

void sfm_histogram_add(sfm_histogram *histogram, uint64_t value)
{
    if (histogram->count == 0 || value < histogram->minimum)
        histogram->minimum = value;
    if (value > histogram->maximum)
        histogram->maximum = value;
    histogram->count++;
    histogram->sum = saturating_sum(histogram->sum, value);
    histogram->buckets[sfm_histogram_bucket(value)]++;
}

void sfm_histogram_merge(sfm_histogram *histogram, const sfm_histogram *other)
{
    if (other->count == 0)
        return;
    if (histogram->count == 0 || other->minimum < histogram->minimum)
        histogram->minimum = other->minimum;
    if (other->maximum > histogram->maximum)
        histogram->maximum = other->maximum;
    histogram->count += other->count;
    histogram->sum = saturating_sum(histogram->sum, other->sum);
    for (size_t i = 0; i < SFM_HISTOGRAM_BUCKETS; i++)
        histogram->buckets[i] += other->buckets[i];
}

#define MILLION 1000000U

/* ceil(count * per_million / 1e6) without a 128-bit product; at least 1: the smallest value is every low percentile. */
static uint64_t nearest_rank(uint64_t count, uint32_t per_million)
{
    if (per_million >= MILLION)
        return count;
    uint64_t rest = count % MILLION * per_million;
    uint64_t rank = count / MILLION * per_million + (rest + MILLION - 1) / MILLION;
    return rank == 0 ? 1 : rank;
}

uint64_t sfm_histogram_percentile(const sfm_histogram *histogram, uint32_t per_million)
{
    uint64_t rank = nearest_rank(histogram->count, per_million);
    uint64_t seen = 0;
    for (uint32_t bucket = 0; bucket < SFM_HISTOGRAM_BUCKETS && histogram->count > 0; bucket++) {
        seen += histogram->buckets[bucket];
        if (seen >= rank) {
            uint64_t highest = sfm_histogram_highest(bucket);
            return highest < histogram->maximum ? highest : histogram->maximum;
        }
    }
    return histogram->maximum;
}
