#include "run/cfgfile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

static bool is_same_file(const char *one, const char *other)
{
    FILE *a = fopen(one, "re");
    FILE *b = fopen(other, "re");
    bool is_same = a != NULL && b != NULL;
    int byte = 0;

    while (is_same && byte != EOF) {
        byte = getc_unlocked(a);
        is_same = byte == getc_unlocked(b);
    }
    is_same = is_same && ferror(a) == 0 && ferror(b) == 0;
    if (a != NULL)
        fclose(a);
    if (b != NULL)
        fclose(b);
    return is_same;
}

bool cfgfile_is_other(const struct place *place)
{
    return !is_same_file(place->new_config, place->config);
}

bool cfgfile_put(const struct place *place)
{
    unlink(place->last_config);
    /* Where there are no hard links, it is away for a moment. */
    if (link(place->config, place->last_config) != 0)
        rename(place->config, place->last_config);
    if (rename(place->new_config, place->config) == 0)
        return true;
    int problem = errno;
    rename(place->last_config, place->config);
    unlink(place->last_config); /* rename(2) leaves both names of one file */
    errno = problem;
    return false;
}

void cfgfile_accept(const struct place *place)
{
    unlink(place->last_config);
}

void cfgfile_put_back(const struct place *place)
{
    if (rename(place->last_config, place->config) != 0)
        log_error("leastjobs run: %s can't be put back: %s", place->config, strerror(errno));
}
