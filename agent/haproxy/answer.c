#include "haproxy/answer.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "haproxy/showstat.h"
#include "names.h"
#include "serverstate.h"

#define NUMBER_DIGITS_MAX 10

static const char stat_head[] = "# pxname,";
static const char servers_head[] = "# be_id ";
static const char jobs_head[] = "# table: " TABLE_JOBS ",";
static const char failed_head[] = "# table: " TABLE_FAILED ",";

static bool begins(struct answer_part piece, const char *text)
{
    size_t length = strlen(text);

    return piece.length >= length && memcmp(piece.text, text, length) == 0;
}

/* The next line from *at; its text is NULL at the end. */
static struct answer_part next_line(const char **at, const char *end)
{
    struct answer_part line = {*at, 0};

    if (*at >= end)
        return (struct answer_part){NULL, 0};
    const char *newline = memchr(*at, '\n', (size_t)(end - *at));
    line.length = (size_t)((newline == NULL ? end : newline) - *at);
    *at = newline == NULL ? end : newline + 1;
    return line;
}

static bool read_number(const char *text, size_t length, uint32_t *number)
{
    char digits[NUMBER_DIGITS_MAX + 1];
    size_t count = 0;

    while (count < length && count < NUMBER_DIGITS_MAX && text[count] >= '0' && text[count] <= '9')
        count++;
    if (count == 0 || (count < length && text[count] != ' '))
        return false;
    memcpy(digits, text, count);
    digits[count] = '\0';
    unsigned long long value = strtoull(digits, NULL, 10);
    *number = (uint32_t)value;
    return value <= UINT32_MAX;
}

/* The number behind " NAME=" in an entry of a table. */
static bool read_value(struct answer_part line, const char *name, uint32_t *number)
{
    const char *found = memmem(line.text, line.length, name, strlen(name));

    if (found == NULL)
        return false;
    found += strlen(name);
    return read_number(found, (size_t)(line.text + line.length - found), number);
}

struct entry {
    uint32_t key;
    uint32_t gpt0;
    uint32_t gpc0;
    uint32_t gpc1;
};

static bool read_entry(struct answer_part line, struct entry *entry)
{
    *entry = (struct entry){0, 0, 0, 0};
    if (!begins(line, "0x") || !read_value(line, " key=", &entry->key))
        return false;
    read_value(line, " gpt0=", &entry->gpt0);
    read_value(line, " gpc0=", &entry->gpc0);
    read_value(line, " gpc1=", &entry->gpc1);
    return true;
}

static void look_for_mark(struct answer_part line, struct answer *answer)
{
    struct entry entry;

    if (answer->has_mark || !read_entry(line, &entry) || entry.key != TABLE_MARK_KEY)
        return;
    answer->has_mark = entry.gpt0 != 0;
    answer->mark = entry.gpt0;
}

/* Of several answers of a kind, the first is where the part begins. */
static void look_for_head(struct answer_part line, struct answer *answer)
{
    bool is_jobs = begins(line, jobs_head);
    bool is_failed = begins(line, failed_head);

    if (answer->stat.text == NULL && begins(line, stat_head))
        answer->stat.text = line.text;
    if (answer->servers.text == NULL && begins(line, servers_head))
        answer->servers.text = line.text;
    if (answer->tables.text == NULL && (is_jobs || is_failed))
        answer->tables.text = line.text;
    answer->has_jobs = answer->has_jobs || is_jobs;
    answer->has_failed = answer->has_failed || is_failed;
}

/* A part that has begun and not ended is over at `end`. */
static void close_part(struct answer_part *part, const char *end)
{
    if (part->text != NULL && part->length == 0)
        part->length = (size_t)(end - part->text);
}

struct answer answer_look(const char *text, size_t length)
{
    struct answer answer = {.end = text + length};
    const char *at = text;
    struct answer_part line;

    while ((line = next_line(&at, answer.end)).text != NULL) {
        if (line.length == 0) {
            close_part(&answer.stat, at);
            close_part(&answer.servers, at);
        } else if (line.text[0] == '#') {
            look_for_head(line, &answer);
        } else {
            look_for_mark(line, &answer);
        }
    }
    close_part(&answer.stat, answer.end);
    close_part(&answer.servers, answer.end);
    close_part(&answer.tables, answer.end);
    answer.has_stat = answer.stat.text != NULL;
    answer.has_servers = answer.servers.text != NULL;
    return answer;
}

typedef void entry_taker(struct farm *farm, const struct entry *entry);

static void apply_jobs(struct farm *farm, const struct entry *entry)
{
    struct instance *instance = farm_find(farm, entry->key);

    if (instance == NULL)
        return;
    instance->acceptances = entry->gpc0;
    instance->told = entry->gpt0;
    instance->told_capacity = entry->gpc1;
}

static void apply_failed(struct farm *farm, const struct entry *entry)
{
    struct instance *instance = farm_find(farm, entry->key);

    if (instance != NULL)
        instance->jobs_penalty = entry->gpt0 < PENALTY_MAX ? entry->gpt0 : PENALTY_MAX;
}

/* Several answers about one entry each stand behind each other: all lines are looked at. */
static void apply_tables(struct farm *farm, const struct answer *answer)
{
    const char *at = answer->tables.text;
    entry_taker *take = NULL;
    struct answer_part line;
    struct entry entry;

    while ((line = next_line(&at, answer->end)).text != NULL) {
        if (begins(line, jobs_head))
            take = apply_jobs;
        else if (begins(line, failed_head))
            take = apply_failed;
        else if (line.length == 0 || line.text[0] == '#')
            take = NULL;
        else if (take != NULL && read_entry(line, &entry))
            take(farm, &entry);
    }
}

static void note_address(struct instance *instance, const char *address)
{
    unsigned char bytes[sizeof(struct in6_addr)];

    /* "-" or "" for a name that isn't resolved. */
    if (inet_pton(AF_INET, address, bytes) != 1 && inet_pton(AF_INET6, address, bytes) != 1)
        address = "";
    snprintf(instance->address, sizeof(instance->address), "%.*s", INET6_ADDRSTRLEN - 1, address);
}

static void apply_servers(struct farm *farm, struct answer_part answer)
{
    const char *at = answer.text;
    struct serverstate_line server = {0};
    struct answer_part line;

    while ((line = next_line(&at, answer.text + answer.length)).text != NULL) {
        if (!serverstate_parse(&server, line.text, line.length))
            continue;
        struct instance *instance = farm_find(farm, server.number);
        if (instance == NULL)
            continue;
        instance->drained = (server.admin & (SERVERSTATE_DRAIN | SERVERSTATE_INHERITED_DRAIN)) != 0;
        instance->maintained = (server.admin & SERVERSTATE_MAINT) != 0;
        instance->weighs_nothing = strcmp(server.columns[SERVERSTATE_WEIGHT], "0") == 0;
        note_address(instance, server.columns[SERVERSTATE_ADDRESS]);
    }
}

static void forget_tables(struct farm *farm, const struct answer *answer)
{
    for (size_t i = 0; i < farm->count; i++) {
        struct instance *instance = &farm->instances[i];
        if (answer->has_jobs)
            instance->acceptances = instance->told = instance->told_capacity = 0;
        if (answer->has_failed)
            instance->jobs_penalty = 0;
    }
}

static bool apply_stat(struct farm *farm, const struct answer *answer, enum answer_scope scope)
{
    const char *text = answer->stat.text;

    if (text == NULL)
        return false;
    return scope == ANSWER_ALL ? showstat_apply(farm, text, answer->stat.length)
                               : showstat_update(farm, text, (size_t)(answer->end - text));
}

bool answer_apply(struct farm *farm, const struct answer *answer, enum answer_scope scope)
{
    bool has_counts = apply_stat(farm, answer, scope);

    if (scope == ANSWER_ALL)
        forget_tables(farm, answer);
    if (answer->tables.text != NULL)
        apply_tables(farm, answer);
    if (answer->servers.text != NULL)
        apply_servers(farm, answer->servers);
    return has_counts;
}
