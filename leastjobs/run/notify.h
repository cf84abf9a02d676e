#ifndef LEASTJOBS_NOTIFY_H
#define LEASTJOBS_NOTIFY_H

/*
 * Tells the service manager how things are, as sd_notify(3) does: "READY=1", "STOPPING=1"; several
 * with newlines between. Nothing happens where none has asked for it ($NOTIFY_SOCKET).
 */
void notify_manager(const char *state);

/* "RELOADING=1", with the moment that systemd wants beside it. */
void notify_reloading(void);

#endif
