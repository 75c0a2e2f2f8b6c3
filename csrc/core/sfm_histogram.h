/* Log-linear histogram of durations in ns: fixed memory, any value, bounded relative error, merged by addition.
 *
 * Values below 128 have a bucket each; above, every octave is cut into 64 buckets, so a bucket is at most 1/64 of its
 * values wide. A plain value of 30 kB: embed or allocate it; zero bytes are a valid empty state. */
#ifndef SFM_HISTOGRAM_H
#define SFM_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

/* cffi:begin */
#define SFM_HISTOGRAM_BUCKETS 3776

typedef struct sfm_histogram {
    uint64_t count;
    uint64_t sum;      /* saturates at 2^64-1 */
    uint64_t minimum;  /* exact; 0 when empty */
    uint64_t maximum;  /* exact; 0 when empty */
    uint64_t buckets[SFM_HISTOGRAM_BUCKETS];
} sfm_histogram;

void sfm_histogram_clear(sfm_histogram *histogram);
void sfm_histogram_add(sfm_histogram *histogram, uint64_t value);

/* Adds all of `other`. */
void sfm_histogram_merge(sfm_histogram *histogram, const sfm_histogram *other);

/* The smallest value v such that at least `per_million` of a million of the values are <= v (nearest rank): the upper
 * end of its bucket, but never above the maximum. So it is never below the true value and at most 1/64 above it.
 * 0 when empty; 500000 is the median, 999000 p99.9. */
uint64_t sfm_histogram_percentile(const sfm_histogram *histogram, uint32_t per_million);

/* The bucket of a value, 0 to SFM_HISTOGRAM_BUCKETS - 1. */
uint32_t sfm_histogram_bucket(uint64_t value);

/* Smallest and largest value of a bucket; 0 for a bucket that does not exist. */
uint64_t sfm_histogram_lowest(uint32_t bucket);
uint64_t sfm_histogram_highest(uint32_t bucket);
/* cffi:end */

#endif
