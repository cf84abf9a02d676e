/* What all parts of the simulator share: the event loop, the instances and the request records.
 * There is one struct sim per process; main() owns it. */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record.h"

enum {
    SIM_READ_BYTES = 128 * 1024, /* one read; small enough to stay in the cache for hashing */
    SIM_SHA256_BYTES = 32,
    SIM_RANDOM_SEED = 88172645 /* any but 0 */
};

struct event_base;
struct instance;
struct joblog;

struct sim {
    struct event_base *base;    /* owned */
    SSL_CTX *tls;               /* owned; NULL: plain HTTP */
    EVP_MD *sha256;             /* owned; fetched once, fetching is slow */
    char *read_buffer;          /* owned; SIM_READ_BYTES, shared by all connections */
    struct instance *instances; /* owned; instance_count of them */
    size_t instance_count;
    struct instance *oracle;     /* owned; NULL: none */
    struct joblog *joblog;       /* not owned; NULL: none */
    uint64_t random;             /* state of the census' generator, never 0 */
    struct record_store records; /* owns every filed record */
    uint64_t last_connection;    /* number of the newest connection */
    unsigned char empty_sha256[SIM_SHA256_BYTES];
};

/* Sets up the loop, the digest and the buffer. False (with a message on stderr) on failure; call
 * sim_free() in either case. */
bool sim_init(struct sim *sim);

/* Frees everything the sim owns: the instances with their connections first, since they use the
 * rest, then the records, the loop last. */
void sim_free(struct sim *sim);

#endif
