#include "sfm_plc.h"

#include <stdlib.h>
#include <string.h>

#include "sfm_error.h"
#include "sfm_warm.h"

/* All lengths follow from the sample rate. Times in 1/8 ms, which are samples at 8 kHz. */
#define SHORTEST_PITCH 40    /* 5 ms: 200 Hz */
#define LONGEST_PITCH 120    /* 15 ms: 67 Hz */
#define CORRELATION 160      /* 20 ms are compared to find the pitch */
#define HISTORY 400          /* 50 ms: three of the longest periods and a quarter */
#define STAGE 80             /* 10 ms: then one more period is taken in */
#define SILENT_AFTER 480     /* 60 ms */
#define CROSSFADE 32         /* 4 ms */
#define MAX_PERIODS 3
#define ROOM 3
#define MAX_RATE 48000

struct sfm_plc {
    uint32_t scale;        /* samples in 1/8 ms: 1 at 8 kHz */
    uint32_t length;       /* samples of history */
    uint32_t pitch;        /* samples; found at the start of a concealment */
    uint32_t concealed;    /* samples made since the last received one; 0 while all is well */
    int32_t step;          /* what is added to the first repeated sample to meet the last heard one */
    uint32_t heard_end;    /* samples in `heard`, the last `length` of which are the history, oldest first */
    int16_t *heard;        /* room for ROOM times `length`: the history moves up in it and is rarely moved back */
    int16_t *frozen;       /* a copy from the moment the concealment began */
};

static int is_rate(uint32_t sample_rate)
{
    return sample_rate >= 8000 && sample_rate <= MAX_RATE && sample_rate % 8000 == 0;
}

int sfm_plc_create(uint32_t sample_rate, sfm_plc **out)
{
    if (!is_rate(sample_rate))
        return SFM_ERROR_ARGUMENT;
    uint32_t longest = HISTORY * (MAX_RATE / 8000);
    /* Room for the highest rate; what a lower one leaves over is never written to, and so no page of the process. */
    sfm_plc *plc = malloc(sizeof *plc + (ROOM + 1) * longest * sizeof(int16_t));
    if (plc == NULL)
        return SFM_ERROR_MEMORY;
    *plc = (sfm_plc){.heard = (int16_t *)(void *)(plc + 1)};
    sfm_plc_set_rate(plc, sample_rate);
    *out = plc;
    return SFM_OK;
}

int sfm_plc_set_rate(sfm_plc *plc, uint32_t sample_rate)
{
    if (!is_rate(sample_rate))
        return SFM_ERROR_ARGUMENT;
    plc->scale = sample_rate / 8000;
    plc->length = HISTORY * plc->scale;
    plc->frozen = plc->heard + (size_t)ROOM * plc->length;
    sfm_plc_reset(plc);
    return SFM_OK;
}

void sfm_plc_destroy(sfm_plc *plc)
{
    free(plc);
}

/* The state, and where the next samples go: the place is guessed, because the state is cold. */
void sfm_plc_warm(const sfm_plc *plc)
{
    sfm_warm(plc, sizeof *plc);
}

void sfm_plc_reset(sfm_plc *plc)
{
    memset(plc->heard, 0, plc->length * sizeof(int16_t));
    plc->heard_end = plc->length;
    plc->concealed = 0;
}

static const int16_t *history(const sfm_plc *plc)
{
    return plc->heard + plc->heard_end - plc->length;
}

static void remember(sfm_plc *plc, const int16_t *pcm, size_t count)
{
    size_t length = plc->length;
    if (count >= length) {
        memcpy(plc->heard, pcm + count - length, length * sizeof(int16_t));
        plc->heard_end = plc->length;
        return;
    }
    if (plc->heard_end + count > ROOM * length) {
        memmove(plc->heard, plc->heard + plc->heard_end + count - length, (length - count) * sizeof(int16_t));
        plc->heard_end = (uint32_t)(length - count);
    }
    memcpy(plc->heard + plc->heard_end, pcm, count * sizeof(int16_t));
    plc->heard_end += (uint32_t)count;
}

static int16_t saturate(int64_t sample)
{
    if (sample > INT16_MAX)
        return INT16_MAX;
    return sample < INT16_MIN ? INT16_MIN : (int16_t)sample;
}

/* How alike the last 20 ms and the 20 ms that end `lag` samples earlier are: sign(c) * c * c / energy, from every
 * `stride`th sample. */
static double likeness(const sfm_plc *plc, uint32_t lag, uint32_t stride)
{
    uint32_t count = CORRELATION * plc->scale;
    const int16_t *recent = plc->frozen + plc->length - count;
    const int16_t *earlier = recent - lag;
    int64_t correlation = 0;
    int64_t energy = 1;
    for (uint32_t i = 0; i < count; i += stride) {
        correlation += (int32_t)recent[i] * earlier[i];
        energy += (int32_t)earlier[i] * earlier[i];
    }
    double c = (double)correlation;
    return c < 0 ? -c * c / (double)energy : c * c / (double)energy;
}

static uint32_t best_lag(const sfm_plc *plc, uint32_t from, uint32_t to, uint32_t stride)
{
    uint32_t best = from;
    double best_likeness = likeness(plc, from, stride);
    for (uint32_t lag = from + stride; lag <= to; lag += stride) {
        double here = likeness(plc, lag, stride);
        if (here > best_likeness) {
            best_likeness = here;
            best = lag;
        }
    }
    return best;
}

/* Coarse on every second sample of 8 kHz, then fine around the best: less than a third of the multiplications. */
static uint32_t find_pitch(const sfm_plc *plc)
{
    uint32_t shortest = SHORTEST_PITCH * plc->scale;
    uint32_t longest = LONGEST_PITCH * plc->scale;
    uint32_t stride = 2 * plc->scale;
    uint32_t coarse = best_lag(plc, shortest, longest, stride);
    uint32_t from = coarse - shortest < stride ? shortest : coarse - stride + 1;
    uint32_t to = longest - coarse < stride ? longest : coarse + stride - 1;
    return best_lag(plc, from, to, 1);
}

/* Sample `at` of an endless repetition of the last `periods` periods. Over the last quarter of a period before the seam
 * the loop turns into what stood in front of its own beginning, so that it closes without a click. */
static int64_t looped(const sfm_plc *plc, uint32_t periods, uint32_t at)
{
    uint32_t loop = periods * plc->pitch;
    uint32_t quarter = plc->pitch / 4;
    uint32_t offset = at % loop;
    const int16_t *begin = plc->frozen + plc->length - loop;
    uint32_t left = loop - offset;
    if (left > quarter)
        return begin[offset];
    int64_t before = begin[-(int64_t)left];
    return (begin[offset] * (int64_t)left + before * (int64_t)(quarter - left)) / (int64_t)quarter;
}

/* One period for 10 ms, two up to 20 ms, then three, with the same place in the period; a quarter period of overlap
 * where the next one is taken in. */
static int64_t repeated(const sfm_plc *plc, uint32_t at)
{
    uint32_t stage = STAGE * plc->scale;
    uint32_t quarter = plc->pitch / 4;
    uint32_t periods = at / stage + 1;
    if (periods > MAX_PERIODS)
        periods = MAX_PERIODS;
    int64_t sample = looped(plc, periods, at);
    uint32_t since = at - (periods - 1) * stage;
    if (periods == 1 || since >= quarter)
        return sample;
    int64_t before = looped(plc, periods - 1, at);
    return (sample * (int64_t)since + before * (int64_t)(quarter - since)) / (int64_t)quarter;
}

/* Sample `at` of the concealment: the repetition, led away from the last heard sample, fading from 10 ms on. */
static int16_t concealed_sample(const sfm_plc *plc, uint32_t at)
{
    int64_t full = STAGE * (int64_t)plc->scale;
    int64_t silent = SILENT_AFTER * (int64_t)plc->scale;
    if (at >= silent)
        return 0;
    int64_t sample = repeated(plc, at);
    int64_t lead = plc->pitch / 4;
    if (at < lead)
        sample += plc->step * (lead - at) / lead;
    if (at > full)
        sample = sample * (silent - at) / (silent - full);
    return saturate(sample);
}

static void begin_concealment(sfm_plc *plc)
{
    memcpy(plc->frozen, history(plc), plc->length * sizeof(int16_t));
    plc->pitch = find_pitch(plc);
    const int16_t *end = plc->frozen + plc->length;
    plc->step = end[-1] - end[-1 - (int64_t)plc->pitch];
}

void sfm_plc_conceal(sfm_plc *plc, int16_t *pcm, size_t count)
{
    if (plc->concealed == 0 && count > 0)
        begin_concealment(plc);
    uint32_t end = SILENT_AFTER * plc->scale;
    for (size_t i = 0; i < count; i++) {
        pcm[i] = concealed_sample(plc, plc->concealed);
        if (plc->concealed < end)
            plc->concealed++;
    }
    remember(plc, pcm, count);
}

void sfm_plc_receive(sfm_plc *plc, int16_t *pcm, size_t count)
{
    int64_t fade = CROSSFADE * (int64_t)plc->scale;
    if (plc->concealed > 0 && count > 0) {
        for (int64_t i = 0; i < fade && i < (int64_t)count; i++) {
            int64_t made = concealed_sample(plc, plc->concealed + (uint32_t)i);
            pcm[i] = (int16_t)((pcm[i] * (i + 1) + made * (fade - i)) / (fade + 1));
        }
        plc->concealed = 0;
    }
    remember(plc, pcm, count);
}

void sfm_plc_silence(sfm_plc *plc, int16_t *pcm, size_t count)
{
    memset(pcm, 0, count * sizeof(int16_t));
    sfm_plc_receive(plc, pcm, count);
}
