#ifndef LEASTJOBS_INSTANCE_NAMES_H
#define LEASTJOBS_INSTANCE_NAMES_H

#include "options.h"

/* The names of instances' variables: INSTANCE_N_URL, and INSTANCE_N_ before an option's name. */

enum instance_name {
    INSTANCE_NAME_OTHER,  /* another variable */
    INSTANCE_NAME_GOOD,   /* with a number */
    INSTANCE_NAME_NUMBER, /* meant to be one, but what stands for N isn't a number of ours */
};

/*
 * What a name is: INSTANCE_NAME_GOOD if it is INSTANCE_N_ and what an instance may have
 * (option_for_instance()), N from 1 to INSTANCE_NUMBER_MAX; then *number is N and *option which.
 * Otherwise they are 0 and NULL. Anything between INSTANCE_ and _URL is meant to be a number, other
 * options' only what begins with a digit.
 */
enum instance_name instance_name_parse(const char *name, unsigned *number,
                                       const struct option_info **option);

#endif
