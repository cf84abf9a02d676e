#include "running/where.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arguments.h"
#include "conffile.h"
#include "envfile.h"
#include "envfile_path.h"
#include "option_value.h"
#include "options.h"
#include "run/addresses.h"
#include "settings.h"
#include "xalloc.h"

void where_choose_files(struct config_sources *sources)
{
    static const char *const files[] = {DEFAULT_ENV_FILE, SERVICE_ENV_FILE};
    char *named = envfile_path(sources);
    bool is_named = named != NULL || sources->config_file != NULL;

    free(named);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]) && !is_named; i++) {
        if (access(files[i], R_OK) != 0)
            continue;
        sources->env_file = files[i];
        is_named = true;
    }
}

static void read_option(struct config *config, const char *name, const struct settings *settings,
                        struct errors *errors)
{
    const struct option_info *option = option_find(name);
    const struct setting *setting = settings_find(settings, name);
    const char *problem =
        option_value_set(config, option, setting == NULL ? option->fallback : setting->value);

    if (problem != NULL)
        option_value_reject(errors, option, setting, problem);
}

static char *agent_url(const struct config *config)
{
    const char *address = address_to_reach(config->agent_bind_address);
    bool is_ipv6 = strchr(address, ':') != NULL;

    return xasprintf("http://%s%s%s:%u", is_ipv6 ? "[" : "", address, is_ipv6 ? "]" : "",
                     config->status_port);
}

/* A file that can't be read at all is an error; a line of it may be about something else. */
static void read_files(struct settings *settings, const struct config_sources *sources,
                       struct errors *errors)
{
    struct errors ignored = {0};
    char *env_file = envfile_path(sources);

    settings_read_environment(settings, sources->environment);
    if (env_file != NULL)
        envfile_read(settings, env_file, access(env_file, R_OK) == 0 ? &ignored : errors);
    if (sources->config_file != NULL)
        conffile_read(settings, sources->config_file,
                      access(sources->config_file, R_OK) == 0 ? &ignored : errors);
    free(env_file);
    errors_free(&ignored);
}

int where_find(struct where *where, const struct config_sources *sources, const char *program)
{
    struct settings settings = {0};
    struct errors errors = {0};
    struct config *config = xcalloc(1, sizeof(*config));
    int status = -1;

    read_files(&settings, sources, &errors);
    read_option(config, "STATUS_PORT", &settings, &errors);
    read_option(config, "AGENT_BIND_ADDRESS", &settings, &errors);
    read_option(config, "HAPROXY_SOCKET", &settings, &errors);
    if (errors.count > 0)
        status = EXIT_USAGE;
    else
        *where =
            (struct where){.agent = agent_url(config), .socket = xstrdup(config->haproxy_socket)};
    errors_print(&errors, program, stderr);
    errors_free(&errors);
    settings_free(&settings);
    config_free(config);
    return status;
}

void where_free(struct where *where)
{
    free(where->agent);
    free(where->socket);
    *where = (struct where){0};
}
