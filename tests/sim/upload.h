/* What is learned from a request's body as it streams by: its hash, its size, the audio's length
 * and the format asked for. The body itself is dropped. */
#ifndef SIM_UPLOAD_H
#define SIM_UPLOAD_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>

#include "multipart.h"
#include "request.h"
#include "slice.h"
#include "wav.h"

enum upload_format {
    UPLOAD_JSON,
    UPLOAD_TEXT,
    UPLOAD_SRT,
    UPLOAD_VTT,
    UPLOAD_VERBOSE_JSON,
    UPLOAD_FORMATS
};

struct upload {
    uint64_t bytes;
    EVP_MD_CTX *digest;          /* owned; NULL before the first byte and after upload_end() */
    struct multipart *multipart; /* owned; NULL after upload_end() */
    struct wav wav;
    bool is_multipart;
    enum upload_format format;
    double seconds;    /* the audio's length, after upload_end() */
    const char *error; /* why this is no transcription request, after upload_end(); or NULL */
};

/* Begins a body. Nothing is allocated for a request without one. */
void upload_begin(struct upload *upload, const struct request *request, bool has_body);

/* False when memory is short. */
bool upload_feed(struct upload *upload, const EVP_MD *md, struct slice data);

/* Ends a body, whole or not: writes the hash of what has come (false if nothing came: the hash is
 * that of the empty string, which the caller knows) and frees everything. */
bool upload_end(struct upload *upload, unsigned char *sha256);

#endif
