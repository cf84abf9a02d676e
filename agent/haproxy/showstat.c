#include "haproxy/showstat.h"

#include <ctype.h>
#include <string.h>

#include "names.h"

#define COLUMN_NONE ((size_t)-1)
#define SERVER_ID_MAX 99999999U

struct columns {
    size_t backend;
    size_t server;
    size_t open;
    size_t total;
    size_t failed_connections;
    size_t redispatches;
    size_t failed_responses;
    size_t successes;
    size_t failed_answers;
    size_t status;
    size_t id;
};

struct field {
    const char *text;
    size_t length;
};

struct row {
    struct field backend;
    struct field server;
    struct field open;
    struct field total;
    struct field failed_connections;
    struct field redispatches;
    struct field failed_responses;
    struct field successes;
    struct field failed_answers;
    struct field status;
    struct field id;
};

static bool is(struct field field, const char *text)
{
    return field.length == strlen(text) && memcmp(field.text, text, field.length) == 0;
}

static bool begins(struct field field, const char *text)
{
    size_t length = strlen(text);

    return field.length >= length && memcmp(field.text, text, length) == 0;
}

/* The next field of a line; `*at` is NULL after the last one. Our fields are never quoted. */
static struct field next_field(const char **at, const char *end)
{
    const char *comma = memchr(*at, ',', (size_t)(end - *at));
    const char *stop = comma == NULL ? end : comma;
    struct field field = {*at, (size_t)(stop - *at)};

    *at = comma == NULL ? NULL : comma + 1;
    return field;
}

static size_t *column_of(struct field name, struct columns *columns)
{
    const struct {
        const char *name;
        size_t *column;
    } known[] = {{"pxname", &columns->backend},
                 {"svname", &columns->server},
                 {"scur", &columns->open},
                 {"stot", &columns->total},
                 {"econ", &columns->failed_connections},
                 {"wredis", &columns->redispatches},
                 {"eresp", &columns->failed_responses},
                 {"hrsp_2xx", &columns->successes},
                 {"hrsp_5xx", &columns->failed_answers},
                 {"status", &columns->status},
                 {"sid", &columns->id}};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (is(name, known[i].name))
            return known[i].column;
    }
    return NULL;
}

static bool read_names(const char *line, const char *end, struct columns *columns)
{
    const char *at = line;

    *columns = (struct columns){COLUMN_NONE, COLUMN_NONE, COLUMN_NONE, COLUMN_NONE,
                                COLUMN_NONE, COLUMN_NONE, COLUMN_NONE, COLUMN_NONE,
                                COLUMN_NONE, COLUMN_NONE, COLUMN_NONE};
    if (end - line < 2 || memcmp(line, "# ", 2) != 0)
        return false;
    at += 2;
    for (size_t i = 0; at != NULL; i++) {
        size_t *column = column_of(next_field(&at, end), columns);
        if (column != NULL)
            *column = i;
    }
    return columns->backend != COLUMN_NONE && columns->server != COLUMN_NONE &&
           columns->open != COLUMN_NONE && columns->status != COLUMN_NONE;
}

static struct row read_row(const char *line, const char *end, const struct columns *columns)
{
    struct row row = {{"", 0}, {"", 0}, {"", 0}, {"", 0}, {"", 0}, {"", 0},
                      {"", 0}, {"", 0}, {"", 0}, {"", 0}, {"", 0}};
    const char *at = line;

    for (size_t i = 0; at != NULL; i++) {
        struct field field = next_field(&at, end);
        if (i == columns->backend)
            row.backend = field;
        else if (i == columns->server)
            row.server = field;
        else if (i == columns->open)
            row.open = field;
        else if (i == columns->total)
            row.total = field;
        else if (i == columns->failed_connections)
            row.failed_connections = field;
        else if (i == columns->redispatches)
            row.redispatches = field;
        else if (i == columns->failed_responses)
            row.failed_responses = field;
        else if (i == columns->successes)
            row.successes = field;
        else if (i == columns->failed_answers)
            row.failed_answers = field;
        else if (i == columns->status)
            row.status = field;
        else if (i == columns->id)
            row.id = field;
    }
    return row;
}

static bool parse_number(struct field field, unsigned maximum, unsigned *number)
{
    *number = 0;
    for (size_t i = 0; i < field.length; i++) {
        if (!isdigit((unsigned char)field.text[i]))
            return false;
        *number = *number * 10 + (unsigned)(field.text[i] - '0');
        if (*number > maximum)
            return false;
    }
    return field.length > 0;
}

/* A counter that may have any size; 0 if there is none. */
static uint64_t read_counter(struct field field)
{
    uint64_t number = 0;

    for (size_t i = 0; i < field.length && isdigit((unsigned char)field.text[i]); i++)
        number = number * 10 + (uint64_t)(field.text[i] - '0');
    return number;
}

static struct instance *instance_of_row(const struct farm *farm, const struct row *row)
{
    struct field digits = row->server;
    unsigned number;

    if (!is(row->backend, BACKEND_NAME) || !begins(row->server, INSTANCE_PREFIX))
        return NULL;
    digits.text += strlen(INSTANCE_PREFIX);
    digits.length -= strlen(INSTANCE_PREFIX);
    /* instance01 isn't a name that genconf writes. */
    if (digits.length > 0 && digits.text[0] == '0')
        return NULL;
    return parse_number(digits, INSTANCE_NUMBER_MAX, &number) ? farm_find(farm, number) : NULL;
}

static void apply_row(const struct farm *farm, const struct row *row)
{
    struct instance *instance = instance_of_row(farm, row);
    unsigned open, id;

    if (instance == NULL || !parse_number(row->open, JOBS_MAX, &open))
        return;
    instance->in_flight = open;
    instance->sessions = read_counter(row->total);
    /* One that is picked anew counts as a redispatch and not as an error. */
    instance->counters.failed_connections =
        read_counter(row->failed_connections) + read_counter(row->redispatches);
    instance->counters.failed_responses = read_counter(row->failed_responses);
    instance->counters.successes = read_counter(row->successes);
    instance->counters.failed_answers = read_counter(row->failed_answers);
    instance->server_id = parse_number(row->id, SERVER_ID_MAX, &id) ? id : 0;
    /* "DRAIN", "DRAIN (agent)", "NOLB", "NOLB 1/3": no new jobs, whatever the weight is. */
    instance->drained = begins(row->status, "DRAIN") || begins(row->status, "NOLB");
}

/* The line of names; NULL if this isn't whole output, which ends with an empty line. */
static const char *end_of_names(const char *text, size_t length, struct columns *columns)
{
    const char *line_end = memchr(text, '\n', length);

    if (line_end == NULL || length < 2 || memcmp(text + length - 2, "\n\n", 2) != 0 ||
        !read_names(text, line_end, columns))
        return NULL;
    return line_end;
}

/* Further lines of names are nobody's rows. */
static void apply_rows(const struct farm *farm, const char *line, const char *end,
                       const struct columns *columns)
{
    while (line < end) {
        const char *line_end = memchr(line, '\n', (size_t)(end - line));
        struct row row = read_row(line, line_end, columns);
        apply_row(farm, &row);
        line = line_end + 1;
    }
}

bool showstat_apply(struct farm *farm, const char *text, size_t length)
{
    struct columns columns;
    const char *names_end = end_of_names(text, length, &columns);

    if (names_end == NULL)
        return false;
    for (size_t i = 0; i < farm->count; i++) {
        farm->instances[i].in_flight = 0;
        farm->instances[i].drained = false;
        farm->instances[i].server_id = 0;
    }
    apply_rows(farm, names_end + 1, text + length, &columns);
    return true;
}

bool showstat_update(struct farm *farm, const char *text, size_t length)
{
    struct columns columns;
    const char *names_end = end_of_names(text, length, &columns);

    if (names_end == NULL)
        return false;
    apply_rows(farm, names_end + 1, text + length, &columns);
    return true;
}
