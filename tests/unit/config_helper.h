#ifndef LEASTJOBS_UNIT_CONFIG_HELPER_H
#define LEASTJOBS_UNIT_CONFIG_HELPER_H

/* Configurations of a few variables, for the tests of config.h and of what it calls. */
#include "config.h"
#include "envfile.h"
#include "helper.h"

#define VARIABLES_MAX 40

/* "NAME=VALUE" texts, ended by NULL: what a test sets. */
typedef const char *const variables[VARIABLES_MAX];

static inline struct config *load(variables texts, struct errors *errors)
{
    struct settings settings = {0};

    for (size_t i = 0; texts[i] != NULL; i++) {
        const char *equals = strchr(texts[i], '=');
        char *name = strndup(texts[i], (size_t)(equals - texts[i]));
        settings_add(&settings, name, equals + 1, "environment");
        free(name);
    }
    struct config *config = config_from_settings(&settings, errors);
    settings_free(&settings);
    return config;
}

static inline struct config *load_good(variables texts)
{
    struct errors errors = {0};
    struct config *config = load(texts, &errors);

    if (errors.count > 0)
        fail_msg("%s", errors.errors[0]);
    assert_non_null(config);
    errors_free(&errors);
    return config;
}

/* One instance and one more variable, "NAME=VALUE". */
static inline struct config *load_one(const char *variable, struct errors *errors)
{
    variables texts = {"INSTANCE_1_URL=http://a", variable};

    return load(texts, errors);
}

static inline void check_accepted(const char *variable)
{
    struct errors errors = {0};
    struct config *config = load_one(variable, &errors);

    if (config == NULL)
        fail_msg("%s", errors.count > 0 ? errors.errors[0] : variable);
    config_free(config);
    errors_free(&errors);
}

/* Refused with one message, which names the variable, the value and where it came from. */
static inline void check_refused(const char *variable, const char *why)
{
    struct errors errors = {0};
    struct config *config = load_one(variable, &errors);
    const char *equals = strchr(variable, '=');
    char named[300];

    if (config != NULL)
        fail_msg("%s was accepted", variable);
    if (errors.count != 1)
        fail_msg("%s: %zu errors, not 1", variable, errors.count);
    snprintf(named, sizeof(named), "%.*s=\"%.200s\" (environment): ", (int)(equals - variable),
             variable, equals + 1);
    if (strncmp(errors.errors[0], named, strlen(named)) != 0)
        fail_msg("\"%s\" doesn't begin with '%s'", errors.errors[0], named);
    assert_contains(errors.errors[0], why);
    errors_free(&errors);
}

struct refused {
    const char *variable;
    const char *why;
};

static inline void check_all_refused(const struct refused *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_refused(cases[i].variable, cases[i].why);
}

static inline void check_all_accepted(const char *const *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_accepted(cases[i]);
}

/* As a .env file, named ".env". */
static inline struct config *load_env_file(const char *text, struct errors *errors)
{
    struct settings settings = {0};

    envfile_parse(&settings, text, strlen(text), ".env", errors);
    struct config *config = config_from_settings(&settings, errors);
    settings_free(&settings);
    return config;
}

#endif
