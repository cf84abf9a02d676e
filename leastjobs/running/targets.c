#include "running/targets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "names.h"

/* Of those that there are, a message names so many. */
#define NAMED_MAX 40
#define DIGITS_MAX 5

unsigned target_parse(const char *word)
{
    if (strncmp(word, INSTANCE_PREFIX, strlen(INSTANCE_PREFIX)) == 0)
        word += strlen(INSTANCE_PREFIX);
    size_t digits = strspn(word, "0123456789");
    if (digits == 0 || digits > DIGITS_MAX || word[digits] != '\0' || word[0] == '0')
        return 0;
    unsigned long number = strtoul(word, NULL, 10);
    return number <= INSTANCE_NUMBER_MAX ? (unsigned)number : 0;
}

static void reject(const char *word, const struct servers *servers, const char *program)
{
    fprintf(stderr, "%s: there is no instance \"%.40s\": there %s", program, word,
            servers->count == 1 ? "is" : "are");
    for (size_t i = 0; i < servers->count && i < NAMED_MAX; i++)
        fprintf(stderr, "%s %u", i == 0 ? "" : ",", servers->all[i].number);
    if (servers->count > NAMED_MAX)
        fprintf(stderr, " and %zu more", servers->count - NAMED_MAX);
    fprintf(stderr, "\n");
}

static bool has(const unsigned *numbers, size_t count, unsigned number)
{
    for (size_t i = 0; i < count; i++) {
        if (numbers[i] == number)
            return true;
    }
    return false;
}

size_t targets_parse(unsigned *numbers, char *const *words, size_t count,
                     const struct servers *servers, const char *program)
{
    bool is_good = true;
    size_t found = 0;

    for (size_t i = 0; i < count; i++) {
        unsigned number = target_parse(words[i]);
        if (number == 0 || servers_find(servers, number) == NULL) {
            reject(words[i], servers, program);
            is_good = false;
        } else if (!has(numbers, found, number)) {
            numbers[found++] = number;
        }
    }
    return is_good ? found : 0;
}
