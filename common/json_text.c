#include "json_text.h"

#include "xalloc.h"

char *json_text(cJSON *value)
{
    /* cJSON's allocator is malloc(3): its text can be the caller's. */
    char *text = cJSON_PrintUnformatted(value);

    cJSON_Delete(value);
    return text == NULL ? xstrdup("{}") : text;
}
