#include "http/page_file.h"

#define TYPE_HTML "text/html; charset=utf-8"
#define TYPE_CSS "text/css; charset=utf-8"
#define TYPE_SVG "image/svg+xml"
/* RFC 9239; of modules browsers insist on it. */
#define TYPE_SCRIPT "text/javascript; charset=utf-8"

const struct page_file page_files[] = {
    {PAGE_PATH "index.html", TYPE_HTML, &builtin_index_html},
    {PAGE_PATH "page.css", TYPE_CSS, &builtin_page_css},
    {PAGE_PATH "icon.svg", TYPE_SVG, &builtin_icon_svg},
    {PAGE_PATH "page.js", TYPE_SCRIPT, &builtin_page_js},
    {PAGE_PATH "dom.js", TYPE_SCRIPT, &builtin_dom_js},
    {PAGE_PATH "orders.js", TYPE_SCRIPT, &builtin_orders_js},
    {PAGE_PATH "table.js", TYPE_SCRIPT, &builtin_table_js},
    {PAGE_PATH "words.js", TYPE_SCRIPT, &builtin_words_js},
};
const size_t page_file_count = sizeof(page_files) / sizeof(page_files[0]);
