#include "running/processes.h"

#include <stdio.h>
#include <stdlib.h>

#include "names.h"
#include "run/outcome.h"
#include "run/workers.h"
#include "running/runtime.h"
#include "xalloc.h"

#define COMMAND_MAX 128

/* A socket alone says nothing: it stays when HAProxy ends. */
static bool has_master(const char *socket)
{
    struct outcome unused;

    return outcome_read(socket, &unused);
}

static bool ask(struct workers *workers, const char *master)
{
    char problem[RUNTIME_PROBLEM_MAX];
    char *answer = runtime_ask_master(master, "show proc", problem);

    *workers = (struct workers){0};
    if (answer != NULL)
        workers_parse(workers, answer);
    free(answer);
    return workers->master != 0;
}

pid_t processes_ask_current(const char *socket)
{
    struct workers workers = {0};

    if (has_master(socket)) {
        char *master = xasprintf("%s" MASTER_SUFFIX, socket);
        if (!ask(&workers, master))
            workers.current = -1;
        free(master);
    }
    return workers.current;
}

/* One that has ended since it was listed answers without a server: it has no job. */
static bool add_jobs_of(struct servers *servers, const char *master, pid_t worker)
{
    char command[COMMAND_MAX];
    char problem[RUNTIME_PROBLEM_MAX];
    struct servers earlier;

    snprintf(command, sizeof(command),
             "@!%d show servers state " BACKEND_NAME "; @!%d show stat " BACKEND_NAME " 4 -1",
             (int)worker, (int)worker);
    char *answer = runtime_ask_master(master, command, problem);
    if (answer == NULL)
        return false;
    servers_parse(&earlier, answer);
    servers_add_in_flight(servers, &earlier);
    servers_free(&earlier);
    free(answer);
    return true;
}

bool processes_add_earlier_jobs(struct servers *servers, const char *socket)
{
    if (!has_master(socket))
        return true;
    char *master = xasprintf("%s" MASTER_SUFFIX, socket);
    struct workers workers;
    bool is_known = ask(&workers, master);
    for (size_t i = 0; i < workers.count && is_known; i++) {
        if (workers.all[i] != servers->process)
            is_known = add_jobs_of(servers, master, workers.all[i]);
    }
    free(master);
    return is_known;
}
