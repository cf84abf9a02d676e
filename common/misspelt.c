#include "misspelt.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "instance_names.h"
#include "nearest.h"
#include "options.h"

/* Of a name of ours: shorter ones are near to too much. */
#define NAME_MIN 10
#define LONG_NAME_MIN 16
#define WORDS_MAX 8
/* Of a name of ours: hardly anybody else has one that is near to it. */
#define SURE_WORDS_MIN 3

/* Ours are near to them, but other programs have them: keys themselves, HAProxy's statistics. */
static const char *const others[] = {"API_KEYS", "STATS_PORT"};

/* What people write who have but one instance, or a list in one variable. */
static const char *const without_number[] = {"INSTANCE_URL", "INSTANCE_URLS", "INSTANCES_URL",
                                             "INSTANCES"};

/* A name in capitals. */
struct name {
    char text[NEAREST_NAME_MAX + 1];
};

/* False if it is too long to be near to anything. */
static bool fold(const char *text, struct name *name)
{
    size_t length = strlen(text);

    if (length > NEAREST_NAME_MAX)
        return false;
    for (size_t i = 0; i <= length; i++)
        name->text[i] = (char)toupper((unsigned char)text[i]);
    return true;
}

static bool has_same_letters(const char *a, const char *b)
{
    for (;;) {
        while (*a != '\0' && !isalnum((unsigned char)*a))
            a++;
        while (*b != '\0' && !isalnum((unsigned char)*b))
            b++;
        if (*a != *b)
            return false;
        if (*a == '\0')
            return true;
        a++;
        b++;
    }
}

static int compare_words(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Cuts a name into its words, sorted. Returns how many. */
static size_t split(struct name *name, char *words[WORDS_MAX])
{
    size_t count = 0;
    char *rest = NULL;

    for (char *word = strtok_r(name->text, "_", &rest); word != NULL && count < WORDS_MAX;
         word = strtok_r(NULL, "_", &rest))
        words[count++] = word;
    qsort(words, count, sizeof(words[0]), compare_words);
    return count;
}

static bool has_same_words(const char *text, const char *ours)
{
    struct name a = {0};
    struct name b = {0};
    char *left[WORDS_MAX];
    char *right[WORDS_MAX];

    if (strlen(text) != strlen(ours) || !fold(text, &a) || !fold(ours, &b))
        return false;
    size_t count = split(&a, left);
    if (split(&b, right) != count)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(left[i], right[i]) != 0)
            return false;
    }
    return true;
}

static bool lacks_ending(const char *text, const char *ours)
{
    static const char *const endings[] = {"_FILE", "_URL"};
    size_t length = strlen(text);

    if (strncmp(text, ours, length) != 0)
        return false;
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        if (strcmp(ours + length, endings[i]) == 0)
            return true;
    }
    return false;
}

static bool has_few_mistakes(const char *text, const char *ours)
{
    size_t length = strlen(text);
    size_t wanted = strlen(ours);
    unsigned allowed = wanted >= LONG_NAME_MIN ? 2 : 1;

    /* The distance is at least the difference in length. */
    if (length > wanted + allowed || wanted > length + allowed)
        return false;
    return nearest_distance(text, ours) <= allowed;
}

static bool is_near(const struct name *name, const char *ours)
{
    if (strlen(ours) < NAME_MIN)
        return strcmp(name->text, ours) == 0;
    return has_same_letters(name->text, ours) || has_same_words(name->text, ours) ||
           lacks_ending(name->text, ours) || has_few_mistakes(name->text, ours);
}

/* By the first digits that the name has, which stand where N should be. */
static const char *suggest_instance(const struct name *name, char *suggestion)
{
    size_t start = strcspn(name->text, "0123456789");
    size_t digits = strspn(name->text + start, "0123456789");
    const struct option_info *option;
    const struct option_info *parsed;
    unsigned number;

    for (size_t i = 0; digits > 0 && (option = option_for_instance(i)) != NULL; i++) {
        const char *ending = option_instance_name(option);
        snprintf(suggestion, MISSPELT_SUGGESTION_MAX, "INSTANCE_%.*s_%s", (int)digits,
                 name->text + start, ending);
        if (!is_near(name, suggestion))
            continue;
        if (instance_name_parse(suggestion, &number, &parsed) != INSTANCE_NAME_GOOD)
            snprintf(suggestion, MISSPELT_SUGGESTION_MAX, "INSTANCE_N_%s", ending);
        return suggestion;
    }
    return NULL;
}

static bool is_instance_without_number(const struct name *name)
{
    for (size_t i = 0; i < sizeof(without_number) / sizeof(without_number[0]); i++) {
        if (has_same_letters(name->text, without_number[i]))
            return true;
    }
    return false;
}

static bool has_many_words(const char *ours)
{
    size_t words = 1;

    for (; *ours != '\0'; ours++)
        words += *ours == '_';
    return words >= SURE_WORDS_MIN;
}

static bool is_known(const char *name)
{
    const struct option_info *option;
    unsigned number;

    if (option_find(name) != NULL ||
        instance_name_parse(name, &number, &option) != INSTANCE_NAME_OTHER)
        return true;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (strcmp(name, others[i]) == 0)
            return true;
    }
    return false;
}

const char *misspelt_suggest(const char *name, char *suggestion, bool *is_sure)
{
    struct name folded = {0};

    *is_sure = false;
    if (is_known(name) || !fold(name, &folded))
        return NULL;
    if (is_instance_without_number(&folded)) {
        snprintf(suggestion, MISSPELT_SUGGESTION_MAX, "INSTANCE_1_URL");
        return suggestion;
    }
    for (size_t i = 0; i < option_count; i++) {
        if (!is_near(&folded, option_table[i].name))
            continue;
        snprintf(suggestion, MISSPELT_SUGGESTION_MAX, "%s", option_table[i].name);
        *is_sure = has_many_words(suggestion);
        return suggestion;
    }
    *is_sure = true;
    return suggest_instance(&folded, suggestion);
}

void misspelt_report(const struct settings *settings, struct errors *errors)
{
    char suggestion[MISSPELT_SUGGESTION_MAX];

    for (size_t i = 0; i < settings->count; i++) {
        const struct setting *setting = &settings->items[i];
        bool is_sure;
        const char *ours = misspelt_suggest(setting->name, suggestion, &is_sure);
        if (ours == NULL || (!setting->in_env_file && strlen(ours) < NAME_MIN))
            continue;
        if (setting->in_env_file && is_sure && !settings_mention(settings, ours))
            errors_add(errors,
                       "%s (%s): unknown variable: did you mean %s? (If another program's is "
                       "meant, an empty line %s= makes a warning of this)",
                       setting->name, setting->origin, ours, ours);
        else
            errors_warn(errors, "%s (%s): unknown variable: did you mean %s?", setting->name,
                        setting->origin, ours);
    }
}
