#include "changes.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "options.h"

/* Of instances that changed, how many a warning names. */
#define NAMED_MAX 5U
#define NAME_MAX_LENGTH 64U
#define NAMES_SIZE (NAMED_MAX * NAME_MAX_LENGTH)

#define HAPROXY_STEPS                                                                              \
    "write haproxy.cfg again (leastjobs-genconf) and reload HAProxy, if that isn't done yet"

static bool is_same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* Of two fields of the option's type. */
static bool is_same(const struct option_info *option, const void *left, const void *right)
{
    if (option_is_text(option))
        return is_same_text(*(char *const *)left, *(char *const *)right);
    if (option->type == OPTION_FLAG)
        return *(const bool *)left == *(const bool *)right;
    if (option->type == OPTION_LEVEL)
        return *(const enum log_level *)left == *(const enum log_level *)right;
    return *(const unsigned *)left == *(const unsigned *)right;
}

static void warn_of_option(const struct option_info *option, struct errors *errors)
{
    if (option->scope == OPTION_IN_HAPROXY)
        errors_warn(errors, "%s has changed, which SIGHUP doesn't put in force: " HAPROXY_STEPS,
                    option->name);
    else
        errors_warn(errors,
                    "%s has changed, which SIGHUP puts in force in the agent alone: " HAPROXY_STEPS,
                    option->name);
}

/* What is said of an instance in one of the two only, or otherwise. */
struct difference {
    size_t count;
    char names[NAMES_SIZE];
    size_t length;
};

static void add_difference(struct difference *difference, unsigned number, const char *name)
{
    if (difference->count++ >= NAMED_MAX)
        return;
    difference->length +=
        (size_t)snprintf(difference->names + difference->length, NAMES_SIZE - difference->length,
                         "%sINSTANCE_%u_%s", difference->length == 0 ? "" : ", ", number, name);
}

/* Of one instance that is in both, what HAProxy has to know. */
static void compare_instance(const struct instance_config *old, const struct instance_config *new,
                             struct difference *difference)
{
    const struct option_info *option;

    if (strcmp(old->url.text, new->url.text) != 0)
        add_difference(difference, old->number, "URL");
    for (size_t i = 0; (option = option_for_instance(i)) != NULL; i++) {
        if (option->type != OPTION_URL && (option->scope & OPTION_IN_HAPROXY) != 0 &&
            !is_same(option, (const char *)old + option->instance_offset,
                     (const char *)new + option->instance_offset))
            add_difference(difference, old->number, option_instance_name(option));
    }
}

/* By another source, which knows where capacities are, or doesn't: the rules are others then. */
static bool is_read_otherwise(const struct instance_config *old, const struct instance_config *new)
{
    bool is_own_same = is_same_text(old->own.capacity_field, new->own.capacity_field) &&
                       old->own.capacity == new->own.capacity;

    return is_own_same && (old->capacity_locator == NULL) != (new->capacity_locator == NULL);
}

/* Of the instance at an index; above all of them at the end. */
static unsigned number_at(const struct config *config, size_t index)
{
    return index < config->instance_count ? config->instances[index].number
                                          : INSTANCE_NUMBER_MAX + 1U;
}

/* Found ones come and go by `leastjobs run`, which does all that is to be done. */
static bool is_found(const struct config *config, size_t index, unsigned number)
{
    return number_at(config, index) == number && config->instances[index].is_found;
}

/* Both are in the order of their numbers. */
static void compare_instances(const struct config *old, const struct config *new,
                              struct difference *difference)
{
    bool is_for_all = is_same_text(old->capacity_field, new->capacity_field);
    size_t i = 0;
    size_t j = 0;

    while (i < old->instance_count || j < new->instance_count) {
        unsigned left = number_at(old, i);
        unsigned right = number_at(new, j);
        unsigned number = left < right ? left : right;
        bool is_named = !is_found(old, i, number) && !is_found(new, j, number);
        if (is_named && left != right)
            add_difference(difference, number, "URL");
        if (is_named && left == right)
            compare_instance(&old->instances[i], &new->instances[j], difference);
        if (is_named && left == right && is_for_all &&
            is_read_otherwise(&old->instances[i], &new->instances[j]))
            add_difference(difference, number, "JOBS_SOURCE");
        i += left == number;
        j += right == number;
    }
}

static void warn_of_instances(const struct difference *difference, struct errors *errors)
{
    char more[32] = "";

    if (difference->count == 0)
        return;
    if (difference->count > NAMED_MAX)
        snprintf(more, sizeof(more), " and %zu more", difference->count - NAMED_MAX);
    errors_warn(errors,
                "%s%s %s changed, which SIGHUP puts in force in the agent alone: " HAPROXY_STEPS,
                difference->names, more, difference->count == 1 ? "has" : "have");
}

void changes_warn(const struct config *old, const struct config *new, struct errors *errors)
{
    struct difference difference = {0};

    for (size_t i = 0; i < option_count; i++) {
        const struct option_info *option = &option_table[i];
        if ((option->scope & OPTION_IN_HAPROXY) != 0 &&
            !is_same(option, (const char *)old + option->offset,
                     (const char *)new + option->offset))
            warn_of_option(option, errors);
    }
    compare_instances(old, new, &difference);
    warn_of_instances(&difference, errors);
}
