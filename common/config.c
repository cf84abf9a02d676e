#include "config.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conffile.h"
#include "envfile.h"
#include "options.h"
#include "xalloc.h"

/* What HAProxy's json_query() has room for, and more than anybody needs. */
#define MEMBER_PATH_MAX 200
#define AGENT_INTER_MIN_MS 5U
#define AGENT_INTER_MAX_MS 1000U
#define SHOWN_VALUE_MAX 200
#define FILE_PATH_MAX 1024
#define USER_NAME_MAX 32
/* sun_path of unix(7), less the 16 bytes that HAProxy's temporary name and ".admin" take. */
#define SOCKET_PATH_MAX 90

struct parser {
    struct config *config;
    struct errors *errors;
};

/* A value as a message may show it: no control characters, no end of the screen. */
static char *shown(const char *value)
{
    char *text = xstrndup(value, SHOWN_VALUE_MAX);

    for (char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    }
    return text;
}

static void reject(struct errors *errors, const struct setting *setting, const char *problem)
{
    char *text = shown(setting->value);

    errors_add(errors, "%s=\"%s\" (%s): %s", setting->name, text, setting->origin, problem);
    free(text);
}

static bool parse_whole(const char *text, unsigned long long *value)
{
    size_t length = strspn(text, "0123456789");

    if (length == 0 || length > 12 || text[length] != '\0')
        return false;
    *value = strtoull(text, NULL, 10);
    return true;
}

static bool is_address(const char *text)
{
    unsigned char address[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1;
}

/* Milliseconds in a unit; 0 if there is no such unit. */
static unsigned unit_ms(const char *unit)
{
    static const struct {
        const char *name;
        unsigned ms;
    } units[] = {{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(unit, units[i].name) == 0)
            return units[i].ms;
    }
    return 0;
}

/* A decimal number of at most 9 + 3 digits and a unit, exactly, in milliseconds. */
static const char *parse_duration(const char *text, unsigned long long *ms)
{
    size_t whole = strspn(text, "0123456789");
    size_t fraction = text[whole] == '.' ? strspn(text + whole + 1, "0123456789") : 0;
    size_t length = whole + (fraction > 0 ? fraction + 1 : 0);
    unsigned unit = unit_ms(text + length);

    if (whole == 0 || whole > 9 || fraction > 3)
        return "expected a number of seconds, or a number with a unit (500ms, 2s, 1m, 1h)";
    if (unit == 0)
        return "unknown unit: use ms, s, m, h or d, or none for seconds";
    unsigned long long thousandths = strtoull(text, NULL, 10) * 1000;
    unsigned scale = 100;
    for (size_t i = 0; i < fraction; i++, scale /= 10)
        thousandths += (unsigned)(text[whole + 1 + i] - '0') * scale;
    /* Far above every option's maximum, and the product stays within 64 bits. */
    if (thousandths > UINT64_MAX / unit)
        thousandths = UINT64_MAX / unit;
    *ms = thousandths * unit / 1000;
    return NULL;
}

static const char *describe_range_ms(const struct option_info *option)
{
    static char text[80];

    snprintf(text, sizeof(text), "out of range: from %u ms to %u s", option->minimum,
             option->maximum / 1000);
    return text;
}

static const char *describe_range(const struct option_info *option)
{
    static char text[80];

    snprintf(text, sizeof(text), "out of range: from %u to %u", option->minimum, option->maximum);
    return text;
}

static const char *set_number(const struct option_info *option, const char *value, unsigned *field)
{
    unsigned long long number;

    if (!parse_whole(value, &number))
        return "expected a whole number";
    if (number < option->minimum || number > option->maximum)
        return describe_range(option);
    *field = (unsigned)number;
    return NULL;
}

static const char *set_duration(const struct option_info *option, const char *value,
                                unsigned *field)
{
    unsigned long long ms;
    const char *problem = parse_duration(value, &ms);

    if (problem != NULL)
        return problem;
    if (ms < option->minimum || ms > option->maximum)
        return describe_range_ms(option);
    *field = (unsigned)ms;
    return NULL;
}

static const char *set_flag(const char *value, bool *field)
{
    *field = strcasecmp(value, "yes") == 0;
    return *field || strcasecmp(value, "no") == 0 ? NULL : "expected yes or no";
}

/* What useradd(8) of Debian takes. */
static bool is_user_name(const char *text)
{
    size_t length = strlen(text);

    return length > 0 && length <= USER_NAME_MAX && text[0] != '-' &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
               length;
}

/* No comma: for HAProxy it ends a socket's address and begins another. */
static bool is_plain_file_path(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (!isalnum((unsigned char)*c) && strchr("-._~/:@+=", *c) == NULL)
            return false;
    }
    return text[0] == '/' && strlen(text) <= FILE_PATH_MAX;
}

/* Calls `check` for each part of a list separated by commas; true if all pass, and there is one. */
static bool each_part(const char *list, bool (*check)(const char *part))
{
    bool good = list[0] != '\0';
    unsigned count = 0;

    while (good && *list != '\0') {
        size_t length = strcspn(list, ",");
        char *part = xstrndup(list, length);
        good = check(part) && ++count <= JOBS_FIELD_COUNT_MAX;
        free(part);
        list += length;
        if (*list == ',' && *++list == '\0')
            good = false;
    }
    return good;
}

/* An address, or a block by RFC 4632 section 3.1 and RFC 4291 section 2.3. */
static bool is_network(const char *text)
{
    unsigned char address[sizeof(struct in6_addr)];
    size_t length = strcspn(text, "/");
    char *host = xstrndup(text, length);
    unsigned long long bits = inet_pton(AF_INET, host, address) == 1    ? 32
                              : inet_pton(AF_INET6, host, address) == 1 ? 128
                                                                        : 0;
    unsigned long long prefix = 0;

    free(host);
    if (bits == 0 || text[length] == '\0')
        return bits != 0;
    text += length + 1;
    return parse_whole(text, &prefix) && prefix <= bits && (text[0] != '0' || text[1] == '\0');
}

/*
 * HAProxy follows a path of names that are told apart by dots, and takes a number for an index:
 * names that need no quotes there are all that it is given.
 */
static bool is_member_pointer(const char *text)
{
    size_t length = strlen(text);

    if (text[0] != '/' || length > MEMBER_PATH_MAX || text[length - 1] == '/')
        return false;
    for (; *text != '\0'; text++) {
        if (*text == '/' && !isalpha((unsigned char)text[1]) && text[1] != '_')
            return false;
        if (*text != '/' && !isalnum((unsigned char)*text) && strchr("_-", *text) == NULL)
            return false;
    }
    return true;
}

static const char *check_text(const struct option_info *option, const char *value)
{
    switch (option->type) {
    case OPTION_BIND:
        if (strcmp(value, "*") == 0 || is_address(value))
            return NULL;
        return "expected an IP address, or * for all of IPv4";
    case OPTION_HOST:
        return is_address(value) || url_is_host_name(value)
                   ? NULL
                   : "expected an IP address or a host name by RFC 1123";
    case OPTION_FILE:
        return is_plain_file_path(value)
                   ? NULL
                   : "expected an absolute path of letters, digits and -._~/:@+=";
    case OPTION_USER:
        return is_user_name(value) ? NULL : "expected a user name";
    case OPTION_PATH:
        return url_is_plain_path(value) ? NULL
                                        : "expected a path such as /health (letters, digits and "
                                          "-._~/:@+=, no empty, \".\" or \"..\" segments)";
    case OPTION_PATHS:
        return each_part(value, url_is_plain_path)
                   ? NULL
                   : "expected at most 16 paths separated by commas, such as /v1/models,/docs/ "
                     "(letters, digits and -._~/:@+=, no empty, \".\" or \"..\" segments)";
    case OPTION_NETWORKS:
        return strcmp(value, CONFIG_NO_PROXIES) == 0 || each_part(value, is_network)
                   ? NULL
                   : "expected at most 16 addresses or networks separated by commas, such as "
                     "10.0.0.0/8,fc00::/7, or none";
    case OPTION_MEMBER:
        return is_member_pointer(value)
                   ? NULL
                   : "expected a JSON Pointer such as /job_id or /job/id (names of letters, "
                     "digits, _ and -, which don't start with a digit)";
    case OPTION_POINTERS:
        return source_find(SOURCE_DEFAULT)->check_locator(value);
    default:
        return "has a type that isn't handled";
    }
}

static const char *set_text(const struct option_info *option, const char *value, char **field)
{
    const char *problem = check_text(option, value);

    if (problem == NULL)
        *field = xstrdup(value);
    return problem;
}

static const char *set_option(struct config *config, const struct option_info *option,
                              const char *value)
{
    void *field = (char *)config + option->offset;

    switch (option->type) {
    case OPTION_PORT:
    case OPTION_NUMBER:
        return set_number(option, value, field);
    case OPTION_DURATION:
        return set_duration(option, value, field);
    case OPTION_FLAG:
        return set_flag(value, field);
    case OPTION_LEVEL:
        return log_level_parse(value, field) ? NULL : "expected DEBUG, INFO, WARNING or ERROR";
    default:
        return set_text(option, value, field);
    }
}

static void read_options(struct parser *p, const struct settings *settings)
{
    for (size_t i = 0; i < option_count; i++) {
        const struct option_info *option = &option_table[i];
        const struct setting *setting = settings_find(settings, option->name);
        const char *problem =
            setting == NULL ? NULL : set_option(p->config, option, setting->value);
        if (problem != NULL)
            reject(p->errors, setting, problem);
        /* After an error too: later checks must find a value there. */
        if ((setting == NULL || problem != NULL) && option->fallback != NULL)
            set_option(p->config, option, option->fallback);
    }
}

/* The N of INSTANCE_N_URL: 0 if the name is of another form, with *like_one set if it is near. */
static unsigned instance_number(const char *name, bool *like_one)
{
    static const char prefix[] = "INSTANCE_";
    static const char suffix[] = "_URL";
    size_t length = strlen(name);
    size_t fixed = sizeof(prefix) - 1 + sizeof(suffix) - 1;

    *like_one = length > fixed && strncmp(name, prefix, sizeof(prefix) - 1) == 0 &&
                strcmp(name + length - (sizeof(suffix) - 1), suffix) == 0;
    if (!*like_one)
        return 0;
    const char *digits = name + sizeof(prefix) - 1;
    size_t count = strspn(digits, "0123456789");
    if (count != length - fixed || digits[0] == '0' || count > 5)
        return 0;
    unsigned long number = strtoul(digits, NULL, 10);
    return number <= INSTANCE_NUMBER_MAX ? (unsigned)number : 0;
}

static void reject_url(struct parser *p, const struct setting *setting, const char *problem)
{
    struct setting redacted = *setting;

    redacted.value = url_redact(setting->value);
    reject(p->errors, &redacted, problem);
    free(redacted.value);
}

static void add_instance(struct parser *p, const struct setting *setting, unsigned number)
{
    struct url url;
    const char *problem = url_parse(&url, setting->value);

    if (problem != NULL) {
        reject_url(p, setting, problem);
        return;
    }
    struct config *config = p->config;
    config->instances =
        xreallocarray(config->instances, config->instance_count + 1, sizeof(*config->instances));
    config->instances[config->instance_count++] =
        (struct instance_config){.number = number, .url = url, .origin = xstrdup(setting->origin)};
}

static int compare_numbers(const void *a, const void *b)
{
    unsigned left = ((const struct instance_config *)a)->number;
    unsigned right = ((const struct instance_config *)b)->number;

    return (left > right) - (left < right);
}

static int compare_texts(const void *a, const void *b)
{
    const struct instance_config *left = *(const struct instance_config *const *)a;
    const struct instance_config *right = *(const struct instance_config *const *)b;
    int order = strcmp(left->url.text, right->url.text);

    return order != 0 ? order : compare_numbers(left, right);
}

static void reject_same_urls(struct parser *p)
{
    const struct config *config = p->config;
    const struct instance_config **sorted = xcalloc(config->instance_count, sizeof(*sorted));

    for (size_t i = 0; i < config->instance_count; i++)
        sorted[i] = &config->instances[i];
    qsort(sorted, config->instance_count, sizeof(*sorted), compare_texts);
    for (size_t i = 1; i < config->instance_count; i++) {
        if (strcmp(sorted[i]->url.text, sorted[i - 1]->url.text) == 0)
            errors_add(p->errors,
                       "INSTANCE_%u_URL=\"%s\" (%s): the same URL as INSTANCE_%u_URL (%s): each "
                       "instance is named once",
                       sorted[i]->number, sorted[i]->url.text, sorted[i]->origin,
                       sorted[i - 1]->number, sorted[i - 1]->origin);
    }
    free(sorted);
}

static void read_instances(struct parser *p, const struct settings *settings)
{
    bool any = false;

    for (size_t i = 0; i < settings->count; i++) {
        bool like_one;
        const struct setting *setting = &settings->items[i];
        unsigned number = instance_number(setting->name, &like_one);
        if (number != 0)
            add_instance(p, setting, number);
        else if (like_one)
            errors_warn(p->errors,
                        "%s (%s) is ignored: N in INSTANCE_N_URL is a number from 1 to %d, without "
                        "leading zeros",
                        setting->name, setting->origin, INSTANCE_NUMBER_MAX);
        any = any || number != 0;
    }
    if (!any)
        errors_add(p->errors,
                   "At least one instance endpoint must be configured: set INSTANCE_1_URL");
    if (p->config->instance_count > INSTANCES_MAX)
        errors_add(p->errors, "%zu instances are configured: at most %d are supported",
                   p->config->instance_count, INSTANCES_MAX);
    if (p->config->instance_count > 0)
        qsort(p->config->instances, p->config->instance_count, sizeof(*p->config->instances),
              compare_numbers);
    reject_same_urls(p);
}

static void reject_same_ports(struct parser *p, const struct settings *settings)
{
    static const char *const names[] = {"PORT", "AGENT_PORT", "STATUS_PORT", "ADMIN_PORT"};
    const struct config *c = p->config;
    const unsigned ports[] = {c->port, c->agent_port, c->status_port, c->admin_port};

    for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
        const struct setting *setting = settings_find(settings, names[i]);
        for (size_t j = 0; j < i; j++) {
            if (ports[i] == ports[j])
                errors_add(p->errors, "%s=\"%u\" (%s): the same port as %s: each needs its own",
                           names[i], ports[i], setting == NULL ? "default" : setting->origin,
                           names[j]);
        }
    }
}

static void check_files(struct parser *p, const struct settings *settings)
{
    const struct config *c = p->config;

    if (c->instance_ca_file != NULL && !settings_is_readable(c->instance_ca_file))
        reject(p->errors, settings_find(settings, "INSTANCE_CA_FILE"), "the file can't be read");
    if (c->hsts_max_age_s > 0 && c->tls_cert_file == NULL)
        reject(p->errors, settings_find(settings, "HSTS_MAX_AGE"),
               "makes sense with TLS_CERT_FILE only: set that too");
    if (strlen(c->haproxy_socket) > SOCKET_PATH_MAX)
        reject(p->errors, settings_find(settings, "HAPROXY_SOCKET"),
               "longer than 90 characters, too long for a Unix socket");
}

static void warn_of_tls_addresses(struct parser *p)
{
    for (size_t i = 0; i < p->config->instance_count; i++) {
        const struct instance_config *instance = &p->config->instances[i];
        if (instance->url.tls && instance->url.host_kind != URL_HOST_NAME)
            errors_warn(p->errors,
                        "INSTANCE_%u_URL=\"%s\": https:// with an address: HAProxy compares a "
                        "certificate's DNS names and common name only, so an IP address among its "
                        "subject alternative names won't do; use a host name",
                        instance->number, instance->url.text);
    }
}

static void set_sources(struct config *config)
{
    for (size_t i = 0; i < config->instance_count; i++) {
        config->instances[i].source = source_find(SOURCE_DEFAULT);
        config->instances[i].locator = config->jobs_field;
    }
}

struct config *config_from_settings(const struct settings *settings, struct errors *errors)
{
    struct parser p = {.config = xcalloc(1, sizeof(struct config)), .errors = errors};

    read_options(&p, settings);
    if (p.config->jobs_interval_ms > p.config->check_interval_ms)
        p.config->jobs_interval_ms = p.config->check_interval_ms;
    read_instances(&p, settings);
    set_sources(p.config);
    reject_same_ports(&p, settings);
    check_files(&p, settings);
    warn_of_tls_addresses(&p);
    if (errors->count == 0)
        return p.config;
    config_free(p.config);
    return NULL;
}

struct config *config_load(const struct config_sources *sources, struct errors *errors)
{
    struct settings settings = {0};

    settings_read_environment(&settings, sources->environment);
    if (sources->env_file != NULL)
        envfile_read(&settings, sources->env_file, errors);
    if (sources->config_file != NULL)
        conffile_read(&settings, sources->config_file, errors);
    struct config *config = config_from_settings(&settings, errors);
    settings_free(&settings);
    return config;
}

static bool is_text(enum option_type type)
{
    return type >= OPTION_BIND;
}

void config_free(struct config *config)
{
    if (config == NULL)
        return;
    for (size_t i = 0; i < option_count; i++) {
        if (is_text(option_table[i].type))
            free(*(char **)((char *)config + option_table[i].offset));
    }
    for (size_t i = 0; i < config->instance_count; i++) {
        url_free(&config->instances[i].url);
        free(config->instances[i].origin);
    }
    free(config->instances);
    free(config);
}

bool config_agent_is_remote(const struct config *config)
{
    return url_is_host_name(config->agent_host) && !url_is_localhost(config->agent_host);
}

unsigned config_agent_inter_ms(const struct config *config)
{
    unsigned quarter = config->check_interval_ms / 4;

    if (quarter < AGENT_INTER_MIN_MS)
        return AGENT_INTER_MIN_MS;
    return quarter > AGENT_INTER_MAX_MS ? AGENT_INTER_MAX_MS : quarter;
}
