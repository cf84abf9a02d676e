#ifndef LEASTJOBS_LOOKUP_H
#define LEASTJOBS_LOOKUP_H

#include <event2/event.h>
#include <stddef.h>

/*
 * The address of an instance: HAProxy's own, where that is known, so that the agent asks the server
 * that gets the jobs; else by looking the name up. Look-ups are done on a few threads (resolver.h);
 * their results come back by the loop. At most one per name is under way, however many ask.
 *
 * An address is used for LOOKUP_AGE_MS. Who asks later starts a new look-up and waits for it, so
 * that a change of address is followed with the next question; but for LOOKUP_PATIENCE_MS only,
 * then the old address is good enough. It stays so while look-ups hang or fail, as in HAProxy
 * ("hold"). Of several addresses the one in use is kept while it is among them, as HAProxy does;
 * else it is the first.
 */
struct lookup;

#define LOOKUP_AGE_MS 5000
#define LOOKUP_PATIENCE_MS 500
/* While HAProxy's address is known, look-ups only tell how many there are. */
#define LOOKUP_COUNT_AGE_MS 60000

/*
 * `address` is an IPv4 or IPv6 address (without brackets), or NULL with `reason`, in words. Both
 * are valid during the call.
 */
typedef void (*lookup_answer)(void *context, const char *address, const char *reason);

/*
 * NULL if libevent can't be set up or there is no descriptor left. lookup_free() gives up questions
 * without an answer, and doesn't wait for a look-up that hangs; not from inside an answer.
 */
struct lookup *lookup_new(struct event_base *base);
void lookup_free(struct lookup *lookup);

/*
 * Answers once: with an address maybe from inside this call, with a reason only from the loop. The
 * latter after `timeout_ms`, or when the look-up fails and no address was ever known. An address as
 * `host` is its own answer, and localhost is HAProxy's address or 127.0.0.1, as genconf has it.
 * `haproxy_address` is the server's srv_addr of "show servers state", or NULL; what isn't an
 * address ("-") counts as NULL.
 */
void lookup_ask(struct lookup *lookup, const char *host, const char *haproxy_address,
                unsigned timeout_ms, lookup_answer answer, void *context);

/*
 * Logs a warning if the name has addresses beside `used` (of its family: one IPv4 and one IPv6
 * address are commonly one machine), once for each number of them: `warned` is the caller's
 * memory for that, one per instance, 0 at first.
 */
void lookup_warn(const struct lookup *lookup, unsigned instance, const char *host, const char *used,
                 size_t *warned);

#endif
