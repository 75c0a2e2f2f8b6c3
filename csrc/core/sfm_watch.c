#include "sfm_watch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sfm_error.h"
#include "sfm_level.h"

enum {
    SEGMENTS = 16,       /* kept of the on and off before the current one */
    BLIP = 3,            /* frames; a shorter on or off is a click or a lost packet, and no segment */
    SETTLING = 5,        /* frames of a tone in which the window still holds what was before it */
    SOON_MS = 3000,      /* a cadence whose round is shorter must come twice */
    MIN_TOLERANCE_MS = 60,
    MIN_TOLERANCE_HZ8 = 10 * 8,
    END_FRAMES = 24,     /* until a prompt whose end is missing, as far as it may be, has been judged */
    BESIDE_HZ8 = 45 * 8, /* a side of a modulated tone (400 Hz x 25 Hz in India) belongs to it */
};

static const double TOLERANCE = 0.02;          /* of a frequency; E.180 section 11 asks for networks within 1.5 % */
static const double CADENCE_TOLERANCE = 0.15;  /* of an on or off; E.180 asks for 10 % */
static const double PURE = 0.63;               /* share of the power that the tone must have: -2 dB */
static const double TWIST = 0.1;               /* of the two frequencies of a tone: 10 dB */

typedef struct tone_segment {
    uint64_t first;
    uint32_t frames;
    uint32_t tonal;    /* frames after SETTLING that have the tone */
    int on;
} tone_segment;

struct sfm_watch {
    sfm_watch_config config;
    sfm_heard *heard;
    sfm_hearing hearing;
    uint64_t number;             /* of the newest frame */
    uint64_t began;              /* frame with which it began */
    tone_segment run;                 /* silence, sound or tone that goes on */
    tone_segment before[SEGMENTS];    /* newest last */
    uint32_t before_count;
    uint32_t steady_hz8;
    uint32_t steady_frames;
    int begun;
    int continues;               /* the tone that sounds was heard before the watch began */
};

/* --- life --------------------------------------------------------------------------------------------------------- */

static int tone_fits(const sfm_watch_config *config)
{
    int fits = config->frequency_hz[0] >= 100 && config->frequency_hz[0] <= 3800 && config->frequency_hz[1] <= 3800 &&
               config->cadence_count <= SFM_WATCH_MAX_CADENCE && config->cadence_count % 2 == 0;
    for (uint32_t i = 0; fits && i < config->cadence_count; i++)
        fits = config->cadence_ms[i] >= 100;
    return fits;
}

static int fits(const sfm_watch_config *config)
{
    int known = config->kind >= SFM_WATCH_AUDIO && config->kind <= SFM_WATCH_PROMPT;
    int level = config->threshold_dbov > 0 && config->threshold_dbov < SFM_LEVEL_SILENT;
    return known && level && (config->kind != SFM_WATCH_TONE || tone_fits(config));
}

int sfm_watch_create(const sfm_watch_config *config, sfm_watch **out)
{
    if (!fits(config))
        return SFM_ERROR_ARGUMENT;
    sfm_watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL)
        return SFM_ERROR_MEMORY;
    watch->config = *config;
    watch->hearing.ago_ms = -1;
    watch->hearing.level_dbov = SFM_LEVEL_SILENT;
    if (config->kind == SFM_WATCH_PROMPT) {
        int error = sfm_heard_create(config->prompt, config->prompt_frames, config->score, &watch->heard);
        if (error != SFM_OK) {
            free(watch);
            return error;
        }
        watch->config.prompt = NULL;
    }
    *out = watch;
    return SFM_OK;
}

void sfm_watch_destroy(sfm_watch *watch)
{
    if (watch != NULL) {
        sfm_heard_destroy(watch->heard);
        free(watch);
    }
}

uint32_t sfm_watch_cost(const sfm_watch *watch)
{
    return watch->heard != NULL ? sfm_heard_cost(watch->heard) : 64;
}

/* --- sound and silence -------------------------------------------------------------------------------------------- */

static int is_sound(const sfm_watch *watch, const sfm_ear_frame *frame)
{
    return frame->level_dbov < watch->config.threshold_dbov;
}

static int found(sfm_watch *watch, uint64_t first, uint32_t frames)
{
    watch->began = first;
    watch->begun = 1;
    watch->hearing.length_ms = (int32_t)frames * SFM_EAR_FRAME_MS;
    return SFM_HEARD_FOUND;
}

static int put_run(sfm_watch *watch, int wanted)
{
    if (!wanted) {
        watch->run.frames = 0;
        return SFM_HEARD_NOTHING;
    }
    if (watch->run.frames++ == 0)
        watch->run.first = watch->number;
    uint32_t lasted_ms = watch->run.frames * SFM_EAR_FRAME_MS;
    if (lasted_ms >= watch->config.lasting_ms)
        return found(watch, watch->run.first, watch->run.frames);
    int longer = (int32_t)lasted_ms > watch->hearing.length_ms;
    watch->hearing.length_ms = longer ? (int32_t)lasted_ms : watch->hearing.length_ms;
    return longer ? SFM_HEARD_BETTER : SFM_HEARD_NOTHING;
}

/* --- tones -------------------------------------------------------------------------------------------------------- */

static int near(uint32_t hz8, uint32_t wanted_hz, uint32_t least_hz8)
{
    double tolerance = TOLERANCE * 8.0 * wanted_hz;
    double apart = fabs((double)hz8 - 8.0 * wanted_hz);
    return hz8 != 0 && apart <= (tolerance > least_hz8 ? tolerance : least_hz8);
}

static double share(uint8_t dbov, uint8_t of_dbov) { return pow(10.0, 0.1 * (of_dbov - dbov)); }

static int has_one(const sfm_watch *watch, const sfm_ear_frame *frame)
{
    uint32_t wanted = watch->config.frequency_hz[0];
    if (!near(frame->peak_hz8[0], wanted, MIN_TOLERANCE_HZ8))
        return 0;
    double power = share(frame->peak_dbov[0], frame->window_dbov);
    if (near(frame->peak_hz8[1], wanted, BESIDE_HZ8))
        power += share(frame->peak_dbov[1], frame->window_dbov);
    return power >= PURE;
}

static int has_both(const sfm_watch *watch, const sfm_ear_frame *frame)
{
    const uint32_t *wanted = watch->config.frequency_hz;
    int low = frame->peak_hz8[0] > frame->peak_hz8[1]; /* which of the peaks is the lower one */
    uint32_t first = wanted[0] < wanted[1] ? wanted[0] : wanted[1], second = wanted[0] + wanted[1] - first;
    double powers = share(frame->peak_dbov[0], frame->window_dbov) + share(frame->peak_dbov[1], frame->window_dbov);
    return near(frame->peak_hz8[low], first, MIN_TOLERANCE_HZ8) &&
           near(frame->peak_hz8[!low], second, MIN_TOLERANCE_HZ8) &&
           share(frame->peak_dbov[1], frame->peak_dbov[0]) >= TWIST && powers >= PURE;
}

static int is_tonal(const sfm_watch *watch, const sfm_ear_frame *frame)
{
    return is_sound(watch, frame) && (watch->config.frequency_hz[1] == 0 ? has_one(watch, frame)
                                                                       : has_both(watch, frame));
}

static void push_segment(sfm_watch *watch)
{
    if (watch->before_count == SEGMENTS) {
        memmove(watch->before, watch->before + 1, (SEGMENTS - 1) * sizeof watch->before[0]);
        watch->before_count--;
    }
    watch->before[watch->before_count++] = watch->run;
}

/* The current on or off is over; one that is too short joins the one before it, which goes on. */
static void turn(sfm_watch *watch, int on)
{
    if (watch->run.frames < BLIP && watch->before_count > 0) {
        uint32_t blip = watch->run.frames;
        watch->run = watch->before[--watch->before_count];
        watch->run.frames += blip;
        return;
    }
    push_segment(watch);
    watch->run = (tone_segment){.first = watch->number, .on = on};
}

static void add_to_segments(sfm_watch *watch, const sfm_ear_frame *frame)
{
    int on = is_sound(watch, frame);
    if (watch->run.frames == 0)
        watch->run = (tone_segment){.first = watch->number, .on = on};
    else if (on != watch->run.on)
        turn(watch, on);
    watch->run.frames++;
    watch->run.tonal += watch->run.frames > SETTLING && is_tonal(watch, frame);
}

static int has_tone(const tone_segment *segment)
{
    uint32_t settled = segment->frames > SETTLING ? segment->frames - SETTLING : 0;
    return segment->tonal >= 2 && 10 * segment->tonal >= 6 * settled;
}

static int lasts(const tone_segment *segment, uint32_t wanted_ms, int goes_on)
{
    double ms = segment->frames * SFM_EAR_FRAME_MS, tolerance = CADENCE_TOLERANCE * wanted_ms;
    tolerance = tolerance > MIN_TOLERANCE_MS ? tolerance : MIN_TOLERANCE_MS;
    return ms >= wanted_ms - tolerance && (goes_on || ms <= wanted_ms + tolerance);
}

static uint32_t wanted_segments(const sfm_watch_config *config)
{
    uint32_t round_ms = 0;
    for (uint32_t i = 0; i < config->cadence_count; i++)
        round_ms += config->cadence_ms[i];
    return round_ms < SOON_MS && config->cadence_count == 2 ? 4 : config->cadence_count;
}

/* Whether the last segments are the cadence, begun `shift` segments into it; the current silence may still go on. */
static int fits_from(const sfm_watch *watch, uint32_t wanted, uint32_t shift)
{
    const sfm_watch_config *config = &watch->config;
    for (uint32_t i = 0; i < wanted; i++) {
        int last = i == wanted - 1;
        const tone_segment *segment = last ? &watch->run : &watch->before[watch->before_count + 1 + i - wanted];
        if (segment->on == (int)(i % 2) || (segment->on && !has_tone(segment)) ||
            !lasts(segment, config->cadence_ms[(shift + i) % config->cadence_count], last))
            return 0;
    }
    return 1;
}

static int put_cadence(sfm_watch *watch, const sfm_ear_frame *frame)
{
    uint32_t wanted = wanted_segments(&watch->config);
    add_to_segments(watch, frame);
    if (watch->run.on || watch->before_count + 1 < wanted)
        return SFM_HEARD_NOTHING;
    for (uint32_t shift = 0; shift < watch->config.cadence_count; shift += 2)
        if (fits_from(watch, wanted, shift)) {
            uint64_t first = watch->before[watch->before_count + 1 - wanted].first;
            return found(watch, first, (uint32_t)(watch->number + 1 - first));
        }
    return SFM_HEARD_NOTHING;
}

/* Remembers the newest tone that lasted, whatever its frequency: what came instead. Whether it is another one. */
static int note_steady(sfm_watch *watch, const sfm_ear_frame *frame)
{
    uint32_t hz8 = frame->peak_hz8[0];
    int before = watch->hearing.peak_hz;
    int same = is_sound(watch, frame) && near(hz8, (watch->steady_hz8 + 4) / 8, MIN_TOLERANCE_HZ8);
    watch->steady_frames = same ? watch->steady_frames + 1 : 0;
    watch->steady_hz8 = hz8;
    if (watch->steady_frames >= SETTLING && share(frame->peak_dbov[0], frame->window_dbov) >= 0.3)
        watch->hearing.peak_hz = (int16_t)((hz8 + 4) / 8);
    return abs(watch->hearing.peak_hz - before) > 2;
}

static int put_tone(sfm_watch *watch, const sfm_ear_frame *frame)
{
    int another = note_steady(watch, frame);
    int tonal = is_tonal(watch, frame);
    watch->continues = watch->continues && tonal;
    int news = watch->config.cadence_count > 0 ? put_cadence(watch, frame)
                                               : put_run(watch, tonal && !watch->continues);
    return news == SFM_HEARD_NOTHING && another ? SFM_HEARD_BETTER : news;
}

/* --- all of them -------------------------------------------------------------------------------------------------- */

static int put_prompt(sfm_watch *watch, const sfm_ear_frame *frame)
{
    int news = sfm_heard_put(watch->heard, frame, watch->number);
    sfm_heard_report report;
    sfm_heard_read(watch->heard, &report);
    watch->begun = report.start >= 0;
    watch->began = report.start >= 0 ? (uint64_t)report.start : 0;
    watch->hearing.score = report.score;
    watch->hearing.gain_db10 = report.gain_db10;
    watch->hearing.clipped_ms = report.clipped_ms;
    watch->hearing.missing_ms = report.missing_ms;
    watch->hearing.gap_ms = report.gap_ms;
    watch->hearing.length_ms = report.length_ms;
    return news;
}

void sfm_watch_continue(sfm_watch *watch) { watch->continues = 1; }

int sfm_watch_put(sfm_watch *watch, const sfm_ear_frame *frame, uint64_t number)
{
    watch->number = number;
    if (frame->level_dbov < watch->hearing.level_dbov)
        watch->hearing.level_dbov = frame->level_dbov;
    switch (watch->config.kind) {
    case SFM_WATCH_AUDIO:
        return put_run(watch, is_sound(watch, frame));
    case SFM_WATCH_SILENCE:
        return put_run(watch, !is_sound(watch, frame) && frame->level_dbov != SFM_EAR_UNKNOWN);
    case SFM_WATCH_TONE:
        return put_tone(watch, frame);
    default:
        return put_prompt(watch, frame);
    }
}

void sfm_watch_read(const sfm_watch *watch, sfm_hearing *hearing)
{
    *hearing = watch->hearing;
    if (watch->begun)
        hearing->ago_ms = (int32_t)((int64_t)(watch->number + 1) - (int64_t)watch->began) * SFM_EAR_FRAME_MS;
}

uint32_t sfm_watch_hear_out(sfm_watch *watch, int64_t most_cost, int *news)
{
    static const sfm_ear_frame silence = {.window_dbov = SFM_LEVEL_SILENT, .level_dbov = SFM_LEVEL_SILENT};
    uint32_t tail = watch->heard != NULL ? sfm_heard_tail(watch->heard) : 0, put = 0;
    *news = SFM_HEARD_NOTHING;
    while (put < tail && *news != SFM_HEARD_FOUND && (put < END_FRAMES || most_cost > 0)) {
        *news = sfm_watch_put(watch, &silence, watch->number + 1);
        most_cost -= sfm_watch_cost(watch);
        put++;
    }
    return put;
}

int sfm_watch_search(sfm_watch *watch, const sfm_ear_frame *frames, size_t count, sfm_hearing *hearing)
{
    static const sfm_ear_frame silence = {.window_dbov = SFM_LEVEL_SILENT, .level_dbov = SFM_LEVEL_SILENT};
    size_t end = count + (watch->heard != NULL ? sfm_heard_tail(watch->heard) : 0);
    int news = SFM_HEARD_NOTHING;
    for (size_t i = 0; i < end && news != SFM_HEARD_FOUND; i++)
        news = sfm_watch_put(watch, i < count ? &frames[i] : &silence, i);
    sfm_watch_read(watch, hearing);
    if (watch->begun)
        hearing->ago_ms = (int32_t)((int64_t)count - (int64_t)watch->began) * SFM_EAR_FRAME_MS;
    return news == SFM_HEARD_FOUND;
}
