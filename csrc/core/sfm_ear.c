#include "sfm_ear.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sfm_error.h"
#include "sfm_level.h"
#include "sfm_spectrum.h"

enum {
    BANDS_WINDOW = 512,
    PEAKS_WINDOW = 1024,
    MAX_FACTOR = 6,
    TAPS_PER_FACTOR = 16,
    MAX_TAPS = MAX_FACTOR * TAPS_PER_FACTOR,
    MAX_HISTORY_MS = 3600000,
    LOWEST_PEAK_BIN = 8,   /* 62 Hz: mains hum is no tone */
    PEAK_REACH = 2,        /* bins beside a peak that belong to it: the main lobe of the window */
    PEAK_APART = 3,        /* bins beside the first peak where the second is not looked for */
};

/* Bounds of the bands, in bins of 15.6 Hz: 203 Hz to 3500 Hz. */
static const uint16_t BAND_BINS[SFM_EAR_BANDS + 1] = {13, 19, 26,  33,  40,  49,  59,  69, 81,
                                                      95, 110, 128, 148, 166, 186, 205, 224};

struct sfm_ear {
    sfm_ear_config config;
    uint32_t sample_rate;               /* of what was heard last */
    uint32_t factor;                    /* of decimation */
    int digits;                         /* whether they are looked for */
    float taps[MAX_TAPS];
    int16_t delayed[MAX_TAPS];          /* newest input, as a ring */
    uint32_t delay_at;
    uint32_t phase;                     /* input samples since the last output */
    int16_t pcm[PEAKS_WINDOW];          /* newest audio at 8 kHz, oldest first, up to the last whole frame */
    int16_t block[SFM_EAR_FRAME_SAMPLES];
    uint32_t block_count;
    uint32_t block_pauses;              /* samples of the block that are the sender's pause */
    uint32_t block_unheard; /* the same of what nobody decoded */
    sfm_spectrum bands_spectrum;
    sfm_spectrum peaks_spectrum;
    sfm_inband_dtmf dtmf;
    uint64_t frames;
    uint32_t capacity;
    sfm_ear_frame *history;
};

/* --- life --------------------------------------------------------------------------------------------------------- */

/* A low-pass of 16 taps for each input sample per output sample, with a Hamming window: flat to 3 kHz, 6 dB down at
 * 3.6 kHz, 50 dB down from 4.6 kHz on. What folds back lies above the bands. */
static void make_taps(sfm_ear *ear)
{
    uint32_t count = ear->factor * TAPS_PER_FACTOR;
    double cutoff = 3600.0 / ear->sample_rate;
    double sum = 0.0;
    for (uint32_t i = 0; i < count; i++) {
        double at = i - (count - 1) / 2.0;
        double angle = 6.283185307179586 * cutoff * at;
        double sinc = at == 0.0 ? 1.0 : sin(angle) / angle;
        double window = 0.54 - 0.46 * cos(6.283185307179586 * i / (count - 1));
        ear->taps[i] = (float)(sinc * window);
        sum += sinc * window;
    }
    for (uint32_t i = 0; i < count; i++)
        ear->taps[i] = (float)(ear->taps[i] / sum);
}

int sfm_ear_create(const sfm_ear_config *config, sfm_ear **out)
{
    if (config->history_ms > MAX_HISTORY_MS)
        return SFM_ERROR_ARGUMENT;
    uint32_t capacity = config->history_ms / SFM_EAR_FRAME_MS + 1;
    sfm_ear *ear = calloc(1, sizeof *ear + capacity * sizeof(sfm_ear_frame));
    if (ear == NULL)
        return SFM_ERROR_MEMORY;
    ear->config = *config;
    ear->capacity = capacity;
    ear->history = (sfm_ear_frame *)(ear + 1);
    (void)sfm_spectrum_init(&ear->bands_spectrum, BANDS_WINDOW);
    (void)sfm_spectrum_init(&ear->peaks_spectrum, PEAKS_WINDOW);
    sfm_inband_dtmf_init(&ear->dtmf);
    *out = ear;
    return SFM_OK;
}

void sfm_ear_destroy(sfm_ear *ear) { free(ear); }

/* --- frames ------------------------------------------------------------------------------------------------------- */

static uint8_t dbov_of(double mean_square)
{
    double dbov = mean_square > 0.0 ? 0.5 - 10.0 * log10(mean_square / (32768.0 * 32768.0)) : SFM_LEVEL_SILENT;
    if (dbov < 0.0)
        return 0;
    return (uint8_t)(dbov < SFM_LEVEL_SILENT ? dbov : SFM_LEVEL_SILENT);
}

static void hear_bands(const sfm_ear *ear, sfm_ear_frame *frame)
{
    float power[SFM_SPECTRUM_MAX_HALF];
    sfm_spectrum_power(&ear->bands_spectrum, ear->pcm + PEAKS_WINDOW - BANDS_WINDOW, power);
    for (int band = 0; band < SFM_EAR_BANDS; band++) {
        float sum = 0.0F;
        for (uint32_t bin = BAND_BINS[band]; bin < BAND_BINS[band + 1]; bin++)
            sum += power[bin];
        frame->bands[band] = (uint16_t)(64.0F * sqrtf(sqrtf(sum)) + 0.5F);
    }
}

static uint32_t strongest(const float *power, uint32_t from, uint32_t to, uint32_t best)
{
    for (uint32_t bin = from; bin < to; bin++)
        best = power[bin] > power[best] ? bin : best;
    return best;
}

/* Where between bins the peak of a windowed sinusoid lies: a parabola through three logarithms, which for this window
 * is right within a tenth of a bin, 0.8 Hz. */
static double peak_bin(const float *power, uint32_t bin)
{
    double left = log(power[bin - 1] + 1e-9), middle = log(power[bin] + 1e-9), right = log(power[bin + 1] + 1e-9);
    double curve = left - 2.0 * middle + right;
    double off = curve < 0.0 ? 0.5 * (left - right) / curve : 0.0;
    /* The strongest of a range may be the slope of what lies outside of it; that of a nearly straight one has its top
     * anywhere. */
    return bin + (off < -1.0 ? -1.0 : (off > 1.0 ? 1.0 : off));
}

static void note_peak(sfm_ear_frame *frame, int peak, const float *power, uint32_t bin)
{
    double sum = 0.0;
    for (uint32_t i = bin - PEAK_REACH; i <= bin + PEAK_REACH; i++)
        sum += power[i];
    frame->peak_dbov[peak] = dbov_of(sum);
    double hz8 = peak_bin(power, bin) * 8.0 * SFM_EAR_RATE / PEAKS_WINDOW;
    frame->peak_hz8[peak] = frame->peak_dbov[peak] < SFM_LEVEL_SILENT ? (uint16_t)(hz8 + 0.5) : 0;
}

static void hear_peaks(const sfm_ear *ear, sfm_ear_frame *frame)
{
    float power[SFM_SPECTRUM_MAX_HALF];
    const uint32_t end = PEAKS_WINDOW / 2 - PEAK_REACH;
    sfm_spectrum_power(&ear->peaks_spectrum, ear->pcm, power);
    uint32_t first = strongest(power, LOWEST_PEAK_BIN, end, LOWEST_PEAK_BIN);
    note_peak(frame, 0, power, first);
    uint32_t below = first > LOWEST_PEAK_BIN + PEAK_APART ? first - PEAK_APART : LOWEST_PEAK_BIN;
    uint32_t above = first + PEAK_APART + 1;
    uint32_t start = below > LOWEST_PEAK_BIN ? LOWEST_PEAK_BIN : (above < end ? above : end - 1);
    uint32_t second = strongest(power, LOWEST_PEAK_BIN, below, start);
    note_peak(frame, 1, power, strongest(power, above < end ? above : end, end, second));
    double sum = 0.0;
    for (uint32_t bin = 0; bin < PEAKS_WINDOW / 2; bin++)
        sum += power[bin];
    frame->window_dbov = dbov_of(sum);
}

static void end_frame(sfm_ear *ear)
{
    sfm_ear_frame frame = {.window_dbov = SFM_LEVEL_SILENT, .peak_dbov = {SFM_LEVEL_SILENT, SFM_LEVEL_SILENT}};
    const size_t kept = PEAKS_WINDOW - SFM_EAR_FRAME_SAMPLES;
    memmove(ear->pcm, ear->pcm + SFM_EAR_FRAME_SAMPLES, kept * sizeof ear->pcm[0]);
    memcpy(ear->pcm + kept, ear->block, sizeof ear->block);
    frame.level_dbov = (uint8_t)sfm_block_dbov(ear->block, SFM_EAR_FRAME_SAMPLES);
    if (ear->block_pauses > SFM_EAR_FRAME_SAMPLES / 2)
        frame.level_dbov = SFM_LEVEL_SILENT;
    if (ear->block_unheard > 0)
        frame.level_dbov = SFM_EAR_UNKNOWN;
    if ((ear->config.skills & SFM_EAR_BANDS_SKILL) != 0)
        hear_bands(ear, &frame);
    if ((ear->config.skills & SFM_EAR_PEAKS_SKILL) != 0)
        hear_peaks(ear, &frame);
    if (ear->digits)
        sfm_inband_dtmf_put(&ear->dtmf, ear->block, SFM_EAR_FRAME_SAMPLES);
    ear->history[ear->frames % ear->capacity] = frame;
    ear->frames++;
    ear->block_count = 0;
    ear->block_pauses = 0;
    ear->block_unheard = 0;
}

static void take_sample(sfm_ear *ear, int16_t sample, int kind)
{
    ear->block[ear->block_count++] = sample;
    ear->block_pauses += kind == SFM_EAR_PAUSE;
    ear->block_unheard += kind == SFM_EAR_UNHEARD;
    if (ear->block_count == SFM_EAR_FRAME_SAMPLES)
        end_frame(ear);
}

static int16_t filtered(const sfm_ear *ear)
{
    uint32_t count = ear->factor * TAPS_PER_FACTOR;
    float sum = 0.0F;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = ear->delay_at + i;
        sum += ear->taps[i] * (float)ear->delayed[at < count ? at : at - count];
    }
    float bounded = sum > 32767.0F ? 32767.0F : (sum < -32768.0F ? -32768.0F : sum);
    return (int16_t)lrintf(bounded);
}

static void decimate(sfm_ear *ear, int16_t sample, int kind)
{
    ear->delayed[ear->delay_at] = sample;
    ear->delay_at = (ear->delay_at + 1) % (ear->factor * TAPS_PER_FACTOR);
    if (++ear->phase == ear->factor) {
        ear->phase = 0;
        take_sample(ear, filtered(ear), kind);
    }
}

static int take_rate(sfm_ear *ear, uint32_t sample_rate)
{
    if (sample_rate == ear->sample_rate)
        return 1;
    if (sample_rate == 0 || sample_rate % SFM_EAR_RATE != 0 || sample_rate / SFM_EAR_RATE > MAX_FACTOR)
        return 0;
    ear->sample_rate = sample_rate;
    ear->factor = sample_rate / SFM_EAR_RATE;
    ear->phase = 0;
    ear->delay_at = 0;
    memset(ear->delayed, 0, sizeof ear->delayed);
    make_taps(ear);
    return 1;
}

void sfm_ear_put(sfm_ear *ear, const int16_t *pcm, size_t count, uint32_t sample_rate, int kind)
{
    if (!take_rate(ear, sample_rate))
        return;
    for (size_t i = 0; i < count; i++) {
        if (ear->factor == 1)
            take_sample(ear, pcm[i], kind);
        else
            decimate(ear, pcm[i], kind);
    }
}

/* --- history ------------------------------------------------------------------------------------------------------ */

uint64_t sfm_ear_frames(const sfm_ear *ear) { return ear->frames; }

uint64_t sfm_ear_oldest(const sfm_ear *ear) { return ear->frames > ear->capacity ? ear->frames - ear->capacity : 0; }

const sfm_ear_frame *sfm_ear_frame_at(const sfm_ear *ear, uint64_t number)
{
    return &ear->history[number % ear->capacity];
}

size_t sfm_ear_copy(const sfm_ear *ear, uint64_t first, sfm_ear_frame *frames, size_t capacity)
{
    static const sfm_ear_frame silence = {.window_dbov = SFM_LEVEL_SILENT, .level_dbov = SFM_LEVEL_SILENT};
    size_t count = 0;
    for (uint64_t number = first; number < ear->frames && count < capacity; number++)
        frames[count++] = number < sfm_ear_oldest(ear) ? silence : *sfm_ear_frame_at(ear, number);
    return count;
}

void sfm_ear_look_for_digits(sfm_ear *ear, int on)
{
    ear->digits = on && (ear->config.skills & SFM_EAR_DTMF_SKILL) != 0;
}

int sfm_ear_next_digit(sfm_ear *ear, sfm_inband_digit *digit) { return sfm_inband_dtmf_next(&ear->dtmf, digit); }
