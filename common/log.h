#ifndef LEASTJOBS_LOG_H
#define LEASTJOBS_LOG_H

#include <stdbool.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

/* "DEBUG", "INFO", "WARNING", "ERROR" in any case; false if `text` is none of them. */
bool log_level_parse(const char *text, enum log_level *level);
const char *log_level_name(enum log_level level);

/*
 * One line per event on standard error: "2026-11-23T15:10:00.123Z INFO instance=instance1 …",
 * written at once. Lines below the level that was set are dropped. A line that can't be written
 * (the pipe is closed or full, the disk is full) is dropped too: logging never stops the service.
 * Control characters in a message are replaced, so that nothing from outside can forge a line.
 */
void log_set_level(enum log_level level);
enum log_level log_level(void);
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Also for what else people read: nothing from outside may draw on a terminal. */
void log_replace_control_characters(char *text);

#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__)
#define log_warning(...) log_write(LOG_WARNING, __VA_ARGS__)
#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)

#endif
