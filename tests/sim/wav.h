/* How long is the audio? Read from a RIFF/WAVE header as the bytes stream by. */
#ifndef SIM_WAV_H
#define SIM_WAV_H

#include <stddef.h>
#include <stdint.h>

enum {
    WAV_COLLECT_MAX = 16,       /* bytes of a header that are looked at together */
    WAV_OTHER_BYTE_RATE = 32000 /* assumed for everything that isn't a WAV file */
};

enum wav_state { WAV_RIFF, WAV_CHUNK, WAV_FORMAT, WAV_SKIP, WAV_DATA, WAV_NONE };

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

void wav_init(struct wav *wav);
void wav_feed(struct wav *wav, const char *bytes, size_t len);

/* Seconds: the data chunk's bytes by the byte rate; without a header by 32,000 bytes a second. A
 * file that is shorter than its header says counts as what is there. */
double wav_seconds(const struct wav *wav);

#endif
