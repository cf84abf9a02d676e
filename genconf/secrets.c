#include "secrets.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "textfile.h"

/* A file with a secret in each line that isn't empty or a comment. */
struct secrets {
    const char *variable;
    bool (*is_good)(const char *secret, size_t length);
    const char *form; /* of a good one */
    const char *lack; /* of a file without any */
};

static bool is_api_key(const char *key, size_t length)
{
    static const char characters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/";

    if (length < API_KEY_MIN)
        return false;
    while (length > 0 && key[length - 1] == '=')
        length--;
    for (size_t i = 0; i < length; i++) {
        if (key[i] == '\0' || strchr(characters, key[i]) == NULL)
            return false;
    }
    return length > 0;
}

/* What a browser sends in one way, and HAProxy reads from a line as it stands. */
static bool is_password(const char *password, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (password[i] <= ' ' || password[i] > '~')
            return false;
    }
    return length >= PASSWORD_MIN && length <= PASSWORD_MAX;
}

#define TEXT(number) #number
#define NUMBER(macro) TEXT(macro)

static const struct secrets api_keys = {
    .variable = "API_KEYS_FILE",
    .is_good = is_api_key,
    .form = "a key is " NUMBER(API_KEY_MIN) " or more letters, digits or -._~+/, and may end in = "
                                            "(RFC 6750)",
    .lack = "has no key: nobody could send a job",
};

static const struct secrets passwords = {
    .variable = "ADMIN_PASSWORD_FILE",
    .is_good = is_password,
    .form = "a password is " NUMBER(PASSWORD_MIN) " to " NUMBER(
        PASSWORD_MAX) " printable "
                      "characters of ASCII without blanks",
    .lack = "has no password: nobody could look at ADMIN_PORT",
};

static void check_lines(const struct secrets *secrets, const char *path, const char *bytes,
                        size_t length, struct errors *errors)
{
    unsigned found = 0;
    unsigned number = 1;
    size_t next;

    for (size_t start = 0; start < length; start = next, number++) {
        const char *newline = memchr(bytes + start, '\n', length - start);
        size_t end = newline == NULL ? length : (size_t)(newline - bytes);
        next = end + 1;
        if (end > start && bytes[end - 1] == '\r')
            end--;
        if (end == start || bytes[start] == '#')
            continue;
        found++;
        if (!secrets->is_good(bytes + start, end - start))
            errors_add(errors, "%s=\"%s\": line %u: %s", secrets->variable, path, number,
                       secrets->form);
    }
    if (found == 0)
        errors_add(errors, "%s=\"%s\": %s", secrets->variable, path, secrets->lack);
}

static void warn_of_mode(const char *name, const char *path, struct errors *errors)
{
    struct stat status;

    if (stat(path, &status) == 0 && (status.st_mode & S_IROTH) != 0)
        errors_warn(errors, "%s=\"%s\": everybody on this machine can read it: chmod o-r", name,
                    path);
}

/* `path` is NULL if the variable isn't set. */
static void check_file(const struct secrets *secrets, const char *path, struct errors *errors)
{
    size_t length;

    if (path == NULL)
        return;
    char *bytes = textfile_read(path, &length, errors);
    if (bytes != NULL)
        check_lines(secrets, path, bytes, length, errors);
    free(bytes);
    warn_of_mode(secrets->variable, path, errors);
}

void secrets_check(const struct config *config, struct errors *errors)
{
    if (config->tls_cert_file != NULL) {
        if (!textfile_is_readable(config->tls_cert_file))
            errors_add(errors, "TLS_CERT_FILE=\"%s\": the file can't be read",
                       config->tls_cert_file);
        warn_of_mode("TLS_CERT_FILE", config->tls_cert_file, errors);
    }
    check_file(&api_keys, config->api_keys_file, errors);
    check_file(&passwords, config->admin_password_file, errors);
}
