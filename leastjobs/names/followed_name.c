#include "names/followed_name.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "names/question.h"
#include "url.h"
#include "xalloc.h"

struct followed_name {
    struct event_base *base;
    char *text;
    struct url url;
    struct name_urls urls;
    struct question *question; /* under way; NULL: none */
    struct event *timer;
    bool is_answered;
    bool has_resolved;
    bool is_failing;   /* it didn't resolve the last time */
    bool lacks_family; /* it did, but nobody knows of its addresses of one family */
    void (*answered)(void *context);
    void *context;
};

unsigned followed_name_wait_s(unsigned ttl_s)
{
    if (ttl_s < FOLLOW_LEAST_S)
        return FOLLOW_LEAST_S;
    return ttl_s > FOLLOW_MOST_S ? FOLLOW_MOST_S : ttl_s;
}

static size_t count_urls(const struct followed_name *name)
{
    size_t count = 0;

    for (int family = 0; family < NAME_FAMILIES; family++)
        count += name->urls.of[family].count;
    return count;
}

static void say_failure(struct followed_name *name, const struct name_answer answers[NAME_FAMILIES])
{
    /* The name's own end says more than that one family has none. */
    bool is_empty = answers[NAME_IPV4].outcome == NAME_EMPTY;
    const char *problem = answers[is_empty ? NAME_IPV6 : NAME_IPV4].problem;
    size_t count = count_urls(name);

    if (name->is_failing)
        return;
    if (count > 0)
        log_warning("INSTANCES_DNS=%s: the name doesn't resolve (%s): it keeps the %zu address%s "
                    "that it had",
                    name->text, problem, count, count == 1 ? "" : "es");
    else
        log_warning("INSTANCES_DNS=%s: the name doesn't resolve (%s): it is asked for again every "
                    "%u s",
                    name->text, problem, FOLLOW_LEAST_S);
    name->is_failing = true;
}

static void say_success(struct followed_name *name, const struct name_answer answers[NAME_FAMILIES])
{
    bool lacks_family = false;
    size_t count = count_urls(name);

    if (name->is_failing)
        log_info("INSTANCES_DNS=%s: the name resolves again: %zu address%s", name->text, count,
                 count == 1 ? "" : "es");
    name->is_failing = false;
    for (int family = 0; family < NAME_FAMILIES; family++) {
        if (answers[family].outcome != NAME_FAILED || name->urls.of[family].count == 0)
            continue;
        lacks_family = true;
        if (!name->lacks_family)
            log_warning("INSTANCES_DNS=%s: nobody says its IPv%d addresses (%s): it keeps those "
                        "that it had",
                        name->text, family == NAME_IPV6 ? 6 : 4, answers[family].problem);
    }
    name->lacks_family = lacks_family;
}

static void on_answered(void *context, struct name_answer answers[NAME_FAMILIES], unsigned ttl_s)
{
    struct followed_name *name = context;
    const struct timeval wait = {.tv_sec = followed_name_wait_s(ttl_s)};

    name->question = NULL;
    bool is_good = name_urls_take(&name->urls, answers);
    if (is_good)
        say_success(name, answers);
    else
        say_failure(name, answers);
    name->is_answered = true;
    name->has_resolved |= is_good;
    evtimer_add(name->timer, &wait);
    name->answered(name->context);
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    struct followed_name *name = argument;

    (void)fd;
    (void)what;
    name->question = question_ask(name->base, &name->url, on_answered, name);
}

struct followed_name *followed_name_new(struct event_base *base, const char *text,
                                        void (*answered)(void *context), void *context)
{
    static const struct timeval at_once = {0};
    struct followed_name *name = xcalloc(1, sizeof(*name));

    name->base = base;
    name->text = xstrdup(text);
    name->answered = answered;
    name->context = context;
    if (url_parse(&name->url, text) != NULL)
        abort(); /* the options' table has checked it */
    name->timer = xalloc_checked(evtimer_new(base, on_timer, name));
    evtimer_add(name->timer, &at_once);
    return name;
}

void followed_name_free(struct followed_name *name)
{
    if (name == NULL)
        return;
    question_cancel(name->question);
    event_free(name->timer);
    name_urls_free(&name->urls);
    url_free(&name->url);
    free(name->text);
    free(name);
}

const char *followed_name_text(const struct followed_name *name)
{
    return name->text;
}

void followed_name_remember(struct followed_name *name, const char *url)
{
    name_urls_remember(&name->urls, url);
}

bool followed_name_is_answered(const struct followed_name *name)
{
    return name->is_answered;
}

bool followed_name_has_resolved(const struct followed_name *name)
{
    return name->has_resolved;
}

const struct name_urls *followed_name_urls(const struct followed_name *name)
{
    return &name->urls;
}
