#include "textfile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "xalloc.h"

char *textfile_read(const char *path, size_t *length, struct errors *errors)
{
    FILE *file = fopen(path, "re");

    if (file == NULL) {
        errors_add(errors, "%s: can't be read: %s", path, strerror(errno));
        return NULL;
    }
    char *bytes = xcalloc(1, TEXTFILE_MAX + 2);
    *length = fread(bytes, 1, TEXTFILE_MAX + 1, file);
    if (ferror(file)) {
        errors_add(errors, "%s: can't be read: %s", path, strerror(errno));
        free(bytes);
        bytes = NULL;
    } else if (*length > TEXTFILE_MAX) {
        errors_add(errors, "%s: larger than %d bytes", path, TEXTFILE_MAX);
        free(bytes);
        bytes = NULL;
    }
    fclose(file);
    return bytes;
}

bool textfile_is_readable(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && !S_ISDIR(status.st_mode) && access(path, R_OK) == 0;
}
