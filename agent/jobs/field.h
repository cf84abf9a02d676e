#ifndef LEASTJOBS_FIELD_H
#define LEASTJOBS_FIELD_H

#include <stdbool.h>

/*
 * Whether a header field is of one connection and isn't passed on to another (RFC 9110 section
 * 7.6.1).
 */
bool field_is_of_connection(const char *name);

#endif
