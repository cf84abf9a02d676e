#include "instances.h"

#include <stdlib.h>
#include <string.h>

#include "found.h"
#include "instance_names.h"
#include "instance_source.h"
#include "option_value.h"
#include "xalloc.h"

/* What clients and the agent ask an instance, or think they do, and so is in no URL of its own. */
static const char *request_path_of(const struct url *url, const char *health_path)
{
    const char *const paths[] = {health_path, "/health", "/v1/audio/transcriptions", "/transcribe"};
    size_t length = strlen(url->path);

    for (size_t i = health_path == NULL; i < sizeof(paths) / sizeof(paths[0]); i++) {
        size_t end = strlen(paths[i]);
        if (end > 1 && length >= end && strcmp(url->path + length - end, paths[i]) == 0)
            return paths[i];
    }
    return NULL;
}

static void warn_of_request_path(const struct config *config, const struct setting *setting,
                                 const struct url *url, struct errors *errors)
{
    const char *path = request_path_of(url, config->health_path);

    if (path != NULL)
        errors_warn(errors,
                    "%s=\"%s\" (%s): ends in %s, and a request's own path comes behind it, a job's "
                    "is %s/v1/audio/transcriptions: \"%.*s\" is most likely what is meant",
                    setting->name, url->text, setting->origin, path, url->path,
                    (int)(strlen(url->text) - strlen(path)), url->text);
}

static void add_instance(struct config *config, const struct option_info *option,
                         const struct setting *setting, unsigned number, struct errors *errors)
{
    struct url url;
    const char *problem = settings_reference_problem(setting);

    if (problem == NULL)
        problem = url_parse(&url, setting->value);
    if (problem != NULL) {
        option_value_reject(errors, option, setting, problem);
        return;
    }
    warn_of_request_path(config, setting, &url, errors);
    config->instances =
        xreallocarray(config->instances, config->instance_count + 1, sizeof(*config->instances));
    config->instances[config->instance_count++] =
        (struct instance_config){.number = number, .url = url, .origin = xstrdup(setting->origin)};
}

static int compare_numbers(const void *a, const void *b)
{
    unsigned left = ((const struct instance_config *)a)->number;
    unsigned right = ((const struct instance_config *)b)->number;

    return (left > right) - (left < right);
}

static int compare_texts(const void *a, const void *b)
{
    const struct instance_config *left = *(const struct instance_config *const *)a;
    const struct instance_config *right = *(const struct instance_config *const *)b;
    int order = strcmp(left->url.text, right->url.text);

    return order != 0 ? order : compare_numbers(left, right);
}

static void reject_same_urls(const struct config *config, struct errors *errors)
{
    const struct instance_config **sorted = xcalloc(config->instance_count, sizeof(*sorted));

    for (size_t i = 0; i < config->instance_count; i++)
        sorted[i] = &config->instances[i];
    qsort(sorted, config->instance_count, sizeof(*sorted), compare_texts);
    for (size_t i = 1; i < config->instance_count; i++) {
        if (strcmp(sorted[i]->url.text, sorted[i - 1]->url.text) == 0)
            errors_add(errors,
                       "INSTANCE_%u_URL=\"%s\" (%s): the same URL as INSTANCE_%u_URL (%s): each "
                       "instance is named once",
                       sorted[i]->number, sorted[i]->url.text, sorted[i]->origin,
                       sorted[i - 1]->number, sorted[i - 1]->origin);
    }
    free(sorted);
}

/* A name is an error in a .env file; the environment is everybody's. */
static void report_name(const struct setting *setting, const char *problem, struct errors *errors)
{
    if (setting->in_env_file)
        errors_add(errors, "%s (%s): %s", setting->name, setting->origin, problem);
    else
        errors_warn(errors, "%s (%s) is ignored: %s", setting->name, setting->origin, problem);
}

static void report_number(const struct setting *setting, struct errors *errors)
{
    static const char rule[] = "N in INSTANCE_N_URL is a number from 1 to %d, without leading "
                               "zeros";
    char *text = xasprintf(rule, INSTANCE_NUMBER_MAX);

    report_name(setting, text, errors);
    free(text);
}

/* Also where what is said of it is wrong. */
static bool finds_any(const struct settings *settings)
{
    return settings_find(settings, "INSTANCES_DNS") != NULL ||
           settings_find(settings, "INSTANCES_FILE") != NULL;
}

/* Returns whether there was any, good or bad. */
static bool read_urls(struct config *config, const struct settings *settings, struct errors *errors)
{
    bool any = false;

    for (size_t i = 0; i < settings->count; i++) {
        const struct setting *setting = &settings->items[i];
        const struct option_info *option;
        unsigned number;
        enum instance_name form = instance_name_parse(setting->name, &number, &option);
        bool is_url = form == INSTANCE_NAME_GOOD && option->type == OPTION_URL;
        if (is_url)
            add_instance(config, option, setting, number, errors);
        else if (form == INSTANCE_NAME_NUMBER)
            report_number(setting, errors);
        any = any || is_url;
    }
    return any;
}

static int compare_to_number(const void *key, const void *element)
{
    unsigned number = *(const unsigned *)key;
    unsigned other = ((const struct instance_config *)element)->number;

    return (number > other) - (number < other);
}

static void free_texts(struct instance_config *instance)
{
    const struct option_info *option;

    for (size_t i = 0; (option = option_for_instance(i)) != NULL; i++) {
        if (option_is_text(option) && option->type != OPTION_URL)
            free(*(char **)((char *)instance + option->instance_offset));
    }
}

static void set_own(struct instance_config *instance, const struct option_info *option,
                    const struct setting *setting, struct errors *errors)
{
    const char *problem = settings_reference_problem(setting);

    if (problem == NULL)
        problem = option_value_set_field((char *)instance + option->instance_offset, option,
                                         setting->value);
    if (problem != NULL)
        option_value_reject(errors, option, setting, problem);
}

/* Of an instance that isn't there, because of its URL or because nobody has named it. */
static void check_alone(const struct settings *settings, const struct setting *setting,
                        const struct option_info *option, unsigned number, struct errors *errors)
{
    struct instance_config nobody = {0};
    char *url = xasprintf("INSTANCE_%u_URL", number);
    char *problem = xasprintf("there is no %s", url);

    /* One that was found once may be found again. */
    if (settings_find(settings, url) == NULL && !finds_any(settings))
        report_name(setting, problem, errors);
    else
        set_own(&nobody, option, setting, errors);
    free_texts(&nobody);
    free(problem);
    free(url);
}

/* What is said of single instances, apart from their URLs. */
static void read_own(struct config *config, const struct settings *settings, struct errors *errors)
{
    for (size_t i = 0; i < settings->count; i++) {
        const struct setting *setting = &settings->items[i];
        const struct option_info *option;
        unsigned number;
        if (instance_name_parse(setting->name, &number, &option) != INSTANCE_NAME_GOOD ||
            option->type == OPTION_URL)
            continue;
        struct instance_config *instance =
            config->instance_count == 0
                ? NULL
                : bsearch(&number, config->instances, config->instance_count,
                          sizeof(*config->instances), compare_to_number);
        if (instance == NULL)
            check_alone(settings, setting, option, number, errors);
        else
            set_own(instance, option, setting, errors);
    }
}

void instances_read(struct config *config, const struct settings *settings, struct errors *errors)
{
    if (!read_urls(config, settings, errors) && !settings->is_cut_short && !finds_any(settings))
        errors_add(errors, "At least one instance endpoint must be configured: set INSTANCE_1_URL");
    if (config->instance_count > 0)
        qsort(config->instances, config->instance_count, sizeof(*config->instances),
              compare_numbers);
    reject_same_urls(config, errors);
    found_join(config, errors);
    if (config->instance_count > INSTANCES_MAX)
        errors_add(errors, "%zu instances are configured: at most %d are supported",
                   config->instance_count, INSTANCES_MAX);
    instance_source_check(config, settings, errors);
    read_own(config, settings, errors);
    for (size_t i = 0; i < config->instance_count; i++)
        instance_source_resolve(&config->instances[i], config, settings, errors);
    instance_source_check_fields(config, errors);
}

void instances_free(struct config *config)
{
    for (size_t i = 0; i < config->instance_count; i++) {
        url_free(&config->instances[i].url);
        free(config->instances[i].origin);
        instance_source_free(&config->instances[i]);
        free_texts(&config->instances[i]);
    }
    free(config->instances);
}
