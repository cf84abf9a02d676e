#include "joblog.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record.h"

struct joblog {
    FILE *file; /* owned */
    char buffer[JOBLOG_BUFFER_BYTES];
};

struct joblog *joblog_open(const char *path)
{
    struct joblog *log = malloc(sizeof *log);
    FILE *file = fopen(path, "we");
    if (log == NULL || file == NULL) {
        fprintf(stderr, "leastjobs-sim: cannot write %s: %s\n", path, strerror(errno));
        if (file != NULL) {
            fclose(file);
        }
        free(log);
        return NULL;
    }
    log->file = file;
    setvbuf(file, log->buffer, _IOFBF, sizeof log->buffer);
    fputs("job,instance,async,arrived,started,ended,excess,imbalance,outcome\n", file);
    return log;
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

void joblog_name(struct joblog_entry *entry, struct slice name)
{
    entry->name[0] = '\0';
    if (name.at == NULL || name.len > JOBLOG_NAME_MAX) {
        return;
    }
    for (size_t i = 0; i < name.len; i++) {
        if (!is_name_char(name.at[i])) {
            return;
        }
    }
    memcpy(entry->name, name.at, name.len);
    entry->name[name.len] = '\0';
}

void joblog_write(struct joblog *log, const struct joblog_entry *entry, double started,
                  const char *outcome)
{
    if (log == NULL) {
        return;
    }
    char start[32] = "";
    if (started > 0) {
        snprintf(start, sizeof start, "%.6f", started);
    }
    fprintf(log->file, "%s,%u,%d,%.6f,%s,%.6f,%" PRId64 ",%" PRId64 ",%s\n", entry->name,
            entry->instance, entry->async, entry->arrived, start, record_now(), entry->excess,
            entry->imbalance, outcome);
}

bool joblog_flush(struct joblog *log)
{
    return log == NULL || (fflush(log->file) == 0 && !ferror(log->file));
}

bool joblog_close(struct joblog *log)
{
    if (log == NULL) {
        return true;
    }
    bool good = joblog_flush(log);
    good = fclose(log->file) == 0 && good;
    if (!good) {
        fprintf(stderr, "leastjobs-sim: the log of jobs could not be written whole\n");
    }
    free(log);
    return good;
}
