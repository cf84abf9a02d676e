#include "names/question.h"

#include <ares.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "xalloc.h"

/* A socket of c-ares in the loop. */
struct watch {
    LIST_ENTRY(watch) link;
    struct question *question;
    ares_socket_t fd;
    struct event *event;
};

LIST_HEAD(watches, watch);

/* What c-ares gives back with an answer. */
struct half {
    struct question *question;
    enum name_family family;
};

struct question {
    struct event_base *base;
    const struct url *url;
    question_answered *answered;
    void *context;
    ares_channel channel; /* NULL: it couldn't be made */
    struct half halves[NAME_FAMILIES];
    struct name_answer answers[NAME_FAMILIES];
    unsigned open; /* halves without an answer */
    unsigned ttl_s;
    struct watches watches;
    struct event *retry; /* when c-ares wants to look at its time limits */
    struct event *limit; /* the whole question's */
    struct event *end;   /* the answer, from the loop */
};

bool question_set_up(void)
{
    return ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS;
}

void question_tear_down(void)
{
    ares_library_cleanup();
}

static void set_timer(struct question *question)
{
    struct timeval time;

    if (question->channel == NULL || ares_timeout(question->channel, NULL, &time) == NULL)
        evtimer_del(question->retry);
    else
        evtimer_add(question->retry, &time);
}

static void finish_if_done(struct question *question)
{
    if (question->open == 0)
        event_active(question->end, EV_TIMEOUT, 0);
}

static void on_socket(evutil_socket_t fd, short what, void *argument)
{
    const struct watch *watch = argument;
    struct question *question = watch->question; /* the watch may go */

    ares_process_fd(question->channel, (what & EV_READ) != 0 ? fd : ARES_SOCKET_BAD,
                    (what & EV_WRITE) != 0 ? fd : ARES_SOCKET_BAD);
    set_timer(question);
}

static void on_retry(evutil_socket_t fd, short what, void *argument)
{
    struct question *question = argument;

    (void)fd;
    (void)what;
    ares_process_fd(question->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    set_timer(question);
}

static void on_limit(evutil_socket_t fd, short what, void *argument)
{
    struct question *question = argument;

    (void)fd;
    (void)what;
    ares_cancel(question->channel);
}

static void free_watch(struct watch *watch)
{
    LIST_REMOVE(watch, link);
    event_free(watch->event);
    free(watch);
}

static void on_state(void *argument, ares_socket_t fd, int is_readable, int is_writable)
{
    struct question *question = argument;
    struct watch *watch;
    short what = (short)((is_readable ? EV_READ : 0) | (is_writable ? EV_WRITE : 0) | EV_PERSIST);

    watch = LIST_FIRST(&question->watches);
    while (watch != NULL && watch->fd != fd)
        watch = LIST_NEXT(watch, link);
    if (watch != NULL)
        free_watch(watch);
    if (what == EV_PERSIST)
        return;
    watch = xcalloc(1, sizeof(*watch));
    watch->question = question;
    watch->fd = fd;
    watch->event = xalloc_checked(event_new(question->base, fd, what, on_socket, watch));
    LIST_INSERT_HEAD(&question->watches, watch, link);
    event_add(watch->event, NULL);
}

static void take_ttl(struct question *question, int ttl)
{
    unsigned seconds = ttl < 0 ? 0 : (unsigned)ttl;

    if (seconds < question->ttl_s)
        question->ttl_s = seconds;
}

/* The bytes of the addresses, one behind the other; the caller's to free(). */
static char *collect(struct question *question, enum name_family family,
                     const struct ares_addrinfo *found, size_t *count)
{
    size_t size = family == NAME_IPV6 ? sizeof(struct in6_addr) : sizeof(struct in_addr);
    char *addresses = NULL;

    for (const struct ares_addrinfo_node *node = found->nodes; node != NULL; node = node->ai_next) {
        const struct sockaddr_in *ipv4 = (const void *)node->ai_addr;
        const struct sockaddr_in6 *ipv6 = (const void *)node->ai_addr;
        const void *address = NULL;
        if (node->ai_family == AF_INET && family == NAME_IPV4)
            address = &ipv4->sin_addr;
        else if (node->ai_family == AF_INET6 && family == NAME_IPV6)
            address = &ipv6->sin6_addr;
        if (address == NULL)
            continue;
        addresses = xreallocarray(addresses, *count + 1, size);
        memcpy(addresses + *count * size, address, size);
        ++*count;
        take_ttl(question, node->ai_ttl);
    }
    for (const struct ares_addrinfo_cname *alias = found->cnames; alias != NULL;
         alias = alias->next)
        take_ttl(question, alias->ttl);
    return addresses;
}

static void on_answer(void *argument, int status, int timeouts, struct ares_addrinfo *found)
{
    const struct half *half = argument;
    struct question *question = half->question;
    struct name_answer *answer = &question->answers[half->family];
    size_t count = 0;

    (void)timeouts;
    if (status == ARES_EDESTRUCTION) /* question_cancel() */
        return;
    question->open--;
    if (status == ARES_SUCCESS && found != NULL) {
        char *addresses = collect(question, half->family, found, &count);
        name_answer_fill(answer, half->family, question->url, addresses, count);
        free(addresses);
    } else {
        bool is_empty = status == ARES_ENOTFOUND || status == ARES_ENODATA;
        answer->outcome = is_empty ? NAME_EMPTY : NAME_FAILED;
    }
    if (answer->outcome != NAME_FOUND)
        snprintf(answer->problem, sizeof(answer->problem), "%s",
                 status == ARES_ECANCELLED ? "no answer in time"
                 : status == ARES_SUCCESS  ? "it has no address that can be used"
                                           : ares_strerror(status));
    if (found != NULL)
        ares_freeaddrinfo(found);
    finish_if_done(question);
}

static void free_question(struct question *question)
{
    struct watch *watch;

    if (question->channel != NULL)
        ares_destroy(question->channel);
    while ((watch = LIST_FIRST(&question->watches)) != NULL)
        free_watch(watch);
    for (int family = 0; family < NAME_FAMILIES; family++)
        name_answer_free(&question->answers[family]);
    event_free(question->retry);
    event_free(question->limit);
    event_free(question->end);
    free(question);
}

static void on_end(evutil_socket_t fd, short what, void *argument)
{
    struct question *question = argument;
    bool is_said = question->ttl_s != UINT_MAX;

    (void)fd;
    (void)what;
    question->answered(question->context, question->answers, is_said ? question->ttl_s : 0);
    free_question(question);
}

/* A channel for each question: it reads resolv.conf and hosts as they are now. */
static void open_channel(struct question *question)
{
    struct ares_options options = {.sock_state_cb = on_state, .sock_state_cb_data = question};
    int status = ares_init_options(&question->channel, &options, ARES_OPT_SOCK_STATE_CB);

    if (status == ARES_SUCCESS)
        return;
    question->channel = NULL;
    question->open = 0;
    for (int family = 0; family < NAME_FAMILIES; family++) {
        question->answers[family].outcome = NAME_FAILED;
        snprintf(question->answers[family].problem, NAME_PROBLEM_MAX, "%s", ares_strerror(status));
    }
}

struct question *question_ask(struct event_base *base, const struct url *url,
                              question_answered *answered, void *context)
{
    static const struct timeval patience = {.tv_sec = QUESTION_PATIENCE_S};
    struct question *question = xcalloc(1, sizeof(*question));

    question->base = base;
    question->url = url;
    question->answered = answered;
    question->context = context;
    question->open = NAME_FAMILIES;
    question->ttl_s = UINT_MAX;
    LIST_INIT(&question->watches);
    question->retry = xalloc_checked(evtimer_new(base, on_retry, question));
    question->limit = xalloc_checked(evtimer_new(base, on_limit, question));
    question->end = xalloc_checked(evtimer_new(base, on_end, question));
    open_channel(question);
    for (int family = 0; question->channel != NULL && family < NAME_FAMILIES; family++) {
        const struct ares_addrinfo_hints hints = {
            .ai_flags = ARES_AI_NOSORT, .ai_family = family == NAME_IPV6 ? AF_INET6 : AF_INET};
        question->halves[family] =
            (struct half){.question = question, .family = (enum name_family)family};
        ares_getaddrinfo(question->channel, url->host, NULL, &hints, on_answer,
                         &question->halves[family]);
    }
    finish_if_done(question);
    set_timer(question);
    evtimer_add(question->limit, &patience);
    return question;
}

void question_cancel(struct question *question)
{
    if (question != NULL)
        free_question(question);
}
