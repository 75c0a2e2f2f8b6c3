#include "sfm_inband_dtmf.h"

#include <math.h>
#include <string.h>

#include "sfm_error.h"

enum {
    WINDOW = SFM_INBAND_WINDOW,
    LOOK_SAMPLES = 40,      /* 5 ms */
    LOOK_MS = 5,
    LEAST_LOOKS = 5,        /* 40 ms of tone are there at six looks, 23 ms at three or four */
    ENDING_LOOKS = 6,       /* a pause of 40 ms is there at ten looks, a break of 10 ms at four */
    HIDDEN_MS = 10,         /* of a tone that no look shows: at both of its ends the window is too empty */
};

static const double TWO_PI = 6.283185307179586;
static const double FREQUENCY[8] = {697, 770, 852, 941, 1209, 1336, 1477, 1633};
static const char KEYS[4][5] = {"123A", "456B", "789C", "*0#D"};

/* Q.24: 1.5 % are to be taken, 3.5 % are not. */
static const double TOLERANCE = 0.025;
/* Q.24, table 1: the high frequency up to 4 dB stronger or 8 dB weaker than the low one; with 2 dB of slack. */
static const double MAX_HIGH = 4.0;     /* 6 dB */
static const double MIN_HIGH = 0.1;     /* -10 dB */
/* Of one frequency: -40 dBov are -34 dBm0; Q.24 has administrations take -29 dBm and above. */
static const double LEAST_POWER = 32768.0 * 32768.0 * 1e-4;
/* Share that both frequencies must have of all there is: speech and music have more than two. */
static const double PURE = 0.80;
/* A key has no overtones; a note of an instrument has: from -12 dB on the octave of one of the two gives it away. */
static const double MOST_OVERTONE = 0.06;
static const double APART_HZ = 150.0; /* what the window keeps apart: closer than this the octave cannot be judged */

/* What one look shows of one frequency. */
typedef struct tone {
    double power;      /* mean square, of the frequency where it really is */
    double error;      /* how far off it is, as a share */
} tone;

void sfm_inband_dtmf_init(sfm_inband_dtmf *dtmf)
{
    memset(dtmf, 0, sizeof *dtmf);
    for (int i = 0; i < WINDOW; i++)
        dtmf->window[i] = (float)(0.5 - 0.5 * cos(TWO_PI * (i + 0.5) / WINDOW));
    dtmf->until_look = LOOK_SAMPLES;
}

/* --- one look ----------------------------------------------------------------------------------------------------- */

/* Amplitude response of the window to a frequency `bins` beside the one it is tuned to. */
static double response(double bins)
{
    double x = fabs(bins);
    if (x < 1e-3)
        return 1.0;
    if (fabs(x - 1.0) < 1e-3)
        return 0.5;
    double half_turn = TWO_PI / 2.0 * x;
    return sin(half_turn) / (half_turn * (1.0 - x * x));
}

/* Power and phase at one frequency (Goertzel); the phase is that at the end of the window. */
static double goertzel(const float *block, double frequency, float *phase)
{
    double angle = TWO_PI * frequency / SFM_INBAND_RATE;
    float turn = (float)(2.0 * cos(angle)), last = 0.0F, before = 0.0F;
    for (int i = 0; i < WINDOW; i++) {
        float next = block[i] + turn * last - before;
        before = last;
        last = next;
    }
    double re = last - before * cos(angle), im = before * sin(angle);
    *phase = (float)atan2(im, re);
    return 8.0 * (re * re + im * im) / ((double)WINDOW * WINDOW);
}

static tone look_at(sfm_inband_dtmf *dtmf, const float *block, int which)
{
    tone seen;
    float phase;
    seen.power = goertzel(block, FREQUENCY[which], &phase);
    double turned = (phase - dtmf->phase[which]) / TWO_PI - FREQUENCY[which] * LOOK_SAMPLES / SFM_INBAND_RATE;
    double off_hz = (turned - floor(turned + 0.5)) * SFM_INBAND_RATE / LOOK_SAMPLES;
    double gain = response(off_hz * WINDOW / SFM_INBAND_RATE);
    seen.error = off_hz / FREQUENCY[which];
    seen.power /= gain * gain > 0.2 ? gain * gain : 0.2;
    dtmf->phase[which] = phase;
    return seen;
}

static int strongest(const tone *tones)
{
    int best = 0;
    for (int i = 1; i < 4; i++)
        best = tones[i].power > tones[best].power ? i : best;
    return best;
}

static char digit_of(const tone *low, const tone *high, double power, char key)
{
    int levels = low->power >= LEAST_POWER && high->power >= LEAST_POWER;
    int twist = high->power <= MAX_HIGH * low->power && high->power >= MIN_HIGH * low->power;
    int true_frequencies = fabs(low->error) <= TOLERANCE && fabs(high->error) <= TOLERANCE;
    int pure = low->power + high->power >= PURE * power;
    return levels && twist && true_frequencies && pure ? key : '\0';
}

static int has_overtone(const float *block, double frequency, double power, double other)
{
    float phase;
    return fabs(2.0 * frequency - other) >= APART_HZ &&
           goertzel(block, 2.0 * frequency, &phase) > MOST_OVERTONE * power;
}

/* 0 dBm0 is a sine 3.14 dB below the loudest one (G.711), and that 3.01 dB below full scale in dBov. */
static uint8_t volume_of(double power)
{
    double dbm0 = 10.0 * log10(power / (32768.0 * 32768.0)) + 6.15;
    return (uint8_t)lrint(fmin(fmax(-dbm0, 0.0), 63.0));
}

static char look(sfm_inband_dtmf *dtmf, double *digit_power)
{
    float block[WINDOW];
    tone tones[8];
    double power = 0.0;
    for (uint32_t i = 0; i < WINDOW; i++) {
        block[i] = dtmf->samples[(dtmf->position + i) % WINDOW] * dtmf->window[i];
        power += (double)block[i] * block[i];
    }
    power /= 0.375 * WINDOW; /* mean square of the window */
    for (int i = 0; i < 8; i++)
        tones[i] = look_at(dtmf, block, i);
    int low = strongest(tones), high = strongest(tones + 4);
    char digit = digit_of(&tones[low], &tones[4 + high], power, KEYS[low][high]);
    double f_low = FREQUENCY[low], f_high = FREQUENCY[4 + high];
    if (digit != '\0' && (has_overtone(block, f_low, tones[low].power, f_high) ||
                          has_overtone(block, f_high, tones[4 + high].power, f_low)))
        return '\0';
    *digit_power = tones[low].power + tones[4 + high].power;
    return digit;
}

/* --- from looks to digits ----------------------------------------------------------------------------------------- */

static void tell(sfm_inband_dtmf *dtmf)
{
    if (dtmf->looks >= LEAST_LOOKS && dtmf->waiting_count < SFM_INBAND_DIGITS) {
        uint32_t slot = (dtmf->waiting_first + dtmf->waiting_count++) % SFM_INBAND_DIGITS;
        dtmf->waiting[slot] = (sfm_inband_digit){dtmf->sounding, dtmf->looks * LOOK_MS + HIDDEN_MS,
                                                   volume_of(dtmf->power)};
    }
    dtmf->sounding = '\0';
    dtmf->looks = 0;
    dtmf->misses = 0;
    dtmf->power = 0.0;
}

static void take_look(sfm_inband_dtmf *dtmf)
{
    double power = 0.0;
    char digit = look(dtmf, &power);
    if (dtmf->sounding != '\0' && digit == dtmf->sounding) {
        dtmf->looks += 1 + dtmf->misses;
        dtmf->misses = 0;
        dtmf->power = fmax(dtmf->power, power);
        return;
    }
    if (dtmf->sounding != '\0' && (digit != '\0' || dtmf->looks < LEAST_LOOKS || ++dtmf->misses >= ENDING_LOOKS))
        tell(dtmf);
    if (dtmf->sounding == '\0' && digit != '\0') {
        dtmf->sounding = digit;
        dtmf->looks = 1;
        dtmf->power = power;
    }
}

void sfm_inband_dtmf_put(sfm_inband_dtmf *dtmf, const int16_t *pcm, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        dtmf->samples[dtmf->position] = pcm[i];
        dtmf->position = (dtmf->position + 1) % WINDOW;
        if (--dtmf->until_look == 0) {
            dtmf->until_look = LOOK_SAMPLES;
            take_look(dtmf);
        }
    }
}

int sfm_inband_dtmf_next(sfm_inband_dtmf *dtmf, sfm_inband_digit *digit)
{
    if (dtmf->waiting_count == 0)
        return 0;
    *digit = dtmf->waiting[dtmf->waiting_first];
    dtmf->waiting_first = (dtmf->waiting_first + 1) % SFM_INBAND_DIGITS;
    dtmf->waiting_count--;
    return 1;
}

/* --- making them -------------------------------------------------------------------------------------------------- */

static int frequencies_of(char digit, double *low, double *high)
{
    for (int row = 0; row < 4; row++)
        for (int column = 0; column < 4; column++)
            if (KEYS[row][column] == digit) {
                *low = FREQUENCY[row];
                *high = FREQUENCY[4 + column];
                return SFM_OK;
            }
    return SFM_ERROR_DIGIT;
}

/* A tone that begins at once clicks, and a click is energy at all frequencies. */
static double envelope(uint64_t at, uint64_t length, uint32_t rate)
{
    double ramp = 0.002 * rate;
    uint64_t edge = at < length - 1 - at ? at : length - 1 - at;
    return (double)edge >= ramp ? 1.0 : 0.5 - 0.5 * cos(TWO_PI / 2.0 * (double)edge / ramp);
}

int sfm_inband_dtmf_write(char digit, uint32_t rate, uint32_t level_dbov, uint64_t from, uint64_t length, int16_t *pcm,
                          size_t count)
{
    double low, high;
    if (rate < SFM_INBAND_RATE || level_dbov < 3 || level_dbov > 60 || from + count > length)
        return SFM_ERROR_ARGUMENT;
    if (frequencies_of(digit, &low, &high) != SFM_OK)
        return SFM_ERROR_DIGIT;
    double amplitude = 32768.0 * sqrt(2.0) * pow(10.0, -0.05 * level_dbov);
    for (size_t i = 0; i < count; i++) {
        double at = (double)(from + i), turns = TWO_PI * at / rate;
        double value = amplitude * envelope(from + i, length, rate) * (sin(low * turns) + sin(high * turns));
        pcm[i] = (int16_t)lrint(value > 32767.0 ? 32767.0 : (value < -32768.0 ? -32768.0 : value));
    }
    return SFM_OK;
}
