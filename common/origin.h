#ifndef LEASTJOBS_ORIGIN_H
#define LEASTJOBS_ORIGIN_H

/*
 * Whether `text` is an origin as browsers send it in the Origin field: the ASCII serialisation of
 * RFC 6454 section 6.2, scheme://host[:port] in lower case, without the scheme's own port and
 * without a path. The host is a name by RFC 1123 or an address, IPv6 in the form of RFC 5952.
 * Returns NULL, or what is wrong and, where that can be told, what was meant; the text lives until
 * the next call.
 */
const char *origin_problem(const char *text);

#endif
