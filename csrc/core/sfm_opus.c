#include "sfm_opus.h"

#include "sfm_error.h"

#define RATE 48000
#define STEP (RATE / 400)       /* samples of the shortest frame, 2.5 ms */
#define MAX_SAMPLES (RATE / 25 * 3) /* of the longest packet, 120 ms */
#define MAX_FRAME_BYTES 1275    /* RFC 6716 section 3.4 */

/* Constants of libopus's interface. */
enum { BUFFER_TOO_SMALL = -2 };
enum { APPLICATION_VOIP = 2048 };
enum {
    SET_BITRATE = 4002,
    SET_MAX_BANDWIDTH = 4004,
    SET_VBR = 4006,
    SET_INBAND_FEC = 4012,
    SET_PACKET_LOSS_PERC = 4014,
    SET_DTX = 4016
};
enum { NARROWBAND = 1101, MEDIUMBAND, WIDEBAND, SUPERWIDEBAND, FULLBAND };

typedef int (*get_size_function)(int channels);
typedef int (*encoder_init_function)(void *state, int32_t rate, int channels, int application);
typedef int (*control_function)(void *state, int request, ...);
typedef int32_t (*encode_function)(void *state, const int16_t *pcm, int count, uint8_t *payload, int32_t capacity);
typedef int (*decoder_init_function)(void *state, int32_t rate, int channels);
typedef int (*decode_function)(void *state, const uint8_t *payload, int32_t length, int16_t *pcm, int count, int fec);
typedef int (*samples_function)(const uint8_t *payload, int32_t length, int32_t rate);

/* In front of libopus's own state: the table's functions get nothing else. */
typedef union head {
    const sfm_opus_settings *settings;
    uint8_t alignment[16];
} head;

static void *inner(void *state)
{
    return (head *)state + 1;
}

static const sfm_opus_library *library_of(const void *state)
{
    return &((const head *)state)->settings->library;
}

static int32_t bandwidth_of(int32_t highest_hz)
{
    if (highest_hz <= 8000)
        return NARROWBAND;
    if (highest_hz <= 12000)
        return MEDIUMBAND;
    if (highest_hz <= 16000)
        return WIDEBAND;
    return highest_hz <= 24000 ? SUPERWIDEBAND : FULLBAND;
}

static int configure(const sfm_opus_settings *settings, void *encoder)
{
    control_function set = (control_function)settings->library.encoder_ctl;
    int refused = set(encoder, SET_BITRATE, settings->bitrate);
    refused |= set(encoder, SET_MAX_BANDWIDTH, bandwidth_of(settings->highest_hz));
    refused |= set(encoder, SET_VBR, (int32_t)!settings->constant);
    refused |= set(encoder, SET_INBAND_FEC, (int32_t)(settings->loss_percent > 0));
    refused |= set(encoder, SET_PACKET_LOSS_PERC, settings->loss_percent);
    refused |= set(encoder, SET_DTX, settings->dtx);
    return refused ? SFM_ERROR_ARGUMENT : SFM_OK;
}

static int encoder_init(const sfm_codec *codec, void *state)
{
    const sfm_opus_settings *settings = codec->settings;
    ((head *)state)->settings = settings;
    encoder_init_function init = (encoder_init_function)settings->library.encoder_init;
    if (init(inner(state), RATE, settings->channels, APPLICATION_VOIP) != 0)
        return SFM_ERROR_ARGUMENT;
    return configure(settings, inner(state));
}

static int decoder_init(const sfm_codec *codec, void *state)
{
    const sfm_opus_settings *settings = codec->settings;
    ((head *)state)->settings = settings;
    decoder_init_function init = (decoder_init_function)settings->library.decoder_init;
    return init(inner(state), RATE, settings->channels) != 0 ? SFM_ERROR_ARGUMENT : SFM_OK;
}

static int error_of(int code)
{
    return code == BUFFER_TOO_SMALL ? SFM_ERROR_SPACE : SFM_ERROR_LENGTH;
}

static int encode(void *state, const int16_t *pcm, size_t count, uint8_t *payload, size_t capacity)
{
    if (count > MAX_SAMPLES)
        return SFM_ERROR_LENGTH;
    int32_t room = capacity < MAX_FRAME_BYTES ? (int32_t)capacity : MAX_FRAME_BYTES;
    encode_function call = (encode_function)library_of(state)->encode;
    int32_t length = call(inner(state), pcm, (int)count, payload, room);
    if (length < 0)
        return error_of(length);
    /* A packet of one or two bytes is one that need not be sent (opus_encode). */
    return length <= 2 && ((const head *)state)->settings->dtx ? 0 : length;
}

static int decode_with(void *state, const uint8_t *payload, size_t length, int16_t *pcm, size_t count, int fec)
{
    decode_function call = (decode_function)library_of(state)->decode;
    int room = count < MAX_SAMPLES ? (int)count : MAX_SAMPLES;
    int decoded = call(inner(state), payload, (int32_t)length, pcm, room, fec);
    return decoded < 0 ? error_of(decoded) : decoded;
}

static int decode(void *state, const uint8_t *payload, size_t length, int16_t *pcm, size_t capacity)
{
    if (length == 0 || length > INT32_MAX)
        return SFM_ERROR_LENGTH;
    return decode_with(state, payload, length, pcm, capacity, 0);
}

static int conceal(void *state, const uint8_t *next, size_t next_length, int16_t *pcm, size_t count)
{
    if (count == 0 || count % STEP != 0 || count > MAX_SAMPLES)
        return SFM_ERROR_LENGTH;
    int use_copy = next != NULL && next_length > 0 && next_length <= INT32_MAX;
    return decode_with(state, use_copy ? next : NULL, use_copy ? next_length : 0, pcm, count, use_copy);
}

static int duration_ts(const sfm_codec *codec, const uint8_t *payload, size_t length)
{
    const sfm_opus_settings *settings = codec->settings;
    if (length == 0)
        return 0;
    samples_function call = (samples_function)settings->library.packet_get_nb_samples;
    int samples = length > INT32_MAX ? -1 : call(payload, (int32_t)length, RATE);
    return samples < 0 ? SFM_ERROR_LENGTH : samples;
}

/* Frames of the longest length that divides the packet, each of them CELT's two bytes of silence; configurations 29 to
 * 31 are full band of 5, 10 and 20 ms, code 3 is any number of frames of one size (RFC 6716 sections 3.1 and 3.2.5). */
static int silent_packet(size_t count, uint8_t *payload, size_t capacity)
{
    size_t frame = count % (8 * STEP) == 0 ? 8 * STEP : count % (4 * STEP) == 0 ? 4 * STEP : 2 * STEP;
    size_t frames = count / frame;
    uint8_t configuration = frame == 8 * STEP ? 31 : frame == 4 * STEP ? 30 : 29;
    if (count > MAX_SAMPLES || 2 + 2 * frames > capacity)
        return SFM_ERROR_SPACE;
    payload[0] = (uint8_t)(configuration << 3 | 3);
    payload[1] = (uint8_t)frames;
    for (size_t i = 0; i < frames; i++) {
        payload[2 + 2 * i] = 0xFF;
        payload[3 + 2 * i] = 0xFE;
    }
    return (int)(2 + 2 * frames);
}

static int is_complete(const sfm_opus_library *library)
{
    return library->encoder_get_size && library->encoder_init && library->encoder_ctl && library->encode &&
           library->decoder_get_size && library->decoder_init && library->decode && library->packet_get_nb_samples;
}

static size_t state_bytes(uintptr_t get_size, int channels)
{
    return sizeof(head) + (size_t)((get_size_function)get_size)(channels);
}

int sfm_opus_codec(const sfm_opus_settings *settings, sfm_codec *out)
{
    if (!is_complete(&settings->library) || settings->channels < 1 || settings->channels > 2)
        return SFM_ERROR_ARGUMENT;
    *out = (sfm_codec){
        .name = "opus",
        .clock_rate = RATE,
        .sample_rate = RATE,
        .channels = 2,
        .encoded_channels = (uint8_t)settings->channels,
        .decoded_channels = (uint8_t)settings->channels,
        .static_payload_type = 255,
        .frame_samples = 2 * STEP,
        .max_bytes_per_second = 510000 / 8,
        .silence_interval_ms = settings->dtx ? 400 : 0, /* as libopus does within audio that it encodes */
        .encoder_bytes = state_bytes(settings->library.encoder_get_size, settings->channels),
        .decoder_bytes = state_bytes(settings->library.decoder_get_size, settings->channels),
        .settings = settings,
        .encoder_init = encoder_init,
        .decoder_init = decoder_init,
        .encode = encode,
        .decode = decode,
        .conceal = conceal,
        .duration_ts = duration_ts,
        .silent_packet = silent_packet,
    };
    return SFM_OK;
}
