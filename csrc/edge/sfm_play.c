#include "sfm_play.h"

#include <string.h>

#include "sfm_outgoing.h"

static uint32_t rate_of(const sfm_prompt *prompt) { return sfm_prompt_codec(prompt)->sample_rate; }

static uint64_t length_of_play(const sfm_prompt *prompt, uint32_t times, uint64_t limit_ms) {
    uint64_t by_times = times * sfm_prompt_samples(prompt);
    uint64_t by_limit = limit_ms * rate_of(prompt) / 1000;
    return by_times != 0 && (by_limit == 0 || by_times < by_limit) ? by_times : by_limit;
}

void sfm_play_start(sfm_play *play, const sfm_prompt *prompt, uint64_t job, uint32_t times, uint64_t limit_ms) {
    *play = (sfm_play){.prompt = prompt, .job = job, .times = times, .limit_ms = limit_ms};
    play->total = length_of_play(prompt, times, limit_ms);
}

bool sfm_play_done(const sfm_play *play) { return play->total != 0 && play->played >= play->total; }

bool sfm_play_broken(const sfm_play *play) {
    return !sfm_play_done(play) && sfm_prompt_sealed(play->prompt) && play->position >= sfm_prompt_ready(play->prompt);
}

/* In whole milliseconds: those hold whole frames at every rate. */
static uint64_t at_rate(uint64_t samples, const sfm_prompt *from, const sfm_prompt *to) {
    return samples * 1000 / rate_of(from) * rate_of(to) / 1000;
}

/* What cannot be cut: a packet that was encoded as one, or a frame. */
static uint32_t whole_samples(const sfm_prompt *prompt) {
    uint32_t packet = sfm_prompt_packet_samples(prompt);
    return packet != 0 ? packet : sfm_prompt_codec(prompt)->frame_samples;
}

void sfm_play_swap(sfm_play *play, const sfm_prompt *prompt) {
    play->position = at_rate(play->position, play->prompt, prompt) % sfm_prompt_samples(prompt);
    play->position -= play->position % whole_samples(prompt);
    play->played = at_rate(play->played, play->prompt, prompt);
    play->missed = at_rate(play->missed, play->prompt, prompt);
    play->total = length_of_play(prompt, play->times, play->limit_ms);
    play->prompt = prompt;
}

uint64_t sfm_play_elapsed_ms(const sfm_play *play) { return play->played * 1000 / rate_of(play->prompt); }

uint64_t sfm_play_missed_ms(const sfm_play *play) { return play->missed * 1000 / rate_of(play->prompt); }

uint64_t sfm_play_total_ms(const sfm_play *play) { return play->total * 1000 / rate_of(play->prompt); }

/* --- streams of frames ------------------------------------------------------------------------------------------- */

/* How many samples can be copied in one piece: up to the prompt's end, the play's end, or what is wanted; whole frames,
 * at least one. */
static size_t next_piece(const sfm_play *play, size_t wanted) {
    uint64_t piece = sfm_prompt_samples(play->prompt) - play->position;
    uint32_t frame = sfm_prompt_codec(play->prompt)->frame_samples;
    if (play->total != 0 && play->total - play->played < piece) {
        piece = (play->total - play->played + frame - 1) / frame * frame;
    }
    return piece < wanted ? (size_t)piece : wanted;
}

static void count_missed(sfm_play *play, size_t count) {
    uint64_t ready = sfm_prompt_ready(play->prompt);
    uint64_t heard = ready > play->position ? ready - play->position : 0;
    play->missed += heard < count ? count - heard : 0;
}

static void advance(sfm_play *play, size_t count) {
    play->position = (play->position + count) % sfm_prompt_samples(play->prompt);
    play->played += count;
}

static size_t copy_samples(sfm_play *play, uint8_t *payload, size_t count) {
    size_t copied = 0;
    size_t bytes = 0;
    while (copied < count && !sfm_play_done(play)) {
        size_t piece = next_piece(play, count - copied);
        bytes += sfm_prompt_copy(play->prompt, play->position, piece, payload + bytes);
        count_missed(play, piece);
        advance(play, piece);
        copied += piece;
    }
    return copied;
}

static void transcode(const sfm_codec *from, const sfm_codec *to, const uint8_t *source, uint8_t *payload,
                      size_t count) {
    int16_t pcm[SFM_MAX_SAMPLE_RATE / 1000 * SFM_MAX_PTIME_MS];
    (void)sfm_codec_decode(from, NULL, source, sfm_codec_bytes(from, count), pcm, sizeof pcm / sizeof pcm[0]);
    (void)sfm_codec_encode(to, NULL, pcm, count, payload, sfm_codec_bytes(to, count));
}

static bool is_stateless(const sfm_codec *codec) {
    return codec->decoder_bytes == 0 && codec->encoder_bytes == 0 && codec->decode != NULL && codec->encode != NULL &&
           codec->frame_samples == 1;
}

static bool can_transcode(const sfm_codec *from, const sfm_codec *to) {
    return is_stateless(from) && is_stateless(to) && from->sample_rate == to->sample_rate;
}

/* --- any prompt -------------------------------------------------------------------------------------------------- */

static void pass_time(sfm_play *play, size_t count) {
    while (count > 0 && !sfm_play_done(play)) {
        size_t piece = next_piece(play, count);
        advance(play, piece);
        count -= piece;
    }
}

/* Packets have the packet time that they were encoded for; after a change of it they cannot be sent. */
static size_t next_packet(sfm_play *play, uint8_t *payload, size_t count, size_t silence) {
    const uint8_t *packet = NULL;
    size_t length = sfm_prompt_packet(play->prompt, play->position, &packet);
    bool fits = packet != NULL && sfm_prompt_packet_samples(play->prompt) == count && play->position % count == 0;
    if (fits) {
        memcpy(payload, packet, length);
    }
    uint64_t left = sfm_prompt_samples(play->prompt) - play->position;
    count_missed(play, left < count ? (size_t)left : count);
    advance(play, left < count ? (size_t)left : count);
    return fits ? length : silence;
}

size_t sfm_play_next(sfm_play *play, const sfm_codec *codec, uint8_t *payload, uint32_t ptime_ms) {
    const sfm_codec *encoded = sfm_prompt_codec(play->prompt);
    size_t count = encoded->sample_rate / 1000 * ptime_ms;
    int silence = sfm_codec_silence(codec, codec->sample_rate / 1000 * ptime_ms, payload, SFM_MAX_PAYLOAD_BYTES);
    size_t bytes = silence > 0 ? (size_t)silence : 0;
    if (encoded == codec && sfm_prompt_packet_samples(play->prompt) != 0) {
        return next_packet(play, payload, count, bytes);
    }
    if (encoded == codec) {
        size_t copied = copy_samples(play, payload, count);
        return bytes > 0 ? bytes : sfm_codec_bytes(codec, copied);
    }
    if (can_transcode(encoded, codec)) {
        uint8_t source[SFM_MAX_PAYLOAD_BYTES];
        transcode(encoded, codec, source, payload, copy_samples(play, source, count));
        return bytes;
    }
    pass_time(play, count);
    return bytes;
}
