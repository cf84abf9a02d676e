#include "jobs/job_path.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "list.h"
#include "xalloc.h"

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* False if it can't be decoded. `out` has room for `length` bytes. */
static bool decode(const char *text, size_t length, char *out, size_t *out_length)
{
    size_t used = 0;

    for (size_t i = 0; i < length; i++) {
        if (text[i] != '%') {
            out[used++] = text[i];
            continue;
        }
        int high = i + 2 < length ? digit_of(text[i + 1]) : -1;
        int low = high < 0 ? -1 : digit_of(text[i + 2]);
        if (low < 0)
            return false;
        out[used++] = (char)(high * 16 + low);
        i += 2;
    }
    *out_length = used;
    return true;
}

static bool has(const char *bytes, size_t length, const char *part)
{
    return memmem(bytes, length, part, strlen(part)) != NULL;
}

static bool ends_in(const char *bytes, size_t length, const char *part)
{
    size_t part_length = strlen(part);

    return length >= part_length && memcmp(bytes + length - part_length, part, part_length) == 0;
}

/* See haproxy.cfg.in, acl sly_path. */
static bool is_sly(const char *path, size_t length)
{
    return has(path, length, "/../") || has(path, length, "/./") || has(path, length, "/..;") ||
           has(path, length, "/.;") || has(path, length, "\\") || ends_in(path, length, "/..") ||
           ends_in(path, length, "/.") || memchr(path, '\0', length) != NULL;
}

static bool is_clean(const char *path, size_t length)
{
    char *decoded = xcalloc(1, length + 1);
    size_t decoded_length = 0;
    bool is_good =
        decode(path, length, decoded, &decoded_length) && !is_sly(decoded, decoded_length);

    free(decoded);
    return is_good;
}

/* The root that the path is, or is below; 0: none. */
static size_t find_root(const char *roots, const char *path, size_t path_length)
{
    const char *root;
    size_t length;

    while ((root = list_take(&roots, &length)) != NULL) {
        if (length > 0 && path_length >= length && memcmp(root, path, length) == 0 &&
            (path_length == length || path[length] == '/'))
            return length;
    }
    return 0;
}

static void take_id(struct job_path *found, const char *encoded, size_t length)
{
    char *decoded = xcalloc(1, length + 1);
    size_t decoded_length = 0;

    if (decode(encoded, length, decoded, &decoded_length) && decoded_length <= JOB_ID_MAX) {
        memcpy(found->id, decoded, decoded_length);
        found->id_length = decoded_length;
    }
    free(decoded);
}

struct job_path job_path_parse(const char *roots, const char *target)
{
    struct job_path found = {.kind = JOB_PATH_NONE, .path_length = strcspn(target, "?#")};

    found.root_length = find_root(roots, target, found.path_length);
    if (found.root_length == 0 || !is_clean(target, found.path_length))
        return found;
    if (found.path_length <= found.root_length + 1) {
        found.kind = JOB_PATH_LIST;
        return found;
    }
    const char *id = target + found.root_length + 1;
    size_t length = strcspn(id, "/?#");
    if (length == 0)
        return found;
    found.kind = JOB_PATH_JOB;
    found.id_end = found.root_length + 1 + length;
    take_id(&found, id, length);
    return found;
}
