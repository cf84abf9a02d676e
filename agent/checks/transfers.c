#include "checks/transfers.h"

#include <stdbool.h>
#include <stdlib.h>

#include "clock.h"
#include "xalloc.h"

#define GROUP_SIZE 32

/* The transfers that share a multi handle, and with it libcurl's caches. */
struct group {
    struct transfers *transfers;
    CURLM *multi;
    struct event *timer; /* curl's own */
};

struct transfers {
    struct event_base *base;
    transfers_done *done;
    struct group *groups;
    size_t group_count;
    struct socket_event *sockets; /* those that curl watches */
};

/* A socket that curl wants to hear of; curl keeps the pointer for us. */
struct socket_event {
    struct event *event;
    struct socket_event *next;
    struct socket_event **previous;
};

static void drop_socket(struct socket_event *socket)
{
    *socket->previous = socket->next;
    if (socket->next != NULL)
        socket->next->previous = socket->previous;
    if (socket->event != NULL)
        event_free(socket->event);
    free(socket);
}

static struct socket_event *add_socket(struct transfers *transfers)
{
    struct socket_event *socket = xcalloc(1, sizeof(*socket));

    socket->next = transfers->sockets;
    socket->previous = &transfers->sockets;
    if (socket->next != NULL)
        socket->next->previous = &socket->next;
    transfers->sockets = socket;
    return socket;
}

static void collect_results(struct group *group)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(group->multi, &left)) != NULL) {
        /* The message is gone as soon as the handle is removed. */
        CURL *easy = message->easy_handle;
        CURLcode code = message->data.result;
        if (message->msg == CURLMSG_DONE)
            group->transfers->done(easy, code);
    }
}

static void on_socket(evutil_socket_t fd, short what, void *argument)
{
    struct group *group = argument;
    int action =
        ((what & EV_READ) ? CURL_CSELECT_IN : 0) | ((what & EV_WRITE) ? CURL_CSELECT_OUT : 0);
    int running;

    curl_multi_socket_action(group->multi, fd, action, &running);
    collect_results(group);
}

static void on_curl_timer(evutil_socket_t fd, short what, void *argument)
{
    struct group *group = argument;
    int running;

    (void)fd;
    (void)what;
    curl_multi_socket_action(group->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect_results(group);
}

static int set_curl_timer(CURLM *multi, long timeout_ms, void *argument)
{
    struct group *group = argument;
    struct timeval timeout = clock_timeval(timeout_ms);

    (void)multi;
    if (timeout_ms < 0)
        evtimer_del(group->timer);
    else
        evtimer_add(group->timer, &timeout);
    return 0;
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *argument, void *known)
{
    struct group *group = argument;
    struct socket_event *socket = known;
    short events = (short)(EV_PERSIST | ((what & CURL_POLL_IN) ? EV_READ : 0) |
                           ((what & CURL_POLL_OUT) ? EV_WRITE : 0));

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (socket != NULL)
            drop_socket(socket);
        curl_multi_assign(group->multi, fd, NULL);
        return 0;
    }
    if (socket == NULL)
        socket = add_socket(group->transfers);
    else
        event_free(socket->event);
    socket->event = event_new(group->transfers->base, fd, events, on_socket, group);
    if (socket->event == NULL || event_add(socket->event, NULL) != 0) {
        drop_socket(socket);
        return -1;
    }
    curl_multi_assign(group->multi, fd, socket);
    return 0;
}

/* The bound on connections is shared out; a group can't do with less than one. */
static size_t count_groups(size_t transfers, long connections_max)
{
    size_t count = (transfers + GROUP_SIZE - 1) / GROUP_SIZE;

    return connections_max > 0 && count > (size_t)connections_max ? (size_t)connections_max : count;
}

static bool set_up_group(struct group *group, size_t count, long connections_max)
{
    group->multi = curl_multi_init();
    group->timer = evtimer_new(group->transfers->base, on_curl_timer, group);
    if (group->multi == NULL || group->timer == NULL)
        return false;
    curl_multi_setopt(group->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    curl_multi_setopt(group->multi, CURLMOPT_SOCKETDATA, group);
    curl_multi_setopt(group->multi, CURLMOPT_TIMERFUNCTION, set_curl_timer);
    curl_multi_setopt(group->multi, CURLMOPT_TIMERDATA, group);
    curl_multi_setopt(group->multi, CURLMOPT_MAXCONNECTS, (long)count + 1);
    curl_multi_setopt(group->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, connections_max);
    return true;
}

static bool set_up_groups(struct transfers *transfers, size_t count, long connections_max)
{
    transfers->group_count = count_groups(count, connections_max);
    transfers->groups = xcalloc(transfers->group_count, sizeof(*transfers->groups));
    for (size_t i = 0; i < transfers->group_count; i++)
        transfers->groups[i].transfers = transfers;
    for (size_t i = 0; i < transfers->group_count; i++) {
        if (!set_up_group(&transfers->groups[i], count,
                          connections_max / (long)transfers->group_count))
            return false;
    }
    return true;
}

struct transfers *transfers_new(struct event_base *base, size_t count, long connections_max,
                                transfers_done *done)
{
    struct transfers *transfers = xcalloc(1, sizeof(*transfers));

    transfers->base = base;
    transfers->done = done;
    if (!set_up_groups(transfers, count, connections_max)) {
        transfers_free(transfers);
        return NULL;
    }
    return transfers;
}

void transfers_free(struct transfers *transfers)
{
    if (transfers == NULL)
        return;
    /* Sockets after the multi handles, since curl takes leave of them in its callback. */
    for (size_t i = 0; i < transfers->group_count; i++)
        curl_multi_cleanup(transfers->groups[i].multi);
    while (transfers->sockets != NULL)
        drop_socket(transfers->sockets);
    for (size_t i = 0; i < transfers->group_count; i++) {
        if (transfers->groups[i].timer != NULL)
            event_free(transfers->groups[i].timer);
    }
    free(transfers->groups);
    free(transfers);
}

static CURLM *multi_of(const struct transfers *transfers, size_t index)
{
    return transfers->groups[index % transfers->group_count].multi;
}

void transfers_add(struct transfers *transfers, size_t index, CURL *easy)
{
    curl_multi_add_handle(multi_of(transfers, index), easy);
}

void transfers_remove(struct transfers *transfers, size_t index, CURL *easy)
{
    curl_multi_remove_handle(multi_of(transfers, index), easy);
}
