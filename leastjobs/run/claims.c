#include "run/claims.h"

#include <stdio.h>

bool claims_try(struct claims *claims, const struct config *config, int64_t now_ms)
{
    struct errors errors = {0};

    claims->wanted = ports_of(config);
    claims->is_refused = !ports_try(&claims->wanted, &claims->held, &errors);
    claims->next_ms = now_ms + CLAIMS_AGAIN_MS;
    errors_print(&errors, "leastjobs run", stderr);
    errors_free(&errors);
    return !claims->is_refused;
}

bool claims_look(struct claims *claims, int64_t now_ms)
{
    struct errors said = {0};

    if (!claims->is_refused || now_ms < claims->next_ms)
        return false;
    claims->next_ms = now_ms + CLAIMS_AGAIN_MS;
    claims->is_refused = !ports_try(&claims->wanted, &claims->held, &said);
    errors_free(&said);
    return !claims->is_refused;
}

void claims_hold(struct claims *claims, const struct config *config, bool of_agent)
{
    const struct ports ports = ports_of(config);

    ports_hold(&claims->held, &ports, of_agent);
}
