#include "sfm_skew.h"

#define FIRST_STRETCH_NS 500000000
#define BILLION 1000000000.0

static void keep(sfm_skew *skew, uint32_t slot, int64_t when_ns, int64_t transit_ns)
{
    skew->when_ns[slot] = when_ns;
    skew->transit_ns[slot] = transit_ns;
}

static void keep_newest(sfm_skew *skew, int64_t when_ns, int64_t transit_ns)
{
    skew->quickest_ns = transit_ns;
    keep(skew, skew->count - 1, when_ns, transit_ns);
}

/* Of two neighbours the quicker packet stays. */
static void halve(sfm_skew *skew)
{
    for (uint32_t i = 0; i < SFM_SKEW_STRETCHES / 2; i++) {
        uint32_t quicker = 2 * i + (skew->transit_ns[2 * i + 1] < skew->transit_ns[2 * i]);
        keep(skew, i, skew->when_ns[quicker], skew->transit_ns[quicker]);
    }
    skew->count = SFM_SKEW_STRETCHES / 2;
    skew->stretch_ns *= 2;
}

static void open_stretch(sfm_skew *skew, int64_t when_ns, int64_t transit_ns)
{
    if (skew->count == SFM_SKEW_STRETCHES)
        halve(skew);
    skew->count++;
    keep_newest(skew, when_ns, transit_ns);
    skew->stretch_end_ns = when_ns - when_ns % skew->stretch_ns + skew->stretch_ns;
}

void sfm_skew_add(sfm_skew *skew, int64_t arrival_ns, int64_t transit_ns)
{
    if (skew->count == 0) {
        skew->start_ns = arrival_ns;
        skew->stretch_ns = FIRST_STRETCH_NS;
    }
    int64_t when_ns = arrival_ns - skew->start_ns;
    skew->newest_ns = when_ns;
    if (skew->count == 0 || when_ns >= skew->stretch_end_ns)
        open_stretch(skew, when_ns, transit_ns);
    else if (transit_ns < skew->quickest_ns)
        keep_newest(skew, when_ns, transit_ns);
}

/* Whether `b` lies on or above the line from `a` to `c`: then no line below all points touches it. */
static int lies_above(const sfm_skew *skew, uint32_t a, uint32_t b, uint32_t c)
{
    double left = (double)(skew->transit_ns[b] - skew->transit_ns[a]) * (double)(skew->when_ns[c] - skew->when_ns[a]);
    double right = (double)(skew->transit_ns[c] - skew->transit_ns[a]) * (double)(skew->when_ns[b] - skew->when_ns[a]);
    return left >= right;
}

/* The lower convex hull of the points, left to right; its number of corners. */
static uint32_t lower_hull(const sfm_skew *skew, uint32_t corners[SFM_SKEW_STRETCHES])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < skew->count; i++) {
        while (count >= 2 && lies_above(skew, corners[count - 2], corners[count - 1], i))
            count--;
        corners[count++] = i;
    }
    return count;
}

static double mean_when(const sfm_skew *skew)
{
    double sum = 0;
    for (uint32_t i = 0; i < skew->count; i++)
        sum += (double)skew->when_ns[i];
    return sum / skew->count;
}

/* Of all lines below the points the nearest in sum holds the edge of the hull that lies under their mean time. */
int sfm_skew_read(const sfm_skew *skew, int64_t *fast_ppb)
{
    uint32_t corners[SFM_SKEW_STRETCHES];
    if (skew->count < 3 || skew->newest_ns < SFM_SKEW_LEAST_NS)
        return 0;
    uint32_t count = lower_hull(skew, corners);
    double middle = mean_when(skew);
    uint32_t edge = 0;
    while (edge + 2 < count && (double)skew->when_ns[corners[edge + 1]] < middle)
        edge++;
    uint32_t a = corners[edge];
    uint32_t b = corners[edge + 1];
    double slope = (double)(skew->transit_ns[b] - skew->transit_ns[a]) / (double)(skew->when_ns[b] - skew->when_ns[a]);
    *fast_ppb = (int64_t)(-slope * BILLION);
    return 1;
}
