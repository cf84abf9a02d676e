#ifndef LEASTJOBS_SUGGEST_H
#define LEASTJOBS_SUGGEST_H

/* The name that a misspelt one was meant to be: the nearest by edits, if it isn't too far. */
struct suggestion {
    const char *text;
    const char *best; /* NULL: none is near */
    unsigned distance;
};

/* `text` and what is tried must live as long as the suggestion. */
struct suggestion suggestion_for(const char *text);
void suggestion_try(struct suggestion *suggestion, const char *name);

#endif
