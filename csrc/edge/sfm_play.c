#include "sfm_play.h"

#include <string.h>

size_t sfm_payload_bytes(const sfm_codec *codec, size_t count) {
    return count * (codec->max_bytes_per_second / codec->sample_rate);
}

size_t sfm_payload_silence(const sfm_codec *codec, uint8_t *payload, size_t count) {
    size_t bytes = sfm_payload_bytes(codec, count);
    memset(payload, codec->silence, bytes);
    return bytes;
}

void sfm_play_start(sfm_play *play, const sfm_prompt *prompt, uint64_t job, uint32_t times, uint64_t limit_ms) {
    uint64_t by_times = times * sfm_prompt_samples(prompt);
    uint64_t by_limit = limit_ms * sfm_prompt_codec(prompt)->sample_rate / 1000;
    uint64_t total = by_times != 0 && (by_limit == 0 || by_times < by_limit) ? by_times : by_limit;
    *play = (sfm_play){.prompt = prompt, .job = job, .total = total};
}

bool sfm_play_done(const sfm_play *play) { return play->total != 0 && play->played >= play->total; }

/* How many samples can be copied in one piece: up to the prompt's end, the play's end, or what is wanted. */
static size_t next_piece(const sfm_play *play, size_t wanted) {
    uint64_t piece = sfm_prompt_samples(play->prompt) - play->position;
    if (play->total != 0 && play->total - play->played < piece) {
        piece = play->total - play->played;
    }
    return piece < wanted ? (size_t)piece : wanted;
}

static size_t copy_samples(sfm_play *play, uint8_t *payload, size_t count) {
    size_t copied = 0;
    size_t bytes = 0;
    while (copied < count && !sfm_play_done(play)) {
        size_t piece = next_piece(play, count - copied);
        bytes += sfm_prompt_copy(play->prompt, play->position, piece, payload + bytes);
        play->position = (play->position + piece) % sfm_prompt_samples(play->prompt);
        play->played += piece;
        copied += piece;
    }
    return copied;
}

enum { MAX_FRAME_SAMPLES = 48 * 120, MAX_FRAME_BYTES = 2 * MAX_FRAME_SAMPLES };

static void transcode(const sfm_codec *from, const sfm_codec *to, const uint8_t *source, uint8_t *payload,
                      size_t count) {
    int16_t pcm[MAX_FRAME_SAMPLES];
    (void)from->decode(NULL, source, sfm_payload_bytes(from, count), pcm, MAX_FRAME_SAMPLES);
    (void)to->encode(NULL, pcm, count, payload, sfm_payload_bytes(to, count));
}

size_t sfm_play_next(sfm_play *play, const sfm_codec *codec, uint8_t *payload, size_t count) {
    const sfm_codec *encoded = sfm_prompt_codec(play->prompt);
    size_t bytes = sfm_payload_silence(codec, payload, count);
    if (encoded == codec) {
        copy_samples(play, payload, count);
    } else {
        uint8_t source[MAX_FRAME_BYTES];
        transcode(encoded, codec, source, payload, copy_samples(play, source, count));
    }
    return bytes;
}
