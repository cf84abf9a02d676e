/*
 * JSON Pointers: json_pointer_find().
 *
 * Input: the pointer, a newline, JSON.
 */
#include <stdio.h>
#include <string.h>

#include "fuzz.h"
#include "sources/json_pointer.h"

/* Longer pointers and more items than this aren't tried. */
#define PATH_MAX_LENGTH 1024
#define ITEMS_MAX 200

struct search {
    const cJSON *root;
    const cJSON *found; /* by the input's pointer */
    const char *path_found;
    unsigned items;
    size_t length; /* of the path to where the search is */
    char path[PATH_MAX_LENGTH];
};

/* A token as RFC 6901 section 3 writes it: there is but one way. False if it is too long. */
static bool append_token(struct search *s, const char *name)
{
    if (s->length + 2 * strlen(name) + 2 > sizeof(s->path))
        return false;
    s->path[s->length++] = '/';
    for (; *name != '\0'; name++) {
        char c = *name;
        if (c == '~' || c == '/') {
            s->path[s->length++] = '~';
            c = c == '~' ? '0' : '1';
        }
        s->path[s->length++] = c;
    }
    s->path[s->length] = '\0';
    return true;
}

static bool is_shadowed(const cJSON *parent, const cJSON *child)
{
    for (const cJSON *other = parent->child; other != child; other = other->next) {
        if (strcmp(other->string, child->string) == 0)
            return true;
    }
    return false;
}

/* Every item's pointer leads to it; what the input's pointer found is the item that it names. */
static void check_item(struct search *s, const cJSON *item)
{
    promise_of(json_pointer_find(s->root, s->path, s->length) == item, s->path);
    if (item == s->found) {
        promise_of(strcmp(s->path, s->path_found) == 0, s->path);
        s->found = NULL;
    }
    if (strcmp(s->path, s->path_found) == 0)
        promise_of(s->found == NULL, s->path);
}

static void check_below(struct search *s, const cJSON *item)
{
    unsigned index = 0;
    const cJSON *child;

    cJSON_ArrayForEach(child, item)
    {
        size_t length = s->length;
        char digits[16];
        snprintf(digits, sizeof(digits), "%u", index++);
        const char *name = cJSON_IsArray(item) ? digits : child->string;
        bool reachable = strlen(name) < JSON_POINTER_TOKEN_MAX && ++s->items <= ITEMS_MAX &&
                         (cJSON_IsArray(item) || !is_shadowed(item, child));
        if (reachable && append_token(s, name)) {
            check_item(s, child);
            check_below(s, child);
        }
        s->length = length;
        s->path[length] = '\0';
    }
}

/* RFC 6901 section 3. */
static bool is_valid(const char *pointer)
{
    if (pointer[0] != '\0' && pointer[0] != '/')
        return false;
    for (; *pointer != '\0'; pointer++) {
        if (*pointer == '~' && pointer[1] != '0' && pointer[1] != '1')
            return false;
    }
    return true;
}

static void check(const uint8_t *pointer, size_t length, const cJSON *root)
{
    static struct search s;

    const cJSON *found = json_pointer_find(root, fuzz_bytes(0, pointer, length), length);
    const char *text = fuzz_text(1, pointer, length);
    if (strlen(text) != length) /* A setting has no NUL. */
        return;
    if (!is_valid(text)) {
        promise_of(found == NULL, text);
        return;
    }
    s = (struct search){.root = root, .found = found, .path_found = text};
    check_item(&s, root);
    check_below(&s, root);
    if (s.items <= ITEMS_MAX && length < PATH_MAX_LENGTH / 2)
        promise_of(s.found == NULL, "an item that no path leads to");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *newline = size == 0 ? NULL : memchr(data, '\n', size);

    if (newline == NULL)
        return 0;
    size_t length = (size_t)(newline - data);
    cJSON *root = cJSON_ParseWithLength((const char *)newline + 1, size - length - 1);
    if (root != NULL)
        check(data, length, root);
    cJSON_Delete(root);
    return 0;
}
