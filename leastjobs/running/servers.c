#include "running/servers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "serverstate.h"
#include "xalloc.h"

/* Servers alone (4), of all of them (-1). */
#define ASK                                                                                        \
    "show servers state " BACKEND_NAME "; show stat " BACKEND_NAME " 4 -1; show table " TABLE_JOBS \
    "; show table " TABLE_FAILED "; show table " TABLE_CAPACITIES "; show info"
/* SRV_ADMF_FMAINT, SRV_ADMF_IMAINT and SRV_ADMF_RMAINT of HAProxy's server-t.h. */
#define ADMIN_MAINTENANCE 0x23U
#define FIELD_MAX 64
#define PROCESS "Pid: "

static int compare(const void *key, const void *element)
{
    unsigned number = *(const unsigned *)key;
    unsigned other = ((const struct server *)element)->number;

    return (number > other) - (number < other);
}

static int compare_servers(const void *one, const void *other)
{
    return compare(&((const struct server *)one)->number, other);
}

static struct server *find(const struct servers *servers, unsigned number)
{
    if (servers->count == 0)
        return NULL;
    return bsearch(&number, servers->all, servers->count, sizeof(*servers->all), compare);
}

const struct server *servers_find(const struct servers *servers, unsigned number)
{
    return find(servers, number);
}

/* The line at *at, without its newline, which is stepped over; false at the end. */
static bool next_line(const char **at, const char **line, size_t *length)
{
    if (**at == '\0')
        return false;
    *line = *at;
    *length = strcspn(*at, "\n");
    *at += *length + ((*at)[*length] == '\n');
    return true;
}

static bool begins(const char *line, size_t length, const char *text)
{
    return length >= strlen(text) && memcmp(line, text, strlen(text)) == 0;
}

/* --- show servers state */

static void add_server(struct servers *servers, const struct serverstate_line *line)
{
    servers->all = xreallocarray(servers->all, servers->count + 1, sizeof(*servers->all));
    servers->all[servers->count++] = (struct server){
        .number = line->number,
        /* srv_is_up(): whatever it is drained, and unless it is in maintenance. */
        .is_up = strcmp(line->columns[SERVERSTATE_OPERATION], "0") != 0 &&
                 (line->admin & ADMIN_MAINTENANCE) == 0,
        .is_drained = (line->admin & (SERVERSTATE_DRAIN | SERVERSTATE_INHERITED_DRAIN)) != 0,
        .is_in_maintenance = (line->admin & ADMIN_MAINTENANCE) != 0,
        .weight = (unsigned)strtoul(line->columns[SERVERSTATE_WEIGHT], NULL, 10),
        .told_capacity = 1,
    };
}

static void read_servers(struct servers *servers, const char *text)
{
    const char *line;
    size_t length;
    struct serverstate_line parsed = {0};

    while (next_line(&text, &line, &length)) {
        if (serverstate_parse(&parsed, line, length))
            add_server(servers, &parsed);
    }
    if (servers->count > 0)
        qsort(servers->all, servers->count, sizeof(*servers->all), compare_servers);
}

/* --- show stat */

/* The next field of a line of CSV (RFC 4180), as much of it as has room; false behind the last. */
static bool next_field(const char **at, const char *end, char field[FIELD_MAX])
{
    size_t length = 0;
    bool is_quoted = false;

    field[0] = '\0';
    if (*at == NULL)
        return false;
    for (; *at < end && (is_quoted || **at != ','); (*at)++) {
        if (**at == '"')
            is_quoted = !is_quoted;
        else if (length < FIELD_MAX - 1)
            field[length++] = **at;
    }
    field[length] = '\0';
    *at = *at < end ? *at + 1 : NULL;
    return true;
}

#define COLUMNS_WANTED 5
static const char *const wanted[COLUMNS_WANTED] = {"pxname", "svname", "scur", "stot", "status"};

/* Where they are, by the line of names. */
static void read_names(const char *line, size_t length, size_t places[COLUMNS_WANTED])
{
    const char *at = line + strlen("# ");
    char field[FIELD_MAX];

    for (size_t i = 0; next_field(&at, line + length, field); i++) {
        for (size_t c = 0; c < COLUMNS_WANTED; c++) {
            if (strcmp(field, wanted[c]) == 0)
                places[c] = i;
        }
    }
}

static void read_row(struct servers *servers, const char *line, size_t length,
                     const size_t places[COLUMNS_WANTED])
{
    char values[COLUMNS_WANTED][FIELD_MAX] = {{0}};
    char field[FIELD_MAX];
    const char *at = line;

    for (size_t i = 0; next_field(&at, line + length, field); i++) {
        for (size_t c = 0; c < COLUMNS_WANTED; c++) {
            if (places[c] == i)
                memcpy(values[c], field, sizeof(field));
        }
    }
    if (strcmp(values[0], BACKEND_NAME) != 0 ||
        strncmp(values[1], INSTANCE_PREFIX, strlen(INSTANCE_PREFIX)) != 0)
        return;
    struct server *server =
        find(servers, (unsigned)strtoul(values[1] + strlen(INSTANCE_PREFIX), NULL, 10));
    if (server == NULL)
        return;
    server->in_flight = (uint32_t)strtoul(values[2], NULL, 10);
    server->sessions = strtoull(values[3], NULL, 10);
    snprintf(server->status, sizeof(server->status), "%.*s", SERVER_STATUS_MAX - 1, values[4]);
}

/* --- show table */

enum table { NO_TABLE, STAT, JOBS, FAILED, CAPACITIES };

/* What follows a line that begins with #. */
static enum table table_of(const char *line, size_t length)
{
    static const char *const heads[] = {[STAT] = "# pxname,",
                                        [JOBS] = "# table: " TABLE_JOBS ",",
                                        [FAILED] = "# table: " TABLE_FAILED ",",
                                        [CAPACITIES] = "# table: " TABLE_CAPACITIES ","};

    for (size_t i = STAT; i < sizeof(heads) / sizeof(heads[0]); i++) {
        if (begins(line, length, heads[i]))
            return (enum table)i;
    }
    return NO_TABLE;
}

static uint32_t value_of(const char *line, size_t length, const char *name)
{
    const char *found = memmem(line, length, name, strlen(name));

    return found == NULL ? 0 : (uint32_t)strtoul(found + strlen(name), NULL, 10);
}

static void read_entry(const struct servers *servers, enum table table, const char *line,
                       size_t length)
{
    struct server *server = find(servers, value_of(line, length, " key="));

    if (server == NULL)
        return;
    if (table == JOBS) {
        server->accepted = value_of(line, length, " gpc0=");
        server->word = value_of(line, length, " gpt0=");
    } else if (table == FAILED) {
        server->penalty = value_of(line, length, " gpt0=");
    } else {
        server->told_capacity = value_of(line, length, " gpt0=") + 1;
    }
}

bool servers_parse(struct servers *servers, const char *text)
{
    enum table table = NO_TABLE;
    size_t places[COLUMNS_WANTED] = {0};
    const char *line;
    size_t length;

    *servers = (struct servers){0};
    read_servers(servers, text);
    while (next_line(&text, &line, &length)) {
        if (begins(line, length, "# ")) {
            table = table_of(line, length);
            if (table == STAT)
                read_names(line, length, places);
        } else if (length == 0) {
            table = NO_TABLE;
        } else if (begins(line, length, PROCESS)) {
            servers->process = (pid_t)strtol(line + strlen(PROCESS), NULL, 10);
        } else if (table == STAT) {
            read_row(servers, line, length, places);
        } else if (table != NO_TABLE) {
            read_entry(servers, table, line, length);
        }
    }
    return servers->count > 0;
}

bool servers_ask(struct servers *servers, const char *socket, char problem[RUNTIME_PROBLEM_MAX])
{
    char *answer = runtime_ask(socket, ASK, problem);

    *servers = (struct servers){0};
    if (answer == NULL)
        return false;
    bool has_servers = servers_parse(servers, answer);
    free(answer);
    if (!has_servers)
        snprintf(problem, RUNTIME_PROBLEM_MAX,
                 "this HAProxy has no backend " BACKEND_NAME ": it isn't ours");
    return has_servers;
}

void servers_add_in_flight(struct servers *servers, const struct servers *others)
{
    for (size_t i = 0; i < others->count; i++) {
        struct server *server = find(servers, others->all[i].number);
        if (server != NULL)
            server->in_flight += others->all[i].in_flight;
    }
}

void servers_free(struct servers *servers)
{
    free(servers->all);
    *servers = (struct servers){0};
}
