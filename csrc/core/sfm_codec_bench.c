#include "sfm_codec_bench.h"

#include "sfm_opus.h"

uint32_t sfm_codec_bench_encode(const sfm_codec *codec, void *state, sfm_codec_bench *bench, int32_t raw)
{
    size_t step = (size_t)bench->samples * codec->encoded_channels;
    uint32_t good = 0;
    for (uint32_t n = 0; n < bench->packets; n++) {
        const int16_t *pcm = bench->pcm + n * step;
        uint8_t *payload = bench->payloads + (size_t)n * bench->stride;
        bench->lengths[n] = raw ? sfm_opus_raw_encode(state, pcm, bench->samples, payload, bench->stride)
                                : sfm_codec_encode(codec, state, pcm, bench->samples, payload, bench->stride);
        good += bench->lengths[n] > 0;
    }
    return good;
}

uint32_t sfm_codec_bench_decode(const sfm_codec *codec, void *state, sfm_codec_bench *bench, int32_t raw)
{
    uint32_t good = 0;
    for (uint32_t n = 0; n < bench->packets; n++) {
        const uint8_t *payload = bench->payloads + (size_t)n * bench->stride;
        int16_t *pcm = bench->pcm + (size_t)n * bench->samples;
        size_t length = bench->lengths[n] > 0 ? (size_t)bench->lengths[n] : 0;
        int samples = raw ? sfm_opus_raw_decode(state, payload, length, pcm, bench->samples)
                          : sfm_codec_decode(codec, state, payload, length, pcm, bench->samples);
        good += samples == (int)bench->samples;
    }
    return good;
}
