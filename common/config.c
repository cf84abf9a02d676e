#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "conffile.h"
#include "consistency.h"
#include "envfile.h"
#include "envfile_path.h"
#include "instances.h"
#include "misspelt.h"
#include "option_value.h"
#include "options.h"
#include "xalloc.h"

#define AGENT_INTER_MIN_MS 5U
#define AGENT_INTER_MAX_MS 1000U

static void read_option(struct config *config, const struct option_info *option,
                        const struct setting *setting, struct errors *errors)
{
    const char *problem = NULL;

    if (setting != NULL) {
        problem = settings_reference_problem(setting);
        if (problem == NULL)
            problem = option_value_set(config, option, setting->value);
        if (problem != NULL)
            option_value_reject(errors, option, setting, problem);
    }
    /* After an error too: later checks must find a value there. */
    if ((setting == NULL || problem != NULL) && option->fallback != NULL)
        option_value_set(config, option, option->fallback);
}

static void read_options(struct config *config, const struct settings *settings,
                         struct errors *errors)
{
    for (size_t i = 0; i < option_count; i++) {
        const struct option_info *option = &option_table[i];
        read_option(config, option, settings_find(settings, option->name), errors);
    }
    if (config->jobs_interval_ms > config->check_interval_ms)
        config->jobs_interval_ms = config->check_interval_ms;
}

struct config *config_from_settings(const struct settings *settings, struct errors *errors)
{
    struct config *config = xcalloc(1, sizeof(*config));

    misspelt_report(settings, errors);
    read_options(config, settings, errors);
    instances_read(config, settings, errors);
    consistency_check(config, settings, errors);
    if (errors->count == 0)
        return config;
    config_free(config);
    return NULL;
}

void config_read_sources(struct settings *settings, const struct config_sources *sources,
                         struct errors *errors)
{
    size_t before = errors->count;

    settings_read_environment(settings, sources->environment);
    char *env_file = envfile_path(sources);
    if (env_file != NULL)
        envfile_read(settings, env_file, errors);
    free(env_file);
    if (sources->config_file != NULL)
        conffile_read(settings, sources->config_file, errors);
    settings->is_cut_short = errors->count > before;
}

struct config *config_load(const struct config_sources *sources, struct errors *errors)
{
    struct settings settings = {0};

    config_read_sources(&settings, sources, errors);
    struct config *config = config_from_settings(&settings, errors);
    if (config == NULL)
        envfile_path_note_absence(sources, errors);
    settings_free(&settings);
    return config;
}

void config_free(struct config *config)
{
    if (config == NULL)
        return;
    for (size_t i = 0; i < option_count; i++) {
        if (option_is_text(&option_table[i]))
            free(*(char **)((char *)config + option_table[i].offset));
    }
    for (size_t i = 0; i < config->health_header_count; i++)
        free(config->health_headers[i]);
    free(config->health_headers);
    instances_free(config);
    free(config);
}

bool config_finds_instances(const struct config *config)
{
    return config->instances_dns != NULL || config->instances_file != NULL;
}

bool config_agent_is_remote(const struct config *config)
{
    return url_is_host_name(config->agent_host) && !url_is_localhost(config->agent_host);
}

unsigned config_agent_inter_ms(const struct config *config)
{
    unsigned quarter = config->check_interval_ms / 4;

    if (quarter < AGENT_INTER_MIN_MS)
        return AGENT_INTER_MIN_MS;
    return quarter > AGENT_INTER_MAX_MS ? AGENT_INTER_MAX_MS : quarter;
}
