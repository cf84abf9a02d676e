#include "run/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "xalloc.h"

#define RESOLVER_OPTIONS_NAME "RES_OPTIONS"
#define RESOLVER_OPTIONS "timeout:1 attempts:1"
/* Where HAProxy is, for users whose PATH lacks the sbin directories. */
#define MORE_FOLDERS "/usr/local/sbin:/usr/sbin"

/*
 * Ours would tell this process of what has come to the child. SIGHUP is ignored until the program
 * has a handler: a reload in the first moment isn't its end.
 */
static void reset_signals(void)
{
    struct sigaction usual = {.sa_handler = SIG_DFL};
    struct sigaction ignored = {.sa_handler = SIG_IGN};
    sigset_t none;

    for (int number = 1; number < NSIG; number++)
        sigaction(number, number == SIGHUP ? &ignored : &usual, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In the child, between fork(2) and execve(2): nothing but what signal-safety(7) lists. */
static void become(const char *path, char *const words[], const struct child_options *options,
                   pid_t parent)
{
    setsid();
    reset_signals();
    if (options->out >= 0)
        dup2(options->out, STDOUT_FILENO);
    if (options->err >= 0)
        dup2(options->err, STDERR_FILENO);
    if (options->death_signal != 0) {
        prctl(PR_SET_PDEATHSIG, options->death_signal);
        /* It may have gone before that. */
        if (getppid() != parent)
            _exit(1);
    }
    execv(path, words);
}

/* The program's path; as it is if it has one, or isn't found. The caller's to free(). */
static char *find_program(const char *name)
{
    const char *own = getenv("PATH");
    char *folders = xasprintf("%s:" MORE_FOLDERS, own == NULL ? "/usr/bin:/bin" : own);
    char *rest = folders;
    char *path = NULL;

    for (char *folder; path == NULL && (folder = strsep(&rest, ":")) != NULL;) {
        if (strchr(name, '/') != NULL || folder[0] == '\0')
            continue;
        path = xasprintf("%s/%s", folder, name);
        if (access(path, X_OK) == 0)
            break;
        free(path);
        path = NULL;
    }
    free(folders);
    return path == NULL ? xstrdup(name) : path;
}

/* What the child says if it can't execute the program; nothing comes when it could. */
static int read_failure(int from)
{
    int failure = 0;
    ssize_t count;

    do {
        count = read(from, &failure, sizeof(failure));
    } while (count < 0 && errno == EINTR);
    return count == (ssize_t)sizeof(failure) ? failure : 0;
}

/* resolv.conf(5); whoever has set them knows better. The child inherits what is set. */
static bool lend_resolver_options(bool is_impatient)
{
    return is_impatient && getenv(RESOLVER_OPTIONS_NAME) == NULL &&
           setenv(RESOLVER_OPTIONS_NAME, RESOLVER_OPTIONS, 1) == 0;
}

int child_start(struct child *child, char *const words[], const struct child_options *options)
{
    int ends[2];
    sigset_t all;
    sigset_t before;
    pid_t parent = getpid();

    if (pipe2(ends, O_CLOEXEC) != 0)
        return errno;
    char *path = find_program(words[0]);
    bool is_lent = lend_resolver_options(options->is_impatient);
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    int failure = pid < 0 ? errno : 0;
    if (pid == 0) {
        become(path, words, options, parent);
        failure = errno;
        ssize_t written = write(ends[1], &failure, sizeof(failure));
        _exit(written < 0 ? 1 : 127);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (is_lent)
        unsetenv(RESOLVER_OPTIONS_NAME);
    close(ends[1]);
    if (pid > 0)
        failure = read_failure(ends[0]);
    close(ends[0]);
    free(path);
    if (pid > 0 && failure != 0)
        waitpid(pid, NULL, 0);
    else if (pid > 0)
        child->pid = child->group = pid;
    return failure;
}

void child_signal(const struct child *child, int number)
{
    if (child->pid > 0)
        kill(child->pid, number);
}

void child_kill_all(const struct child *child)
{
    if (child->pid > 0)
        kill(-child->pid, SIGKILL);
}

bool child_take(struct child *child, pid_t pid)
{
    if (child->pid == 0 || child->pid != pid)
        return false;
    child->pid = 0;
    return true;
}

bool child_clear(const struct child *child)
{
    return child->group == 0 || kill(-child->group, SIGKILL) != 0;
}

void child_describe_end(int status, char *text)
{
    if (WIFSIGNALED(status))
        snprintf(text, CHILD_END_MAX, "ended by signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else
        snprintf(text, CHILD_END_MAX, "ended with status %d", WEXITSTATUS(status));
}
