/* A playout from inside: what its two files share, and nobody else includes.
 *
 *   sfm_playout.c       life, codecs, packets come in
 *   sfm_playout_read.c  samples go out: decoded, brought to one rate, concealed, paused */
#ifndef SFM_PLAYOUT_INSIDE_H
#define SFM_PLAYOUT_INSIDE_H

#include <stddef.h>
#include <string.h>

#include "sfm_plc.h"
#include "sfm_playout.h"
#include "sfm_random.h"
#include "sfm_resampler.h"

#define MAX_CODECS 8
#define MAX_PACKET_MS 120
#define MAX_PACKET_SAMPLES (SFM_MAX_SAMPLE_RATE / 1000 * MAX_PACKET_MS)
#define NO_NOISE 127

/* A table of its own beside the decoders' states: whoever looks a payload type up for every packet of thousands of
 * calls should find all of them in two cache lines. */
typedef struct entry {
    const sfm_codec *codec; /* NULL: free */
    void *state;
    uint8_t payload_type;
} entry;

/* Samples of each channel for itself; `right` is NULL where there is one only. */
typedef struct planes {
    int16_t *left;
    int16_t *right;
} planes;

/* What a playout has for its one channel, for a second one; and room for what a codec gives interleaved. */
struct sfm_playout_right {
    sfm_plc *plc;
    sfm_resampler resampler; /* set up when the left one is */
    int16_t piece[MAX_PACKET_SAMPLES];
    int16_t decoded[MAX_PACKET_SAMPLES];
    int16_t interleaved[2 * MAX_PACKET_SAMPLES];
};

struct sfm_playout {
    sfm_jitter *jitter;
    sfm_plc *plc;
    sfm_playout_right *right; /* NULL: one channel */
    uint32_t clock_rate;
    uint32_t sample_rate;
    size_t rest_offset;      /* of the piece in `piece`, what was not read yet */
    size_t rest_count;
    int rest_content;
    sfm_playout_sink sink; /* NULL: nobody keeps what only passes through */
    void *sink_context;
    entry codecs[MAX_CODECS];
    entry *playing;          /* whose packet was decoded last; NULL before the first */
    double noise_amplitude;  /* 0: pauses are silent */
    uint32_t noise_timestamp; /* RTP timestamp from which on they are not */
    sfm_random random;
    uint32_t resampled_rate; /* rate that `resampler` takes; 0: it was never set up */
    sfm_resampler resampler;
    int16_t piece[MAX_PACKET_SAMPLES];
    int16_t decoded[MAX_PACKET_SAMPLES]; /* before its rate is changed */
    const entry *passed;     /* whose packet was shown last; NULL: none before which time could be missing */
    uint32_t passed_end;     /* timestamp behind it */
};

static inline planes piece_of(sfm_playout *playout)
{
    return (planes){playout->piece, playout->right ? playout->right->piece : NULL};
}

static inline planes beyond(planes at, size_t count)
{
    return (planes){at.left + count, at.right ? at.right + count : NULL};
}

/* What has one channel is heard on both. */
static inline void copy_to_right(planes at, size_t count)
{
    if (at.right)
        memcpy(at.right, at.left, count * sizeof(int16_t));
}

static inline int is_wide(const sfm_codec *codec)
{
    return codec->decoded_channels > 1;
}

static inline entry *find_entry(sfm_playout *playout, uint8_t payload_type)
{
    for (size_t i = 0; i < MAX_CODECS; i++)
        if (playout->codecs[i].codec && playout->codecs[i].payload_type == payload_type)
            return &playout->codecs[i];
    return NULL;
}

#endif
