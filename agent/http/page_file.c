#include "http/page_file.h"

const struct page_file page_files[] = {
    {PAGE_PATH, "text/html; charset=utf-8", &builtin_index_html},
    {PAGE_PATH "page.css", "text/css; charset=utf-8", &builtin_page_css},
    {PAGE_PATH "page.js", "text/javascript; charset=utf-8", &builtin_page_js},
    {PAGE_PATH "icon.svg", "image/svg+xml", &builtin_icon_svg},
};
const size_t page_file_count = sizeof(page_files) / sizeof(page_files[0]);
