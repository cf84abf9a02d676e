#include "jobs/field.h"

#include <stddef.h>
#include <strings.h>

bool field_is_of_connection(const char *name)
{
    static const char *const names[] = {"Connection", "Keep-Alive",        "Proxy-Connection", "TE",
                                        "Trailer",    "Transfer-Encoding", "Upgrade"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcasecmp(name, names[i]) == 0)
            return true;
    }
    return false;
}
