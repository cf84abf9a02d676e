#include "log.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#define LOG_LINE_MAX 2048

static const char *const level_names[] = {
    [LOG_DEBUG] = "DEBUG",
    [LOG_INFO] = "INFO",
    [LOG_WARNING] = "WARNING",
    [LOG_ERROR] = "ERROR",
};
static enum log_level threshold = LOG_INFO;

bool log_level_parse(const char *text, enum log_level *level)
{
    for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
        if (strcasecmp(text, level_names[i]) == 0) {
            *level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

const char *log_level_name(enum log_level level)
{
    return level_names[level];
}

void log_set_level(enum log_level level)
{
    threshold = level;
}

enum log_level log_level(void)
{
    return threshold;
}

static size_t put_time(char *line, size_t size)
{
    struct timespec now;
    struct tm utc;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t length = strftime(line, size, "%Y-%m-%dT%H:%M:%S", &utc);
    return length +
           (size_t)snprintf(line + length, size - length, ".%03ldZ ", now.tv_nsec / 1000000);
}

void log_replace_control_characters(char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
        /* U+0080 to U+009F, the control characters beyond ASCII. */
        else if ((unsigned char)text[0] == 0xc2 && (unsigned char)text[1] >= 0x80 &&
                 (unsigned char)text[1] < 0xa0)
            text[0] = text[1] = '?';
    }
}

void log_write(enum log_level level, const char *format, ...)
{
    char line[LOG_LINE_MAX];
    va_list arguments;

    if (level < threshold)
        return;
    size_t length = put_time(line, sizeof(line));
    length += (size_t)snprintf(line + length, sizeof(line) - length, "%s ", level_names[level]);
    va_start(arguments, format);
    vsnprintf(line + length, sizeof(line) - length - 1, format, arguments);
    va_end(arguments);
    log_replace_control_characters(line);
    length = strlen(line);
    line[length++] = '\n';
    /* A reader that is stuck, with a full pipe, must not stop the service. */
    struct pollfd output = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (poll(&output, 1, 0) == 0)
        return;
    /* One write(2), so that lines of two processes on one terminal don't mix. */
    ssize_t written = write(STDERR_FILENO, line, length);
    (void)written;
}
