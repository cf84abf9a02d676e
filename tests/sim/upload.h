/* What is learned from a request's body as it streams by: its hash, its size, the audio's length
 * and a few short values. The body itself is dropped, whatever its size.
 *
 * A body is a form, in multipart/form-data (RFC 7578; its part "file" is the audio) or
 * application/x-www-form-urlencoded (which is taken for audio as well: curl says so of any body),
 * or else the audio itself. Of a form the values below are kept, all others are skipped. */
#ifndef SIM_UPLOAD_H
#define SIM_UPLOAD_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http.h"

enum {
    WAV_COLLECT_MAX = 16,       /* bytes of a header that are looked at together */
    WAV_OTHER_BYTE_RATE = 32000 /* assumed for everything that isn't a WAV file */
};

/* The values of a form that are kept. */
enum upload_value_kind {
    UPLOAD_RESPONSE_FORMAT,
    UPLOAD_STORED_OUTPUT,
    UPLOAD_KEY,
    UPLOAD_FILE_NAME, /* of the part "file": its filename … */
    UPLOAD_FILE_TYPE, /* … and its Content-Type */
    UPLOAD_VALUES
};

enum { UPLOAD_VALUE_MAX = 256 };

struct upload_value {
    size_t len;
    bool too_long; /* and cut */
    char bytes[UPLOAD_VALUE_MAX];
};

enum upload_format {
    UPLOAD_JSON,
    UPLOAD_TEXT,
    UPLOAD_SRT,
    UPLOAD_VTT,
    UPLOAD_VERBOSE_JSON,
    UPLOAD_FORMATS
};

enum wav_state { WAV_RIFF, WAV_CHUNK, WAV_FORMAT, WAV_SKIP, WAV_DATA, WAV_NONE };

/* How long is the audio? Read from a RIFF/WAVE header as the bytes stream by. */
struct wav {
    enum wav_state state;
    uint64_t bytes;    /* of the whole file, so far */
    uint64_t skip;     /* bytes left of a chunk that says nothing */
    uint64_t declared; /* length of the data chunk according to its header */
    uint64_t data;     /* bytes of the data chunk so far */
    uint32_t format_bytes;
    uint32_t byte_rate;
    size_t have; /* bytes in collected */
    unsigned char collected[WAV_COLLECT_MAX];
};

struct multipart;

enum upload_type { UPLOAD_AUDIO, UPLOAD_MULTIPART, UPLOAD_URLENCODED };

struct upload {
    uint64_t bytes;
    EVP_MD_CTX *digest;          /* owned; NULL before the first byte and after upload_end() */
    struct multipart *multipart; /* owned; NULL after upload_end() */
    struct upload_value *values; /* owned; UPLOAD_VALUES of a form's, or NULL; upload_free() */
    struct wav wav;
    enum upload_type type;
    enum upload_format format;
    double seconds;    /* the audio's length, after upload_end() */
    bool has_file;     /* likewise: the multipart body had a part "file" */
    const char *error; /* why this is no transcription request, after upload_end(); or NULL */
};

/* Begins a body, which may be a form (is_form) or is audio, or nothing that is looked at. Nothing
 * is allocated for a request without one. */
void upload_begin(struct upload *upload, const struct request *request, bool is_form);

/* False when memory is short. */
bool upload_feed(struct upload *upload, const EVP_MD *md, struct slice data);

/* Ends a body, whole or not: writes the hash of what has come (false if nothing came: the hash is
 * that of the empty string, which the caller knows) and frees everything but the values.
 *
 * The audio's length is the data chunk's bytes by the byte rate; without a WAV header all bytes by
 * WAV_OTHER_BYTE_RATE. A file that is shorter than its header says counts as what is there. */
bool upload_end(struct upload *upload, unsigned char *sha256);

/* A form's value; empty if it has none. */
struct slice upload_value(const struct upload *upload, enum upload_value_kind kind);

/* The same as pydantic reads a truth value: absent or unknown is false. */
bool upload_is_true(const struct upload *upload, enum upload_value_kind kind);

/* Frees the values and zeroes it. Does nothing to one that is all zero. */
void upload_free(struct upload *upload);

#endif
