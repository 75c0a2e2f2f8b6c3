#include "sfm_impair.h"

#include <string.h>

#include "sfm_error.h"

#define MILLION 1000000U
#define MAX_DELAY_NS 60000000000
#define MAX_SKEW_PPB 10000000

static int rates_fit(const sfm_impair_config *config)
{
    return config->loss_per_million <= MILLION && config->duplicate_per_million <= MILLION &&
           config->reorder_per_million <= MILLION && config->corrupt_per_million <= MILLION &&
           config->density_per_million <= MILLION;
}

static int times_fit(const sfm_impair_config *config)
{
    return config->delay_ns >= 0 && config->delay_ns <= MAX_DELAY_NS && config->jitter_ns >= 0 &&
           config->jitter_ns <= MAX_DELAY_NS && config->skew_ppb >= -MAX_SKEW_PPB && config->skew_ppb <= MAX_SKEW_PPB;
}

static uint32_t density(const sfm_impair_config *config)
{
    return config->density_per_million == 0 ? MILLION : config->density_per_million;
}

/* Chances of the two steps. The share of time in the bad state is begin / (begin + end), and the loss is that times the
 * density: begin = end * loss / (density - loss). */
static int bursts_fit(const sfm_impair_config *config, uint64_t *begin, uint64_t *end)
{
    *begin = *end = 0;
    if (config->burst_thousandths == 0 || config->loss_per_million == 0)
        return config->burst_thousandths == 0 || config->burst_thousandths >= 1000;
    if (config->burst_thousandths < 1000 || density(config) <= config->loss_per_million)
        return 0;
    uint64_t rest = density(config) - config->loss_per_million;
    *end = (uint64_t)MILLION * 1000 / config->burst_thousandths;
    *begin = (*end * config->loss_per_million + rest / 2) / rest;
    return *begin <= MILLION;
}

int sfm_impair_configure(sfm_impair *impair, const sfm_impair_config *config)
{
    uint64_t begin, end;
    if (!rates_fit(config) || !times_fit(config) || !bursts_fit(config, &begin, &end))
        return SFM_ERROR_ARGUMENT;
    impair->config = *config;
    impair->begin_per_million = (uint32_t)begin;
    impair->end_per_million = (uint32_t)end;
    impair->bad = impair->bad && begin > 0;
    return SFM_OK;
}

int sfm_impair_init(sfm_impair *impair, const sfm_impair_config *config, uint64_t seed)
{
    sfm_impair fresh;
    memset(&fresh, 0, sizeof fresh);
    int error = sfm_impair_configure(&fresh, config);
    if (error < 0)
        return error;
    sfm_random_seed(&fresh.random, seed);
    fresh.last_release_ns = INT64_MIN;
    *impair = fresh;
    return SFM_OK;
}

static int64_t release_time(sfm_impair *impair, int64_t now_ns)
{
    uint64_t delay = sfm_random_below(&impair->random, (uint64_t)impair->config.jitter_ns + 1);
    int64_t release_ns = now_ns + impair->config.delay_ns + (int64_t)delay;
    if (release_ns < impair->last_release_ns)
        release_ns = impair->last_release_ns;
    impair->last_release_ns = release_ns;
    return release_ns;
}

/* The state is that of this packet; then it steps. */
static int is_lost(sfm_impair *impair)
{
    const sfm_impair_config *config = &impair->config;
    int bursts = impair->begin_per_million > 0;
    int was_bad = impair->bad;
    uint32_t chance = !bursts ? config->loss_per_million : was_bad ? density(config) : 0;
    int lost = sfm_random_chance(&impair->random, chance);
    int steps = sfm_random_chance(&impair->random, was_bad ? impair->end_per_million : impair->begin_per_million);
    impair->bad = (uint8_t)(bursts && was_bad != steps);
    return lost;
}

/* Every packet draws the same number of random numbers, so that a change of one rate does not shuffle the others. */
void sfm_impair_decide(sfm_impair *impair, int64_t now_ns, sfm_impair_action *action)
{
    const sfm_impair_config *config = &impair->config;
    int lost = is_lost(impair);
    int duplicated = sfm_random_chance(&impair->random, config->duplicate_per_million);
    int reordered = sfm_random_chance(&impair->random, config->reorder_per_million);

    int corrupted = sfm_random_chance(&impair->random, config->corrupt_per_million);

    memset(action, 0, sizeof *action);
    action->release_held = impair->holding;
    action->drop = (uint8_t)lost;
    action->hold = (uint8_t)(!lost && reordered && !impair->holding);
    action->duplicate = (uint8_t)(!lost && duplicated && !action->hold);
    action->corrupt = (uint8_t)(!lost && corrupted);
    action->corrupt_bit = (uint32_t)sfm_random_next(&impair->random);
    action->release_ns = release_time(impair, now_ns);
    impair->holding = action->hold;

    impair->counts.packets++;
    impair->counts.lost += action->drop;
    impair->counts.duplicated += action->duplicate;
    impair->counts.reordered += action->hold;
    impair->counts.corrupted += action->corrupt;
    impair->counts.delayed += !action->drop && !action->hold && action->release_ns > now_ns;
}

int sfm_impair_flush(sfm_impair *impair)
{
    int held = impair->holding;
    impair->holding = 0;
    return held;
}
