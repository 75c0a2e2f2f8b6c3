#include "sfm_playout.h"

#include <stdlib.h>
#include <string.h>

#include "sfm_error.h"
#include "sfm_plc.h"
#include "sfm_sequence.h"
#include "sfm_warm.h"

#define MAX_CODECS 8
#define MAX_STATE_BYTES 1024
#define MAX_PACKET_MS 120

/* A table of its own beside the decoders' states: whoever looks a payload type up for every packet of thousands of
 * calls should find all of them in two cache lines. */
typedef struct entry {
    const sfm_codec *codec; /* NULL: free */
    uint8_t *state;         /* MAX_STATE_BYTES */
    uint8_t payload_type;
} entry;

struct sfm_playout {
    sfm_jitter *jitter;
    sfm_plc *plc;
    uint32_t clock_rate;
    uint32_t sample_rate;
    size_t packet_samples;  /* most that one packet may hold */
    size_t rest_offset;     /* of the packet in `packet`, what was not read yet */
    size_t rest_count;
    entry codecs[MAX_CODECS];
    uint8_t *states;        /* MAX_CODECS of them */
    int16_t *packet;        /* packet_samples */
};

static int is_multiple(uint32_t a, uint32_t b)
{
    return a % b == 0 || b % a == 0;
}

static int create_parts(sfm_playout *playout, const sfm_jitter_config *config)
{
    int error = sfm_jitter_create(config, &playout->jitter);
    if (error == SFM_OK)
        error = sfm_plc_create(playout->sample_rate, &playout->plc);
    if (error != SFM_OK)
        return error;
    playout->states = malloc(MAX_CODECS * MAX_STATE_BYTES); /* set_codec initialises them */
    playout->packet = malloc(playout->packet_samples * sizeof(int16_t));
    if (playout->states == NULL || playout->packet == NULL)
        return SFM_ERROR_MEMORY;
    for (size_t i = 0; i < MAX_CODECS; i++)
        playout->codecs[i].state = playout->states + i * MAX_STATE_BYTES; /* aligned as malloc's memory is */
    return SFM_OK;
}

int sfm_playout_create(const sfm_jitter_config *config, uint32_t sample_rate, sfm_playout **out)
{
    if (config->clock_rate == 0 || sample_rate == 0 || !is_multiple(sample_rate, config->clock_rate))
        return SFM_ERROR_ARGUMENT;
    sfm_playout *playout = calloc(1, sizeof *playout);
    if (playout == NULL)
        return SFM_ERROR_MEMORY;
    playout->clock_rate = config->clock_rate;
    playout->sample_rate = sample_rate;
    playout->packet_samples = (size_t)sample_rate * MAX_PACKET_MS / 1000;
    int error = create_parts(playout, config);
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
    free(playout->states);
    free(playout->packet);
    free(playout);
}

void sfm_playout_warm(const sfm_playout *playout, int step)
{
    enum { TYPICAL_BYTES = 320 };
    if (step == 0) {
        sfm_warm(playout, sizeof *playout);
    } else if (step == 1) {
        sfm_jitter_warm(playout->jitter);
        sfm_plc_warm(playout->plc);
        sfm_warm(playout->packet, TYPICAL_BYTES);
    } else {
        sfm_jitter_warm_packets(playout->jitter);
    }
}

static entry *find_entry(sfm_playout *playout, uint8_t payload_type)
{
    for (size_t i = 0; i < MAX_CODECS; i++)
        if (playout->codecs[i].codec && playout->codecs[i].payload_type == payload_type)
            return &playout->codecs[i];
    return NULL;
}

static entry *find_free_entry(sfm_playout *playout)
{
    for (size_t i = 0; i < MAX_CODECS; i++)
        if (playout->codecs[i].codec == NULL)
            return &playout->codecs[i];
    return NULL;
}

int sfm_playout_set_codec(sfm_playout *playout, uint8_t payload_type, const sfm_codec *codec)
{
    if (payload_type > 127)
        return SFM_ERROR_ARGUMENT;
    entry *place = find_entry(playout, payload_type);
    if (codec == NULL) {
        if (place)
            place->codec = NULL;
        return SFM_OK;
    }
    if (codec->clock_rate != playout->clock_rate || codec->sample_rate != playout->sample_rate || codec->channels != 1)
        return SFM_ERROR_ARGUMENT;
    if (place == NULL)
        place = find_free_entry(playout);
    if (place == NULL || codec->decoder_bytes > MAX_STATE_BYTES)
        return SFM_ERROR_SPACE;
    int error = codec->decoder_init ? codec->decoder_init(place->state) : SFM_OK;
    if (error < 0)
        return error;
    place->codec = codec;
    place->payload_type = payload_type;
    return SFM_OK;
}

static size_t samples_from_ts(const sfm_playout *playout, uint64_t duration_ts)
{
    return (size_t)(duration_ts * playout->sample_rate / playout->clock_rate);
}

/* Rounded up: what is too much waits in the rest. */
static uint32_t ts_from_samples(const sfm_playout *playout, size_t count)
{
    return (uint32_t)(((uint64_t)count * playout->clock_rate + playout->sample_rate - 1) / playout->sample_rate);
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

static void restart_decoders(sfm_playout *playout)
{
    for (size_t i = 0; i < MAX_CODECS; i++) {
        const sfm_codec *codec = playout->codecs[i].codec;
        if (codec && codec->decoder_init)
            codec->decoder_init(playout->codecs[i].state);
    }
}

int sfm_playout_put(sfm_playout *playout, const sfm_rtp_header *header, const uint8_t *payload, size_t length,
                    int64_t arrival_ns)
{
    const entry *known = find_entry(playout, header->payload_type);
    if (known == NULL)
        return SFM_ERROR_PAYLOAD_TYPE;
    int duration_ts = known->codec->duration_ts(payload, length);
    if (duration_ts <= 0)
        return SFM_ERROR_LENGTH;
    if (samples_from_ts(playout, (uint64_t)duration_ts) > playout->packet_samples)
        return SFM_ERROR_SPACE;
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

/* Decodes a packet into `packet` and makes it the rest. What a broken payload leaves open is concealed, so that the
 * time line keeps its length. */
static int decode(sfm_playout *playout, const sfm_jitter_piece *piece)
{
    entry *known = find_entry(playout, piece->payload_type);
    size_t duration = samples_from_ts(playout, piece->duration_ts);
    int decoded = 0;
    if (known) /* its codec may have been taken away while it waited */
        decoded = known->codec->decode(known->state, piece->payload, piece->payload_length, playout->packet,
                                       playout->packet_samples);
    size_t good = decoded > 0 ? (size_t)decoded : 0;
    if (good > duration)
        good = duration;
    sfm_plc_receive(playout->plc, playout->packet, good);
    sfm_plc_conceal(playout->plc, playout->packet + good, duration - good);
    playout->rest_offset = 0;
    playout->rest_count = duration;
    return good > 0 ? SFM_PLAYOUT_AUDIO : SFM_PLAYOUT_CONCEALED;
}

static size_t take_rest(sfm_playout *playout, int16_t *pcm, size_t count)
{
    size_t taken = count < playout->rest_count ? count : playout->rest_count;
    memcpy(pcm, playout->packet + playout->rest_offset, taken * sizeof(int16_t));
    playout->rest_offset += taken;
    playout->rest_count -= taken;
    return taken;
}

/* Fills time without a packet; returns the samples. A clock finer than the samples may give none. */
static size_t fill(sfm_playout *playout, const sfm_jitter_piece *piece, int16_t *pcm, size_t count, int *content)
{
    size_t duration = samples_from_ts(playout, piece->duration_ts);
    if (duration > count)
        duration = count;
    if (piece->kind == SFM_JITTER_CONCEAL)
        sfm_plc_conceal(playout->plc, pcm, duration);
    else
        sfm_plc_silence(playout->plc, pcm, duration);
    if (piece->kind == SFM_JITTER_CONCEAL)
        *content |= SFM_PLAYOUT_CONCEALED;
    else
        *content |= piece->kind == SFM_JITTER_SILENCE ? SFM_PLAYOUT_SILENCE : SFM_PLAYOUT_WAITING;
    return duration;
}

int sfm_playout_read(sfm_playout *playout, int64_t now_ns, int16_t *pcm, size_t count)
{
    int content = playout->rest_count > 0 ? SFM_PLAYOUT_AUDIO : 0;
    size_t done = take_rest(playout, pcm, count);
    while (done < count) {
        sfm_jitter_piece piece;
        int64_t when_ns = now_ns + sfm_ns_from_ts((int64_t)done, playout->sample_rate);
        int kind = sfm_jitter_get(playout->jitter, when_ns, ts_from_samples(playout, count - done), &piece);
        if (kind < 0)
            return kind;
        if (kind == SFM_JITTER_PACKET) {
            content |= decode(playout, &piece);
            done += take_rest(playout, pcm + done, count - done);
        } else {
            done += fill(playout, &piece, pcm + done, count - done, &content);
        }
    }
    return content;
}

void sfm_playout_read_counts(const sfm_playout *playout, sfm_jitter_counts *counts)
{
    sfm_jitter_read_counts(playout->jitter, counts);
}

void sfm_playout_reset(sfm_playout *playout)
{
    sfm_jitter_reset(playout->jitter);
    sfm_plc_reset(playout->plc);
    restart_decoders(playout);
    playout->rest_count = 0;
}
