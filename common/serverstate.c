#include "serverstate.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "names.h"
#include "replace.h"
#include "xalloc.h"

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

    for (line->count = 0; line->count < SERVERSTATE_COLUMNS && at < end; line->count++) {
        const char *blank = memchr(at, ' ', (size_t)(end - at));
        size_t size = (size_t)((blank == NULL ? end : blank) - at);
        if (size == 0 || size >= SERVERSTATE_COLUMN_MAX)
            return false;
        memcpy(line->columns[line->count], at, size);
        line->columns[line->count][size] = '\0';
        at += size + (blank != NULL);
    }
    if (line->count <= SERVERSTATE_ADMIN)
        return false;
    if (strcmp(line->columns[SERVERSTATE_BACKEND], BACKEND_NAME) != 0)
        return false;
    line->number = number_of(line->columns[SERVERSTATE_NAME]);
    line->admin = (unsigned)strtoul(line->columns[SERVERSTATE_ADMIN], NULL, 10);
    return line->number != 0;
}

static const struct instance_config *find_instance(const struct config *config, unsigned number)
{
    for (size_t i = 0; i < config->instance_count; i++) {
        if (config->instances[i].number == number)
            return &config->instances[i];
    }
    return NULL;
}

/*
 * The time since the last change: else each moment would make another file. The weight of one that
 * is drained or leaving, which the rules heed: else the first jobs of a new process would go there.
 */
static bool is_zero(const struct serverstate_line *line, const struct instance_config *instance,
                    size_t column)
{
    return column == SERVERSTATE_CHANGED ||
           (column == SERVERSTATE_WEIGHT &&
            ((line->admin & SERVERSTATE_DRAIN) != 0 || instance->is_leaving));
}

static void write_line(FILE *out, const struct serverstate_line *line,
                       const struct instance_config *instance)
{
    const struct url *url = &instance->url;

    for (size_t i = 0; i < SERVERSTATE_COLUMNS; i++) {
        if (i > 0)
            fputc(' ', out);
        if (i == SERVERSTATE_PORT)
            fprintf(out, "%u", url->port);
        else if (i == SERVERSTATE_TLS)
            fputs(url->tls ? "1" : "0", out);
        else if (is_zero(line, instance, i))
            fputs("0", out);
        else
            fputs(line->columns[i], out);
    }
    fputc('\n', out);
}

static bool is_address_of(const struct serverstate_line *line, const struct url *url)
{
    unsigned char ours[sizeof(struct in6_addr)] = {0};
    unsigned char theirs[sizeof(struct in6_addr)] = {0};
    int family = url->host_kind == URL_HOST_IPV4 ? AF_INET : AF_INET6;

    if (url->host_kind == URL_HOST_NAME)
        return true;
    return inet_pton(family, url->host, ours) == 1 &&
           inet_pton(family, line->columns[SERVERSTATE_ADDRESS], theirs) == 1 &&
           memcmp(ours, theirs, sizeof(ours)) == 0;
}

/* What was said of an instance that is gone isn't said of the one that was found since. */
static bool is_kept(const struct serverstate_line *line, const struct instance_config *instance)
{
    if (instance->is_found && !is_address_of(line, &instance->url))
        return false;
    return instance->is_leaving || (line->admin & (SERVERSTATE_MAINT | SERVERSTATE_DRAIN)) != 0;
}

void serverstate_write(FILE *out, const char *text, size_t length, const struct config *config)
{
    const char *end = text + length;
    struct serverstate_line line = {0};

    fputs(STATE_FILE_VERSION "\n", out);
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *stop = newline == NULL ? end : newline;
        if (serverstate_parse(&line, text, (size_t)(stop - text)) &&
            line.count == SERVERSTATE_COLUMNS) {
            const struct instance_config *instance = find_instance(config, line.number);
            if (instance != NULL && is_kept(&line, instance))
                write_line(out, &line, instance);
        }
        text = newline == NULL ? end : newline + 1;
    }
}

/* For the whole group, whatever the umask is. */
void serverstate_make_folder(const struct config *config)
{
    char *path = xasprintf("%s" STATE_DIRECTORY_SUFFIX, config->haproxy_socket);

    if (mkdir(path, STATE_DIRECTORY_MODE) == 0 && chmod(path, STATE_DIRECTORY_MODE) != 0)
        errno = 0; /* the file's own failure will tell */
    free(path);
}

static char *make_text(const char *text, size_t length, const struct config *config)
{
    char *made = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&made, &size);

    if (memory == NULL)
        return NULL;
    serverstate_write(memory, text, length, config);
    if (fclose(memory) == 0)
        return made;
    free(made);
    return NULL;
}

bool serverstate_replace(const char *text, size_t length, const struct config *config,
                         char **written)
{
    char *made = make_text(text, length, config);

    if (made == NULL)
        return false;
    if (*written != NULL && strcmp(*written, made) == 0) {
        free(made);
        return true;
    }
    serverstate_make_folder(config);
    char *path = xasprintf("%s" STATE_FILE_SUFFIX, config->haproxy_socket);
    bool good = replace_file(path, made, strlen(made), STATE_FILE_MODE);
    int problem = errno;
    free(path);
    if (good) {
        free(*written);
        *written = made;
    } else {
        free(made);
    }
    errno = problem;
    return good;
}
