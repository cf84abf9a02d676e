#ifndef LEASTJOBS_POINTER_HINT_H
#define LEASTJOBS_POINTER_HINT_H

/*
 * What to say of a list of JSON Pointers (RFC 6901) that is refused: `expected`, and what was most
 * likely meant, if it is each pointer's first "/" that is missing ("a.b", "$.a.b" of JSONPath,
 * "#/a" of URIs) and `problem_of` finds nothing wrong with it then. `expected`, or static until the
 * next call.
 */
const char *pointer_hint(const char *value, const char *problem_of(const char *),
                         const char *expected);

#endif
