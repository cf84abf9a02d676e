#ifndef LEASTJOBS_TEMPLATE_H
#define LEASTJOBS_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "errors.h"
#include "template/text.h"

/*
 * Templates: text in which <<NAME>> stands for a value. Further forms are
 *
 *   <<if NAME>> ... <<else>> ... <<end>>   the first part if the value isn't no, 0 or empty, else
 * the
 *   <<if not NAME>> ... <<end>>            second one; <<else>> may be missing
 *   <<each LOOP>> ... <<end>>              once for each item of a loop; not within another one
 *   <<# ...                                a line that isn't copied
 *
 * A line that has nothing but blanks and if, else, each and end isn't copied either. Pure: bytes
 * and values in, bytes or errors out.
 */

/* Bounds. What is larger or deeper is an error. */
#define TEMPLATE_MAX (1024UL * 1024)
#define TEMPLATE_DEPTH_MAX 16
#define TEMPLATE_OUTPUT_MAX (256UL * 1024 * 1024)
/* After so many errors, one says that there are more. */
#define TEMPLATE_ERRORS_MAX 20

enum template_kind {
    TEMPLATE_TEXT,
    TEMPLATE_NUMBER,
    TEMPLATE_FLAG, /* yes or no: for <<if>> only */
};

#define TEMPLATE_EVERYWHERE 0

struct template_name {
    const char *name; /* letters, digits and _ */
    enum template_kind kind;
    size_t loop; /* where it is known: TEMPLATE_EVERYWHERE, or 1 + the index of a loop */
};

/* What a template may ask for, and who answers. */
struct template_values {
    const struct template_name *(*name)(size_t index);
    size_t name_count;
    const char *(*loop)(size_t index);
    size_t loop_count;
    /* How many items a loop (by its index) has. */
    size_t (*count_items)(const void *context, size_t loop);
    /*
     * Appends the value of a name (by its index); a flag is "yes" or nothing. `item` is that of
     * the name's loop; values that are known everywhere are asked for once.
     */
    void (*put)(const void *context, size_t name, size_t item, struct text *out);
    const void *context;
};

struct template;

/*
 * Understands `length` bytes, which must live as long as the result. `name` is what messages call
 * them: "NAME:LINE:COLUMN: what is wrong: what would be right". Returns the template for the
 * caller to template_free(), or NULL with all that is wrong in `errors`. Of `values` only names
 * and loops are looked at.
 */
struct template *template_compile(const char *name, const char *bytes, size_t length,
                                  const struct template_values *values, struct errors *errors);

/*
 * Appends what the template makes of the values (with the names that it was compiled with) to
 * `out`, or returns false with errors. A value is copied only if it can't mean anything to HAProxy
 * but itself and stays within its word: it has only letters, digits and -._~/:@+=*[], at least one
 * of them, the first not a -; it stands behind the first word of its line, and not right behind a
 * %, $ or \. So there is no quoting: what would need it is an error.
 */
bool template_expand(const struct template *template, const struct template_values *values,
                     struct text *out, struct errors *errors);

void template_free(struct template *template);

#endif
