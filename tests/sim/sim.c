#include "sim.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "instance.h"

/* A job must never be shorter than it was told to be. libevent's usual clock is up to a tick behind
 * the one that the log of jobs has, and the time that it keeps for a turn of the loop is later
 * still: either would end a job too early. */
static struct event_base *new_base(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;
    if (config == NULL) {
        return NULL;
    }
    if (event_config_set_flag(config,
                              EVENT_BASE_FLAG_PRECISE_TIMER | EVENT_BASE_FLAG_NO_CACHE_TIME) == 0) {
        base = event_base_new_with_config(config);
    }
    event_config_free(config);
    return base;
}

bool sim_init(struct sim *sim)
{
    memset(sim, 0, sizeof *sim);
    sim->random = SIM_RANDOM_SEED;
    record_store_init(&sim->records);
    sim->base = new_base();
    sim->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    sim->read_buffer = malloc(SIM_READ_BYTES);
    if (sim->base == NULL || sim->sha256 == NULL || sim->read_buffer == NULL) {
        fprintf(stderr, "leastjobs-sim: cannot set up the event loop\n");
        return false;
    }
    if (EVP_Digest("", 0, sim->empty_sha256, NULL, sim->sha256, NULL) != 1) {
        fprintf(stderr, "leastjobs-sim: cannot compute SHA-256\n");
        return false;
    }
    return true;
}

void sim_free(struct sim *sim)
{
    if (sim->oracle != NULL) {
        instance_close(sim->oracle);
        free(sim->oracle);
    }
    for (size_t i = 0; i < sim->instance_count; i++) {
        instance_close(&sim->instances[i]);
    }
    free(sim->instances);
    record_store_clear(&sim->records);
    SSL_CTX_free(sim->tls);
    EVP_MD_free(sim->sha256);
    free(sim->read_buffer);
    if (sim->base != NULL) {
        event_base_free(sim->base);
    }
    libevent_global_shutdown();
}
