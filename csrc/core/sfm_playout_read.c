#include <math.h>
#include <string.h>

#include "sfm_channels.h"
#include "sfm_error.h"
#include "sfm_playout_inside.h"
#include "sfm_sequence.h"

static void show_received(sfm_playout *playout, planes at, size_t count)
{
    sfm_plc_receive(playout->plc, at.left, count);
    if (at.right)
        sfm_plc_receive(playout->right->plc, at.right, count);
}

static void make_up(sfm_playout *playout, planes at, size_t count)
{
    sfm_plc_conceal(playout->plc, at.left, count);
    if (at.right)
        sfm_plc_conceal(playout->right->plc, at.right, count);
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

/* Those of both channels are set up together. */
static sfm_resampler *resampler_from(sfm_playout *playout, uint32_t rate)
{
    if (playout->resampled_rate != rate) {
        (void)sfm_resampler_init(&playout->resampler, rate, playout->sample_rate); /* set_codec took no other rates */
        if (playout->right)
            playout->right->resampler = playout->resampler;
    }
    playout->resampled_rate = rate;
    return &playout->resampler;
}

/* Brings `count` samples of the codec's rate from `decoded` to `piece`; returns how many they are there. */
static size_t to_own_rate(sfm_playout *playout, const sfm_codec *codec, size_t count)
{
    sfm_resampler *resampler = resampler_from(playout, codec->sample_rate);
    sfm_playout_right *right = playout->right;
    if (right && is_wide(codec))
        (void)sfm_resample(&right->resampler, right->decoded, count, right->piece);
    size_t made = sfm_resample(resampler, playout->decoded, count, playout->piece);
    if (right && !is_wide(codec)) {
        right->resampler = playout->resampler; /* as if it had heard the same */
        copy_to_right(piece_of(playout), made);
    }
    return made;
}

/* Where a codec puts its samples: one channel goes to where it is wanted if nothing is done to it in between. */
static int16_t *decoding_place(sfm_playout *playout, const sfm_codec *codec, int16_t *wanted)
{
    if (is_wide(codec))
        return playout->right->interleaved;
    return codec->sample_rate == playout->sample_rate ? wanted : playout->decoded;
}

/* Brings `count` samples from the decoding place to the wanted one, in all channels; returns how many they are there, at
 * most `room` of them. What changes its rate is wanted in `piece`. */
static size_t place_decoded(sfm_playout *playout, const sfm_codec *codec, planes wanted, size_t count, size_t room)
{
    int own_rate = codec->sample_rate == playout->sample_rate;
    sfm_playout_right *right = playout->right;
    if (own_rate && count > room)
        count = room;
    if (is_wide(codec))
        sfm_split_channels(right->interleaved, own_rate ? wanted.left : playout->decoded,
                           own_rate ? wanted.right : right->decoded, count);
    else if (own_rate)
        copy_to_right(wanted, count);
    return own_rate ? count : to_own_rate(playout, codec, count);
}

/* Into `wanted`, which has room for `room` samples of the playout's rate. */
static size_t decoded_samples(sfm_playout *playout, const entry *known, const sfm_jitter_piece *packet, planes wanted,
                              size_t room)
{
    int16_t *pcm = decoding_place(playout, known->codec, wanted.left);
    int decoded = sfm_codec_decode(known->codec, known->state, packet->payload, packet->payload_length, pcm,
                                   pcm == wanted.left ? room : MAX_PACKET_SAMPLES);
    return decoded > 0 ? place_decoded(playout, known->codec, wanted, (size_t)decoded, room) : 0;
}

static void keep_rest(sfm_playout *playout, size_t count, int content)
{
    playout->rest_offset = 0;
    playout->rest_count = count;
    playout->rest_content = content;
}

static int only_passes(const entry *known)
{
    return known != NULL && known->codec->decode == NULL;
}

/* A packet that nobody here decodes has its time like any other, and no sound. */
static int pass_over(sfm_playout *playout, const entry *known, const sfm_jitter_piece *packet, planes wanted,
                     size_t duration)
{
    if (playout->sink) {
        int32_t missing = (int32_t)(packet->timestamp - playout->passed_end);
        if (playout->passed == known && missing > 0)
            playout->sink(playout->sink_context, known->codec, NULL, (size_t)missing);
        playout->sink(playout->sink_context, known->codec, packet->payload, packet->payload_length);
        playout->passed = known;
        playout->passed_end = packet->timestamp + packet->duration_ts;
    }
    sfm_plc_silence(playout->plc, wanted.left, duration);
    if (wanted.right)
        sfm_plc_silence(playout->right->plc, wanted.right, duration);
    return SFM_PLAYOUT_UNKNOWN;
}

/* Decodes a packet of `duration` samples. What a broken payload leaves open is concealed, so that the time line keeps its
 * length. Returns what it is now. */
static int decode_into(sfm_playout *playout, entry *known, const sfm_jitter_piece *packet, planes wanted, size_t room,
                       size_t duration)
{
    playout->playing = known;
    if (only_passes(known))
        return pass_over(playout, known, packet, wanted, duration);
    playout->passed = NULL;
    /* The codec may have been taken away meanwhile. */
    size_t good = known ? decoded_samples(playout, known, packet, wanted, room) : 0;
    if (good > duration)
        good = duration;
    show_received(playout, wanted, good);
    make_up(playout, beyond(wanted, good), duration - good);
    if ((int32_t)(packet->timestamp - playout->noise_timestamp) >= 0)
        playout->noise_amplitude = 0; /* older audio may still have waited when the noise was described */
    return good > 0 ? SFM_PLAYOUT_AUDIO : SFM_PLAYOUT_CONCEALED;
}

/* Decodes a packet and makes it the rest; but a packet that is as long as what is wanted goes straight to where it is
 * wanted, as nearly all do: the memory between is cold. Returns the number of samples that are in `out` now. */
static size_t decode(sfm_playout *playout, const sfm_jitter_piece *packet, planes out, size_t wanted)
{
    entry *known = find_entry(playout, packet->payload_type);
    size_t duration = samples_from_ts(playout, packet->duration_ts);
    int has_place = known && known->codec->sample_rate == playout->sample_rate && (out.right || !playout->right);
    if (has_place && duration == wanted) {
        keep_rest(playout, 0, decode_into(playout, known, packet, out, wanted, duration));
        return duration;
    }
    keep_rest(playout, duration, decode_into(playout, known, packet, piece_of(playout), MAX_PACKET_SAMPLES, duration));
    return 0;
}

/* The packet behind a hole, when it is the hole's end that is being filled and the same codec's. */
static int find_next(const sfm_playout *playout, sfm_jitter_piece *next)
{
    return sfm_jitter_gap_ts(playout->jitter) == 0 && sfm_jitter_peek(playout->jitter, next) &&
           next->payload_type == playout->playing->payload_type;
}

/* Lets the codec make up what is missing; 0 when it cannot. */
static int conceal_by_codec(sfm_playout *playout, size_t duration)
{
    const entry *known = playout->playing;
    if (known == NULL || known->codec->conceal == NULL)
        return 0;
    sfm_jitter_piece next = {0};
    int has_next = find_next(playout, &next);
    size_t count = duration * known->codec->sample_rate / playout->sample_rate;
    int made = known->codec->conceal(known->state, has_next ? next.payload : NULL, next.payload_length,
                                     decoding_place(playout, known->codec, playout->piece), count);
    if (made != (int)count)
        return 0;
    place_decoded(playout, known->codec, piece_of(playout), count, MAX_PACKET_SAMPLES);
    show_received(playout, piece_of(playout), duration);
    return 1;
}

static void make_pause(sfm_playout *playout, size_t duration)
{
    if (playout->noise_amplitude <= 0) {
        sfm_plc_silence(playout->plc, playout->piece, duration);
        if (playout->right)
            sfm_plc_silence(playout->right->plc, playout->right->piece, duration);
        return;
    }
    for (size_t i = 0; i < duration; i++) {
        double even = (double)(sfm_random_next(&playout->random) >> 32) / 2147483648.0 - 1.0;
        playout->piece[i] = (int16_t)lrint(fmin(playout->noise_amplitude, 32767.0) * even);
    }
    copy_to_right(piece_of(playout), duration);
    show_received(playout, piece_of(playout), duration);
}

/* Fills time without a packet. A clock finer than the samples may give none. */
static void fill(sfm_playout *playout, const sfm_jitter_piece *piece)
{
    size_t duration = samples_from_ts(playout, piece->duration_ts);
    int is_pause = piece->kind == SFM_JITTER_SILENCE && playout->noise_amplitude <= 0;
    int by_codec = (piece->kind == SFM_JITTER_CONCEAL || is_pause) && conceal_by_codec(playout, duration);
    if (!by_codec && piece->kind == SFM_JITTER_CONCEAL)
        make_up(playout, piece_of(playout), duration);
    else if (!by_codec)
        make_pause(playout, duration);
    int content = piece->kind == SFM_JITTER_CONCEAL   ? SFM_PLAYOUT_CONCEALED
                  : piece->kind == SFM_JITTER_SILENCE ? SFM_PLAYOUT_SILENCE
                                                      : SFM_PLAYOUT_WAITING;
    keep_rest(playout, duration, content | (only_passes(playout->playing) ? SFM_PLAYOUT_UNKNOWN : 0));
}

static size_t take_rest(sfm_playout *playout, planes out, size_t count)
{
    size_t taken = count < playout->rest_count ? count : playout->rest_count;
    memcpy(out.left, playout->piece + playout->rest_offset, taken * sizeof(int16_t));
    if (out.right)
        memcpy(out.right, playout->right->piece + playout->rest_offset, taken * sizeof(int16_t));
    playout->rest_offset += taken;
    playout->rest_count -= taken;
    return taken;
}

/* What to ask the jitter buffer for: no more than is needed, nor than a packet holds. But a codec that conceals by
 * itself gets the whole hole, because the copy in the packet behind it is that of a whole packet. */
static uint32_t wanted_ts(const sfm_playout *playout, size_t count)
{
    uint32_t longest = playout->clock_rate / 1000 * MAX_PACKET_MS;
    uint32_t needed = ts_from_samples(playout, count);
    int64_t gap = playout->playing && playout->playing->codec->conceal ? sfm_jitter_gap_ts(playout->jitter) : -1;
    if (gap > (int64_t)needed && gap <= (int64_t)longest)
        needed = (uint32_t)gap;
    return needed < longest ? needed : longest;
}

int sfm_playout_read(sfm_playout *playout, int64_t now_ns, int16_t *pcm, size_t count)
{
    return sfm_playout_read_both(playout, now_ns, pcm, NULL, count);
}

int sfm_playout_read_both(sfm_playout *playout, int64_t now_ns, int16_t *left, int16_t *right, size_t count)
{
    if (right && playout->right == NULL)
        return SFM_ERROR_ARGUMENT;
    planes out = {left, right};
    int content = playout->rest_count > 0 ? playout->rest_content : 0;
    size_t done = take_rest(playout, out, count);
    while (done < count) {
        sfm_jitter_piece piece;
        int64_t when_ns = now_ns + sfm_ns_from_ts((int64_t)done, playout->sample_rate);
        int kind = sfm_jitter_get(playout->jitter, when_ns, wanted_ts(playout, count - done), &piece);
        if (kind < 0)
            return kind;
        if (kind == SFM_JITTER_PACKET)
            done += decode(playout, &piece, beyond(out, done), count - done);
        else
            fill(playout, &piece);
        content |= playout->rest_content;
        done += take_rest(playout, beyond(out, done), count - done);
    }
    return content;
}
