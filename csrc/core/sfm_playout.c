#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "sfm_error.h"
#include "sfm_playout_inside.h"
#include "sfm_sequence.h"
#include "sfm_warm.h"

static int is_multiple(uint32_t a, uint32_t b)
{
    return a % b == 0 || b % a == 0;
}

static int fits(uint32_t clock_rate, uint32_t sample_rate)
{
    return clock_rate != 0 && sample_rate != 0 && sample_rate <= SFM_MAX_SAMPLE_RATE &&
           is_multiple(sample_rate, clock_rate);
}

int sfm_playout_create(const sfm_jitter_config *config, uint32_t sample_rate, sfm_playout **out)
{
    if (!fits(config->clock_rate, sample_rate))
        return SFM_ERROR_ARGUMENT;
    /* Room for the longest packet of the highest rate is not cleared: a page that was never written to is none of the
     * process's. */
    sfm_playout *playout = malloc(sizeof *playout);
    if (playout == NULL)
        return SFM_ERROR_MEMORY;
    memset(playout, 0, offsetof(sfm_playout, resampler));
    playout->clock_rate = config->clock_rate;
    playout->sample_rate = sample_rate;
    sfm_random_seed(&playout->random, 1);
    int error = sfm_jitter_create(config, &playout->jitter);
    if (error == SFM_OK)
        error = sfm_plc_create(sample_rate, &playout->plc);
    if (error != SFM_OK) {
        sfm_playout_destroy(playout);
        return error;
    }
    *out = playout;
    return SFM_OK;
}

void sfm_playout_destroy(sfm_playout *playout)
{
    if (playout == NULL)
        return;
    sfm_jitter_destroy(playout->jitter);
    sfm_plc_destroy(playout->plc);
    free(playout);
}

void sfm_playout_warm(const sfm_playout *playout, int step)
{
    if (step == 0) {
        sfm_warm(playout, offsetof(sfm_playout, resampler));
    } else if (step == 1) {
        sfm_jitter_warm(playout->jitter);
        sfm_plc_warm(playout->plc);
    } else {
        sfm_jitter_warm_packets(playout->jitter);
    }
}

/* --- two channels ------------------------------------------------------------------------------------------------- */

int sfm_playout_right_create(sfm_playout_right **out)
{
    /* As large as a playout, and not cleared for the same reason. */
    sfm_playout_right *right = malloc(sizeof *right);
    if (right == NULL)
        return SFM_ERROR_MEMORY;
    int error = sfm_plc_create(SFM_MAX_SAMPLE_RATE, &right->plc);
    if (error != SFM_OK) {
        free(right);
        return error;
    }
    *out = right;
    return SFM_OK;
}

void sfm_playout_right_destroy(sfm_playout_right *right)
{
    if (right == NULL)
        return;
    sfm_plc_destroy(right->plc);
    free(right);
}

static void reset_concealment(sfm_playout *playout)
{
    sfm_plc_reset(playout->plc);
    if (playout->right)
        sfm_plc_reset(playout->right->plc);
}

/* --- codecs ------------------------------------------------------------------------------------------------------- */

static entry *find_free_entry(sfm_playout *playout)
{
    for (size_t i = 0; i < MAX_CODECS; i++)
        if (playout->codecs[i].codec == NULL)
            return &playout->codecs[i];
    return NULL;
}

static int forget_codec(sfm_playout *playout, entry *place)
{
    if (place)
        place->codec = NULL;
    if (playout->playing == place)
        playout->playing = NULL;
    playout->passed = NULL;
    return SFM_OK;
}

int sfm_playout_set_codec(sfm_playout *playout, uint8_t payload_type, const sfm_codec *codec, void *state)
{
    if (payload_type > 127)
        return SFM_ERROR_ARGUMENT;
    entry *place = find_entry(playout, payload_type);
    if (codec == NULL)
        return forget_codec(playout, place);
    if (!fits(codec->clock_rate, playout->sample_rate) || !is_multiple(codec->sample_rate, playout->sample_rate) ||
        (codec->decoder_bytes > 0 && state == NULL) || (is_wide(codec) && playout->right == NULL))
        return SFM_ERROR_ARGUMENT;
    if (place == NULL)
        place = find_free_entry(playout);
    if (place == NULL)
        return SFM_ERROR_SPACE;
    int error = sfm_codec_decoder_init(codec, state);
    if (error < 0)
        return error;
    if (playout->passed == place)
        playout->passed = NULL;
    *place = (entry){codec, state, payload_type};
    return SFM_OK;
}

void sfm_playout_set_right(sfm_playout *playout, sfm_playout_right *right)
{
    playout->right = right;
    if (right == NULL) {
        for (size_t i = 0; i < MAX_CODECS; i++)
            if (playout->codecs[i].codec && is_wide(playout->codecs[i].codec))
                forget_codec(playout, &playout->codecs[i]);
        return;
    }
    (void)sfm_plc_set_rate(right->plc, playout->sample_rate); /* create and configure took no other rates */
    if (playout->resampled_rate != 0)
        right->resampler = playout->resampler;
    copy_to_right(beyond(piece_of(playout), playout->rest_offset), playout->rest_count);
}

static void restart_decoders(sfm_playout *playout)
{
    playout->passed = NULL; /* timestamps are other ones now */
    for (size_t i = 0; i < MAX_CODECS; i++)
        if (playout->codecs[i].codec)
            sfm_codec_decoder_init(playout->codecs[i].codec, playout->codecs[i].state);
}

static void set_noise(sfm_playout *playout, uint8_t level)
{
    /* Evenly distributed between -a and a: its root mean square is a / sqrt(3). */
    playout->noise_amplitude = level >= NO_NOISE ? 0 : 32768.0 * sqrt(3.0) * pow(10.0, -0.05 * level);
}

/* Whether neither its samples nor their time are more than a packet may be. */
static int is_too_long(const sfm_codec *codec, int duration_ts)
{
    return (uint64_t)duration_ts * 1000 > (uint64_t)codec->clock_rate * MAX_PACKET_MS;
}

/* --- packets come in ---------------------------------------------------------------------------------------------- */

static void begin_anew(sfm_playout *playout)
{
    restart_decoders(playout);
    playout->rest_count = 0;
    playout->noise_amplitude = 0;
    playout->playing = NULL;
}

static void use_clock(sfm_playout *playout, uint32_t clock_rate)
{
    if (clock_rate == playout->clock_rate)
        return;
    (void)sfm_jitter_set_clock(playout->jitter, clock_rate); /* set_codec and configure took only clocks in range */
    reset_concealment(playout);
    playout->clock_rate = clock_rate;
    begin_anew(playout);
}

int sfm_playout_configure(sfm_playout *playout, uint32_t clock_rate, uint32_t sample_rate)
{
    if (!fits(clock_rate, sample_rate) || clock_rate < 1000 || clock_rate > 192000)
        return SFM_ERROR_ARGUMENT;
    if (sample_rate != playout->sample_rate) {
        int error = sfm_plc_set_rate(playout->plc, sample_rate);
        if (error != SFM_OK)
            return error;
        if (playout->right)
            (void)sfm_plc_set_rate(playout->right->plc, sample_rate);
        playout->sample_rate = sample_rate;
        playout->resampled_rate = 0;
        sfm_playout_reset(playout);
    }
    use_clock(playout, clock_rate);
    return SFM_OK;
}

uint32_t sfm_playout_clock_rate(const sfm_playout *playout)
{
    return playout->clock_rate;
}

static sfm_jitter_packet describe(const sfm_rtp_header *header, int64_t arrival_ns)
{
    return (sfm_jitter_packet){
        .ssrc = header->ssrc,
        .timestamp = header->timestamp,
        .sequence_number = header->sequence_number,
        .payload_type = header->payload_type,
        .marker = header->marker,
        .arrival_ns = arrival_ns,
    };
}

int sfm_playout_put(sfm_playout *playout, const sfm_rtp_header *header, const uint8_t *payload, size_t length,
                    int64_t arrival_ns)
{
    const entry *known = find_entry(playout, header->payload_type);
    if (known == NULL)
        return SFM_ERROR_PAYLOAD_TYPE;
    int duration_ts = sfm_codec_duration_ts(known->codec, payload, length);
    if (duration_ts <= 0)
        return SFM_ERROR_LENGTH;
    if (is_too_long(known->codec, duration_ts))
        return SFM_ERROR_SPACE;
    use_clock(playout, known->codec->clock_rate);
    sfm_jitter_packet packet = describe(header, arrival_ns);
    packet.duration_ts = (uint32_t)duration_ts;
    packet.payload = payload;
    packet.payload_length = length;
    int result = sfm_jitter_put(playout->jitter, &packet);
    if (result == SFM_JITTER_RESTARTED)
        restart_decoders(playout);
    return result;
}

int sfm_playout_put_event(sfm_playout *playout, const sfm_rtp_header *header, int64_t arrival_ns)
{
    sfm_jitter_packet packet = describe(header, arrival_ns);
    return sfm_jitter_put_event(playout->jitter, &packet);
}

int sfm_playout_put_noise(sfm_playout *playout, const sfm_rtp_header *header, uint8_t level, int64_t arrival_ns)
{
    int result = sfm_playout_put_event(playout, header, arrival_ns);
    if (result == SFM_JITTER_ACCEPTED || result == SFM_JITTER_RESTARTED) {
        set_noise(playout, level);
        playout->noise_timestamp = header->timestamp;
    }
    return result;
}

void sfm_playout_set_sink(sfm_playout *playout, sfm_playout_sink sink, void *context)
{
    playout->sink = sink;
    playout->sink_context = context;
}

void sfm_playout_read_counts(const sfm_playout *playout, sfm_jitter_counts *counts)
{
    sfm_jitter_read_counts(playout->jitter, counts);
}

void sfm_playout_reset(sfm_playout *playout)
{
    sfm_jitter_reset(playout->jitter);
    reset_concealment(playout);
    begin_anew(playout);
}
