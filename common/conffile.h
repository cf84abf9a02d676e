#ifndef LEASTJOBS_CONFFILE_H
#define LEASTJOBS_CONFFILE_H

#include "errors.h"
#include "settings.h"

/*
 * Reads a libconfig file: a key is an option's name in lower case (`port = 8080;`), its value a
 * number or a string; `instances` is a list of groups, `( { number = 1; url = "http://…"; } )`, in
 * which what may be said of one instance (option_for_instance()) has a key, too. Adds what it finds
 * to `settings` under the variables' names. A syntax error, an unknown key (the message names the
 * nearest known one, if there is one near) or a wrong type becomes an error with file and line.
 */
void conffile_read(struct settings *settings, const char *path, struct errors *errors);

/* The same for bytes that end with a NUL; `name` is what messages call them. */
void conffile_parse(struct settings *settings, const char *text, const char *name,
                    struct errors *errors);

#endif
