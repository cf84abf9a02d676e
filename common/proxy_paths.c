#include "proxy_paths.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grammar.h"
#include "list.h"
#include "url.h"
#include "xalloc.h"

#define PROBLEM_MAX 400
#define SHOWN_MAX 60

static const struct {
    const char *name;
    const char *paths; /* in the form of PROXY_PATHS */
} presets[] = {
    {PROXY_PATHS_WHISPERX, ""},
    /*
     * What OpenAI's reference and servers that follow it have (vLLM, SGLang, llama.cpp, speaches,
     * LocalAI), but for what belongs to one instance: stored responses, files, batches, videos.
     */
    {PROXY_PATHS_OPENAI, "/v1/audio/*,/v1/models,/v1/models/*,/v1/chat/completions,/v1/completions,"
                         "/v1/embeddings,/v1/responses,/v1/moderations,/v1/images/*,/v1/realtime,"
                         "/v1/rerank,/v1/score"},
};
#define PRESET_COUNT (sizeof(presets) / sizeof(presets[0]))

static const char *preset_paths(const char *name, size_t length)
{
    for (size_t i = 0; i < PRESET_COUNT; i++) {
        if (strlen(presets[i].name) == length && memcmp(presets[i].name, name, length) == 0)
            return presets[i].paths;
    }
    return NULL;
}

/* --- The grammar --- */

static bool is_good(const char *part)
{
    size_t length = strlen(part);

    if (preset_paths(part, length) != NULL)
        return true;
    bool has_star = length > 0 && part[length - 1] == '*';
    char *path = xstrndup(part, length - has_star);
    bool good = url_is_plain_path(path);
    free(path);
    return good;
}

/* A part that isn't good, of a list that isn't; NULL if only its form is wrong. */
static char *first_bad_part(const char *list)
{
    const char *start;
    size_t length;

    while ((start = list_take(&list, &length)) != NULL) {
        char *part = xstrndup(start, length);
        if (length > 0 && !is_good(part))
            return part;
        free(part);
    }
    return NULL;
}

const char *proxy_paths_problem(const char *value)
{
    static char problem[PROBLEM_MAX];

    if (grammar_is_list(value, is_good))
        return NULL;
    char *bad = first_bad_part(value);
    if (bad != NULL && bad[0] != '/')
        snprintf(problem, sizeof(problem),
                 "\"%.*s\" is no preset (" PROXY_PATHS_WHISPERX ", " PROXY_PATHS_OPENAI
                 ") and no path, which begins with /",
                 SHOWN_MAX, bad);
    else if (bad != NULL)
        snprintf(problem, sizeof(problem),
                 "\"%.*s\": expected a path such as /v1/models, or with a last / or * for all "
                 "below it (letters, digits and -._~/:@+=, no empty, \".\" or \"..\" segments)",
                 SHOWN_MAX, bad);
    else
        snprintf(problem, sizeof(problem),
                 "expected at most %d paths and presets separated by commas, such as "
                 "whisperx,/v1/models,/docs/*",
                 GRAMMAR_LIST_MAX);
    free(bad);
    return problem;
}

/* --- The paths --- */

static struct proxy_path path_of(const char *part, size_t length)
{
    bool has_star = part[length - 1] == '*';

    return (struct proxy_path){.text = part,
                               .length = length - has_star,
                               .is_prefix = has_star || part[length - 1] == '/'};
}

/*
 * Takes paths off a list of paths alone until there are `wanted` + 1 of them. Returns how many
 * there were; `found` is the last one.
 */
static size_t walk_paths(const char *paths, size_t wanted, struct proxy_path *found)
{
    const char *part;
    size_t length;
    size_t count = 0;

    while (count <= wanted && (part = list_take(&paths, &length)) != NULL) {
        *found = path_of(part, length);
        count++;
    }
    return count;
}

/* The same of a list of paths and presets; NULL is an empty one. */
static size_t walk(const char *list, size_t wanted, struct proxy_path *found)
{
    const char *part;
    size_t length;
    size_t count = 0;

    while (count <= wanted && (part = list_take(&list, &length)) != NULL) {
        const char *paths = preset_paths(part, length);
        if (paths != NULL) {
            count += walk_paths(paths, wanted - count, found);
        } else {
            *found = path_of(part, length);
            count++;
        }
    }
    return count;
}

bool proxy_paths_have_jobs(const struct config *config)
{
    const char *list = config->proxy_paths;
    const char *part;
    size_t length;

    while ((part = list_take(&list, &length)) != NULL) {
        if (length == strlen(PROXY_PATHS_WHISPERX) &&
            memcmp(part, PROXY_PATHS_WHISPERX, length) == 0)
            return true;
    }
    return false;
}

size_t proxy_paths_count(const struct config *config)
{
    struct proxy_path last;

    return walk(config->proxy_paths, SIZE_MAX - 1, &last) +
           walk(config->extra_paths, SIZE_MAX - 1, &last);
}

struct proxy_path proxy_paths_at(const struct config *config, size_t index)
{
    struct proxy_path found = {.text = ""};
    size_t count = walk(config->proxy_paths, index, &found);

    if (count <= index)
        walk(config->extra_paths, index - count, &found);
    return found;
}
