/*
 * URLs and all other variables, to haproxy.cfg: config_from_settings(), then render_config() with
 * the built-in template (fuzz_template.c has others).
 *
 * Input: an environment as in /proc/PID/environ: NAME=VALUE, each ended by a NUL.
 *
 * The rule: whatever the values, there are errors and no configuration, or the output is that of
 * a reference in which each text from outside is a harmless one of the same kind. The two have
 * the same lines, and the lines the same words, except that where the reference has a harmless
 * text the output has a text of plain characters, the one that was configured. So no value can
 * add, end, hide or split a line or a word, or mean anything to HAProxy but itself.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "names.h"
#include "options.h"
#include "render.h"
#include "xalloc.h"

#define SETTINGS_MAX 64

static bool configuring;

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t size_max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned random);

/* What stands for a text of each kind: directives differ by it. */
#define HARMLESS "harmless"
#define HARMLESS_IPV4 "192.0.2.1"
#define HARMLESS_IPV6 "2001:db8::1"

/* --- The reference --- */

static const char *harmless_host(const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];

    /* These make a difference to the directives. */
    if (strcmp(host, "*") == 0 || strcmp(host, "::") == 0 || strcmp(host, "localhost") == 0)
        return host;
    if (strchr(host, ':') != NULL)
        return HARMLESS_IPV6;
    return inet_pton(AF_INET, host, address) == 1 ? HARMLESS_IPV4 : HARMLESS;
}

/* The caller frees the authority. */
static struct instance_config harmless_instance(const struct instance_config *instance)
{
    struct instance_config copy = *instance;
    const char *host = harmless_host(instance->url.host);
    const char *bracket = strrchr(instance->url.authority, ']');

    copy.url.host = (char *)host;
    copy.url.authority = bracket == NULL ? xstrdup(HARMLESS) : xasprintf("[%s%s", host, bracket);
    copy.url.path = (char *)(instance->url.path[0] == '\0' ? "" : "/" HARMLESS);
    copy.url.text = (char *)HARMLESS;
    return copy;
}

/* As many paths, and each a prefix or not, as it was; presets as they are. The caller frees it. */
static char *harmless_paths(const char *paths)
{
    char *text = xstrdup("");

    while (*paths != '\0') {
        size_t length = strcspn(paths, ",");
        bool has_star = paths[length - 1] == '*';
        size_t end = length - has_star;
        const char *comma = text[0] == '\0' ? "" : ",";
        char *longer;
        if (paths[0] == '/')
            longer = xasprintf("%s%s%s%s%s", text, comma, end == 1 ? "" : "/" HARMLESS,
                               paths[end - 1] == '/' ? "/" : "", has_star ? "*" : "");
        else
            longer = xasprintf("%s%s%.*s", text, comma, (int)length, paths);
        free(text);
        text = longer;
        paths += length + (paths[length] == ',');
    }
    return text;
}

/* As many of them. */
static char *harmless_networks(const char *networks)
{
    char *text = xstrdup(HARMLESS_IPV4);

    if (strcmp(networks, CONFIG_NONE) == 0) {
        free(text);
        return xstrdup(networks);
    }
    while ((networks = strchr(networks, ',')) != NULL) {
        char *longer = xasprintf("%s," HARMLESS_IPV4, text);
        free(text);
        text = longer;
        networks++;
    }
    return text;
}

/* As many of them, each with the brackets that it had. */
static char *harmless_origins(const char *origins)
{
    char *text = xstrdup("");

    if (strcmp(origins, CONFIG_ALL_ORIGINS) == 0 || strcmp(origins, CONFIG_NONE) == 0) {
        free(text);
        return xstrdup(origins);
    }
    while (*origins != '\0') {
        size_t length = strcspn(origins, ",");
        const char *open = memchr(origins, '[', length);
        const char *bracket = memchr(origins, ']', length);
        size_t tail = bracket == NULL ? 0 : length - (size_t)(bracket - origins);
        size_t head = bracket == NULL ? 0 : (size_t)(open - origins) + 1;
        char *longer = xasprintf("%s%s%.*s" HARMLESS "%.*s", text, text[0] == '\0' ? "" : ",",
                                 (int)head, origins, (int)tail, bracket == NULL ? "" : bracket);
        free(text);
        text = longer;
        origins += length + (origins[length] == ',');
    }
    return text;
}

static void render(const struct config *config, struct text *text)
{
    static struct rendering rendering;
    struct errors errors = {0};

    if (rendering.template == NULL)
        promise(render_load(&rendering, NULL, &errors));
    bool good = render_config(text, &rendering, config, &errors);
    promise_of(good, errors.count == 0 ? NULL : errors.errors[0]);
    promise(errors.count == 0 && errors.warning_count == 0);
    promise(strlen(text->bytes) == text->length);
}

/* A harmless text of an option's kind. The caller frees it. */
static char *harmless_value(const struct option_info *option, const char *value)
{
    switch (option->type) {
    case OPTION_BIND:
    case OPTION_HOST:
        return xstrdup(harmless_host(value));
    case OPTION_FILE:
        return xstrdup(strcmp(value, "/") == 0 ? value : "/" HARMLESS);
    case OPTION_USER:
        return xstrdup(strcmp(value, "root") == 0 ? value : HARMLESS);
    case OPTION_PATH:
    case OPTION_REQUEST:
    case OPTION_SOURCE:
    case OPTION_LOCATOR:
    case OPTION_MEMBER:
    case OPTION_NAMES:
        return xstrdup("/" HARMLESS);
    case OPTION_NETWORKS:
        return harmless_networks(value);
    case OPTION_ORIGINS:
        return harmless_origins(value);
    case OPTION_PROXIED:
        return harmless_paths(value);
    default:
        promise_of(option->type == OPTION_PATHS, option->name);
        return harmless_paths(value);
    }
}

/* Numbers, flags and levels are in struct config as such, and harmless. */
static bool is_text(const struct option_info *option)
{
    return option->type >= OPTION_BIND;
}

static void render_reference(const struct config *config, struct text *text)
{
    struct config copy = *config;

    copy.instances = xcalloc(config->instance_count, sizeof(*copy.instances));
    for (size_t i = 0; i < config->instance_count; i++)
        copy.instances[i] = harmless_instance(&config->instances[i]);
    for (size_t i = 0; i < option_count; i++) {
        char **field = (char **)((char *)&copy + option_table[i].offset);
        if (is_text(&option_table[i]) && *field != NULL)
            *field = harmless_value(&option_table[i], *field);
    }
    render(&copy, text);
    for (size_t i = 0; i < option_count; i++) {
        if (is_text(&option_table[i]))
            free(*(char **)((char *)&copy + option_table[i].offset));
    }
    for (size_t i = 0; i < copy.instance_count; i++)
        free(copy.instances[i].url.authority);
    free(copy.instances);
}

/* --- The comparison --- */

/* No comma: it separates addresses. No % and no brackets: they are log-format's. */
static bool is_plain(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (!isalnum((unsigned char)text[i]) && (text[i] == '\0' || !strchr("-._~/:@+=", text[i])))
            return false;
    }
    return length > 0;
}

/* How many slashes a path of JOBS_PATH has makes a difference to one number. */
static bool is_same_id_field(const char *reference, size_t reference_length, const char *word,
                             size_t length)
{
    static const char before[] = "path,field(";
    size_t start = sizeof(before) - 1;

    if (reference_length < start || length < start || memcmp(reference, before, start) != 0 ||
        memcmp(word, before, start) != 0)
        return false;
    size_t reference_end = start + strspn(reference + start, "0123456789");
    size_t end = start + strspn(word + start, "0123456789");
    return end > start && length - end == reference_length - reference_end &&
           memcmp(word + end, reference + reference_end, length - end) == 0;
}

/* The output's word is the reference's, with plain characters for a harmless text. */
static bool is_same_word(const char *reference, size_t reference_length, const char *word,
                         size_t length)
{
    static const char *const texts[] = {HARMLESS, HARMLESS_IPV4, HARMLESS_IPV6};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const char *harmless = memmem(reference, reference_length, texts[i], strlen(texts[i]));
        if (harmless == NULL)
            continue;
        size_t before = (size_t)(harmless - reference);
        size_t after = reference_length - before - strlen(texts[i]);
        return length > before + after && memcmp(word, reference, before) == 0 &&
               memcmp(word + length - after, harmless + strlen(texts[i]), after) == 0 &&
               is_plain(word + before, length - before - after);
    }
    return (length == reference_length && memcmp(word, reference, length) == 0) ||
           is_same_id_field(reference, reference_length, word, length);
}

/* Blanks in quotes count too: what is in quotes isn't from outside. */
static void compare_lines(const char *reference, const char *line)
{
    const char *whole = line;

    for (;;) {
        size_t reference_length = strcspn(reference, " ");
        size_t length = strcspn(line, " ");
        promise_of(is_same_word(reference, reference_length, line, length), whole);
        reference += reference_length;
        line += length;
        promise_of(*reference == *line, whole);
        if (*line == '\0')
            return;
        reference++;
        line++;
    }
}

/* Takes the next line off a text, NUL for newline; NULL if there is none. */
static char *take_line(char **text)
{
    char *line = *text;
    char *newline = strchr(line, '\n');

    if (newline == NULL) {
        promise_of(line[0] == '\0', line);
        return NULL;
    }
    *newline = '\0';
    *text = newline + 1;
    return line;
}

static void compare(char *reference, char *text)
{
    for (;;) {
        char *reference_line = take_line(&reference);
        char *line = take_line(&text);
        promise_of((reference_line == NULL) == (line == NULL), line);
        if (line == NULL)
            return;
        promise_of(fuzz_is_printable_ascii(line), line);
        compare_lines(reference_line, line);
    }
}

static void check_output(const struct config *config)
{
    struct text reference = {0};
    struct text text = {0};
    struct text again = {0};

    for (size_t i = 1; i < config->instance_count; i++)
        promise(config->instances[i - 1].number < config->instances[i].number);
    render_reference(config, &reference);
    render(config, &text);
    render(config, &again);
    promise(strcmp(text.bytes, again.bytes) == 0);
    compare(reference.bytes, text.bytes);
    text_free(&again);
    text_free(&text);
    text_free(&reference);
}

/* --- What a URL means, read a second time, by its letter --- */

static void check_host(const struct url *url, const char *text, size_t length)
{
    char host[URL_TEXT_MAX + 1];
    unsigned char address[sizeof(struct in6_addr)];
    unsigned char expected[sizeof(struct in6_addr)];

    snprintf(host, sizeof(host), "%.*s", (int)length, text);
    if (url->host_kind == URL_HOST_IPV6) {
        promise_of(host[0] == '[' && host[length - 1] == ']', url->text);
        host[length - 1] = '\0';
        promise_of(inet_pton(AF_INET6, host + 1, expected) == 1, url->text);
        promise_of(inet_pton(AF_INET6, url->host, address) == 1, url->text);
        promise_of(memcmp(address, expected, sizeof(address)) == 0, url->text);
    } else {
        promise_of(strcasecmp(host, url->host) == 0, url->text);
    }
}

static void check_port(const struct url *url, const char *text, size_t length)
{
    if (length == 0)
        promise_of(url->port == (url->tls ? 443 : 80), url->text);
    else
        promise_of(text[0] == ':' && strspn(text + 1, "0123456789") == length - 1 &&
                       strtoul(text + 1, NULL, 10) == url->port,
                   url->text);
    promise_of(url->port >= 1 && url->port <= 65535, url->text);
}

static void check_url(const struct url *url, const char *text)
{
    const char *separator = strstr(text, "://");
    const char *authority = separator == NULL ? text : separator + 3;
    size_t length = strcspn(authority, "/");
    const char *path = authority + length;
    size_t path_length = strlen(path);
    size_t host_length = length;

    promise_of(url->tls == (separator != NULL && tolower((unsigned char)separator[-1]) == 's'),
               text);
    while (host_length > 0 && isdigit((unsigned char)authority[host_length - 1]))
        host_length--;
    if (host_length > 0 && authority[host_length - 1] == ':')
        host_length--;
    else
        host_length = length;
    check_host(url, authority, host_length);
    check_port(url, authority + host_length, length - host_length);
    while (path_length > 0 && path[path_length - 1] == '/')
        path_length--;
    promise_of(strlen(url->path) == path_length, text);
    promise_of(strncmp(url->path, path, path_length) == 0, text);
}

/* Each on its own: the configuration has none of them if one is wrong. */
static void check_urls(const struct settings *settings)
{
    for (size_t i = 0; i < settings->count; i++) {
        const struct setting *setting = &settings->items[i];
        struct url url;
        if (strncmp(setting->name, "INSTANCE_", 9) != 0)
            continue;
        if (url_parse(&url, setting->value) == NULL)
            check_url(&url, setting->value);
        url_free(&url);
    }
}

/* --- The input --- */

/*
 * In place of the C library's: each file that is configured is there and can be read. Nobody has
 * found instances.
 */
/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): the system's are reserved */
int access(const char *path, int mode)
{
    (void)mode;
    if (strstr(path, FOUND_FILE_SUFFIX) == NULL)
        return 0;
    errno = ENOENT;
    return -1;
}

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): the system's are reserved */
int stat(const char *restrict path, struct stat *restrict status)
{
    static int (*real)(const char *restrict, struct stat *restrict);

    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "stat");
    if (!configuring) /* This one is libFuzzer's. */
        return real(path, status);
    *status = (struct stat){.st_mode = S_IFREG};
    return 0;
}

static const char *sample_text_of(enum option_type type)
{
    switch (type) {
    case OPTION_PATHS:
        return "/a/b,/c/";
    case OPTION_PROXIED:
        return "openai,whisperx,/a/b,/c/*";
    case OPTION_ORIGINS:
        return "https://a.example:8443,http://[::1]:3000";
    case OPTION_NAMES:
        return "http://workers:8000/a,others.example";
    default:
        return "/a/b";
    }
}

static const char *sample_of(const struct option_info *option, unsigned *random)
{
    static const char *const hosts[] = {"127.0.0.1", "::1", "agent.example", "*"};

    switch (option->type) {
    case OPTION_PORT:
    case OPTION_NUMBER:
        return "12";
    case OPTION_DURATION:
        return "1.5s";
    case OPTION_FLAG:
        return "yes";
    case OPTION_LEVEL:
        return "debug";
    case OPTION_USER:
        return "haproxy";
    case OPTION_BIND:
    case OPTION_HOST:
        return hosts[(unsigned)rand_r(random) % 4];
    default:
        return sample_text_of(option->type);
    }
}

static char *sample_setting(unsigned *random)
{
    static const char *const urls[] = {"http://10.0.0.5:8000/a", "https://gpu.example/a/b",
                                       "https://[2001:db8::1]:8443", "localhost"};
    unsigned which = (unsigned)rand_r(random) % (2 * (unsigned)option_count);

    if (which >= option_count)
        return xasprintf("INSTANCE_%u_URL=%s", 2 + which % 2, urls[(unsigned)rand_r(random) % 4]);
    const struct option_info *option = &option_table[which];
    return xasprintf("%s=%s", option->name, sample_of(option, random));
}

/* `length` counts the NUL; there is room for one byte more. */
static void insert_hostile(uint8_t *text, size_t length, unsigned *random)
{
    static const char hostile[] = "0\n\r\t #\"'\\%[]{}()$,;:@?*!&|<>^`~=+-./\x01\x1b\x7f\x80\xff";
    size_t at = (unsigned)rand_r(random) % length;

    memmove(text + at + 1, text + at, length - at);
    text[at] = (uint8_t)hostile[(unsigned)rand_r(random) % (sizeof(hostile) - 1)];
}

/* Half of the time: a valid environment, but for a hostile character in one of its values. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned random)
{
    static const char first[] = "INSTANCE_1_URL=a";

    bool any = rand_r(&random) % 2 == 0;
    char *setting = sample_setting(&random);
    size_t length = strlen(setting);
    size_t name_length = strcspn(setting, "=") + 1;
    size_t needed = sizeof(first) + length + 2;
    if (any || needed > size_max) {
        size = LLVMFuzzerMutate(data, size, size_max);
    } else {
        size = needed;
        memcpy(data, first, sizeof(first));
        memcpy(data + sizeof(first), setting, length + 1);
        insert_hostile(data + sizeof(first) + name_length, length + 1 - name_length, &random);
    }
    free(setting);
    return size;
}

static void read_environment(struct settings *settings, const char *text, size_t size)
{
    char *environment[SETTINGS_MAX + 1];
    size_t count = 0;

    for (size_t at = 0; at < size && count < SETTINGS_MAX; at += strlen(text + at) + 1)
        environment[count++] = (char *)text + at;
    environment[count] = NULL;
    settings_read_environment(settings, environment);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct settings settings = {0};
    struct errors errors = {0};

    read_environment(&settings, fuzz_text(0, data, size), size);
    configuring = true;
    struct config *config = fuzz_configure(&settings, &errors);
    configuring = false;
    if (config != NULL)
        check_output(config);
    check_urls(&settings);
    config_free(config);
    errors_free(&errors);
    settings_free(&settings);
    return 0;
}
