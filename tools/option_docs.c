/*
 * Writes what the table of options (common/options.h) says into the files that people read:
 *
 *     leastjobs-option-docs FORMAT < FILE > NEW_FILE
 *
 * copies FILE with all lines between the one that has BEGIN and the one that has END (or the end of
 * the file) made anew. `make docs` does that to all four, tests/golden/test_documentation.py says
 * when one of them is stale.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "option_value.h"
#include "options.h"
#include "xalloc.h"

#define BEGIN "BEGIN OPTIONS"
#define END "END OPTIONS"
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
    char *text = option->more == NULL ? xstrdup(first) : xasprintf("%s %s", first, option->more);

    free(first);
    return text;
}

static const char *place(const struct option_info *option)
{
    if (option->scope == OPTION_IN_BOTH)
        return "both";
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
    char *text = sentence(option);

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
    if (option->type != OPTION_URL) {
        printf("#%s=%s\n", option->name, sample(option));
        return;
    }
    for (unsigned n = 1; n <= SAMPLE_INSTANCES; n++)
        printf("INSTANCE_%u_URL=\n", n);
}

static void put_conf_option(const struct option_info *option)
{
    char *text = sentence(option);
    const char *value = sample(option);

    putchar('\n');
    put_text(&comment_style, text);
    free(text);
    putchar('\n');
    if (option->type == OPTION_URL) {
        puts("#instances = ( { number = 1; url = \"http://10.0.0.5:8000\"; },\n"
             "#              { number = 2; url = \"https://gpu.example.org/whisper\"; } );");
        return;
    }
    putchar('#');
    for (const char *c = option->name; *c != '\0'; c++)
        putchar(tolower((unsigned char)*c));
    const char *quote = value[strspn(value, "0123456789")] == '\0' ? "" : "\"";
    printf(" = %s%s%s;\n", quote, value, quote);
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

struct format {
    const char *name;
    void (*put_group)(enum option_group group);
    void (*put_option)(const struct option_info *option);
};

static const struct format formats[] = {
    {"env", put_env_group, put_env_option},
    {"conf", put_env_group, put_conf_option},
    {"man", put_roff_group, put_roff_option},
    {"markdown", put_markdown_group, put_markdown_option},
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

static int rewrite(const struct format *format)
{
    char *line = NULL;
    size_t size = 0;
    bool found = false;
    bool inside = false;

    while (getline(&line, &size, stdin) > 0) {
        inside = inside && strstr(line, END) == NULL;
        if (inside)
            continue;
        fputs(line, stdout);
        if (strstr(line, BEGIN) == NULL)
            continue;
        found = inside = true;
        put_options(format);
    }
    free(line);
    if (!found)
        fputs("leastjobs-option-docs: no line has " BEGIN "\n", stderr);
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
