/*
 * `leastjobs explain --json` again and again, for tests that ask it of a thousand states: prints an
 * explanation for each line of standard input. HAPROXY_SOCKET and the capacities are those of the
 * environment, as if the agent were dead.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config.h"
#include "explain/explanation.h"

static int explain(const struct config *config)
{
    char problem[RUNTIME_PROBLEM_MAX];
    struct explanation explanation;
    struct servers servers;

    if (!servers_ask(&servers, config->haproxy_socket, problem)) {
        fprintf(stderr, "%s: %s\n", config->haproxy_socket, problem);
        return 1;
    }
    explanation_make(&explanation, &servers, NULL, config);
    char *text = explanation_json(&explanation);
    puts(text);
    free(text);
    explanation_free(&explanation);
    servers_free(&servers);
    return fflush(stdout) == 0 ? 0 : 1;
}

int main(void)
{
    const struct config_sources sources = {.environment = environ};
    struct errors errors = {0};
    struct config *config = config_load(&sources, &errors);
    int status = config == NULL ? 2 : 0;
    int byte;

    errors_print(&errors, "leastjobs-explainer", stderr);
    errors_free(&errors);
    while (status == 0 && (byte = getchar()) != EOF) {
        if (byte == '\n')
            status = explain(config);
    }
    config_free(config);
    return status;
}
