#include "upload.h"

#include <stdlib.h>
#include <string.h>

static const char *const format_names[UPLOAD_FORMATS] = {"json", "text", "srt", "vtt",
                                                         "verbose_json"};

void upload_begin(struct upload *upload, const struct request *request, bool has_body)
{
    memset(upload, 0, sizeof *upload);
    wav_init(&upload->wav);
    upload->is_multipart = multipart_is(request->content_type);
    if (upload->is_multipart && has_body) {
        upload->multipart = multipart_new(request->content_type, &upload->wav);
    }
}

bool upload_feed(struct upload *upload, const EVP_MD *md, struct slice data)
{
    if (upload->digest == NULL) {
        upload->digest = EVP_MD_CTX_new();
        if (upload->digest == NULL || EVP_DigestInit_ex(upload->digest, md, NULL) != 1) {
            return false;
        }
    }
    upload->bytes += data.len;
    if (upload->multipart != NULL) {
        multipart_feed(upload->multipart, data.at, data.len);
    } else {
        wav_feed(&upload->wav, data.at, data.len);
    }
    return EVP_DigestUpdate(upload->digest, data.at, data.len) == 1;
}

static const char *read_format(struct upload *upload)
{
    const struct multipart *multipart = upload->multipart;
    struct slice name = {multipart->format, multipart->format_len};
    if (name.len == 0) {
        return NULL;
    }
    for (size_t i = 0; i < UPLOAD_FORMATS; i++) {
        if (!multipart->format_too_long && slice_is(name, format_names[i])) {
            upload->format = (enum upload_format)i;
            return NULL;
        }
    }
    return "unknown response_format";
}

static const char *judge(struct upload *upload)
{
    if (!upload->is_multipart) {
        return NULL;
    }
    if (upload->multipart == NULL) {
        return "multipart without a boundary or a body";
    }
    if (!multipart_whole(upload->multipart)) {
        return "malformed multipart body";
    }
    if (!upload->multipart->has_file) {
        return "no part named file";
    }
    return read_format(upload);
}

bool upload_end(struct upload *upload, unsigned char *sha256)
{
    upload->error = judge(upload);
    upload->seconds = wav_seconds(&upload->wav);
    bool hashed = upload->digest != NULL && EVP_DigestFinal_ex(upload->digest, sha256, NULL) == 1;
    EVP_MD_CTX_free(upload->digest);
    upload->digest = NULL;
    free(upload->multipart);
    upload->multipart = NULL;
    return hashed;
}
