#include "option_value.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "config.h"
#include "grammar.h"
#include "instance_source.h"
#include "list.h"
#include "origin.h"
#include "pointer_hint.h"
#include "presets.h"
#include "proxy_paths.h"
#include "request_url.h"
#include "url.h"
#include "xalloc.h"

#define PROBLEM_MAX 1600
#define MS_PER_SECOND 1000U

static char problem_text[PROBLEM_MAX];

static const char *set_number(const struct option_info *option, const char *value, unsigned *field)
{
    unsigned long long number;

    if (!grammar_parse_whole(value, &number))
        return "expected a whole number";
    if (number < option->minimum || number > option->maximum) {
        snprintf(problem_text, sizeof(problem_text), "out of range: from %u to %u", option->minimum,
                 option->maximum);
        return problem_text;
    }
    *field = (unsigned)number;
    return NULL;
}

static const char *set_duration(const struct option_info *option, const char *value,
                                unsigned *field)
{
    unsigned long long ms;
    const char *problem = grammar_parse_duration(value, &ms);

    if (problem != NULL)
        return problem;
    if (ms < option->minimum || ms > option->maximum) {
        snprintf(problem_text, sizeof(problem_text), "out of range: from %u ms to %u s",
                 option->minimum, option->maximum / MS_PER_SECOND);
        return problem_text;
    }
    *field = (unsigned)ms;
    return NULL;
}

static const char *set_flag(const char *value, bool *field)
{
    bool yes = strcasecmp(value, "yes") == 0;

    if (!yes && strcasecmp(value, "no") != 0)
        return "expected yes or no";
    *field = yes;
    return NULL;
}

/* A relative path would be another file for each program that reads it. */
static const char *check_file(const char *value)
{
    if (!grammar_is_plain_file(value))
        return "expected an absolute path of letters, digits and -._~/:@+=";
    if (value[0] == '/')
        return NULL;
    char *folder = getcwd(NULL, 0);
    snprintf(problem_text, sizeof(problem_text),
             "expected an absolute path, since HAProxy and the agent may run in other folders: "
             "from here it would be %.1000s/%.200s",
             folder == NULL ? "…" : folder, value);
    free(folder);
    return problem_text;
}

static const char *member_problem(const char *value)
{
    return grammar_is_member_pointer(value) ? NULL : "";
}

static bool are_networks(const char *value)
{
    return strcmp(value, CONFIG_NONE) == 0 || grammar_is_list(value, grammar_is_network);
}

static const char *check_member(const char *value)
{
    static const char expected[] =
        "expected a JSON Pointer such as /job_id or /job/id (names of letters, digits, _ and -, "
        "which don't start with a digit)";

    return grammar_is_member_pointer(value) ? NULL : pointer_hint(value, member_problem, expected);
}

/* What it means is its source's to say: see instance_source.c. */
static const char *check_locator(const char *value)
{
    for (const char *c = value; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return "has a control character: expected JSON Pointers or names of metrics";
    }
    return strlen(value) <= LOCATOR_MAX ? NULL : "longer than 1024 characters";
}

static const char *check_source(const char *value)
{
    if (preset_find(value) != NULL)
        return NULL;
    snprintf(problem_text, sizeof(problem_text), "expected one of %s", preset_names());
    return problem_text;
}

/* NULL, or what is wrong with the first part that isn't an origin. */
static const char *check_origin_parts(const char *value)
{
    const char *problem = NULL;
    const char *start;
    size_t length;

    while (problem == NULL && (start = list_take(&value, &length)) != NULL) {
        char *part = xstrndup(start, length);
        problem = origin_problem(part);
        free(part);
    }
    return problem;
}

static bool is_origin(const char *part)
{
    return origin_problem(part) == NULL;
}

static const char *check_origins(const char *value)
{
    if (strcmp(value, CONFIG_ALL_ORIGINS) == 0 || strcmp(value, CONFIG_NONE) == 0 ||
        grammar_is_list(value, is_origin))
        return NULL;
    const char *problem = check_origin_parts(value);
    return problem != NULL ? problem
                           : "expected at most 16 origins separated by commas, such as "
                             "https://page.example,http://localhost:3000, or *, or none";
}

/* NULL, or what is wrong with a URL whose name is to be followed. */
static const char *check_name(const char *text)
{
    struct url url;
    const char *problem = url_parse(&url, text);

    if (problem != NULL)
        return problem;
    if (url.host_kind != URL_HOST_NAME)
        problem = "has an address: expected a DNS name, such as http://workers:8000 (for an "
                  "address there is INSTANCE_N_URL)";
    else if (url.tls)
        problem = "https:// needs the name that a certificate has, and these instances have "
                  "addresses: use http:// here, or names in INSTANCE_N_URL or INSTANCES_FILE";
    url_free(&url);
    return problem;
}

static const char *check_names(const char *value)
{
    const char *problem = list_count(value) > GRAMMAR_LIST_MAX ? "more than 16 URLs" : NULL;
    const char *start;
    size_t length;

    while (problem == NULL && (start = list_take(&value, &length)) != NULL) {
        char *part = xstrndup(start, length);
        problem = check_name(part);
        free(part);
    }
    return problem;
}

static const char *check_text(const struct option_info *option, const char *value)
{
    switch (option->type) {
    case OPTION_BIND:
        if (strcmp(value, "*") == 0 || grammar_is_address(value))
            return NULL;
        return "expected an IP address, or * for all of IPv4";
    case OPTION_HOST:
        return grammar_is_address(value) || url_is_host_name(value)
                   ? NULL
                   : "expected an IP address or a host name by RFC 1123";
    case OPTION_FILE:
        return check_file(value);
    case OPTION_USER:
        return grammar_is_user_name(value) ? NULL : "expected a user name";
    case OPTION_PATH:
        return request_path_check(value);
    case OPTION_REQUEST:
        return request_url_check(value);
    case OPTION_SOURCE:
        return check_source(value);
    case OPTION_PATHS:
        return grammar_is_list(value, url_is_plain_path)
                   ? NULL
                   : "expected at most 16 paths separated by commas, such as /v1/models,/docs/ "
                     "(letters, digits and -._~/:@+=, no empty, \".\" or \"..\" segments)";
    case OPTION_PROXIED:
        return proxy_paths_problem(value);
    case OPTION_ORIGINS:
        return check_origins(value);
    case OPTION_NETWORKS:
        return are_networks(value) ? NULL
                                   : "expected at most 16 addresses or networks separated by "
                                     "commas, such as 10.0.0.0/8,fc00::/7, or none";
    case OPTION_MEMBER:
        return check_member(value);
    case OPTION_LOCATOR:
        return check_locator(value);
    case OPTION_NAMES:
        return check_names(value);
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

const char *option_value_set(struct config *config, const struct option_info *option,
                             const char *value)
{
    return option_value_set_field((char *)config + option->offset, option, value);
}

const char *option_value_set_field(void *field, const struct option_info *option, const char *value)
{
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

void option_value_reject(struct errors *errors, const struct option_info *option,
                         const struct setting *setting, const char *problem)
{
    struct setting redacted = *setting;
    bool is_url = option->type == OPTION_URL || option->type == OPTION_REQUEST ||
                  option->type == OPTION_PATH || option->type == OPTION_NAMES;

    redacted.value = is_url ? url_redact(setting->value) : xstrdup(setting->value);
    settings_reject(errors, &redacted, problem);
    free(redacted.value);
}

/* In the largest unit that keeps it whole. */
static void describe_ms(unsigned ms, char *text, size_t size)
{
    static const struct {
        const char *name;
        unsigned ms;
    } units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
    size_t i = 0;

    while (ms % units[i].ms != 0)
        i++;
    snprintf(text, size, "%u %s", ms / units[i].ms, units[i].name);
}

static const char *describe_type(enum option_type type)
{
    static const char *const names[] = {
        [OPTION_FLAG] = "yes or no",
        [OPTION_LEVEL] = "a level",
        [OPTION_BIND] = "IP address or *",
        [OPTION_HOST] = "IP address or host name",
        [OPTION_FILE] = "absolute path",
        [OPTION_USER] = "user name",
        [OPTION_PATH] = "path",
        [OPTION_NETWORKS] = "at most 16, or none",
        [OPTION_PATHS] = "at most 16 paths",
        [OPTION_PROXIED] = "at most 16 paths and presets",
        [OPTION_ORIGINS] = "at most 16 origins, or *, or none",
        [OPTION_MEMBER] = "JSON Pointer",
        [OPTION_LOCATOR] = "at most 16 pointers or metrics",
        [OPTION_REQUEST] = "path, port and path, or URL",
        [OPTION_SOURCE] = "a kind of server",
        [OPTION_NAMES] = "at most 16 URLs",
        [OPTION_URL] = "URL",
    };

    return names[type];
}

void option_value_describe(const struct option_info *option, char *text, size_t size)
{
    char least[16];
    char most[16];

    switch (option->type) {
    case OPTION_PORT:
    case OPTION_NUMBER:
        snprintf(text, size, "%u to %u", option->minimum, option->maximum);
        break;
    case OPTION_DURATION:
        describe_ms(option->minimum, least, sizeof(least));
        describe_ms(option->maximum, most, sizeof(most));
        snprintf(text, size, "%s to %s", least, most);
        break;
    default:
        snprintf(text, size, "%s", describe_type(option->type));
        break;
    }
}
