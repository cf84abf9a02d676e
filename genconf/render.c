#include "render.h"

#include <stdlib.h>
#include <string.h>

#include "builtin.h"
#include "contract.h"
#include "log.h"
#include "textfile.h"
#include "values/values.h"
#include "xalloc.h"

#define BUILTIN_NAME "the built-in template"

/* Some editors put it before a file of UTF-8. */
static const char byte_order_mark[] = "\xef\xbb\xbf";

bool render_load(struct rendering *rendering, const char *path, struct errors *errors)
{
    const struct template_values values = values_of(NULL);
    const char *bytes = (const char *)builtin_haproxy_cfg_in.bytes;
    size_t length = builtin_haproxy_cfg_in.length;

    rendering->path = path;
    if (path != NULL) {
        rendering->bytes = textfile_read(path, &length, errors);
        if (rendering->bytes == NULL)
            return false;
        bytes = rendering->bytes;
        if (length >= strlen(byte_order_mark) &&
            memcmp(bytes, byte_order_mark, strlen(byte_order_mark)) == 0) {
            bytes += strlen(byte_order_mark);
            length -= strlen(byte_order_mark);
        }
        contract_check_version(bytes, length, path, errors);
    }
    rendering->template =
        template_compile(path == NULL ? BUILTIN_NAME : path, bytes, length, &values, errors);
    return rendering->template != NULL;
}

/* A path may have any character, and must stay within its comment. */
static void put_head(struct text *out, const char *path)
{
    char *shown = xstrdup(path);

    log_replace_control_characters(shown);
    text_print(out, "# Made from the template %s.\n", shown);
    free(shown);
}

bool render_config(struct text *out, const struct rendering *rendering, const struct config *config,
                   struct errors *errors)
{
    const struct template_values values = values_of(config);

    if (rendering->path != NULL)
        put_head(out, rendering->path);
    if (!template_expand(rendering->template, &values, out, errors))
        return false;
    if (rendering->path != NULL)
        contract_check_output(out, config, rendering->path, errors);
    return true;
}

void render_free(struct rendering *rendering)
{
    template_free(rendering->template);
    free(rendering->bytes);
    *rendering = (struct rendering){0};
}
