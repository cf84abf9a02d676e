#include "sources/source_json.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <string.h>

#include "list.h"
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

/* Where a pointer of a sum ends: before "+" and another pointer, blanks aside, or at the end. */
static size_t pointer_length(const char *text, size_t length, size_t *next)
{
    for (size_t i = 1; i < length; i++) {
        size_t end = i;
        size_t behind = i + 1;
        if (text[i] != '+')
            continue;
        while (behind < length && text[behind] == ' ')
            behind++;
        if (behind == length || text[behind] != '/')
            continue;
        while (end > 0 && text[end - 1] == ' ')
            end--;
        *next = behind;
        return end;
    }
    *next = length;
    return length;
}

/* Of one sum; 0 if one of its pointers isn't one. */
static unsigned count_pointers(const char *sum, size_t length)
{
    unsigned count = 0;

    while (length > 0) {
        size_t next;
        size_t end = pointer_length(sum, length, &next);
        if (!is_pointer(sum, end))
            return 0;
        count++;
        sum += next;
        length -= next;
    }
    return count;
}

static bool are_sums(const char *locator)
{
    unsigned count = 0;

    for (;;) {
        size_t length = strcspn(locator, ",");
        unsigned more = count_pointers(locator, length);
        count += more;
        if (more == 0 || count > SOURCE_JSON_POINTERS_MAX)
            return false;
        if (locator[length] == '\0')
            return true;
        locator += length + 1;
    }
}

static const char *check_locator(const char *locator)
{
    return are_sums(locator) ? NULL
                             : "expected at most 16 JSON Pointers (RFC 6901) separated by commas, "
                               "or added up with "
                               "+, such as /active_jobs,/concurrency/active_transcriptions";
}

struct span {
    const char *start;
    size_t length;
};

/* What a sum has come to. */
struct tally {
    bool needs_rows;               /* an empty "*" leads nowhere */
    bool is_missing;               /* a pointer led nowhere */
    struct span pointer;           /* the one that is followed */
    struct source_reading problem; /* of an outcome other than SOURCE_COUNTED, if there is one */
    double total;
};

static void add_item(struct tally *tally, const cJSON *item, bool is_element)
{
    const struct span *pointer = &tally->pointer;

    if (is_element && cJSON_IsBool(item)) {
        tally->total += cJSON_IsTrue(item);
        return;
    }
    if (tally->problem.outcome != SOURCE_COUNTED)
        return;
    if (!cJSON_IsNumber(item))
        tally->problem = source_failed(SOURCE_BAD_COUNT, "%.*s isn't a number",
                                       (int)pointer->length, pointer->start);
    else if (!(item->valuedouble >= 0))
        tally->problem = source_failed(SOURCE_BAD_COUNT, "%.*s is %g", (int)pointer->length,
                                       pointer->start, item->valuedouble);
    else
        tally->total += item->valuedouble;
}

/* Where the step "*" begins; `length` if there is none. */
static size_t find_star(const char *pointer, size_t length)
{
    for (size_t i = 0; i + 1 < length; i++) {
        if (pointer[i] == '/' && pointer[i + 1] == '*' &&
            (i + 2 == length || pointer[i + 2] == '/'))
            return i;
    }
    return length;
}

/* As deep as the pointer has stars, and no deeper than what cJSON has read. */
static void follow(struct tally *tally, const cJSON *from, const char *pointer, size_t length,
                   bool is_element)
{
    size_t star = find_star(pointer, length);
    const cJSON *item = json_pointer_find(from, pointer, star);
    bool is_list = cJSON_IsArray(item) || cJSON_IsObject(item);

    if (item == NULL ||
        (star < length && (!is_list || (tally->needs_rows && item->child == NULL)))) {
        tally->is_missing = true;
        return;
    }
    if (star == length) {
        add_item(tally, item, is_element);
        return;
    }
    for (const cJSON *child = item->child; child != NULL && !tally->is_missing; child = child->next)
        follow(tally, child, pointer + star + 2, length - star - 2, true);
}

static void add_up(struct tally *tally, const cJSON *root, const char *sum, size_t length)
{
    const cJSON *item = json_pointer_find(root, sum, length);

    if (item != NULL) {
        tally->pointer = (struct span){sum, length};
        add_item(tally, item, false);
        return;
    }
    while (length > 0 && !tally->is_missing) {
        size_t next;
        tally->pointer = (struct span){sum, pointer_length(sum, length, &next)};
        follow(tally, root, sum, tally->pointer.length, false);
        sum += next;
        length -= next;
    }
}

static struct source_reading read_root(const cJSON *root, const char *locator, bool needs_rows)
{
    const char *rest = locator;
    const char *sum;
    size_t length;

    while ((sum = list_take(&rest, &length)) != NULL) {
        struct tally tally = {.needs_rows = needs_rows};
        add_up(&tally, root, sum, length);
        if (!tally.is_missing)
            return tally.problem.outcome != SOURCE_COUNTED
                       ? tally.problem
                       : source_counted(tally.total, sum, length);
    }
    return source_failed(SOURCE_NO_COUNT, "nothing at %s", locator);
}

/* cJSON stops after the first value: what follows it may only be white space. */
static bool only_white_space(const char *at, const char *end)
{
    while (at < end && *at != '\0' && strchr(" \t\r\n", *at) != NULL)
        at++;
    return at == end;
}

static struct source_reading read_bytes(const char *bytes, size_t length, const char *locator,
                                        bool needs_rows)
{
    const char *end = NULL;
    struct source_reading reading;

    cJSON *root = cJSON_ParseWithLengthOpts(bytes, length, &end, 0);
    if (root == NULL || !only_white_space(end, bytes + length))
        reading = source_failed(SOURCE_WRONG_FORM, "%zu bytes, starting \"%.*s\"", length,
                                length < SHOWN_MAX ? (int)length : SHOWN_MAX, bytes);
    else
        reading = read_root(root, locator, needs_rows);
    cJSON_Delete(root);
    return reading;
}

static struct source_reading read_json(const char *bytes, size_t length, const char *locator)
{
    return read_bytes(bytes, length, locator, false);
}

static struct source_reading read_rows(const char *bytes, size_t length, const char *locator)
{
    return read_bytes(bytes, length, locator, true);
}

const struct source source_json = {
    .name = "json",
    .check_locator = check_locator,
    .read = read_json,
};

const struct source source_json_rows = {
    .name = "json",
    .check_locator = check_locator,
    .read = read_rows,
};
