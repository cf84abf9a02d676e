#ifndef LEASTJOBS_NODE_H
#define LEASTJOBS_NODE_H

#include "template/template.h"

/* What a template is after compile.c and before expand.c. Nobody else's. */

enum node_kind { NODE_TEXT, NODE_VALUE, NODE_IF, NODE_ELSE, NODE_EACH, NODE_END };

struct node {
    enum node_kind kind;
    const char *at; /* in the template; of NODE_TEXT, what is copied */
    size_t length;  /* of NODE_TEXT */
    size_t name;    /* of NODE_VALUE and NODE_IF */
    bool negated;   /* of NODE_IF */
    size_t loop;    /* of NODE_EACH: its index */
    size_t next; /* of NODE_IF: its NODE_ELSE or NODE_END; of NODE_ELSE and NODE_EACH: NODE_END */
    size_t opening; /* of NODE_ELSE and NODE_END: their NODE_IF or NODE_EACH */
};

struct template
{
    char *name; /* owned */
    const char *bytes;
    size_t length;
    struct node *nodes; /* owned */
    size_t node_count;
    size_t node_capacity;
};

/* Counts what is reported of one template, so that it stays within TEMPLATE_ERRORS_MAX. */
struct complaints {
    const struct template *template;
    struct errors *errors;
    size_t count;
};

void template_complain(struct complaints *complaints, const char *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
