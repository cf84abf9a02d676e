#include "explain/pick.h"

#include "names.h"

/* A room is what is left of this; it is counted modulo twice as much. */
#define ROOM (INT64_C(1) << 30)
#define ROOM_MASK (2 * ROOM - 1)

static int64_t unseen_of(const struct candidate *candidate)
{
    int64_t accepted = (int64_t)candidate->accepted * LOAD_UNIT;
    int64_t seen = ((int64_t)candidate->word + ROOM - accepted) & ROOM_MASK;

    return ROOM - seen;
}

static int64_t load_of(const struct candidate *candidate, bool compares_capacities)
{
    int64_t units = compares_capacities ? candidate->capacity : 1;

    return unseen_of(candidate) +
           LOAD_UNIT * (candidate->in_flight + units * (int64_t)candidate->penalty);
}

static enum pick_outcome exclude(const struct candidate *candidate, int64_t load,
                                 bool compares_capacities)
{
    if (!candidate->is_up)
        return IS_DOWN;
    if (candidate->weight == 0)
        return HAS_NO_WEIGHT;
    return !compares_capacities && load > ROOM ? HAS_NO_ROOM : HAS_MORE;
}

static bool is_excluded(const struct verdict *verdict)
{
    return verdict->outcome != HAS_MORE && verdict->outcome != PICKED;
}

int pick_compare(const struct candidate *a, const struct verdict *of_a, const struct candidate *b,
                 const struct verdict *of_b, bool compares_capacities)
{
    int64_t left = of_a->load;
    int64_t right = of_b->load;

    /* (load + 1) / capacity, by cross-multiplication. */
    if (compares_capacities) {
        left = (left + LOAD_UNIT) * b->capacity;
        right = (right + LOAD_UNIT) * a->capacity;
    }
    return (left > right) - (left < right);
}

size_t pick(const struct candidate *candidates, size_t count, bool compares_capacities,
            struct verdict *verdicts)
{
    size_t best = count;
    size_t picked = 0;

    for (size_t i = 0; i < count; i++) {
        int64_t load = load_of(&candidates[i], compares_capacities);
        verdicts[i] =
            (struct verdict){.outcome = exclude(&candidates[i], load, compares_capacities),
                             .unseen = unseen_of(&candidates[i]),
                             .load = load};
        if (!is_excluded(&verdicts[i]) &&
            (best == count || pick_compare(&candidates[i], &verdicts[i], &candidates[best],
                                           &verdicts[best], compares_capacities) < 0))
            best = i;
    }
    for (size_t i = 0; i < count; i++) {
        if (is_excluded(&verdicts[i]) ||
            pick_compare(&candidates[i], &verdicts[i], &candidates[best], &verdicts[best],
                         compares_capacities) != 0)
            continue;
        verdicts[i].outcome = PICKED;
        picked++;
    }
    return picked;
}
