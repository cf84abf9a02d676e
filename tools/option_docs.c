/*
 * Writes what the tables of options and of kinds of servers (common/options.h, common/presets.h)
 * say into the files that people read:
 *
 *     leastjobs-option-docs FORMAT < FILE > NEW_FILE
 *
 * copies FILE with all lines between the one that has BEGIN OPTIONS and the one that has END
 * OPTIONS (or the end of the file) made anew, and those between BEGIN SOURCES and END SOURCES.
 * `make docs` does that to all four, tests/golden/test_documentation.py says when one of them is
 * stale.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "option_value.h"
#include "options.h"
#include "presets.h"
#include "xalloc.h"

#define BEGIN "BEGIN "
#define END "END "
#define WIDTH 100
/* Of instances, in the sample of a .env file. */
#define SAMPLE_INSTANCES 3

/* How a text is written: where lines are broken, and what stands for a `literal`. */
struct style {
    const char *prefix; /* of each line; NULL: one line, whatever its length */
    const char *literal_begin;
    const char *literal_end;
    const char *escaped; /* characters that get a backslash outside of literals */
};

static const struct style comment_style = {.prefix = "# "};
static const struct style roff_style = {
    .prefix = "", .literal_begin = "\\fB", .literal_end = "\\fR", .escaped = "-\\"};
static const struct style markdown_style = {
    .literal_begin = "`", .literal_end = "`", .escaped = "*|<"};

/* A word, and whether it ends within a literal. */
static bool put_word(const struct style *style, const char *word, size_t length, bool in_literal)
{
    bool is_roff = style == &roff_style;

    for (size_t i = 0; i < length; i++) {
        if (word[i] == '`') {
            in_literal = !in_literal;
            const char *mark = in_literal ? style->literal_begin : style->literal_end;
            fputs(mark == NULL ? "" : mark, stdout);
            continue;
        }
        if (style->escaped != NULL && (!in_literal || is_roff) &&
            strchr(style->escaped, word[i]) != NULL)
            putchar('\\');
        putchar(word[i]);
        /* A long list may be broken there. */
        if (is_roff && word[i] == ',' && i + 1 < length)
            fputs("\\:", stdout);
    }
    return in_literal;
}

static void put_text(const struct style *style, const char *text)
{
    size_t column = 0;
    bool in_literal = false;

    while (*text != '\0') {
        size_t length = strcspn(text, " ");
        if (column > 0 && style->prefix != NULL && column + 1 + length > WIDTH) {
            putchar('\n');
            column = 0;
        } else if (column > 0) {
            putchar(' ');
            column++;
        }
        if (column == 0 && style->prefix != NULL) {
            fputs(style->prefix, stdout);
            column = strlen(style->prefix);
        }
        /* A line that begins with these is a command to roff. */
        if (style == &roff_style && column == 0 && (*text == '.' || *text == '\''))
            fputs("\\&", stdout);
        in_literal = put_word(style, text, length, in_literal);
        column += length;
        text += length;
        text += strspn(text, " ");
    }
}

/* What can be said of one instance alone, as for all. */
static bool is_for_one(const struct option_info *option)
{
    return option->is_for_instance && option_instance_name(option) == option->name;
}

/* One of every instance, which has no value for all. */
static bool is_of_instances(const struct option_info *option)
{
    return option_instance_name(option) != option->name;
}

/* The phrase of --help as a sentence. The caller frees it. */
static char *sentence(const struct option_info *option)
{
    char *text = xasprintf("%s.", option->help);

    text[0] = (char)toupper((unsigned char)text[0]);
    return text;
}

static char *whole_text(const struct option_info *option)
{
    char *first = sentence(option);
    char *text = xasprintf("%s%s%s%s%s%s", first, option->more == NULL ? "" : " ",
                           option->more == NULL ? "" : option->more,
                           is_for_one(option) ? " For one instance: `INSTANCE_N_" : "",
                           is_for_one(option) ? option->name : "", is_for_one(option) ? "`." : "");

    free(first);
    return text;
}

static const char *place(const struct option_info *option)
{
    if (option->scope == OPTION_IN_BOTH)
        return "both";
    if (option->scope == OPTION_IN_RUN)
        return "run";
    return option->scope == OPTION_IN_AGENT ? "agent" : "HAProxy";
}

static const char *sample(const struct option_info *option)
{
    return option->example != NULL ? option->example : option->fallback;
}

static void put_env_group(enum option_group group)
{
    printf("\n# == %s ==\n", option_group_title(group));
}

static void put_env_option(const struct option_info *option)
{
    char *first = sentence(option);
    char *text = is_for_one(option)
                     ? xasprintf("%s For one instance: INSTANCE_N_%s.", first, option->name)
                     : xstrdup(first);

    free(first);
    putchar('\n');
    put_text(&comment_style, text);
    free(text);
    if (option->unset != NULL && option->type != OPTION_URL) {
        text = xasprintf("Unset: %s.", option->unset);
        putchar('\n');
        put_text(&comment_style, text);
        free(text);
    }
    putchar('\n');
    if (option->type != OPTION_URL && is_of_instances(option)) {
        printf("#INSTANCE_1_%s=%s\n", option_instance_name(option), sample(option));
        return;
    }
    if (option->type != OPTION_URL) {
        printf("#%s=%s\n", option->name, sample(option));
        return;
    }
    for (unsigned n = 1; n <= SAMPLE_INSTANCES; n++)
        printf("INSTANCE_%u_URL=\n", n);
}

static void put_lower(const char *text)
{
    for (; *text != '\0'; text++)
        putchar(tolower((unsigned char)*text));
}

static void put_conf_key(const struct option_info *option, const char *value)
{
    const char *quote = value[strspn(value, "0123456789")] == '\0' ? "" : "\"";

    put_lower(option_instance_name(option));
    printf(" = %s%s%s;", quote, value, quote);
}

/* The list of instances: what has no value for all stands in the last one's group. */
static void put_conf_instances(void)
{
    const struct option_info *option;

    fputs("#instances = ( { number = 1; url = \"http://10.0.0.5:8000\"; },\n"
          "#              { number = 2; url = \"https://gpu.example.org/whisper\";",
          stdout);
    for (size_t i = 0; (option = option_for_instance(i)) != NULL; i++) {
        if (option->type == OPTION_URL || !is_of_instances(option))
            continue;
        putchar(' ');
        put_conf_key(option, sample(option));
    }
    puts(" } );");
}

static void put_conf_option(const struct option_info *option)
{
    char *first = sentence(option);
    const char *place_of_one = is_for_one(option) ? " In an instance's group: for that one." : "";

    if (option->type != OPTION_URL && is_of_instances(option))
        place_of_one = " In the instance's group.";
    char *text = xasprintf("%s%s", first, place_of_one);
    putchar('\n');
    put_text(&comment_style, text);
    free(text);
    free(first);
    putchar('\n');
    if (option->type == OPTION_URL) {
        put_conf_instances();
        return;
    }
    if (is_of_instances(option))
        return;
    putchar('#');
    put_conf_key(option, sample(option));
    putchar('\n');
}

static void put_roff_group(enum option_group group)
{
    printf(".SS %s\n", option_group_title(group));
}

static void put_roff_option(const struct option_info *option)
{
    char values[OPTION_VALUE_DESCRIPTION_MAX];
    char *text = whole_text(option);

    printf(".TP\n.B %s\n", option->name);
    put_text(&roff_style, text);
    free(text);
    option_value_describe(option, values, sizeof(values));
    text =
        xasprintf("Default: %s%s%s. Values: %s. In force: %s.", option->fallback == NULL ? "" : "`",
                  option->fallback == NULL ? option->unset : option->fallback,
                  option->fallback == NULL ? "" : "`", values, place(option));
    putchar('\n');
    put_text(&roff_style, text);
    putchar('\n');
    free(text);
}

static void put_markdown_group(enum option_group group)
{
    printf(
        "\n### %s\n\n| variable | default | values | meaning | in force |\n|---|---|---|---|---|\n",
        option_group_title(group));
}

static void put_markdown_option(const struct option_info *option)
{
    char values[OPTION_VALUE_DESCRIPTION_MAX];
    char *text = whole_text(option);

    printf("| `%s` | ", option->name);
    if (option->fallback != NULL)
        printf("`%s`", option->fallback);
    else
        put_text(&markdown_style, option->unset);
    printf(" | ");
    option_value_describe(option, values, sizeof(values));
    put_text(&markdown_style, values);
    printf(" | ");
    put_text(&markdown_style, text);
    printf(" | %s |\n", place(option));
    free(text);
}

static const char *or_dash(const char *text)
{
    return text == NULL ? "-" : text;
}

/* In backquotes, if there is any. The caller frees it. */
static char *literal(const char *text)
{
    return text == NULL ? xstrdup("-") : xasprintf("`%s`", text);
}

static void put_markdown_sources(void)
{
    puts("\n| `JOBS_SOURCE` | server | `HEALTH_PATH` | `LOAD_URL` | form | `JOBS_FIELD` | "
         "`CAPACITY_FIELD=auto` | read in |\n|---|---|---|---|---|---|---|---|");
    for (size_t i = 0; i < preset_count; i++) {
        const struct preset *preset = &preset_table[i];
        char *load = literal(preset->load_url);
        char *locator = literal(preset->locator);
        char *capacity = literal(preset->capacity_locator);
        printf("| `%s` | %s | `%s` | %s | %s | %s | %s | %s |\n", preset->name,
               or_dash(preset->server), preset->health_path, load,
               preset->source == NULL ? "-" : preset->source->name, locator, capacity,
               or_dash(preset->read_in));
        free(load);
        free(locator);
        free(capacity);
    }
}

static void put_roff_source(const struct preset *preset)
{
    char *load = literal(preset->load_url);
    char *locator = literal(preset->locator);
    char *capacity = literal(preset->capacity_locator);
    char *text = xasprintf("%s%sHEALTH_PATH `%s`, LOAD_URL %s, %s, JOBS_FIELD %s, "
                           "CAPACITY_FIELD=auto %s.%s%s%s",
                           preset->server == NULL ? "" : preset->server,
                           preset->server == NULL ? "" : ": ", preset->health_path, load,
                           preset->source == NULL ? "nothing is read" : preset->source->name,
                           locator, capacity, preset->read_in == NULL ? "" : " Read in ",
                           preset->read_in == NULL ? "" : preset->read_in,
                           preset->read_in == NULL ? "" : ".");

    printf(".TP\n.B %s\n", preset->name);
    put_text(&roff_style, text);
    putchar('\n');
    free(text);
    free(capacity);
    free(locator);
    free(load);
}

static void put_roff_sources(void)
{
    for (size_t i = 0; i < preset_count; i++)
        put_roff_source(&preset_table[i]);
}

struct format {
    const char *name;
    void (*put_group)(enum option_group group);
    void (*put_option)(const struct option_info *option);
    void (*put_sources)(void); /* NULL: not there */
};

static const struct format formats[] = {
    {"env", put_env_group, put_env_option, NULL},
    {"conf", put_env_group, put_conf_option, NULL},
    {"man", put_roff_group, put_roff_option, put_roff_sources},
    {"markdown", put_markdown_group, put_markdown_option, put_markdown_sources},
};

static void put_table(const struct format *format, enum option_group group,
                      const struct option_info *table, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (table[i].group == group)
            format->put_option(&table[i]);
    }
}

static void put_options(const struct format *format)
{
    for (enum option_group group = 0; group < OPTION_GROUPS; group++) {
        format->put_group(group);
        put_table(format, group, instance_option_table, instance_option_count);
        put_table(format, group, option_table, option_count);
    }
}

/* What is made anew begins, or ends, in such a line. */
static const char *section_of(const char *line, const char *mark)
{
    static const char *const sections[] = {"OPTIONS", "SOURCES"};

    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
        const char *at = strstr(line, mark);
        if (at != NULL && strncmp(at + strlen(mark), sections[i], strlen(sections[i])) == 0)
            return sections[i];
    }
    return NULL;
}

static int rewrite(const struct format *format)
{
    char *line = NULL;
    size_t size = 0;
    bool found = false;
    bool inside = false;

    while (getline(&line, &size, stdin) > 0) {
        inside = inside && section_of(line, END) == NULL;
        if (inside)
            continue;
        fputs(line, stdout);
        const char *section = section_of(line, BEGIN);
        if (section == NULL)
            continue;
        found = inside = true;
        if (strcmp(section, "OPTIONS") == 0)
            put_options(format);
        else if (format->put_sources != NULL)
            format->put_sources();
    }
    free(line);
    if (!found)
        fputs("leastjobs-option-docs: no line has " BEGIN "OPTIONS\n", stderr);
    return found && ferror(stdin) == 0 && fflush(stdout) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    for (size_t i = 0; argc == 2 && i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (strcmp(argv[1], formats[i].name) == 0)
            return rewrite(&formats[i]);
    }
    fputs("Usage: leastjobs-option-docs env|conf|man|markdown < FILE\n", stderr);
    return 2;
}
