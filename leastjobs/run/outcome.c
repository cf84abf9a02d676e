#include "run/outcome.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "xalloc.h"

#define FORMAT "pid=%d asked=%u answered=%u result=%u\n"
#define TEXT_MAX 100

void outcome_write(int fd, const struct outcome *outcome)
{
    char text[TEXT_MAX];
    int length = snprintf(text, sizeof(text), FORMAT, (int)outcome->pid, outcome->asked,
                          outcome->answered, (unsigned)outcome->result);

    /* A number never gets shorter, so at any moment there is one line. */
    if (pwrite(fd, text, (size_t)length, 0) == length && ftruncate(fd, length) != 0)
        return;
}

/* The number behind "NAME="; 0 if it isn't there. */
static unsigned read_number(const char *text, const char *name)
{
    const char *found = strstr(text, name);

    return found == NULL ? 0 : (unsigned)strtoul(found + strlen(name), NULL, 10);
}

static bool parse(const char *text, struct outcome *outcome)
{
    unsigned result = read_number(text, " result=");

    *outcome = (struct outcome){.pid = (pid_t)read_number(text, "pid="),
                                .asked = read_number(text, " asked="),
                                .answered = read_number(text, " answered=")};
    outcome->result = result > OUTCOME_FAILED ? OUTCOME_NONE : (enum outcome_result)result;
    return outcome->pid > 0;
}

bool outcome_read(const char *socket, struct outcome *outcome)
{
    char *path = xasprintf("%s" OUTCOME_LOCK_SUFFIX, socket);
    char text[TEXT_MAX] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    free(path);
    if (fd < 0)
        return false;
    ssize_t length = pread(fd, text, sizeof(text) - 1, 0);
    bool is_held = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    close(fd);
    if (length > 0 && is_held && parse(text, outcome))
        return true;
    errno = 0;
    return false;
}
