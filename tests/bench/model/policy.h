#ifndef MODEL_POLICY_H
#define MODEL_POLICY_H

#include "world.h"

/* The way to pick an instance that has this name, or NULL. */
const struct policy *policy_find(const char *name);

#endif
