#ifndef LEASTJOBS_CONTRACT_H
#define LEASTJOBS_CONTRACT_H

#include "config.h"
#include "errors.h"
#include "template/text.h"

/*
 * The agent and the rules of haproxy.cfg count together: what a template of somebody's own must
 * have for it, and HAProxy itself wouldn't miss. Pure functions; what they find is a warning that
 * begins with `name`, since whoever leaves something out may know why.
 */

/* The first line of a template says of which leastjobs it was made: this one? */
void contract_check_version(const char *template, size_t length, const char *name,
                            struct errors *errors);

/* Whether a haproxy.cfg has the sections, servers and sockets that the agent asks for. */
void contract_check_output(const struct text *output, const struct config *config, const char *name,
                           struct errors *errors);

#endif
