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

/* A line without its newline; a piece of text that is one answer. */
struct piece {
    const char *text;
    size_t length;
};

static bool begins(struct piece piece, const char *text)
{
    size_t length = strlen(text);

    return piece.length >= length && memcmp(piece.text, text, length) == 0;
}

/* The next line from *at; its text is NULL at the end. */
static struct piece next_line(const char **at, const char *end)
{
    struct piece line = {*at, 0};

    if (*at >= end)
        return (struct piece){NULL, 0};
    const char *newline = memchr(*at, '\n', (size_t)(end - *at));
    line.length = (size_t)((newline == NULL ? end : newline) - *at);
    *at = newline == NULL ? end : newline + 1;
    return line;
}

/* The answer that begins with a line that begins with `head`, up to and with an empty line. */
static struct piece find_answer(const char *text, size_t length, const char *head)
{
    const char *at = text;
    const char *end = text + length;
    struct piece line;
    struct piece found = {NULL, 0};

    while ((line = next_line(&at, end)).text != NULL) {
        if (found.text == NULL && begins(line, head))
            found.text = line.text;
        if (found.text != NULL && line.length == 0)
            break;
    }
    if (found.text != NULL)
        found.length = (size_t)(at - found.text);
    return found;
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
static bool read_value(struct piece line, const char *name, uint32_t *number)
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
};

static bool read_entry(struct piece line, struct entry *entry)
{
    *entry = (struct entry){0, 0, 0};
    if (!begins(line, "0x") || !read_value(line, " key=", &entry->key))
        return false;
    read_value(line, " gpt0=", &entry->gpt0);
    read_value(line, " gpc0=", &entry->gpc0);
    return true;
}

static void look_for_mark(const char *text, size_t length, struct answer *answer)
{
    const char *at = text;
    struct piece line;
    struct entry entry;

    while ((line = next_line(&at, text + length)).text != NULL) {
        if (read_entry(line, &entry) && entry.key == TABLE_MARK_KEY && entry.gpt0 != 0) {
            answer->has_mark = true;
            answer->mark = entry.gpt0;
            return;
        }
    }
}

struct answer answer_look(const char *text, size_t length)
{
    struct answer answer = {
        .has_stat = find_answer(text, length, stat_head).text != NULL,
        .has_servers = find_answer(text, length, servers_head).text != NULL,
        .has_jobs = find_answer(text, length, jobs_head).text != NULL,
        .has_failed = find_answer(text, length, failed_head).text != NULL,
    };

    look_for_mark(text, length, &answer);
    return answer;
}

static void apply_jobs(struct farm *farm, const struct entry *entry)
{
    struct instance *instance = farm_find(farm, entry->key);

    if (instance == NULL)
        return;
    instance->acceptances = entry->gpc0;
    instance->told = entry->gpt0;
}

static void apply_failed(struct farm *farm, const struct entry *entry)
{
    struct instance *instance = farm_find(farm, entry->key);

    if (instance != NULL)
        instance->jobs_penalty = entry->gpt0 < PENALTY_MAX ? entry->gpt0 : PENALTY_MAX;
}

/* Several answers about one entry each stand behind each other: all lines are looked at. */
static void apply_table(struct farm *farm, const char *text, size_t length, const char *head,
                        void (*apply)(struct farm *farm, const struct entry *entry))
{
    const char *at = text;
    bool is_inside = false;
    struct piece line;
    struct entry entry;

    while ((line = next_line(&at, text + length)).text != NULL) {
        if (line.length == 0 || line.text[0] == '#')
            is_inside = begins(line, head);
        else if (is_inside && read_entry(line, &entry))
            apply(farm, &entry);
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

static void apply_servers(struct farm *farm, struct piece answer)
{
    const char *at = answer.text;
    struct serverstate_line server = {0};
    struct piece line;

    while ((line = next_line(&at, answer.text + answer.length)).text != NULL) {
        if (!serverstate_parse(&server, line.text, line.length))
            continue;
        struct instance *instance = farm_find(farm, server.number);
        if (instance == NULL)
            continue;
        instance->drained = (server.admin & (SERVERSTATE_DRAIN | SERVERSTATE_INHERITED_DRAIN)) != 0;
        instance->maintained = (server.admin & SERVERSTATE_MAINT) != 0;
        note_address(instance, server.columns[SERVERSTATE_ADDRESS]);
    }
}

static void forget_tables(struct farm *farm, const struct answer *answer)
{
    for (size_t i = 0; i < farm->count; i++) {
        if (answer->has_jobs)
            farm->instances[i].acceptances = farm->instances[i].told = 0;
        if (answer->has_failed)
            farm->instances[i].jobs_penalty = 0;
    }
}

struct answer answer_apply(struct farm *farm, const char *text, size_t length,
                           enum answer_scope scope)
{
    struct answer answer = answer_look(text, length);
    struct piece stat = find_answer(text, length, stat_head);
    struct piece servers = find_answer(text, length, servers_head);

    if (scope == ANSWER_ALL) {
        forget_tables(farm, &answer);
        answer.has_stat = answer.has_stat && showstat_apply(farm, stat.text, stat.length);
    } else if (answer.has_stat) {
        answer.has_stat = showstat_update(farm, stat.text, (size_t)(text + length - stat.text));
    }
    apply_table(farm, text, length, jobs_head, apply_jobs);
    apply_table(farm, text, length, failed_head, apply_failed);
    if (servers.text != NULL)
        apply_servers(farm, servers);
    return answer;
}
