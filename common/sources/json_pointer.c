#include "sources/json_pointer.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* More digits than any array here can need. */
#define INDEX_DIGITS_MAX 8

/* Copies the token at `at`, with ~1 and ~0 undone (in this order: section 4). */
static bool read_token(const char *at, const char *end, char token[JSON_POINTER_TOKEN_MAX])
{
    size_t length = 0;

    for (; at < end; at++) {
        if (length == JSON_POINTER_TOKEN_MAX - 1)
            return false;
        token[length++] = *at;
        if (*at != '~')
            continue;
        if (++at == end || (*at != '0' && *at != '1'))
            return false;
        token[length - 1] = *at == '1' ? '/' : '~';
    }
    token[length] = '\0';
    return true;
}

static const cJSON *element(const cJSON *array, const char *token)
{
    size_t length = strlen(token);

    if (length == 0 || length > INDEX_DIGITS_MAX || strspn(token, "0123456789") != length ||
        (token[0] == '0' && length > 1))
        return NULL;
    return cJSON_GetArrayItem(array, (int)strtol(token, NULL, 10));
}

const cJSON *json_pointer_find(const cJSON *root, const char *pointer, size_t length)
{
    const char *end = pointer + length;
    const cJSON *item = root;

    while (item != NULL && pointer < end) {
        char token[JSON_POINTER_TOKEN_MAX];
        if (*pointer++ != '/')
            return NULL;
        const char *slash = memchr(pointer, '/', (size_t)(end - pointer));
        const char *stop = slash == NULL ? end : slash;
        if (!read_token(pointer, stop, token))
            return NULL;
        item = cJSON_IsArray(item) ? element(item, token)
                                   : cJSON_GetObjectItemCaseSensitive(item, token);
        pointer = stop;
    }
    return item;
}
