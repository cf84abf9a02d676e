#ifndef MODEL_DRAW_H
#define MODEL_DRAW_H

#include <stdint.h>

/* Random numbers from a state of 64 bits (SplitMix64), which may begin as anything. */
uint64_t draw_bits(uint64_t *state);

/* In (0, 1). */
double draw_unit(uint64_t *state);

/* In [0, limit). */
unsigned draw_below(uint64_t *state, unsigned limit);

double draw_exponential(uint64_t *state, double mean);

/* Log-normal with mean 1; `sigma` is the logarithm's standard deviation. */
double draw_lognormal(uint64_t *state, double sigma);

#endif
