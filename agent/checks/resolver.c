#include "checks/resolver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "xalloc.h"

struct request {
    TAILQ_ENTRY(request) link;
    struct resolver *owner; /* NULL: nobody waits for it any more */
    char *host;
    struct resolver_answer answer;
};

TAILQ_HEAD(requests, request);

struct resolver {
    int fd;
    struct requests done;
};

/* All requests are in one of these, or in their owner's `done`; the lock guards all of them. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct requests waiting = TAILQ_HEAD_INITIALIZER(waiting);
static struct requests running = TAILQ_HEAD_INITIALIZER(running);
static unsigned threads;

static void free_request(struct request *request)
{
    free(request->host);
    free(request->answer.addresses);
    free(request);
}

static void free_requests(struct requests *requests)
{
    struct request *request;

    while ((request = TAILQ_FIRST(requests)) != NULL) {
        TAILQ_REMOVE(requests, request, link);
        free_request(request);
    }
}

static bool has_address(const struct resolver_answer *answer, const char *text)
{
    for (size_t i = 0; i < answer->count; i++) {
        if (strcmp(answer->addresses[i], text) == 0)
            return true;
    }
    return false;
}

/* A link-local address means nothing without its interface, which HAProxy can't be told. */
static const void *usable_address(const struct sockaddr *address)
{
    const struct sockaddr_in *ipv4 = (const void *)address;
    const struct sockaddr_in6 *ipv6 = (const void *)address;

    if (address->sa_family == AF_INET)
        return &ipv4->sin_addr;
    if (address->sa_family == AF_INET6 && !IN6_IS_ADDR_LINKLOCAL(&ipv6->sin6_addr))
        return &ipv6->sin6_addr;
    return NULL;
}

static void add_address(struct resolver_answer *answer, const struct sockaddr *address)
{
    const void *binary = usable_address(address);
    resolver_address text;

    if (binary == NULL || inet_ntop(address->sa_family, binary, text, sizeof(text)) == NULL ||
        has_address(answer, text))
        return;
    answer->addresses = xreallocarray(answer->addresses, answer->count + 1, sizeof(text));
    memcpy(answer->addresses[answer->count++], text, sizeof(text));
}

static void set_problem(struct resolver_answer *answer, const char *problem)
{
    snprintf(answer->problem, sizeof(answer->problem), "%s", problem);
}

static void look_up(const char *host, struct resolver_answer *answer)
{
    static const struct addrinfo hints = {.ai_flags = AI_ADDRCONFIG, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char buffer[RESOLVER_PROBLEM_SIZE];
    int error = getaddrinfo(host, NULL, &hints, &found);

    if (error != 0) {
        set_problem(answer, error == EAI_SYSTEM ? strerror_r(errno, buffer, sizeof(buffer))
                                                : gai_strerror(error));
        return;
    }
    for (const struct addrinfo *next = found; next != NULL; next = next->ai_next)
        add_address(answer, next->ai_addr);
    freeaddrinfo(found);
    if (answer->count == 0)
        set_problem(answer, "it has no address that can be used");
}

/* With the lock held, as all that follow. */
static void hand_over(struct request *request)
{
    struct resolver *owner = request->owner;

    if (owner == NULL) {
        free_request(request);
        return;
    }
    TAILQ_INSERT_TAIL(&owner->done, request, link);
    eventfd_write(owner->fd, 1);
}

static void *work(void *unused)
{
    struct request *request;

    (void)unused;
    pthread_mutex_lock(&lock);
    while ((request = TAILQ_FIRST(&waiting)) != NULL) {
        TAILQ_REMOVE(&waiting, request, link);
        TAILQ_INSERT_TAIL(&running, request, link);
        pthread_mutex_unlock(&lock);
        look_up(request->host, &request->answer);
        pthread_mutex_lock(&lock);
        TAILQ_REMOVE(&running, request, link);
        hand_over(request);
    }
    threads--;
    pthread_mutex_unlock(&lock);
    return NULL;
}

/* Nobody waits for its end, so it is detached; signals are the loop's alone. Returns an errno. */
static int start_thread(void)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    int error;

    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(&thread, &attributes, work, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    threads += error == 0;
    return error;
}

/* Without any thread nobody would ever answer: that is the answer then. */
static void refuse_waiting(int error)
{
    struct request *request;
    char text[RESOLVER_PROBLEM_SIZE];

    while ((request = TAILQ_FIRST(&waiting)) != NULL) {
        TAILQ_REMOVE(&waiting, request, link);
        snprintf(request->answer.problem, sizeof(request->answer.problem),
                 "no thread can be started: %s", strerror_r(error, text, sizeof(text)));
        hand_over(request);
    }
}

void resolver_ask(struct resolver *resolver, const char *host, void *context)
{
    struct request *request = xcalloc(1, sizeof(*request));

    request->owner = resolver;
    request->host = xstrdup(host);
    request->answer.context = context;
    pthread_mutex_lock(&lock);
    TAILQ_INSERT_TAIL(&waiting, request, link);
    if (threads < RESOLVER_THREADS_MAX) {
        int error = start_thread();
        if (error != 0 && threads == 0)
            refuse_waiting(error);
    }
    pthread_mutex_unlock(&lock);
}

struct resolver *resolver_new(void)
{
    struct resolver *resolver = xcalloc(1, sizeof(*resolver));

    TAILQ_INIT(&resolver->done);
    resolver->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (resolver->fd < 0) {
        free(resolver);
        return NULL;
    }
    return resolver;
}

int resolver_fd(const struct resolver *resolver)
{
    return resolver->fd;
}

bool resolver_take(struct resolver *resolver, struct resolver_answer *answer)
{
    eventfd_t ignored;

    pthread_mutex_lock(&lock);
    struct request *request = TAILQ_FIRST(&resolver->done);
    if (request != NULL)
        TAILQ_REMOVE(&resolver->done, request, link);
    else
        eventfd_read(resolver->fd, &ignored);
    pthread_mutex_unlock(&lock);
    if (request == NULL)
        return false;
    *answer = request->answer;
    request->answer.addresses = NULL;
    free_request(request);
    return true;
}

void resolver_free(struct resolver *resolver)
{
    struct request *request, *next;

    if (resolver == NULL)
        return;
    pthread_mutex_lock(&lock);
    for (request = TAILQ_FIRST(&waiting); request != NULL; request = next) {
        next = TAILQ_NEXT(request, link);
        if (request->owner == resolver) {
            TAILQ_REMOVE(&waiting, request, link);
            free_request(request);
        }
    }
    TAILQ_FOREACH(request, &running, link)
    {
        if (request->owner == resolver)
            request->owner = NULL;
    }
    pthread_mutex_unlock(&lock);
    free_requests(&resolver->done);
    close(resolver->fd);
    free(resolver);
}
