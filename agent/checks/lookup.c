#include "checks/lookup.h"

#include <arpa/inet.h>
#include <search.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "checks/resolver.h"
#include "clock.h"
#include "log.h"
#include "names.h"
#include "xalloc.h"

#define REASON_SIZE (RESOLVER_PROBLEM_SIZE + 320) /* with a name's 253 */

struct lookup {
    struct resolver *resolver;
    struct event_base *base;
    struct event *answered;
    void *names; /* a tree, as tsearch(3) has it */
};

struct name {
    char *host;
    resolver_address address; /* in use; "" if none was ever known */
    resolver_address *found;  /* the latest answer */
    size_t found_count;
    bool is_asked; /* a look-up is under way */
    bool is_known; /* there has been an answer, at answered_ms */
    bool is_ended; /* there has been an end of whatever kind, at ended_ms */
    int64_t asked_ms;
    int64_t answered_ms;
    int64_t ended_ms;
    struct question *questions; /* that wait for the look-up */
};

struct question {
    struct name *name;
    struct question *next;
    struct question **previous;
    struct event *timer;
    unsigned waits_ms;
    lookup_answer answer;
    void *context;
};

static int compare_names(const void *one, const void *other)
{
    return strcmp(((const struct name *)one)->host, ((const struct name *)other)->host);
}

static struct name *find_name(const struct lookup *lookup, const char *host)
{
    struct name key = {.host = (char *)host};
    struct name **place = tfind(&key, &lookup->names, compare_names);

    return place == NULL ? NULL : *place;
}

static struct name *find_or_add_name(struct lookup *lookup, const char *host)
{
    struct name *name = find_name(lookup, host);

    if (name != NULL)
        return name;
    name = xcalloc(1, sizeof(*name));
    name->host = xstrdup(host);
    if (tsearch(name, &lookup->names, compare_names) == NULL) {
        log_error("out of memory");
        exit(1);
    }
    return name;
}

/* An address that somebody can be at: HAProxy has "-" or 0.0.0.0 where it knows none. */
static bool is_address(const char *text)
{
    struct in_addr ipv4;
    struct in6_addr ipv6;

    if (text == NULL)
        return false;
    if (inet_pton(AF_INET, text, &ipv4) == 1)
        return ipv4.s_addr != htonl(INADDR_ANY);
    return inet_pton(AF_INET6, text, &ipv6) == 1 && !IN6_IS_ADDR_UNSPECIFIED(&ipv6);
}

static void use_address(struct name *name, const char *address)
{
    if (name->address != address)
        snprintf(name->address, sizeof(name->address), "%s", address);
}

static bool is_found(const struct name *name, const char *address)
{
    for (size_t i = 0; i < name->found_count; i++) {
        if (strcmp(name->found[i], address) == 0)
            return true;
    }
    return false;
}

static void free_question(struct question *question)
{
    *question->previous = question->next;
    if (question->next != NULL)
        question->next->previous = question->previous;
    if (question->timer != NULL)
        event_free(question->timer);
    free(question);
}

/* The one end of every question that waits. The address is copied: the answerer may ask anew. */
static void end_question(struct question *question, const char *reason)
{
    lookup_answer answer = question->answer;
    void *context = question->context;
    resolver_address address;

    memcpy(address, question->name->address, sizeof(address));
    free_question(question);
    if (address[0] != '\0')
        answer(context, address, NULL);
    else
        answer(context, NULL, reason);
}

static void on_waited(evutil_socket_t fd, short what, void *argument)
{
    struct question *question = argument;
    char reason[REASON_SIZE];

    (void)fd;
    (void)what;
    snprintf(reason, sizeof(reason), "look-up of the name %s still under way after %g s",
             question->name->host, question->waits_ms / 1000.0);
    end_question(question, reason);
}

static void add_question(struct lookup *lookup, struct name *name, unsigned wait_ms,
                         lookup_answer answer, void *context)
{
    struct question *question = xcalloc(1, sizeof(*question));
    struct timeval wait = clock_timeval(wait_ms);

    *question = (struct question){.name = name,
                                  .next = name->questions,
                                  .previous = &name->questions,
                                  .timer = evtimer_new(lookup->base, on_waited, question),
                                  .waits_ms = wait_ms,
                                  .answer = answer,
                                  .context = context};
    if (question->next != NULL)
        question->next->previous = &question->next;
    name->questions = question;
    if (question->timer == NULL || evtimer_add(question->timer, &wait) != 0) {
        log_error("out of memory");
        exit(1);
    }
}

/* Those that wait now; not those that their answers add. */
static void end_questions(struct name *name, const char *reason)
{
    struct question *questions = name->questions;

    name->questions = NULL;
    if (questions != NULL)
        questions->previous = &questions;
    while (questions != NULL)
        end_question(questions, reason);
}

static void take_answer(struct name *name, const struct resolver_answer *answer)
{
    char reason[REASON_SIZE];

    name->is_asked = false;
    name->is_ended = true;
    name->ended_ms = clock_ms();
    if (answer->count > 0) {
        free(name->found);
        name->found = answer->addresses;
        name->found_count = answer->count;
        name->is_known = true;
        name->answered_ms = name->ended_ms;
        if (!is_found(name, name->address))
            use_address(name, name->found[0]);
    }
    snprintf(reason, sizeof(reason), "name %s doesn't resolve: %s", name->host, answer->problem);
    end_questions(name, reason);
}

static void on_answered(evutil_socket_t fd, short what, void *argument)
{
    struct lookup *lookup = argument;
    struct resolver_answer answer;

    (void)fd;
    (void)what;
    while (resolver_take(lookup->resolver, &answer))
        take_answer(answer.context, &answer);
}

static void look_up(struct lookup *lookup, struct name *name)
{
    if (name->is_asked)
        return;
    name->is_asked = true;
    name->asked_ms = clock_ms();
    resolver_ask(lookup->resolver, name->host, name);
}

static bool is_older(bool happened, int64_t at_ms, int64_t age_ms)
{
    return !happened || clock_ms() - at_ms >= age_ms;
}

/* What the name itself says, without HAProxy. */
static void ask_name(struct lookup *lookup, struct name *name, unsigned timeout_ms,
                     lookup_answer answer, void *context)
{
    if (!is_older(name->is_known, name->answered_ms, LOOKUP_AGE_MS)) {
        answer(context, name->address, NULL);
        return;
    }
    look_up(lookup, name);
    if (name->address[0] == '\0') {
        add_question(lookup, name, timeout_ms, answer, context);
        return;
    }
    /* Half of the time is the check's. A look-up that hangs delays one check, not each. */
    int64_t patience = timeout_ms / 2 < LOOKUP_PATIENCE_MS ? timeout_ms / 2 : LOOKUP_PATIENCE_MS;
    int64_t left = patience - (clock_ms() - name->asked_ms);
    if (left > 0)
        add_question(lookup, name, (unsigned)left, answer, context);
    else
        answer(context, name->address, NULL);
}

void lookup_ask(struct lookup *lookup, const char *host, const char *haproxy_address,
                unsigned timeout_ms, lookup_answer answer, void *context)
{
    bool haproxy_knows = is_address(haproxy_address);

    if (is_address(host)) {
        answer(context, host, NULL);
        return;
    }
    /* RFC 6761 section 6.3: DNS must not be asked for it. */
    if (strcasecmp(host, "localhost") == 0) {
        answer(context, haproxy_knows ? haproxy_address : "127.0.0.1", NULL);
        return;
    }
    struct name *name = find_or_add_name(lookup, host);
    if (!haproxy_knows) {
        ask_name(lookup, name, timeout_ms, answer, context);
        return;
    }
    /* It stays the one in use should HAProxy go away. */
    use_address(name, haproxy_address);
    if (is_older(name->is_ended, name->ended_ms, LOOKUP_COUNT_AGE_MS))
        look_up(lookup, name);
    answer(context, haproxy_address, NULL);
}

static bool is_ipv6(const char *address)
{
    return strchr(address, ':') != NULL;
}

void lookup_warn(const struct lookup *lookup, unsigned instance, const char *host, const char *used,
                 size_t *warned)
{
    const struct name *name = find_name(lookup, host);
    size_t all = 0, others = 0;

    for (size_t i = 0; name != NULL && i < name->found_count; i++) {
        if (is_ipv6(name->found[i]) != is_ipv6(used))
            continue;
        all++;
        others += strcmp(name->found[i], used) != 0;
    }
    if (all > 1 && all != *warned)
        log_warning("instance=" INSTANCE_PREFIX
                    "%u name %s has %zu addresses: %s is used, %zu %s not",
                    instance, host, all, used, others, others == 1 ? "is" : "are");
    *warned = all;
}

struct lookup *lookup_new(struct event_base *base)
{
    struct lookup *lookup = xcalloc(1, sizeof(*lookup));

    lookup->base = base;
    lookup->resolver = resolver_new();
    if (lookup->resolver != NULL)
        lookup->answered = event_new(base, resolver_fd(lookup->resolver), EV_READ | EV_PERSIST,
                                     on_answered, lookup);
    if (lookup->answered == NULL || event_add(lookup->answered, NULL) != 0) {
        lookup_free(lookup);
        return NULL;
    }
    return lookup;
}

static void free_name(void *node)
{
    struct name *name = node;

    while (name->questions != NULL)
        free_question(name->questions);
    free(name->found);
    free(name->host);
    free(name);
}

void lookup_free(struct lookup *lookup)
{
    if (lookup == NULL)
        return;
    if (lookup->answered != NULL)
        event_free(lookup->answered);
    /* It before the names, which its questions point to. */
    resolver_free(lookup->resolver);
    tdestroy(lookup->names, free_name);
    free(lookup);
}
