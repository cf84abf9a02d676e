#include <stdlib.h>
#include <string.h>

#include "template/node.h"
#include "xalloc.h"

#define SHOWN_MAX 80

/* Where in its line the output ends. */
enum position { IN_INDENT, IN_FIRST_WORD, BEHIND_FIRST_WORD };

struct expansion {
    const struct template *template;
    const struct template_values *values;
    struct text *out;
    struct complaints complaints;
    struct text *everywhere; /* the values that are known everywhere, by their names' indices */
    struct text scratch;     /* the latest value of an item */
    bool *reported;          /* of each node: once is enough */
    enum position position;
    size_t item;
    size_t item_count;
};

static void advance(struct expansion *e, const char *bytes, size_t length)
{
    const char *newline = memrchr(bytes, '\n', length);
    size_t i = newline == NULL ? 0 : (size_t)(newline - bytes) + 1;

    if (newline != NULL)
        e->position = IN_INDENT;
    for (; i < length && e->position != BEHIND_FIRST_WORD; i++) {
        bool is_blank = bytes[i] == ' ' || bytes[i] == '\t';
        if (!is_blank)
            e->position = IN_FIRST_WORD;
        else if (e->position == IN_FIRST_WORD)
            e->position = BEHIND_FIRST_WORD;
    }
}

static void append(struct expansion *e, const char *bytes, size_t length)
{
    text_put(e->out, bytes, length);
    advance(e, bytes, length);
}

/* A value is good until the next one is asked for. */
static const struct text *value_of(struct expansion *e, size_t name)
{
    if (e->values->name(name)->loop == TEMPLATE_EVERYWHERE)
        return &e->everywhere[name];
    e->scratch.length = 0;
    e->values->put(e->values->context, name, e->item, &e->scratch);
    return &e->scratch;
}

static bool is_true(const struct text *value)
{
    return value->length > 0 && !(value->length == 1 && value->bytes[0] == '0');
}

static bool is_safe(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~/:@+=*[]", c) != NULL);
}

static bool is_all_safe(const struct text *value)
{
    for (size_t i = 0; i < value->length; i++) {
        if (!is_safe(value->bytes[i]))
            return false;
    }
    return value->bytes[0] != '-';
}

/* What HAProxy would take for its own, together with what follows. */
static bool ends_in_an_escape(const struct text *out)
{
    return out->length > 0 && out->bytes[out->length - 1] != '\0' &&
           strchr("%$\\", out->bytes[out->length - 1]) != NULL;
}

static void report(struct expansion *e, const struct node *node, const struct text *value)
{
    const char *name = e->values->name(node->name)->name;
    int length = value->length < SHOWN_MAX ? (int)value->length : SHOWN_MAX;
    bool *reported = &e->reported[node - e->template->nodes];

    if (*reported)
        return;
    *reported = true;
    if (value->length == 0)
        template_complain(&e->complaints, node->at,
                          "\"%s\" has no value here: put its word between <<if %s>> and <<end>>",
                          name, name);
    else if (!is_all_safe(value))
        template_complain(&e->complaints, node->at,
                          "\"%s\" is \"%.*s\": only letters, digits and -._~/:@+=*[] can be "
                          "copied, and no - first",
                          name, length, value->bytes);
    else if (e->position != BEHIND_FIRST_WORD)
        template_complain(
            &e->complaints, node->at,
            "\"%s\" in the first word of a line, which is HAProxy's keyword: expected "
            "it in a later word",
            name);
    else
        template_complain(
            &e->complaints, node->at,
            "\"%s\" behind a %%, $ or \\: HAProxy would read them as one; expected it "
            "elsewhere",
            name);
}

static void expand_value(struct expansion *e, const struct node *node)
{
    const struct text *value = value_of(e, node->name);

    if (value->length > 0 && is_all_safe(value) && e->position == BEHIND_FIRST_WORD &&
        !ends_in_an_escape(e->out))
        append(e, value->bytes, value->length);
    else
        report(e, node, value);
}

/* Returns the node that follows. */
static size_t expand_node(struct expansion *e, size_t index)
{
    const struct node *nodes = e->template->nodes;
    const struct node *node = &nodes[index];

    switch (node->kind) {
    case NODE_TEXT:
        append(e, node->at, node->length);
        return index + 1;
    case NODE_VALUE:
        expand_value(e, node);
        return index + 1;
    case NODE_IF:
        return is_true(value_of(e, node->name)) != node->negated ? index + 1 : node->next + 1;
    case NODE_ELSE: /* the end of the first part */
        return node->next + 1;
    case NODE_EACH:
        e->item = 0;
        e->item_count = e->values->count_items(e->values->context, node->loop);
        return e->item_count == 0 ? node->next + 1 : index + 1;
    case NODE_END:
        if (nodes[node->opening].kind == NODE_EACH && ++e->item < e->item_count)
            return node->opening + 1;
        return index + 1;
    }
    return index + 1;
}

static void ask_for_values(struct expansion *e)
{
    const struct template_values *values = e->values;

    for (size_t i = 0; i < values->name_count; i++) {
        if (values->name(i)->loop == TEMPLATE_EVERYWHERE)
            values->put(values->context, i, 0, &e->everywhere[i]);
    }
}

static void expand_nodes(struct expansion *e)
{
    size_t start = e->out->length;
    size_t index = 0;

    while (index < e->template->node_count) {
        const struct node *node = &e->template->nodes[index];
        index = expand_node(e, index);
        if (e->out->length - start <= TEMPLATE_OUTPUT_MAX)
            continue;
        template_complain(&e->complaints, node->at, "here the output is longer than %lu bytes",
                          TEMPLATE_OUTPUT_MAX);
        return;
    }
}

bool template_expand(const struct template *template, const struct template_values *values,
                     struct text *out, struct errors *errors)
{
    struct expansion e = {.template = template,
                          .values = values,
                          .out = out,
                          .complaints = {template, errors, 0},
                          .everywhere = xcalloc(values->name_count, sizeof(*e.everywhere)),
                          .reported = xcalloc(template->node_count, sizeof(*e.reported))};

    ask_for_values(&e);
    expand_nodes(&e);
    for (size_t i = 0; i < values->name_count; i++)
        text_free(&e.everywhere[i]);
    text_free(&e.scratch);
    free(e.everywhere);
    free(e.reported);
    return e.complaints.count == 0;
}
