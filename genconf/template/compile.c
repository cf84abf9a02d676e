#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nearest.h"
#include "template/node.h"
#include "xalloc.h"

#define WORDS_MAX 4
#define SHOWN_MAX 64

struct word {
    const char *at;
    size_t length;
};

/* What is between << and >>. */
struct tag {
    const char *at;               /* its << */
    struct word words[WORDS_MAX]; /* further ones are counted, but not here */
    size_t count;
};

struct compiler {
    struct template *template;
    const struct template_values *values;
    struct complaints complaints;
    size_t
        open[TEMPLATE_DEPTH_MAX]; /* nodes that wait for their end: NODE_IF, NODE_ELSE, NODE_EACH */
    size_t depth;
    size_t too_deep; /* how many of those have no place there */
};

void template_complain(struct complaints *complaints, const char *at, const char *format, ...)
{
    const struct template *template = complaints->template;
    unsigned line = 1;
    unsigned column = 1;
    char *text = NULL;
    va_list arguments;

    if (++complaints->count > TEMPLATE_ERRORS_MAX + 1)
        return;
    if (complaints->count == TEMPLATE_ERRORS_MAX + 1) {
        errors_add(complaints->errors, "%s: more is wrong, and not reported yet", template->name);
        return;
    }
    for (const char *c = template->bytes; c < at; c++) {
        bool is_continued = ((unsigned char)*c & 0xc0) == 0x80; /* of a character in UTF-8 */
        column = *c == '\n' ? 1 : column + (is_continued ? 0 : 1);
        line += *c == '\n';
    }
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        text = xstrdup("out of memory");
    va_end(arguments);
    errors_add(complaints->errors, "%s:%u:%u: %s", template->name, line, column, text);
    free(text);
}

#define complain(compiler, ...) template_complain(&(compiler)->complaints, __VA_ARGS__)

/* --- Nodes --- */

static struct node *add_node(struct compiler *c, enum node_kind kind, const char *at)
{
    struct template *template = c->template;

    if (template->nodes == NULL || template->node_count == template->node_capacity) {
        template->node_capacity = template->nodes == NULL ? 256 : 2 * template->node_capacity;
        template->nodes =
            xreallocarray(template->nodes, template->node_capacity, sizeof(*template->nodes));
    }
    struct node *node = &template->nodes[template->node_count++];
    *node = (struct node){.kind = kind, .at = at};
    return node;
}

static size_t last_node(const struct compiler *c)
{
    return c->template->node_count - 1;
}

static void add_text(struct compiler *c, const char *at, size_t length)
{
    struct node *last = c->template->node_count == 0 ? NULL : &c->template->nodes[last_node(c)];

    if (length == 0)
        return;
    if (last != NULL && last->kind == NODE_TEXT && last->at + last->length == at)
        last->length += length;
    else
        add_node(c, NODE_TEXT, at)->length = length;
}

/* --- Tags --- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool is_word(const struct word *word, const char *text)
{
    return strlen(text) == word->length && memcmp(word->at, text, word->length) == 0;
}

static bool starts_with(const char *at, const char *end, const char *text)
{
    size_t length = strlen(text);

    return (size_t)(end - at) >= length && memcmp(at, text, length) == 0;
}

/* Reads a tag that begins at `at`, on a line that ends at `end`; returns what follows, or NULL. */
static const char *read_tag(struct tag *tag, const char *at, const char *end)
{
    const char *close = memmem(at, (size_t)(end - at), ">>", 2);

    *tag = (struct tag){.at = at};
    if (close == NULL)
        return NULL;
    for (at += 2; at < close; at++) {
        const char *start = at;
        while (at < close && !is_blank(*at))
            at++;
        if (at == start)
            continue;
        if (tag->count < WORDS_MAX)
            tag->words[tag->count] = (struct word){start, (size_t)(at - start)};
        tag->count++;
    }
    return close + 2;
}

static bool is_directive(const struct tag *tag)
{
    static const char *const keywords[] = {"if", "else", "each", "end"};

    for (size_t i = 0; tag->count > 0 && i < sizeof(keywords) / sizeof(keywords[0]); i++) {
        if (is_word(&tag->words[0], keywords[i]))
            return true;
    }
    return false;
}

/* --- Names --- */

/* 1 + the index of the loop that is open, or TEMPLATE_EVERYWHERE. */
static size_t open_loop(const struct compiler *c)
{
    for (size_t i = 0; i < c->depth; i++) {
        const struct node *node = &c->template->nodes[c->open[i]];
        if (node->kind == NODE_EACH)
            return node->loop + 1;
    }
    return TEMPLATE_EVERYWHERE;
}

/* The name that is nearest, if it is near: one edit always is, and so is one in three characters.
 */
static const char *name_like(const struct compiler *c, const char *text, bool is_value)
{
    static const char *const keywords[] = {"else", "end"};
    size_t count = c->values->name_count + (is_value ? 2 : 0);
    unsigned least = 2 + (unsigned)strlen(text) / 3;
    const char *nearest = NULL;

    for (size_t i = 0; i < count; i++) {
        const char *name = i < c->values->name_count ? c->values->name(i)->name
                                                     : keywords[i - c->values->name_count];
        unsigned distance = nearest_distance(text, name);
        if (distance < least) {
            least = distance;
            nearest = name;
        }
    }
    return nearest;
}

static void unknown_name(struct compiler *c, const struct word *word, bool is_value)
{
    char *text = xstrndup(word->at, word->length < SHOWN_MAX ? word->length : SHOWN_MAX);
    const char *nearest = name_like(c, text, is_value);

    if (nearest != NULL)
        complain(c, word->at, "unknown value \"%s\": did you mean \"%s\"?", text, nearest);
    else
        complain(c, word->at,
                 "unknown value \"%s\": the last lines of --print-template list those that there "
                 "are",
                 text);
    free(text);
}

/* The index of a name that is known here, or 0 with an error. */
static size_t find_name(struct compiler *c, const struct word *word, bool is_value)
{
    for (size_t i = 0; i < c->values->name_count; i++) {
        const struct template_name *name = c->values->name(i);
        if (!is_word(word, name->name))
            continue;
        if (name->loop != TEMPLATE_EVERYWHERE && name->loop != open_loop(c))
            complain(c, word->at, "\"%s\" is known only between <<each %s>> and its <<end>>",
                     name->name, c->values->loop(name->loop - 1));
        else if (is_value && name->kind == TEMPLATE_FLAG)
            complain(c, word->at, "\"%s\" is yes or no: ask for it with <<if %s>>", name->name,
                     name->name);
        return i;
    }
    unknown_name(c, word, is_value);
    return 0;
}

/* --- Directives --- */

static void open_block(struct compiler *c)
{
    if (c->depth < TEMPLATE_DEPTH_MAX) {
        c->open[c->depth++] = last_node(c);
        return;
    }
    if (c->too_deep++ == 0)
        complain(c, c->template->nodes[last_node(c)].at,
                 "<<if>> and <<each>> in each other, more than %d deep", TEMPLATE_DEPTH_MAX);
}

static void compile_if(struct compiler *c, const struct tag *tag)
{
    bool negated = tag->count > 1 && is_word(&tag->words[1], "not");
    size_t expected = negated ? 3 : 2;
    struct node *node = add_node(c, NODE_IF, tag->at);

    node->negated = negated;
    if (tag->count == expected)
        node->name = find_name(c, &tag->words[expected - 1], false);
    else
        complain(c, tag->at, "expected the name of one value: <<if NAME>> or <<if not NAME>>");
    open_block(c);
}

static void compile_each(struct compiler *c, const struct tag *tag)
{
    const struct template_values *values = c->values;
    struct node *node = add_node(c, NODE_EACH, tag->at);
    size_t loop = 0;

    while (tag->count == 2 && loop < values->loop_count &&
           !is_word(&tag->words[1], values->loop(loop)))
        loop++;
    if (tag->count != 2 || loop == values->loop_count) {
        struct text known = {0};
        for (size_t i = 0; i < values->loop_count; i++)
            text_print(&known, "%s<<each %s>>", i == 0 ? "" : ", ", values->loop(i));
        complain(c, tag->at, "there is no such loop: expected one of %s", known.bytes);
        text_free(&known);
        loop = 0;
    }
    if (open_loop(c) != TEMPLATE_EVERYWHERE)
        complain(c, tag->at, "<<each>> within another <<each>>: end that one first");
    node->loop = loop;
    open_block(c);
}

static void compile_else(struct compiler *c, const struct tag *tag)
{
    struct node *nodes = c->template->nodes;

    if (tag->count > 1)
        complain(c, tag->at, "expected <<else>> without more words");
    if (c->too_deep > 0)
        return;
    if (c->depth == 0 || nodes[c->open[c->depth - 1]].kind != NODE_IF) {
        complain(c, tag->at, "<<else>> without an <<if>> that it belongs to");
        return;
    }
    size_t opening = c->open[c->depth - 1];
    add_node(c, NODE_ELSE, tag->at)->opening = opening;
    c->template->nodes[opening].next = last_node(c);
    c->open[c->depth - 1] = last_node(c);
}

static void compile_end(struct compiler *c, const struct tag *tag)
{
    if (tag->count > 1)
        complain(c, tag->at, "expected <<end>> without more words");
    if (c->too_deep > 0) {
        c->too_deep--;
        return;
    }
    if (c->depth == 0) {
        complain(c, tag->at, "<<end>> without an <<if>> or <<each>> that it ends");
        return;
    }
    size_t open = c->open[--c->depth];
    struct node *end = add_node(c, NODE_END, tag->at);
    struct node *nodes = c->template->nodes;
    nodes[open].next = last_node(c);
    end->opening = nodes[open].kind == NODE_ELSE ? nodes[open].opening : open;
}

static void compile_value(struct compiler *c, const struct tag *tag)
{
    if (tag->count == 1) {
        size_t name = find_name(c, &tag->words[0], true);
        add_node(c, NODE_VALUE, tag->at)->name = name;
        return;
    }
    complain(c, tag->at,
             "expected << and >> around the name of a value, if NAME, if not NAME, else, each LOOP "
             "or end (to HAProxy << is the same as '<''<')");
}

static void compile_tag(struct compiler *c, const struct tag *tag)
{
    if (!is_directive(tag))
        compile_value(c, tag);
    else if (is_word(&tag->words[0], "if"))
        compile_if(c, tag);
    else if (is_word(&tag->words[0], "each"))
        compile_each(c, tag);
    else if (is_word(&tag->words[0], "else"))
        compile_else(c, tag);
    else
        compile_end(c, tag);
}

/* --- Lines --- */

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && (is_blank(*at) || *at == '\n'))
        at++;
    return at;
}

/* Nothing but directives: the line's own blanks aren't copied. */
static bool is_directives_only(const char *at, const char *end)
{
    struct tag tag;
    bool any = false;

    for (at = skip_blanks(at, end); at < end; at = skip_blanks(at, end)) {
        if (!starts_with(at, end, "<<"))
            return false;
        at = read_tag(&tag, at, end);
        if (at == NULL || !is_directive(&tag))
            return false;
        any = true;
    }
    return any;
}

/* `end` is behind the newline. */
static void compile_line(struct compiler *c, const char *at, const char *end)
{
    bool is_copied = !is_directives_only(at, end);
    struct tag tag;

    if (starts_with(skip_blanks(at, end), end, "<<#"))
        return;
    while (at < end && c->complaints.count <= TEMPLATE_ERRORS_MAX) {
        const char *open = memmem(at, (size_t)(end - at), "<<", 2);
        if (is_copied)
            add_text(c, at, (size_t)((open == NULL ? end : open) - at));
        if (open == NULL)
            return;
        if (starts_with(open, end, "<<#")) {
            complain(c, open, "<<# in the middle of a line: a comment needs a line of its own");
            return;
        }
        at = read_tag(&tag, open, end);
        if (at == NULL) {
            complain(c, open,
                     "<< without its >> on the same line (to HAProxy << is the same as '<''<')");
            return;
        }
        compile_tag(c, &tag);
    }
}

static void compile_lines(struct compiler *c)
{
    const char *at = c->template->bytes;
    const char *end = at + c->template->length;

    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *next = newline == NULL ? end : newline + 1;
        compile_line(c, at, next);
        at = next;
    }
    for (size_t i = 0; i < c->depth; i++) {
        const struct node *node = &c->template->nodes[c->open[i]];
        if (node->kind == NODE_ELSE)
            node = &c->template->nodes[node->opening];
        complain(c, node->at, "<<%s>> that begins here has no <<end>>",
                 node->kind == NODE_EACH ? "each" : "if");
    }
}

static bool is_acceptable(struct compiler *c)
{
    const struct template *template = c->template;
    const char *nul = memchr(template->bytes, '\0', template->length);

    if (template->length > TEMPLATE_MAX)
        complain(c, template->bytes, "longer than %lu bytes", TEMPLATE_MAX);
    else if (nul != NULL)
        complain(c, nul, "a NUL byte: expected text");
    return c->complaints.count == 0;
}

struct template *template_compile(const char *name, const char *bytes, size_t length,
                                  const struct template_values *values, struct errors *errors)
{
    struct template *template = xcalloc(1, sizeof(*template));
    struct compiler c = {
        .template = template, .values = values, .complaints = {template, errors, 0}};

    *template = (struct template){.name = xstrdup(name), .bytes = bytes, .length = length};
    if (is_acceptable(&c))
        compile_lines(&c);
    if (c.complaints.count == 0)
        return template;
    template_free(template);
    return NULL;
}

void template_free(struct template *template)
{
    if (template == NULL)
        return;
    free(template->nodes);
    free(template->name);
    free(template);
}
