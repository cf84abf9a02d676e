#include "explain/explanation.h"

#include <cjson/cJSON.h>
#include <stdlib.h>

#include "capacity.h"
#include "json_text.h"
#include "names.h"
#include "xalloc.h"

static unsigned configured_capacity(const struct config *config, unsigned number, unsigned told)
{
    for (size_t i = 0; i < config->instance_count; i++) {
        const struct instance_config *instance = &config->instances[i];
        if (instance->number == number && instance->capacity_locator == NULL)
            return instance->capacity;
    }
    return told;
}

static unsigned capacity_of(const struct server *server, const struct fleet_view *view,
                            const struct config *config)
{
    const struct fleet_instance *known =
        view == NULL ? NULL : fleet_view_find(view, server->number);

    if (known != NULL)
        return known->capacity_field == NULL ? (unsigned)known->capacity : server->told_capacity;
    if (config != NULL)
        return configured_capacity(config, server->number, server->told_capacity);
    return server->told_capacity;
}

static struct candidate candidate_of(const struct server *server, unsigned capacity)
{
    return (struct candidate){.number = server->number,
                              .is_up = server->is_up,
                              .weight = server->weight,
                              .in_flight = server->in_flight,
                              .accepted = server->accepted,
                              .word = server->word,
                              .penalty = server->penalty,
                              .capacity = capacity};
}

/* Those that can't be picked come last; equal ones by number. */
static int compare(const void *one, const void *other, void *context)
{
    const struct explanation *e = context;
    size_t a = *(const size_t *)one;
    size_t b = *(const size_t *)other;
    bool a_is_out = e->verdicts[a].outcome > HAS_MORE;
    bool b_is_out = e->verdicts[b].outcome > HAS_MORE;
    int order = 0;

    if (a_is_out != b_is_out)
        return a_is_out ? 1 : -1;
    if (!a_is_out)
        order = pick_compare(&e->candidates[a], &e->verdicts[a], &e->candidates[b], &e->verdicts[b],
                             e->compares_capacities);
    return order != 0 ? order : (a > b) - (a < b);
}

void explanation_make(struct explanation *explanation, const struct servers *servers,
                      const struct fleet_view *view, const struct config *config)
{
    size_t count = servers->count;
    bool is_compared =
        view != NULL ? view->compares_capacities : config != NULL && capacity_is_compared(config);

    *explanation =
        (struct explanation){.servers = servers, .view = view, .compares_capacities = is_compared};
    explanation->candidates = xcalloc(count, sizeof(*explanation->candidates));
    explanation->verdicts = xcalloc(count, sizeof(*explanation->verdicts));
    explanation->order = xcalloc(count, sizeof(*explanation->order));
    for (size_t i = 0; i < count; i++) {
        const struct server *server = &servers->all[i];
        explanation->candidates[i] = candidate_of(server, capacity_of(server, view, config));
        explanation->order[i] = i;
    }
    explanation->picked = pick(explanation->candidates, count, is_compared, explanation->verdicts);
    qsort_r(explanation->order, count, sizeof(*explanation->order), compare, explanation);
}

void explanation_free(struct explanation *explanation)
{
    free(explanation->candidates);
    free(explanation->verdicts);
    free(explanation->order);
    *explanation = (struct explanation){0};
}

double explanation_cost(const struct explanation *explanation, size_t index)
{
    double load = (double)explanation->verdicts[index].load / LOAD_UNIT;

    return explanation->compares_capacities ? (load + 1) / explanation->candidates[index].capacity
                                            : load;
}

static const char *outcome_word(const struct server *server, enum pick_outcome outcome)
{
    switch (outcome) {
    case PICKED:
        return "picked";
    case HAS_MORE:
        return "more";
    case IS_DOWN:
        return server->is_in_maintenance ? "maintenance" : "down";
    case HAS_NO_WEIGHT:
        return server->is_drained ? "drained" : "no_weight";
    case HAS_NO_ROOM:
        break;
    }
    return "no_room";
}

static cJSON *object_of(const struct explanation *e, size_t i)
{
    const struct server *server = &e->servers->all[i];
    const struct verdict *verdict = &e->verdicts[i];
    cJSON *object = cJSON_CreateObject();

    cJSON_AddNumberToObject(object, "number", server->number);
    cJSON_AddStringToObject(object, "outcome", outcome_word(server, verdict->outcome));
    cJSON_AddStringToObject(object, "status", server->status);
    cJSON_AddNumberToObject(object, "weight", server->weight);
    cJSON_AddNumberToObject(object, "in_flight", server->in_flight);
    cJSON_AddNumberToObject(object, "unseen", (double)verdict->unseen / LOAD_UNIT);
    cJSON_AddNumberToObject(object, "penalty", server->penalty);
    cJSON_AddNumberToObject(object, "capacity", e->candidates[i].capacity);
    cJSON_AddNumberToObject(object, "load", (double)verdict->load / LOAD_UNIT);
    return object;
}

char *explanation_json(const struct explanation *e)
{
    cJSON *root = cJSON_CreateObject();
    cJSON *picked = cJSON_AddArrayToObject(root, "picked");

    for (size_t i = 0; i < e->picked; i++)
        cJSON_AddItemToArray(picked, cJSON_CreateNumber(e->candidates[e->order[i]].number));
    cJSON_AddBoolToObject(root, "compares_capacities", e->compares_capacities);
    cJSON *instances = cJSON_AddArrayToObject(root, "instances");
    for (size_t i = 0; i < e->servers->count; i++)
        cJSON_AddItemToArray(instances, object_of(e, e->order[i]));
    return json_text(root);
}
