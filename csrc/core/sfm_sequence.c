#include "sfm_sequence.h"

#define NS_PER_SECOND 1000000000

int32_t sfm_sequence_delta(uint16_t later, uint16_t earlier)
{
    uint16_t ahead = (uint16_t)(later - earlier);
    return ahead < 0x8000 ? (int32_t)ahead : (int32_t)ahead - 0x10000;
}

int64_t sfm_timestamp_delta(uint32_t later, uint32_t earlier)
{
    uint32_t ahead = later - earlier;
    return ahead < 0x80000000U ? (int64_t)ahead : (int64_t)ahead - 0x100000000;
}

int64_t sfm_sequence_extend(int64_t reference, uint16_t sequence_number)
{
    return reference + sfm_sequence_delta(sequence_number, (uint16_t)reference);
}

int64_t sfm_timestamp_extend(int64_t reference, uint32_t timestamp)
{
    return reference + sfm_timestamp_delta(timestamp, (uint32_t)reference);
}

/* Whole seconds apart, so that the product stays far from 2^63 even for timestamps of hostile length. */
int64_t sfm_ns_from_ts(int64_t duration_ts, uint32_t clock_rate)
{
    int64_t rate = (int64_t)clock_rate;
    return duration_ts / rate * NS_PER_SECOND + duration_ts % rate * NS_PER_SECOND / rate;
}

int64_t sfm_ts_from_ns(int64_t duration_ns, uint32_t clock_rate)
{
    int64_t rate = (int64_t)clock_rate;
    return duration_ns / NS_PER_SECOND * rate + duration_ns % NS_PER_SECOND * rate / NS_PER_SECOND;
}

static int begin(sfm_source *source, uint32_t ssrc, uint16_t sequence_number, int64_t *extended, int verdict)
{
    source->ssrc = ssrc;
    source->highest = sequence_number;
    source->has_source = 1;
    source->has_candidate = 0;
    *extended = sequence_number;
    return verdict;
}

static int continues_source(const sfm_source *source, uint32_t ssrc, uint16_t sequence_number)
{
    uint16_t ahead = (uint16_t)(sequence_number - (uint16_t)source->highest);
    return ssrc == source->ssrc && (ahead < SFM_MAX_DROPOUT || ahead >= 0x10000 - SFM_MAX_MISORDER);
}

static int continues_candidate(const sfm_source *source, uint32_t ssrc, uint16_t sequence_number)
{
    return source->has_candidate && ssrc == source->candidate_ssrc &&
           sequence_number == (uint16_t)(source->candidate_sequence_number + 1);
}

int sfm_source_track(sfm_source *source, uint32_t ssrc, uint16_t sequence_number, int64_t *extended)
{
    if (!source->has_source)
        return begin(source, ssrc, sequence_number, extended, SFM_SOURCE_FIRST);
    if (continues_source(source, ssrc, sequence_number)) {
        *extended = sfm_sequence_extend(source->highest, sequence_number);
        if (*extended > source->highest)
            source->highest = *extended;
        source->has_candidate = 0;
        return SFM_SOURCE_CONTINUED;
    }
    if (continues_candidate(source, ssrc, sequence_number))
        return begin(source, ssrc, sequence_number, extended, SFM_SOURCE_RESTARTED);
    source->candidate_ssrc = ssrc;
    source->candidate_sequence_number = sequence_number;
    source->has_candidate = 1;
    return SFM_SOURCE_PENDING;
}
