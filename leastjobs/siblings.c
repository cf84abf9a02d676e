#include "siblings.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xalloc.h"

char *sibling_path(const char *program)
{
    char own[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", own, sizeof(own) - 1);

    if (length <= 0)
        return xstrdup(program);
    own[length] = '\0';
    char *slash = strrchr(own, '/');
    char *path = xasprintf("%.*s/%s", slash == NULL ? 0 : (int)(slash - own), own, program);
    if (access(path, X_OK) == 0)
        return path;
    free(path);
    return xstrdup(program);
}
