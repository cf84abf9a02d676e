#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "explain/explanation.h"
#include "names.h"
#include "status/shorten.h"

#define PHRASE_MAX 400
/* Of those that are alike, no more are named. */
#define NAMED_MAX 3
#define LAST ((int64_t)DRAINED_LOAD * LOAD_UNIT)

/* Jobs, of sixteenths: "3", "2.5", "0.0625". */
static const char *jobs(int64_t sixteenths, char text[SHORT_MAX])
{
    snprintf(text, SHORT_MAX, "%.12g", (double)sixteenths / LOAD_UNIT);
    return text;
}

static const char *what_is_compared(const struct explanation *e)
{
    return e->compares_capacities ? "(load + 1) / capacity" : "load";
}

static void print_picked(FILE *out, const struct explanation *e)
{
    if (e->picked > NAMED_MAX) {
        fprintf(out, "one of %zu", e->picked);
        return;
    }
    for (size_t i = 0; i < e->picked; i++)
        fprintf(out, "%s" INSTANCE_PREFIX "%u",
                i == 0              ? ""
                : i + 1 < e->picked ? ", "
                                    : " or ",
                e->candidates[e->order[i]].number);
}

static void print_verdict(FILE *out, const struct explanation *e)
{
    if (e->picked == 0) {
        fprintf(out, "The next job gets 503: no instance is up and not drained.\n");
        return;
    }
    fprintf(out, "The next job goes to ");
    print_picked(out, e);
    fprintf(out, "%s %s, %.6g, is the least.\n",
            e->picked == 1 ? ": its" : ", by a random number: their", what_is_compared(e),
            explanation_cost(e, e->order[0]));
}

static void describe_outcome(const struct explanation *e, size_t i, char text[PHRASE_MAX])
{
    const struct server *server = &e->servers->all[i];
    const struct fleet_instance *known =
        e->view == NULL ? NULL : fleet_view_find(e->view, server->number);

    switch (e->verdicts[i].outcome) {
    case PICKED:
        snprintf(text, PHRASE_MAX, "%s",
                 e->picked > 1 ? "picked, or another with as little" : "picked");
        return;
    case HAS_MORE:
        snprintf(text, PHRASE_MAX, "not picked: its %s is %.6g, the least is %.6g",
                 what_is_compared(e), explanation_cost(e, i), explanation_cost(e, e->order[0]));
        return;
    case IS_DOWN:
        if (strstr(server->status, "(resolution)") != NULL)
            snprintf(text, PHRASE_MAX, "not picked: HAProxy can't find the address of its name");
        else if (server->is_in_maintenance)
            snprintf(text, PHRASE_MAX, "not picked: it is in maintenance");
        else
            snprintf(text, PHRASE_MAX, "not picked: it is down%s%.150s",
                     known == NULL || known->error == NULL ? "" : ": ",
                     known == NULL || known->error == NULL ? "" : known->error);
        return;
    case HAS_NO_WEIGHT:
        snprintf(text, PHRASE_MAX, "not picked: %s",
                 server->is_drained ? "it is drained"
                 : known != NULL && known->is_leaving
                     ? "it is leaving: where it was found, it is no more"
                     : "its weight is 0");
        return;
    case HAS_NO_ROOM:
        snprintf(text, PHRASE_MAX, "not picked: its load is beyond what the rules count to");
        return;
    }
}

static void print_report(FILE *out, const struct fleet_instance *known)
{
    char age[SHORT_MAX];

    shorten_age(known->report_age_s, age);
    if (known->report_age_s < 0)
        fprintf(out, "  read     no report yet\n");
    else if (known->report_field == NULL)
        fprintf(out, "  read     that it is well, %s ago; it reports no jobs\n", age);
    else
        fprintf(out, "  read     %.0f active jobs, %s ago: %.6g external, accepted since: %.0f\n",
                known->active_jobs, age, known->external_jobs, known->accepted_jobs);
    fprintf(out, "           %s\n", known->report_url);
    if (known->report_field != NULL)
        fprintf(out, "           %s\n", known->report_field);
    if (known->error != NULL)
        fprintf(out, "           and now: %s\n", known->error);
}

static void print_read(FILE *out, const struct explanation *e, unsigned number)
{
    const struct fleet_instance *known = e->view == NULL ? NULL : fleet_view_find(e->view, number);

    if (e->view == NULL)
        fprintf(out, "  read     nothing now: the agent doesn't answer, its last word stands\n");
    else if (known == NULL || known->report_url == NULL)
        fprintf(out, "  read     nothing: the agent doesn't know it\n");
    else
        print_report(out, known);
}

static void print_haproxy(FILE *out, const struct server *server, const struct verdict *verdict)
{
    /* Until its weight says it, the agent's word makes a drained one be picked last. */
    bool is_last = server->is_drained && verdict->unseen >= LAST;
    char unseen[SHORT_MAX];

    fprintf(out, "  HAProxy  %s, weight %u%s; %" PRIu32 " in flight; penalty %" PRIu32 "\n",
            server->status[0] == '\0' ? "?" : server->status, server->weight,
            server->is_drained ? ", drained by an operator" : "", server->in_flight,
            server->penalty);
    fprintf(out, "           told of %s more%s (table jobs: gpc0=%" PRIu32 " gpt0=%" PRIu32 ")\n",
            jobs(is_last ? verdict->unseen - LAST : verdict->unseen, unseen),
            is_last ? ", and that it is drained" : "", server->accepted, server->word);
}

static void print_rules(FILE *out, const struct explanation *e, size_t i)
{
    const struct candidate *c = &e->candidates[i];
    char unseen[SHORT_MAX];
    char load[SHORT_MAX];

    fprintf(out, "  rules    load %s = %" PRIu32 " in flight + %s more + ",
            jobs(e->verdicts[i].load, load), c->in_flight, jobs(e->verdicts[i].unseen, unseen));
    if (!e->compares_capacities)
        fprintf(out, "%" PRIu32 " penalty\n", c->penalty);
    else
        fprintf(out,
                "%" PRIu32 " * %" PRIu32 " penalty\n           (%s + 1) / %" PRIu32 " = %.6g\n",
                c->capacity, c->penalty, load, c->capacity, explanation_cost(e, i));
}

void explanation_print(FILE *stream, const struct explanation *e, unsigned number)
{
    char outcome[PHRASE_MAX];

    print_verdict(stream, e);
    for (size_t place = 0; place < e->servers->count; place++) {
        size_t i = e->order[place];
        const struct server *server = &e->servers->all[i];
        if (number != 0 && server->number != number)
            continue;
        describe_outcome(e, i, outcome);
        fprintf(stream, "\n" INSTANCE_PREFIX "%u: %s\n", server->number, outcome);
        print_read(stream, e, server->number);
        print_haproxy(stream, server, &e->verdicts[i]);
        print_rules(stream, e, i);
    }
}
