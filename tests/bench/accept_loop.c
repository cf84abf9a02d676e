/*
 * The limit that the agent is measured against: accept, read a line, write a line, close, on bare
 * libevent and nothing else. Prints its port and runs until it is ended.
 */
#include <arpa/inet.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/listener.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 1024
#define LINE_MAX_LENGTH 64
#define ANSWER "up 100%\n"

struct client {
    struct event readable;
    size_t length;
    char line[LINE_MAX_LENGTH];
};

static void close_client(struct client *client, evutil_socket_t fd)
{
    event_del(&client->readable);
    close(fd);
    free(client);
}

static void on_readable(evutil_socket_t fd, short what, void *argument)
{
    struct client *client = argument;
    ssize_t received =
        recv(fd, client->line + client->length, sizeof(client->line) - client->length, 0);

    (void)what;
    if (received > 0) {
        client->length += (size_t)received;
        if (memchr(client->line, '\n', client->length) == NULL &&
            client->length < sizeof(client->line))
            return;
        ssize_t sent = send(fd, ANSWER, strlen(ANSWER), MSG_NOSIGNAL);
        (void)sent;
    }
    close_client(client, fd);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
                      int length, void *argument)
{
    struct event_base *base = argument;
    struct client *client = calloc(1, sizeof(*client));

    (void)listener;
    (void)address;
    (void)length;
    if (client == NULL) {
        close(fd);
        return;
    }
    event_assign(&client->readable, base, fd, EV_READ | EV_PERSIST, on_readable, client);
    if (event_add(&client->readable, NULL) != 0)
        close_client(client, fd);
}

static int print_port(struct evconnlistener *listener)
{
    struct sockaddr_in bound = {.sin_family = AF_INET};
    socklen_t length = sizeof(bound);

    if (getsockname(evconnlistener_get_fd(listener), (struct sockaddr *)&bound, &length) != 0)
        return -1;
    printf("port %u\n", ntohs(bound.sin_port));
    return fflush(stdout);
}

int main(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    struct event_base *base = event_base_new();
    struct evconnlistener *listener = NULL;
    int status = EXIT_FAILURE;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (base != NULL)
        listener = evconnlistener_new_bind(base, on_accept, base,
                                           LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, BACKLOG,
                                           (struct sockaddr *)&address, (int)sizeof(address));
    if (listener == NULL || print_port(listener) != 0)
        perror("leastjobs-accept-loop");
    else if (event_base_dispatch(base) == 0)
        status = EXIT_SUCCESS;
    if (listener != NULL)
        evconnlistener_free(listener);
    if (base != NULL)
        event_base_free(base);
    return status;
}
