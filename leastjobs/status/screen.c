#include "status/screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define COLUMNS_DEFAULT 80
#define COLUMNS_MAX 1000

#define ALTERNATE "\033[?1049h\033[?25l"
#define NORMAL "\033[?25h\033[?1049l"
#define HOME "\033[H"
#define CLEAR_BELOW "\033[J"

/* What is to be undone. */
static struct termios typed_before;
static bool is_typing_changed;
static sigset_t mask_before;
/* The last signal that hasn't been seen to; 0: none. */
static volatile sig_atomic_t caught;

static void on_signal(int number)
{
    caught = number;
}

void screen_size(int *columns, int *rows)
{
    struct winsize size = {0};
    const char *given = getenv("COLUMNS");
    long wanted = given == NULL ? 0 : strtol(given, NULL, 10);

    *columns = COLUMNS_DEFAULT;
    *rows = 0;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        *columns = size.ws_col;
        *rows = size.ws_row;
    } else if (wanted > 0) {
        *columns = wanted < COLUMNS_MAX ? (int)wanted : COLUMNS_MAX;
    }
}

bool screen_has_colours(void)
{
    const char *no_color = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");

    return isatty(STDOUT_FILENO) && (no_color == NULL || no_color[0] == '\0') &&
           (terminal == NULL || strcmp(terminal, "dumb") != 0);
}

static void write_out(const char *text, size_t length)
{
    while (length > 0) {
        ssize_t count = write(STDOUT_FILENO, text, length);
        if (count < 0 && errno != EINTR)
            return;
        if (count > 0) {
            text += count;
            length -= (size_t)count;
        }
    }
}

static void say(const char *sequence)
{
    write_out(sequence, strlen(sequence));
}

static void begin(void)
{
    struct termios quiet;

    is_typing_changed = tcgetattr(STDIN_FILENO, &typed_before) == 0;
    if (is_typing_changed) {
        quiet = typed_before;
        quiet.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        tcsetattr(STDIN_FILENO, TCSADRAIN, &quiet);
    }
    say(ALTERNATE);
}

static void end(void)
{
    say(NORMAL);
    if (is_typing_changed)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &typed_before);
}

/* The signals come only while screen_wait() waits: nothing is half drawn then. */
void screen_open(void)
{
    static const int taken[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGTSTP, SIGWINCH};
    const struct sigaction action = {.sa_handler = on_signal};
    sigset_t mask;

    sigemptyset(&mask);
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        sigaddset(&mask, taken[i]);
        sigaction(taken[i], &action, NULL);
    }
    sigprocmask(SIG_BLOCK, &mask, &mask_before);
    begin();
}

void screen_draw(const char *text, size_t length)
{
    say(HOME);
    /* A newline in the last row would scroll. */
    write_out(text, length > 0 && text[length - 1] == '\n' ? length - 1 : length);
    say(CLEAR_BELOW);
}

/* The shell must have its terminal back meanwhile. */
static void pause_until_continued(void)
{
    end();
    raise(SIGSTOP);
    begin();
}

/* Whether q was typed, or nobody can type any more. */
static bool is_left(void)
{
    char key = 0;

    return read(STDIN_FILENO, &key, 1) <= 0 || key == 'q' || key == 'Q';
}

bool screen_wait(int wait_ms, int *signal_number)
{
    struct pollfd typed = {.fd = is_typing_changed ? STDIN_FILENO : -1, .events = POLLIN};
    struct timespec wait = {.tv_sec = wait_ms / 1000, .tv_nsec = wait_ms % 1000 * 1000000L};

    caught = 0;
    int ready = ppoll(&typed, 1, &wait, &mask_before);
    *signal_number = caught == SIGTERM || caught == SIGHUP || caught == SIGQUIT ? caught : 0;
    if (*signal_number != 0 || caught == SIGINT)
        return false;
    if (caught == SIGTSTP)
        pause_until_continued();
    return ready <= 0 || !is_left();
}

void screen_close(void)
{
    end();
}
