#include "serverstate.h"

#include <stdlib.h>
#include <string.h>

#include "names.h"

#define NUMBER_DIGITS_MAX 5

/* The instance's number of a server's name; 0: it is another server's. */
static unsigned number_of(const char *name)
{
    const char *digits = name + strlen(INSTANCE_PREFIX);

    if (strncmp(name, INSTANCE_PREFIX, strlen(INSTANCE_PREFIX)) != 0 || digits[0] == '0')
        return 0;
    size_t count = strspn(digits, "0123456789");
    if (count == 0 || count > NUMBER_DIGITS_MAX || digits[count] != '\0')
        return 0;
    return (unsigned)strtoul(digits, NULL, 10);
}

bool serverstate_parse(struct serverstate_line *line, const char *text, size_t length)
{
    const char *at = text;
    const char *end = text + length;

    for (size_t i = 0; i < SERVERSTATE_COLUMNS; i++) {
        const char *blank = memchr(at, ' ', (size_t)(end - at));
        size_t size = (size_t)((blank == NULL ? end : blank) - at);
        if (size == 0 || size >= SERVERSTATE_COLUMN_MAX)
            return false;
        memcpy(line->columns[i], at, size);
        line->columns[i][size] = '\0';
        at += size + (blank != NULL);
    }
    if (strcmp(line->columns[SERVERSTATE_BACKEND], BACKEND_NAME) != 0)
        return false;
    line->number = number_of(line->columns[SERVERSTATE_NAME]);
    line->admin = (unsigned)strtoul(line->columns[SERVERSTATE_ADMIN], NULL, 10);
    return line->number != 0;
}

static const struct instance *find_instance(const struct config *config, unsigned number)
{
    for (size_t i = 0; i < config->instance_count; i++) {
        if (config->instances[i].number == number)
            return &config->instances[i];
    }
    return NULL;
}

static void write_line(FILE *out, const struct serverstate_line *line, const struct url *url)
{
    for (size_t i = 0; i < SERVERSTATE_COLUMNS; i++) {
        if (i > 0)
            fputc(' ', out);
        if (i == SERVERSTATE_PORT)
            fprintf(out, "%u", url->port);
        else if (i == SERVERSTATE_TLS)
            fputs(url->tls ? "1" : "0", out);
        else if (i == SERVERSTATE_CHANGED)
            fputs("0", out); /* else each moment would make another file */
        else
            fputs(line->columns[i], out);
    }
    fputc('\n', out);
}

void serverstate_write(FILE *out, const char *text, size_t length, const struct config *config)
{
    const char *end = text + length;

    fputs(STATE_FILE_VERSION "\n", out);
    while (text < end) {
        struct serverstate_line line;
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *stop = newline == NULL ? end : newline;
        if (serverstate_parse(&line, text, (size_t)(stop - text)) &&
            (line.admin & (SERVERSTATE_MAINT | SERVERSTATE_DRAIN)) != 0) {
            const struct instance *instance = find_instance(config, line.number);
            if (instance != NULL)
                write_line(out, &line, &instance->url);
        }
        text = newline == NULL ? end : newline + 1;
    }
}
