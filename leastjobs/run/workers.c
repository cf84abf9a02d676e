#include "run/workers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"

#define LINE_MAX_LENGTH 256
#define FRONTEND " fe=balancer "

/* Copies the line that begins at `text`, its beginning if it is a long one; returns the next. */
static const char *take_line(const char *text, char *line)
{
    size_t length = strcspn(text, "\n");
    size_t kept = length < LINE_MAX_LENGTH ? length : LINE_MAX_LENGTH - 1;

    memcpy(line, text, kept);
    line[kept] = '\0';
    return text[length] == '\0' ? text + length : text + length + 1;
}

static void note_process(struct workers *workers, const char *line, bool is_old)
{
    char type[16];
    int pid;
    unsigned reloads = 0;
    unsigned failed = 0;

    if (sscanf(line, "%d %15s %u [failed: %u]", &pid, type, &reloads, &failed) < 2 || pid <= 0)
        return;
    if (strcmp(type, "master") == 0) {
        workers->master = pid;
        workers->reloads = reloads;
        workers->failed_reloads = failed;
    } else if (strcmp(type, "worker") == 0) {
        if (!is_old)
            workers->current = pid;
        if (workers->count < WORKERS_MAX)
            workers->all[workers->count++] = pid;
    }
}

void workers_parse(struct workers *workers, const char *answer)
{
    char line[LINE_MAX_LENGTH];
    bool is_old = false;

    *workers = (struct workers){0};
    while (*answer != '\0') {
        answer = take_line(answer, line);
        if (line[0] == '#')
            is_old = strstr(line, "old workers") != NULL;
        else
            note_process(workers, line, is_old);
    }
}

unsigned long workers_count_jobs(const char *answer)
{
    static const char start[] = BACKEND_NAME "," INSTANCE_PREFIX;
    char line[LINE_MAX_LENGTH];
    unsigned long jobs = 0;
    unsigned long open;

    while (*answer != '\0') {
        answer = take_line(answer, line);
        /* pxname, svname, qcur, qmax, scur */
        if (strncmp(line, start, strlen(start)) == 0 &&
            sscanf(line, "%*[^,],%*[^,],%*[^,],%*[^,],%lu", &open) == 1)
            jobs += open;
    }
    return jobs;
}

const char *workers_next_session(const char *answer, char *session)
{
    char line[LINE_MAX_LENGTH];

    while (*answer != '\0') {
        answer = take_line(answer, line);
        size_t length = strcspn(line, ":");
        if (strncmp(line, "0x", 2) != 0 || length >= SESSION_MAX || strstr(line, FRONTEND) == NULL)
            continue;
        memcpy(session, line, length);
        session[length] = '\0';
        return answer;
    }
    return NULL;
}
