#include "secrets.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "textfile.h"

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

static void check_keys(const char *path, const char *bytes, size_t length, struct errors *errors)
{
    unsigned keys = 0;
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
        keys++;
        if (!is_api_key(bytes + start, end - start))
            errors_add(errors,
                       "API_KEYS_FILE=\"%s\": line %u: a key is %d or more letters, digits or "
                       "-._~+/, and may end in = (RFC 6750)",
                       path, number, API_KEY_MIN);
    }
    if (keys == 0)
        errors_add(errors, "API_KEYS_FILE=\"%s\": has no key: nobody could send a job", path);
}

static void warn_of_mode(const char *name, const char *path, struct errors *errors)
{
    struct stat status;

    if (stat(path, &status) == 0 && (status.st_mode & S_IROTH) != 0)
        errors_warn(errors, "%s=\"%s\": everybody on this machine can read it: chmod o-r", name,
                    path);
}

void secrets_check(const struct config *config, struct errors *errors)
{
    size_t length;

    if (config->tls_cert_file != NULL) {
        if (!textfile_is_readable(config->tls_cert_file))
            errors_add(errors, "TLS_CERT_FILE=\"%s\": the file can't be read",
                       config->tls_cert_file);
        warn_of_mode("TLS_CERT_FILE", config->tls_cert_file, errors);
    }
    if (config->api_keys_file == NULL)
        return;
    char *bytes = textfile_read(config->api_keys_file, &length, errors);
    if (bytes != NULL)
        check_keys(config->api_keys_file, bytes, length, errors);
    free(bytes);
    warn_of_mode("API_KEYS_FILE", config->api_keys_file, errors);
}
