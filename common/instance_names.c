#include "instance_names.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"

#define PREFIX "INSTANCE_"
#define PREFIX_LENGTH (sizeof(PREFIX) - 1)
#define NUMBER_DIGITS_MAX 5

/* The option that a name ends in, of several the longest; *start is where the "_" before it is. */
static const struct option_info *find_option(const char *name, size_t *start)
{
    size_t length = strlen(name);
    const struct option_info *found = NULL;
    const struct option_info *option;

    for (size_t i = 0; (option = option_for_instance(i)) != NULL; i++) {
        const char *ending = option_instance_name(option);
        size_t ending_length = strlen(ending) + 1;
        if (length <= PREFIX_LENGTH + ending_length || name[length - ending_length] != '_' ||
            strcmp(name + length - ending_length + 1, ending) != 0)
            continue;
        if (found != NULL && length - ending_length > *start)
            continue;
        found = option;
        *start = length - ending_length;
    }
    return found;
}

static unsigned parse_number(const char *digits, size_t length)
{
    if (strspn(digits, "0123456789") != length || digits[0] == '0' || length > NUMBER_DIGITS_MAX)
        return 0;
    unsigned long value = strtoul(digits, NULL, 10);
    return value > INSTANCE_NUMBER_MAX ? 0 : (unsigned)value;
}

enum instance_name instance_name_parse(const char *name, unsigned *number,
                                       const struct option_info **option)
{
    size_t end = 0;

    *number = 0;
    *option = NULL;
    if (strncmp(name, PREFIX, PREFIX_LENGTH) != 0)
        return INSTANCE_NAME_OTHER;
    const struct option_info *found = find_option(name, &end);
    if (found == NULL)
        return INSTANCE_NAME_OTHER;
    const char *digits = name + PREFIX_LENGTH;
    *number = parse_number(digits, end - PREFIX_LENGTH);
    if (*number == 0) {
        bool is_meant = found->type == OPTION_URL || isdigit((unsigned char)digits[0]);
        return is_meant ? INSTANCE_NAME_NUMBER : INSTANCE_NAME_OTHER;
    }
    *option = found;
    return INSTANCE_NAME_GOOD;
}
