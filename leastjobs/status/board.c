#include "status/board.h"

#include <stdlib.h>
#include <string.h>

#include "status/shorten.h"
#include "xalloc.h"

#define TEXT_MAX 640
/* What the last column has at least, else others are left out. */
#define LAST_MIN 8

enum colour { PLAIN, BOLD, GREEN, YELLOW, RED };
static const char *const sequences[] = {
    [BOLD] = "\033[1m", [GREEN] = "\033[32m", [YELLOW] = "\033[33m", [RED] = "\033[31m"};

/* The worst first. */
enum state { UNHEALTHY, IN_MAINTENANCE, LEAVING, DRAINED, FAILING, BUSY, HEALTHY };
static const struct {
    const char *name;
    enum colour colour;
} states[] = {
    [UNHEALTHY] = {"unhealthy", RED}, [IN_MAINTENANCE] = {"maint", YELLOW},
    [LEAVING] = {"leaving", YELLOW},  [DRAINED] = {"drained", YELLOW},
    [FAILING] = {"failing", YELLOW},  [BUSY] = {"busy", YELLOW},
    [HEALTHY] = {"healthy", GREEN},
};

/* The load's parts stand behind it as what it is the sum of. */
enum column {
    NUMBER,
    STATE,
    LOAD,
    FLIGHT,
    EXTERNAL,
    ACCEPTED,
    PENALTY,
    CAPACITY,
    AGE,
    PACE,
    CELLS
};
static const char *const heads[CELLS] = {"N",    "STATE", "LOAD", "=FLIGHT", "+EXT",
                                         "+ACC", "+PEN",  "CAP",  "AGE",     "/MIN"};
#define LAST_HEAD "INSTANCE"

struct line {
    char cells[CELLS][SHORT_MAX];
    enum state state;
    char last[TEXT_MAX]; /* its host, and what is wrong */
};

struct layout {
    size_t widths[CELLS];
    size_t cells; /* so many are shown: on a narrow screen the last ones aren't */
    size_t last;  /* columns of the last one */
};

struct out {
    FILE *stream;
    const struct board_style *style;
    int rows; /* printed */
};

static size_t columns_of(const struct board_style *style)
{
    return (size_t)(style->columns < BOARD_COLUMNS_MIN ? BOARD_COLUMNS_MIN : style->columns);
}

static void put(const struct out *out, enum colour colour, const char *text)
{
    if (colour == PLAIN || !out->style->has_colours)
        fputs(text, out->stream);
    else
        fprintf(out->stream, "%s%s\033[0m", sequences[colour], text);
}

static void end_line(struct out *out)
{
    fputs(out->style->clears_lines ? "\033[K\n" : "\n", out->stream);
    out->rows++;
}

/* What is too long is cut. */
static void put_text(struct out *out, enum colour colour, char *text)
{
    shorten_text(text, columns_of(out->style), false, out->style->has_utf8);
    put(out, colour, text);
    end_line(out);
}

void board_print_line(FILE *stream, const struct board_style *style, bool is_bad, const char *text)
{
    struct out out = {.stream = stream, .style = style};
    char copy[TEXT_MAX];

    snprintf(copy, sizeof(copy) - 2, "%s", text);
    put_text(&out, is_bad ? RED : PLAIN, copy);
}

static enum state state_of(const struct fleet_instance *instance)
{
    if (!instance->is_healthy)
        return UNHEALTHY;
    if (instance->is_in_maintenance)
        return IN_MAINTENANCE;
    if (instance->is_leaving)
        return LEAVING;
    if (instance->is_drained)
        return DRAINED;
    if (instance->is_busy)
        return BUSY;
    return instance->error == NULL ? HEALTHY : FAILING;
}

static int compare_number(const struct fleet_instance *a, const struct fleet_instance *b)
{
    return (a->number > b->number) - (a->number < b->number);
}

static int compare_load(const void *one, const void *other)
{
    const struct fleet_instance *a = one;
    const struct fleet_instance *b = other;

    return a->load != b->load ? (a->load < b->load) - (a->load > b->load) : compare_number(a, b);
}

static int compare_state(const void *one, const void *other)
{
    enum state a = state_of(one);
    enum state b = state_of(other);

    return a != b ? (a > b) - (a < b) : compare_number(one, other);
}

/* A copy in the order that is wanted, the caller's to free(). */
static struct fleet_instance *sorted(const struct fleet_view *view, enum board_sort sort)
{
    struct fleet_instance *copy = xcalloc(view->count + 1, sizeof(*copy));

    memcpy(copy, view->instances, view->count * sizeof(*copy));
    if (sort == BOARD_BY_LOAD)
        qsort(copy, view->count, sizeof(*copy), compare_load);
    if (sort == BOARD_BY_STATE)
        qsort(copy, view->count, sizeof(*copy), compare_state);
    return copy;
}

static void fill_cells(struct line *line, const struct fleet_instance *instance)
{
    line->state = state_of(instance);
    snprintf(line->cells[NUMBER], SHORT_MAX, "%u", instance->number);
    snprintf(line->cells[STATE], SHORT_MAX, "%s", states[line->state].name);
    shorten_count(instance->load, line->cells[LOAD]);
    shorten_count(instance->in_flight, line->cells[FLIGHT]);
    shorten_count(instance->external_jobs, line->cells[EXTERNAL]);
    shorten_count(instance->accepted_jobs, line->cells[ACCEPTED]);
    shorten_count(instance->penalty, line->cells[PENALTY]);
    shorten_count(instance->capacity, line->cells[CAPACITY]);
    shorten_age(instance->report_age_s, line->cells[AGE]);
    shorten_pace(instance->jobs_per_minute, line->cells[PACE]);
}

/* "http://10.0.0.5:8000" is 10.0.0.5:8000 to its operator. */
static const char *host_of(const char *url)
{
    static const char scheme[] = "http://";

    return strncmp(url, scheme, strlen(scheme)) == 0 ? url + strlen(scheme) : url;
}

/* What is wrong needs the room more than the host does, which the number stands for. */
static void fill_last(struct line *line, const struct fleet_instance *instance, size_t columns,
                      bool has_utf8)
{
    char host[TEXT_MAX / 2];
    size_t room = columns;

    snprintf(host, sizeof(host) - 2, "%s", host_of(instance->url));
    if (instance->error != NULL && strlen(host) + 1 + strlen(instance->error) > columns)
        room = columns / 3;
    shorten_text(host, room, true, has_utf8);
    if (instance->error == NULL)
        snprintf(line->last, TEXT_MAX, "%s", host);
    else
        snprintf(line->last, TEXT_MAX - 2, "%s %s", host, instance->error);
    shorten_text(line->last, columns, false, has_utf8);
}

static void widen(struct layout *layout, const char *const *cells)
{
    for (size_t c = 0; c < CELLS; c++) {
        if (strlen(cells[c]) > layout->widths[c])
            layout->widths[c] = strlen(cells[c]);
    }
}

static void cells_of(const struct line *line, const char **cells)
{
    for (size_t c = 0; c < CELLS; c++)
        cells[c] = line->cells[c];
}

static struct layout make_layout(const struct line *lines, size_t count, size_t columns)
{
    struct layout layout = {0};
    const char *cells[CELLS];
    size_t used = 0;

    widen(&layout, heads);
    for (size_t i = 0; i < count; i++) {
        cells_of(&lines[i], cells);
        widen(&layout, cells);
    }
    while (layout.cells < CELLS &&
           (layout.cells <= LOAD || used + layout.widths[layout.cells] + 1 + LAST_MIN <= columns))
        used += layout.widths[layout.cells++] + 1;
    layout.last = columns - used;
    return layout;
}

/* Numbers are on the right of their columns. */
static void put_row(struct out *out, const struct layout *layout, const char *const *cells,
                    const char *last, enum colour all, enum colour state)
{
    char text[SHORT_MAX];

    for (size_t c = 0; c < layout->cells; c++) {
        int width = (int)layout->widths[c];
        snprintf(text, sizeof(text), "%*s", c == STATE ? -width : width, cells[c]);
        put(out, c == STATE ? state : all, text);
        fputc(' ', out->stream);
    }
    put(out, all, last);
    end_line(out);
}

static void put_rest(struct out *out, const struct fleet_instance *rest, size_t count)
{
    char text[TEXT_MAX];
    size_t others = 0;

    for (size_t i = 0; i < count; i++)
        others += state_of(&rest[i]) != HEALTHY;
    if (others == 0)
        snprintf(text, sizeof(text) - 2, "and %zu more, all healthy", count);
    else
        snprintf(text, sizeof(text) - 2, "and %zu more, %zu of them not healthy%s", count, others,
                 out->style->sort != BOARD_BY_STATE ? ": try --sort state" : "");
    put_text(out, others > 0 ? YELLOW : PLAIN, text);
}

/* How many instances there is room for below their heads, with the last line for the rest. */
static size_t choose_shown(const struct out *out, size_t count)
{
    int room = out->style->rows - out->rows - 1;

    if (out->style->rows == 0 || (int)count <= room)
        return count;
    return room < 2 ? 1 : (size_t)room - 1;
}

static void put_table(struct out *out, const struct fleet_view *view)
{
    struct fleet_instance *instances = sorted(view, out->style->sort);
    size_t shown = choose_shown(out, view->count);
    struct line *lines = xcalloc(shown + 1, sizeof(*lines));
    const char *cells[CELLS];

    for (size_t i = 0; i < shown; i++)
        fill_cells(&lines[i], &instances[i]);
    struct layout layout = make_layout(lines, shown, columns_of(out->style));
    put_row(out, &layout, heads, LAST_HEAD, BOLD, BOLD);
    for (size_t i = 0; i < shown; i++) {
        fill_last(&lines[i], &instances[i], layout.last, out->style->has_utf8);
        cells_of(&lines[i], cells);
        put_row(out, &layout, cells, lines[i].last, PLAIN, states[lines[i].state].colour);
    }
    if (shown < view->count)
        put_rest(out, instances + shown, view->count - shown);
    free(lines);
    free(instances);
}

static void put_sums(struct out *out, const struct fleet_view *view)
{
    size_t healthy = fleet_count_healthy(view);
    size_t takers = fleet_count_takers(view);
    char pace[SHORT_MAX];
    char without[SHORT_MAX + 16] = "";
    char text[TEXT_MAX];

    shorten_pace(view->jobs_per_minute, pace);
    if (takers < healthy)
        snprintf(without, sizeof(without), ", %zu taken out", healthy - takers);
    snprintf(text, sizeof(text) - 2,
             "%zu of %zu instance%s healthy%s; %.0f active job%s; %s a minute", healthy,
             view->count, view->count == 1 ? "" : "s", without, view->total_active_jobs,
             view->total_active_jobs == 1 ? "" : "s", pace);
    put_text(out, takers == 0 ? RED : BOLD, text);
}

static void put_haproxy(struct out *out, const struct fleet_view *view)
{
    const char *problem = view->haproxy_problem;
    char text[TEXT_MAX];

    if (view->has_haproxy && problem == NULL)
        return;
    if (view->has_haproxy)
        snprintf(text, sizeof(text) - 2, "HAProxy can't be asked: %s: its last counts stand",
                 problem);
    else
        snprintf(text, sizeof(text) - 2, "HAProxy doesn't answer: %s",
                 problem == NULL ? "the agent hasn't asked it yet" : problem);
    put_text(out, RED, text);
}

void board_print(FILE *stream, const struct fleet_view *view, const struct board_style *style)
{
    struct out out = {.stream = stream, .style = style};

    put_sums(&out, view);
    put_haproxy(&out, view);
    put_table(&out, view);
}
