#include "haproxy/owners.h"

#include <stdint.h>

#define TELL_OWNER "set table " TABLE_OWNERS " key %s data.gpt0 %u"

/* Where the digits have the one that stands for nothing. */
#define PAD 64

/* RFC 4648, section 4. `out` has room for OWNER_KEY_MAX characters and a NUL. */
static void encode(const unsigned char *bytes, size_t length, char *out)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";

    for (size_t i = 0; i < length; i += 3) {
        size_t left = length - i;
        uint32_t group = (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                         (left > 2 ? bytes[i + 2] : 0);
        *out++ = digits[group >> 18];
        *out++ = digits[group >> 12 & 63];
        *out++ = digits[left > 1 ? group >> 6 & 63 : PAD];
        *out++ = digits[left > 2 ? group & 63 : PAD];
    }
    *out = '\0';
}

void owners_add(struct owners *owners, const unsigned char *id, size_t length, unsigned number)
{
    if (length == 0 || length > JOB_ID_MAX || owners->count == OWNERS_MAX)
        return;
    struct owner *owner = &owners->list[owners->count++];
    encode(id, length, owner->key);
    owner->number = number;
}

void owners_tell(struct owners *owners, struct haproxy *haproxy)
{
    for (size_t i = 0; i < owners->count; i++)
        haproxy_say(haproxy, TELL_OWNER, owners->list[i].key, owners->list[i].number);
    owners->count = 0;
}
