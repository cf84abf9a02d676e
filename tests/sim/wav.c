#include "wav.h"

#include <string.h>

enum { RIFF_BYTES = 12, CHUNK_HEADER_BYTES = 8, FORMAT_BYTES = 16 };

static uint32_t little_endian(const unsigned char *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

void wav_init(struct wav *wav)
{
    memset(wav, 0, sizeof *wav);
    wav->state = WAV_RIFF;
}

static size_t wanted(const struct wav *wav)
{
    switch (wav->state) {
    case WAV_RIFF:
        return RIFF_BYTES;
    case WAV_CHUNK:
        return CHUNK_HEADER_BYTES;
    default:
        return FORMAT_BYTES;
    }
}

/* Chunks are padded to an even length. */
static uint64_t padded(uint64_t bytes)
{
    return bytes + bytes % 2;
}

static void take_chunk_header(struct wav *wav)
{
    uint32_t bytes = little_endian(wav->collected + 4);
    if (memcmp(wav->collected, "data", 4) == 0) {
        wav->declared = bytes;
        wav->state = WAV_DATA;
    } else if (memcmp(wav->collected, "fmt ", 4) == 0 && bytes >= FORMAT_BYTES) {
        wav->format_bytes = bytes;
        wav->state = WAV_FORMAT;
    } else {
        wav->skip = padded(bytes);
        wav->state = WAV_SKIP;
    }
}

static void take_collected(struct wav *wav)
{
    if (wav->state == WAV_RIFF) {
        wav->state =
            memcmp(wav->collected, "RIFF", 4) == 0 && memcmp(wav->collected + 8, "WAVE", 4) == 0
                ? WAV_CHUNK
                : WAV_NONE;
    } else if (wav->state == WAV_CHUNK) {
        take_chunk_header(wav);
    } else {
        wav->byte_rate = little_endian(wav->collected + 8);
        wav->skip = padded(wav->format_bytes) - FORMAT_BYTES;
        wav->state = WAV_SKIP;
    }
    wav->have = 0;
}

/* Collects the bytes of a header; returns how many it took. */
static size_t collect(struct wav *wav, const char *bytes, size_t len)
{
    size_t take = wanted(wav) - wav->have;
    if (take > len) {
        take = len;
    }
    memcpy(wav->collected + wav->have, bytes, take);
    wav->have += take;
    if (wav->have == wanted(wav)) {
        take_collected(wav);
    }
    return take;
}

void wav_feed(struct wav *wav, const char *bytes, size_t len)
{
    wav->bytes += len;
    while (len > 0 && wav->state != WAV_NONE) {
        size_t used = len;
        if (wav->state == WAV_DATA) {
            wav->data += len;
        } else if (wav->state == WAV_SKIP) {
            used = wav->skip < len ? (size_t)wav->skip : len;
            wav->skip -= used;
            wav->state = wav->skip == 0 ? WAV_CHUNK : WAV_SKIP;
        } else {
            used = collect(wav, bytes, len);
        }
        bytes += used;
        len -= used;
    }
}

double wav_seconds(const struct wav *wav)
{
    if (wav->state != WAV_DATA || wav->byte_rate == 0) {
        return (double)wav->bytes / WAV_OTHER_BYTE_RATE;
    }
    uint64_t data = wav->data < wav->declared ? wav->data : wav->declared;
    return (double)data / (double)wav->byte_rate;
}
