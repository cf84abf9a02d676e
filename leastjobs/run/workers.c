#include "run/workers.h"

#include <limits.h>
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

/* What stands there, behind blanks; false if that is no number. Moves behind it. */
static bool take_number(const char **text, unsigned long *number)
{
    char *end;

    *text += strspn(*text, " ");
    if (strspn(*text, "0123456789") == 0)
        return false;
    *number = strtoul(*text, &end, 10);
    *text = end;
    return true;
}

/* Whether this word stands there, behind blanks; moves behind it. */
static bool take_word(const char **text, const char *word)
{
    *text += strspn(*text, " ");
    if (strncmp(*text, word, strlen(word)) != 0)
        return false;
    *text += strlen(word);
    return true;
}

static void note_process(struct workers *workers, const char *line, bool is_old)
{
    unsigned long pid;
    unsigned long reloads = 0;
    unsigned long failed = 0;

    if (!take_number(&line, &pid) || pid == 0 || pid > INT_MAX)
        return;
    if (take_word(&line, "master ")) {
        if (take_number(&line, &reloads) && take_word(&line, "[failed:"))
            take_number(&line, &failed);
        workers->master = (pid_t)pid;
        workers->reloads = reloads;
        workers->failed_reloads = failed;
    } else if (take_word(&line, "worker ")) {
        if (!is_old)
            workers->current = (pid_t)pid;
        if (workers->count < WORKERS_MAX)
            workers->all[workers->count++] = (pid_t)pid;
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
        const char *field = line;
        /* pxname, svname, qcur, qmax, scur */
        for (unsigned i = 0; i < 4 && field != NULL; i++)
            field = strchr(field, ',') == NULL ? NULL : strchr(field, ',') + 1;
        if (strncmp(line, start, strlen(start)) == 0 && field != NULL && take_number(&field, &open))
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
