#include "instances.h"

#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

#define PREFIX "INSTANCE_"
#define SUFFIX "_URL"
#define PREFIX_LENGTH (sizeof(PREFIX) - 1)
#define SUFFIX_LENGTH (sizeof(SUFFIX) - 1)
#define NUMBER_DIGITS_MAX 5

enum instance_name instance_name_parse(const char *name, unsigned *number)
{
    size_t length = strlen(name);
    size_t fixed = PREFIX_LENGTH + SUFFIX_LENGTH;

    *number = 0;
    if (length <= fixed || strncmp(name, PREFIX, PREFIX_LENGTH) != 0 ||
        strcmp(name + length - SUFFIX_LENGTH, SUFFIX) != 0)
        return INSTANCE_NAME_OTHER;
    const char *digits = name + PREFIX_LENGTH;
    size_t count = strspn(digits, "0123456789");
    if (count != length - fixed || digits[0] == '0' || count > NUMBER_DIGITS_MAX)
        return INSTANCE_NAME_NUMBER;
    unsigned long value = strtoul(digits, NULL, 10);
    if (value > INSTANCE_NUMBER_MAX)
        return INSTANCE_NAME_NUMBER;
    *number = (unsigned)value;
    return INSTANCE_NAME_GOOD;
}

/* What clients and the agent ask an instance, or think they do, and so is in no URL of its own. */
static const char *request_path_of(const struct url *url, const char *health_path)
{
    const char *const paths[] = {health_path, "/health", "/v1/audio/transcriptions", "/transcribe"};
    size_t length = strlen(url->path);

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
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
                    "%s=\"%s\" (%s): ends in %s, and jobs go to %s/v1/audio/transcriptions, health "
                    "checks to %s%s: \"%.*s\" is most likely what is meant",
                    setting->name, url->text, setting->origin, path, url->path, url->path,
                    config->health_path, (int)(strlen(url->text) - strlen(path)), url->text);
}

static void reject_url(const struct setting *setting, const char *problem, struct errors *errors)
{
    struct setting redacted = *setting;

    redacted.value = url_redact(setting->value);
    settings_reject(errors, &redacted, problem);
    free(redacted.value);
}

static void add_instance(struct config *config, const struct setting *setting, unsigned number,
                         struct errors *errors)
{
    struct url url;
    const char *problem = settings_reference_problem(setting);

    if (problem == NULL)
        problem = url_parse(&url, setting->value);
    if (problem != NULL) {
        reject_url(setting, problem, errors);
        return;
    }
    warn_of_request_path(config, setting, &url, errors);
    config->instances =
        xreallocarray(config->instances, config->instance_count + 1, sizeof(*config->instances));
    config->instances[config->instance_count++] =
        (struct instance_config){.number = number,
                                 .url = url,
                                 .origin = xstrdup(setting->origin),
                                 .source = source_find(SOURCE_DEFAULT),
                                 .locator = config->jobs_field};
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

static void report_number(const struct setting *setting, struct errors *errors)
{
    static const char rule[] = "N in INSTANCE_N_URL is a number from 1 to %d, without leading "
                               "zeros";
    char *text = xasprintf(rule, INSTANCE_NUMBER_MAX);

    if (setting->in_env_file)
        errors_add(errors, "%s (%s): %s", setting->name, setting->origin, text);
    else
        errors_warn(errors, "%s (%s) is ignored: %s", setting->name, setting->origin, text);
    free(text);
}

/* Returns whether there was any, good or bad. */
static bool read_all(struct config *config, const struct settings *settings, struct errors *errors)
{
    bool any = false;

    for (size_t i = 0; i < settings->count; i++) {
        const struct setting *setting = &settings->items[i];
        unsigned number;
        enum instance_name form = instance_name_parse(setting->name, &number);
        if (form == INSTANCE_NAME_GOOD)
            add_instance(config, setting, number, errors);
        else if (form == INSTANCE_NAME_NUMBER)
            report_number(setting, errors);
        any = any || form == INSTANCE_NAME_GOOD;
    }
    return any;
}

void instances_read(struct config *config, const struct settings *settings, struct errors *errors)
{
    if (!read_all(config, settings, errors) && !settings->is_cut_short)
        errors_add(errors, "At least one instance endpoint must be configured: set INSTANCE_1_URL");
    if (config->instance_count > INSTANCES_MAX)
        errors_add(errors, "%zu instances are configured: at most %d are supported",
                   config->instance_count, INSTANCES_MAX);
    if (config->instance_count > 0)
        qsort(config->instances, config->instance_count, sizeof(*config->instances),
              compare_numbers);
    reject_same_urls(config, errors);
}

void instances_free(struct config *config)
{
    for (size_t i = 0; i < config->instance_count; i++) {
        url_free(&config->instances[i].url);
        free(config->instances[i].origin);
    }
    free(config->instances);
}
