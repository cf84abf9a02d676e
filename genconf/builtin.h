#ifndef LEASTJOBS_BUILTIN_H
#define LEASTJOBS_BUILTIN_H

#include <stddef.h>

/* genconf/haproxy.cfg.in, byte for byte: the Makefile makes this of it. */
extern const unsigned char builtin_template[];
extern const size_t builtin_template_length;

#endif
