#ifndef LEASTJOBS_BUILTIN_H
#define LEASTJOBS_BUILTIN_H

#include <stddef.h>

/* A file of this repository that is built in, byte for byte: the Makefile makes C of it. */
struct builtin {
    const unsigned char *bytes;
    size_t length;
};

/* By their files' names; each is linked into the one program that asks for it. */
extern const struct builtin builtin_dom_js;
extern const struct builtin builtin_haproxy_cfg_in;
extern const struct builtin builtin_icon_svg;
extern const struct builtin builtin_index_html;
extern const struct builtin builtin_orders_js;
extern const struct builtin builtin_page_css;
extern const struct builtin builtin_page_js;
extern const struct builtin builtin_table_js;
extern const struct builtin builtin_words_js;

#endif
