#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arguments.h"
#include "builtin.h"
#include "config.h"
#include "connections.h"
#include "consistency.h"
#include "found.h"
#include "names.h"
#include "output.h"
#include "render.h"
#include "secrets.h"
#include "serverstate.h"
#include "textfile.h"
#include "version.h"
#include "xalloc.h"

#define PROGRAM "leastjobs-genconf"
/* Debian's, and other systems'. */
#define HAPROXY_USER "haproxy"
/* More open files than any balancer of jobs needs, and a bound where the system has none. */
#define FILES_MAX 100000
/* Below that somebody is told. */
#define FEW_CLIENTS 100U

struct arguments {
    struct config_sources sources;
    const char *output;
    const char *template;
    bool check;
    bool test;
    bool print_template;
};

static int read_arguments(int argc, char **argv, struct arguments *arguments)
{
    const struct argument own[] = {
        {"output", 'o', "FILE", "write FILE instead, all of it or nothing", &arguments->output,
         NULL},
        {"check", '\0', NULL, "write only what `haproxy -c` accepts", NULL, &arguments->check},
        {"test", 't', NULL, "only check the configuration, also with `haproxy -c`: write nothing",
         NULL, &arguments->test},
        {"template", '\0', "FILE", "make it of this template, not of the one that is built in",
         &arguments->template, NULL},
        {"print-template", '\0', NULL, "write the one that is built in, to start yours from", NULL,
         &arguments->print_template},
    };
    const struct program program = {
        .name = PROGRAM,
        .purpose = "Writes haproxy.cfg, made of the environment's variables, to standard output.",
        .notes =
            "Exit status: 0, 1 if it can't be written or HAProxy refuses it, 2 for a usage or\n"
            "configuration error.\n",
        .arguments = own,
        .argument_count = sizeof(own) / sizeof(own[0]),
    };

    return arguments_parse(&program, argc, argv, &arguments->sources);
}

static unsigned long long files_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max < FILES_MAX)
        return limit.rlim_max;
    return FILES_MAX;
}

/* HAProxy would start with fewer connections, and a warning that nobody reads. */
static void choose_max_connections(struct config *config, struct errors *errors)
{
    unsigned long long files = files_limit();
    bool chosen = config->max_connections == 0;

    if (chosen)
        config->max_connections = connections_clients(config, files);
    unsigned wanted = config->max_connections == 0 ? 1 : config->max_connections;
    if (config->max_connections == 0 || connections_files(config, wanted) > files)
        errors_add(errors,
                   "MAX_CONNECTIONS=\"%u\": needs %llu open files, and the limit is %llu: lower it "
                   "or raise the limit (ulimit -n)",
                   wanted, connections_files(config, wanted), files);
    else if (chosen && config->max_connections < FEW_CLIENTS)
        errors_warn(errors,
                    "MAX_CONNECTIONS: the limit of %llu open files allows %u clients at a time; "
                    "for %u, raise it to %llu (ulimit -n %llu)",
                    files, config->max_connections, FEW_CLIENTS,
                    connections_files(config, FEW_CLIENTS), connections_files(config, FEW_CLIENTS));
}

static bool can_be(const char *user)
{
    struct stat status;

    return getpwnam(user) != NULL && getgrnam(user) != NULL && stat(HAPROXY_CHROOT, &status) == 0;
}

/* Started as root, HAProxy gives that up, if the system has a user for it. */
static void choose_user(struct config *config, struct errors *errors)
{
    if (config->haproxy_user == NULL && geteuid() == 0 && can_be(HAPROXY_USER))
        config->haproxy_user = xstrdup(HAPROXY_USER);
    if (config->haproxy_user != NULL && strcmp(config->haproxy_user, "root") != 0 &&
        !can_be(config->haproxy_user))
        errors_add(errors,
                   "HAPROXY_USER=\"%s\": there must be a user and a group of that name, and the "
                   "folder " HAPROXY_CHROOT,
                   config->haproxy_user);
}

/*
 * HAProxy warns of a server-state-file that isn't there, and takes ports from the one that is: so
 * it is written for the start or reload that comes, if the folder is there and ours to write to.
 * Its lines are the agent's.
 */
static void prepare_state_file(const struct config *config)
{
    struct errors ignored = {0};
    char *path = xasprintf("%s" STATE_FILE_SUFFIX, config->haproxy_socket);
    size_t length = 0;
    char *old = textfile_read(path, &length, &ignored);
    char *written = NULL;

    serverstate_replace(old == NULL ? "" : old, length, config, &written);
    free(written);
    free(old);
    free(path);
    errors_free(&ignored);
}

/* The whole of haproxy.cfg is there before anything is written. */
static int render_and_write(const struct config *config, const struct arguments *arguments,
                            const struct rendering *rendering, struct errors *errors)
{
    struct text out = {0};
    bool good = render_config(&out, rendering, config, errors);

    errors_print(errors, PROGRAM, stderr);
    if (good && arguments->test) {
        int result = output_test(PROGRAM, out.bytes, out.length, STATE_FILE_SUFFIX);
        text_free(&out);
        return result;
    }
    if (good && (arguments->output != NULL || arguments->check))
        prepare_state_file(config);
    int status =
        good ? output_write(PROGRAM, arguments->output, out.bytes, out.length, arguments->check)
             : EXIT_USAGE;
    text_free(&out);
    return status;
}

static int generate(const struct arguments *arguments)
{
    struct errors errors = {0};
    struct rendering rendering = {0};
    struct config *config = config_load(&arguments->sources, &errors);
    int status = EXIT_USAGE;

    if (config != NULL) {
        found_warn_of_nobody(config, &errors);
        choose_max_connections(config, &errors);
        secrets_check(config, &errors);
        choose_user(config, &errors);
        if (arguments->check && !arguments->test)
            consistency_check_socket(config, &errors);
    }
    bool loaded = render_load(&rendering, arguments->template, &errors);
    if (loaded && config != NULL && errors.count == 0)
        status = render_and_write(config, arguments, &rendering, &errors);
    else
        errors_print(&errors, PROGRAM, stderr);
    render_free(&rendering);
    config_free(config);
    errors_free(&errors);
    return status;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {.sources = {.environment = environ}};

    int status = read_arguments(argc, argv, &arguments);
    if (status >= 0)
        return status;
    if (arguments.print_template)
        return output_write(PROGRAM, arguments.output, (const char *)builtin_haproxy_cfg_in.bytes,
                            builtin_haproxy_cfg_in.length, false);
    return generate(&arguments);
}
