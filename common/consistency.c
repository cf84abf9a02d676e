#include "consistency.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "list.h"
#include "textfile.h"
#include "xalloc.h"

/* sun_path of unix(7), less the 16 bytes that HAProxy's temporary name and ".admin" take. */
#define SOCKET_PATH_MAX 90
/* A client that waits so long for its instance has most likely gone. */
#define LONG_CONNECT_MS 60000U

static void reject_same_ports(const struct config *c, const struct settings *settings,
                              struct errors *errors)
{
    static const char *const names[] = {"PORT", "AGENT_PORT", "STATUS_PORT", "ADMIN_PORT"};
    const unsigned ports[] = {c->port, c->agent_port, c->status_port, c->admin_port};

    for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
        const struct setting *setting = settings_find(settings, names[i]);
        for (size_t j = 0; j < i; j++) {
            if (ports[i] == ports[j])
                errors_add(errors, "%s=\"%u\" (%s): the same port as %s: each needs its own",
                           names[i], ports[i], setting == NULL ? "default" : setting->origin,
                           names[j]);
        }
    }
}

static void check_files(const struct config *c, const struct settings *settings,
                        struct errors *errors)
{
    if (c->instance_ca_file != NULL && !textfile_is_readable(c->instance_ca_file))
        settings_reject(errors, settings_find(settings, "INSTANCE_CA_FILE"),
                        "the file can't be read");
    if (strlen(c->haproxy_socket) > SOCKET_PATH_MAX)
        settings_reject(errors, settings_find(settings, "HAPROXY_SOCKET"),
                        "longer than 90 characters, too long for a Unix socket");
}

/* Whether a path of the list is another one of it, or below it. */
static bool has_nested_path(const char *list)
{
    const char *outer_rest = list;
    const char *outer;
    size_t length;

    while ((outer = list_take(&outer_rest, &length)) != NULL) {
        const char *inner_rest = list;
        const char *inner;
        size_t end;
        while ((inner = list_take(&inner_rest, &end)) != NULL) {
            if (inner != outer && end >= length && memcmp(inner, outer, length) == 0 &&
                (end == length || inner[length] == '/'))
                return true;
        }
    }
    return false;
}

/* Below such a path are ids; what comes behind a trailing / would be one. */
static void check_jobs_path(const struct config *c, const struct settings *settings,
                            struct errors *errors)
{
    size_t length = c->jobs_path == NULL ? 0 : strlen(c->jobs_path);

    if (length == 0)
        return;
    if (strstr(c->jobs_path, "/,") != NULL || c->jobs_path[length - 1] == '/')
        settings_reject(errors, settings_find(settings, "JOBS_PATH"),
                        "expected paths without a / at the end, such as /v1/jobs");
    else if (has_nested_path(c->jobs_path))
        settings_reject(errors, settings_find(settings, "JOBS_PATH"),
                        "one of these paths is another one, or below it, where job ids are");
}

/* What means nothing without another variable; that one is set but bad has an error of its own. */
static void reject_without_other(const struct config *c, const struct settings *settings,
                                 struct errors *errors)
{
    if (c->hsts_max_age_s > 0 && settings_find(settings, "TLS_CERT_FILE") == NULL)
        settings_reject(errors, settings_find(settings, "HSTS_MAX_AGE"),
                        "makes sense with TLS_CERT_FILE only: set that too");
}

/* A .env file of the time when nobody was told of it goes on working. */
static void warn_of_status_without_keys(const struct config *c, const struct settings *settings,
                                        struct errors *errors)
{
    const struct setting *setting = settings_find(settings, "STATUS_NEEDS_KEY");

    if (c->status_needs_key && settings_find(settings, "API_KEYS_FILE") == NULL)
        errors_warn(
            errors,
            "STATUS_NEEDS_KEY=\"%.32s\" (%s): makes sense with API_KEYS_FILE only: set that "
            "too, else / and /health are open to everybody",
            setting->value, setting->origin);
}

static void warn_of_long_connects(const struct config *c, const struct settings *settings,
                                  struct errors *errors)
{
    const struct setting *setting = settings_find(settings, "CONNECT_TIMEOUT");

    if (setting != NULL && c->connect_timeout_ms > LONG_CONNECT_MS)
        errors_warn(errors,
                    "CONNECT_TIMEOUT=\"%.32s\" (%s): a job waits as long at each instance that "
                    "doesn't answer, before the next one is tried: a few seconds are enough (how "
                    "long a job may take is REQUEST_TIMEOUT)",
                    setting->value, setting->origin);
}

static void warn_of_tls_address(const struct instance_config *instance, struct errors *errors)
{
    char *name = instance->is_found
                     ? xasprintf("%s: %s", instance->origin, instance->url.text)
                     : xasprintf("INSTANCE_%u_URL=\"%s\"", instance->number, instance->url.text);

    errors_warn(errors,
                "%s: https:// with an address: HAProxy compares a certificate's DNS names and "
                "common name only, so an IP address among its subject alternative names won't do; "
                "use a host name",
                name);
    free(name);
}

static void warn_of_tls_addresses(const struct config *config, struct errors *errors)
{
    for (size_t i = 0; i < config->instance_count; i++) {
        const struct instance_config *instance = &config->instances[i];
        if (instance->url.tls && instance->url.host_kind != URL_HOST_NAME)
            warn_of_tls_address(instance, errors);
    }
}

void consistency_check(const struct config *config, const struct settings *settings,
                       struct errors *errors)
{
    reject_same_ports(config, settings, errors);
    check_files(config, settings, errors);
    check_jobs_path(config, settings, errors);
    reject_without_other(config, settings, errors);
    warn_of_status_without_keys(config, settings, errors);
    warn_of_long_connects(config, settings, errors);
    warn_of_tls_addresses(config, errors);
}

/* HAProxy would put its socket in the place of a file that is there. */
static void check_socket(const char *path, struct errors *errors)
{
    struct stat status;

    if (stat(path, &status) != 0 || S_ISSOCK(status.st_mode))
        return;
    errors_add(errors, "HAPROXY_SOCKET=\"%s\": %s: expected a name that is free, or a socket's",
               path, S_ISDIR(status.st_mode) ? "a folder" : "a file that isn't a socket");
}

void consistency_check_socket(const struct config *config, struct errors *errors)
{
    size_t length = (size_t)(strrchr(config->haproxy_socket, '/') - config->haproxy_socket);
    char *folder = length == 0 ? xstrdup("/") : xstrndup(config->haproxy_socket, length);
    struct stat status;
    const char *problem = NULL;

    if (stat(folder, &status) != 0)
        problem = strerror(errno);
    else if (!S_ISDIR(status.st_mode))
        problem = strerror(ENOTDIR);
    if (problem == NULL)
        check_socket(config->haproxy_socket, errors);
    else
        errors_add(errors,
                   "HAPROXY_SOCKET=\"%s\": the folder %s: %s: HAProxy doesn't make it, make it or "
                   "choose another",
                   config->haproxy_socket, folder, problem);
    free(folder);
}
