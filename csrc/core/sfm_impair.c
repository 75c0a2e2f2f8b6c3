#include "sfm_impair.h"

#include <string.h>

#include "sfm_error.h"

#define MILLION 1000000U
#define MAX_JITTER_NS 60000000000

int sfm_impair_configure(sfm_impair *impair, const sfm_impair_config *config)
{
    if (config->loss_per_million > MILLION || config->duplicate_per_million > MILLION ||
        config->reorder_per_million > MILLION || config->jitter_ns < 0 || config->jitter_ns > MAX_JITTER_NS)
        return SFM_ERROR_ARGUMENT;
    impair->config = *config;
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
    int64_t release_ns = now_ns + (int64_t)delay;
    if (release_ns < impair->last_release_ns)
        release_ns = impair->last_release_ns;
    impair->last_release_ns = release_ns;
    return release_ns;
}

/* Every packet draws the same number of random numbers, so that a change of one rate does not shuffle the others. */
void sfm_impair_decide(sfm_impair *impair, int64_t now_ns, sfm_impair_action *action)
{
    const sfm_impair_config *config = &impair->config;
    int lost = sfm_random_chance(&impair->random, config->loss_per_million);
    int duplicated = sfm_random_chance(&impair->random, config->duplicate_per_million);
    int reordered = sfm_random_chance(&impair->random, config->reorder_per_million);

    memset(action, 0, sizeof *action);
    action->release_held = impair->holding;
    action->drop = (uint8_t)lost;
    action->hold = (uint8_t)(!lost && reordered && !impair->holding);
    action->duplicate = (uint8_t)(!lost && duplicated && !action->hold);
    action->release_ns = release_time(impair, now_ns);
    impair->holding = action->hold;

    impair->counts.packets++;
    impair->counts.lost += action->drop;
    impair->counts.duplicated += action->duplicate;
    impair->counts.reordered += action->hold;
    impair->counts.delayed += !action->drop && !action->hold && action->release_ns > now_ns;
}

int sfm_impair_flush(sfm_impair *impair)
{
    int held = impair->holding;
    impair->holding = 0;
    return held;
}
