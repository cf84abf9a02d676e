#include "run/example.h"

#include <stdio.h>
#include <stdlib.h>

#include "run/addresses.h"

void example_show(const struct config *config, const char *path, const char *sample)
{
    char *url = address_of_balancer(config);

    printf("leastjobs: serving on %s (configuration: %s). Try:\n"
           "  curl %s/health\n"
           "  curl -F file=@%s %s/v1/audio/transcriptions\n"
           "leastjobs: Ctrl-C stops it. The log follows.\n",
           url, path, url, sample, url);
    fflush(stdout);
    free(url);
}
