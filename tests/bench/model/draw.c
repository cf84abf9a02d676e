#include "draw.h"

#include <math.h>

uint64_t draw_bits(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

double draw_unit(uint64_t *state)
{
    return ((double)(draw_bits(state) >> 11) + 0.5) / 9007199254740992.0;
}

unsigned draw_below(uint64_t *state, unsigned limit)
{
    return (unsigned)((draw_bits(state) >> 32) * limit >> 32);
}

double draw_exponential(uint64_t *state, double mean)
{
    return -mean * log(draw_unit(state));
}

double draw_lognormal(uint64_t *state, double sigma)
{
    double normal = sqrt(-2 * log(draw_unit(state))) * cos(2 * acos(-1.0) * draw_unit(state));
    return exp(sigma * normal - sigma * sigma / 2);
}
