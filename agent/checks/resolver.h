#ifndef LEASTJOBS_RESOLVER_H
#define LEASTJOBS_RESOLVER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * getaddrinfo(3), with all that nsswitch.conf, hosts and resolv.conf say, on threads. These are the
 * process's, not a resolver's: there are never more than RESOLVER_THREADS_MAX of them, however many
 * names hang and however many resolvers come and go; further questions wait for their turn. A
 * thread ends when there is nothing left to ask. The threads touch nothing but the questions.
 */
struct resolver;

#define RESOLVER_THREADS_MAX 4
#define RESOLVER_PROBLEM_SIZE 96

/* An address as inet_ntop(3) writes it. */
typedef char resolver_address[INET6_ADDRSTRLEN];

/* The end of one question. */
struct resolver_answer {
    void *context;               /* as given with the question */
    resolver_address *addresses; /* without duplicates, the best first (RFC 6724) */
    size_t count;
    char problem[RESOLVER_PROBLEM_SIZE]; /* why there are none; "" if there are */
};

/*
 * One asker. NULL if there is no descriptor left. resolver_free() returns at once: questions that
 * wait are dropped, one under way goes on without an asker and releases itself, if it ever ends.
 * The process may exit meanwhile.
 */
struct resolver *resolver_new(void);
void resolver_free(struct resolver *resolver);

/* `host` is copied. The answer comes by resolver_take(), and never from inside this call. */
void resolver_ask(struct resolver *resolver, const char *host, void *context);

/* Readable when an answer is there. The resolver's own: watch it only. */
int resolver_fd(const struct resolver *resolver);

/* The next answer, whose `addresses` the caller frees; false if there is none (now). */
bool resolver_take(struct resolver *resolver, struct resolver_answer *answer);

#endif
