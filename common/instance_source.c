#include "instance_source.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "pointer_hint.h"
#include "xalloc.h"

/* Some of an instance's options, or of those for all: what one JOBS_SOURCE goes with. */
struct scope {
    const char *prefix; /* of the variables' names: "" or "INSTANCE_3_" */
    const struct preset *preset;
    const char *jobs_field;
    const char *load_url;
    const char *capacity_field;
    const struct settings *settings;
    struct errors *errors;
};

static void reject(const struct scope *scope, const char *name, const char *problem)
{
    char *variable = xasprintf("%s%s", scope->prefix, name);
    const struct setting *setting = settings_find(scope->settings, variable);

    if (setting != NULL)
        settings_reject(scope->errors, setting, problem);
    free(variable);
}

/* NULL, or what is wrong with a locator for the source. Until the next call. */
static const char *locator_problem(const struct source *source, const char *locator)
{
    const char *problem = source->check_locator(locator);

    if (problem == NULL || strcmp(source->name, "json") != 0)
        return problem;
    return pointer_hint(locator, source->check_locator, problem);
}

/* Returns whether it may be used. */
static bool check_locator(const struct scope *scope, const char *name, const char *locator)
{
    const struct source *source = scope->preset->source;

    if (source == NULL) {
        char *problem = xasprintf("JOBS_SOURCE=%s has no such thing, since these servers report "
                                  "nothing: leave it out",
                                  scope->preset->name);
        reject(scope, name, problem);
        free(problem);
        return false;
    }
    const char *problem = locator_problem(source, locator);
    if (problem != NULL)
        reject(scope, name, problem);
    return problem == NULL;
}

static bool is_auto(const char *capacity_field)
{
    return capacity_field != NULL && strcmp(capacity_field, CAPACITY_FIELD_AUTO) == 0;
}

/* "auto" where the source knows of none; what is said for all may be meant for other instances. */
static void check_auto(const struct scope *scope)
{
    static const char format[] = "JOBS_SOURCE=%s knows of no capacity in these servers' answers: "
                                 "say where it is, or set INSTANCE_N_CAPACITY";

    if (scope->preset->capacity_locator != NULL)
        return;
    char *problem = xasprintf(format, scope->preset->name);
    if (scope->prefix[0] == '\0')
        errors_warn(scope->errors, "CAPACITY_FIELD=\"" CAPACITY_FIELD_AUTO "\": %s", problem);
    else
        reject(scope, "CAPACITY_FIELD", problem);
    free(problem);
}

/* Those that are said here; what the source lacks without them is another question. */
static void check_options(const struct scope *scope)
{
    if (scope->jobs_field != NULL)
        check_locator(scope, "JOBS_FIELD", scope->jobs_field);
    if (scope->load_url != NULL && scope->preset->source == NULL)
        check_locator(scope, "LOAD_URL", "");
    if (scope->capacity_field == NULL)
        return;
    if (is_auto(scope->capacity_field))
        check_auto(scope);
    else
        check_locator(scope, "CAPACITY_FIELD", scope->capacity_field);
}

void instance_source_check(const struct config *config, const struct settings *settings,
                           struct errors *errors)
{
    struct scope scope = {.prefix = "",
                          .preset = preset_find(config->jobs_source),
                          .jobs_field = config->jobs_field,
                          .load_url = config->load_url,
                          .capacity_field = config->capacity_field,
                          .settings = settings,
                          .errors = errors};

    check_options(&scope);
}

static void check_own(const struct instance_config *instance, const char *prefix,
                      const struct settings *settings, struct errors *errors)
{
    const struct own_options *own = &instance->own;
    struct scope scope = {.prefix = prefix,
                          .preset = instance->preset,
                          .jobs_field = own->jobs_field,
                          .load_url = own->load_url,
                          .capacity_field = own->capacity_field,
                          .settings = settings,
                          .errors = errors};

    check_options(&scope);
}

/* The instance's own, or the one for all if its source is that for all, or NULL. */
static const char *choose(const struct instance_config *instance, const char *own, const char *all)
{
    if (own != NULL)
        return own;
    return instance->own.jobs_source == NULL ? all : NULL;
}

static void resolve_locators(struct instance_config *instance, const struct config *config)
{
    const struct preset *preset = instance->preset;
    const char *field = choose(instance, instance->own.jobs_field, config->jobs_field);
    const char *capacity = choose(instance, instance->own.capacity_field, config->capacity_field);

    if (preset->source == NULL)
        return;
    instance->locator = field != NULL ? field : preset->locator;
    if (capacity == NULL && is_auto(config->capacity_field))
        capacity = config->capacity_field;
    if (instance->own.capacity != 0 || capacity == NULL)
        return;
    instance->capacity_locator = is_auto(capacity) ? preset->capacity_locator : capacity;
}

static void resolve_requests(struct instance_config *instance, const struct config *config)
{
    const struct preset *preset = instance->preset;
    const char *health = choose(instance, instance->own.health_path, config->health_path);
    const char *load = choose(instance, instance->own.load_url, config->load_url);

    if (health == NULL)
        health = preset->health_path;
    if (load == NULL)
        load = preset->load_url;
    if (preset->source == NULL)
        load = NULL;
    bool is_one = preset->source != NULL && load == NULL;
    if (!is_one)
        instance->health = request_make(&instance->url, health);
    if (preset->source != NULL)
        instance->load = request_make(&instance->url, is_one ? health : load);
}

void instance_source_resolve(struct instance_config *instance, const struct config *config,
                             const struct settings *settings, struct errors *errors)
{
    const char *name =
        instance->own.jobs_source != NULL ? instance->own.jobs_source : config->jobs_source;
    char *prefix = xasprintf("INSTANCE_%u_", instance->number);

    instance->preset = preset_find(name);
    check_own(instance, prefix, settings, errors);
    instance->capacity = instance->own.capacity == 0 ? 1 : instance->own.capacity;
    resolve_locators(instance, config);
    resolve_requests(instance, config);
    free(prefix);
}

void instance_source_check_fields(const struct config *config, struct errors *errors)
{
    bool is_reported = false; /* of the source for all, one error is enough */

    for (size_t i = 0; i < config->instance_count; i++) {
        const struct instance_config *instance = &config->instances[i];
        const struct preset *preset = instance->preset;
        char *prefix = instance->own.jobs_source == NULL
                           ? xstrdup("")
                           : xasprintf("INSTANCE_%u_", instance->number);
        bool is_missing = preset->source != NULL && instance->locator == NULL;
        if (is_missing && (prefix[0] != '\0' || !is_reported)) {
            errors_add(errors,
                       "%sJOBS_SOURCE=\"%s\": needs %sJOBS_FIELD, which says where the "
                       "number of active jobs is",
                       prefix, preset->name, prefix);
            is_reported = is_reported || prefix[0] == '\0';
        }
        free(prefix);
    }
}

void instance_source_free(struct instance_config *instance)
{
    request_free(&instance->health);
    request_free(&instance->load);
}
