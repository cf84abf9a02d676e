#include "sources/source_json.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <string.h>

#include "sources/json_pointer.h"

/* How much of what isn't JSON a message shows. */
#define SHOWN_MAX 40

/* RFC 6901 section 3: "/" before each token, "~" only as "~0" or "~1". No control characters. */
static bool is_pointer(const char *text, size_t length)
{
    if (length == 0 || text[0] != '/')
        return false;
    for (size_t i = 0; i < length; i++) {
        bool is_escape = i + 1 < length && (text[i + 1] == '0' || text[i + 1] == '1');
        if ((unsigned char)text[i] < 0x20 || (text[i] == '~' && !is_escape))
            return false;
    }
    return true;
}

static bool are_pointers(const char *list)
{
    for (unsigned count = 1; count <= SOURCE_JSON_POINTERS_MAX; count++) {
        size_t length = strcspn(list, ",");
        if (!is_pointer(list, length))
            return false;
        if (list[length] == '\0')
            return true;
        list += length + 1;
    }
    return false;
}

static const char *check_locator(const char *locator)
{
    return are_pointers(locator)
               ? NULL
               : "expected at most 16 JSON Pointers (RFC 6901) separated by commas, such as "
                 "/active_jobs,/concurrency/active_transcriptions";
}

static struct source_reading read_item(const cJSON *item, const char *pointer, int length)
{
    if (!cJSON_IsNumber(item))
        return source_failed(SOURCE_BAD_COUNT, "%.*s isn't a number", length, pointer);
    double value = item->valuedouble;
    /* Written so that NaN fails too. */
    if (!(value >= 0 && value <= JOBS_MAX) || (double)(unsigned)value != value)
        return source_failed(SOURCE_BAD_COUNT, "%.*s is %g", length, pointer, value);
    return (struct source_reading){.outcome = SOURCE_COUNTED, .jobs = (unsigned)value};
}

static struct source_reading read_root(const cJSON *root, const char *pointers)
{
    const char *pointer = pointers;

    while (*pointer != '\0') {
        size_t length = strcspn(pointer, ",");
        const cJSON *item = json_pointer_find(root, pointer, length);
        if (item != NULL)
            return read_item(item, pointer, (int)length);
        pointer += length + (pointer[length] == ',');
    }
    return source_failed(SOURCE_NO_COUNT, "nothing at %s", pointers);
}

/* cJSON stops after the first value: what follows it may only be white space. */
static bool only_white_space(const char *at, const char *end)
{
    while (at < end && *at != '\0' && strchr(" \t\r\n", *at) != NULL)
        at++;
    return at == end;
}

static struct source_reading read_json(const char *bytes, size_t length, const char *locator)
{
    const char *end = NULL;
    struct source_reading reading;

    cJSON *root = cJSON_ParseWithLengthOpts(bytes, length, &end, 0);
    if (root == NULL || !only_white_space(end, bytes + length))
        reading = source_failed(SOURCE_WRONG_FORM, "%zu bytes, starting \"%.*s\"", length,
                                length < SHOWN_MAX ? (int)length : SHOWN_MAX, bytes);
    else
        reading = read_root(root, locator);
    cJSON_Delete(root);
    return reading;
}

const struct source source_json = {
    .name = "json",
    .check_locator = check_locator,
    .read = read_json,
};
