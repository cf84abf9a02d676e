/* What servers say of their health and their load, in the forms of those that are played. */
#ifndef SIM_REPORT_H
#define SIM_REPORT_H

#include <stdbool.h>

struct evbuffer;
struct instance;
struct request;

/* The servers. */
enum kind {
    KIND_WHISPERX,
    KIND_VLLM,
    KIND_SGLANG,
    KIND_LLAMACPP,
    KIND_WHISPERCPP,
    KIND_TRITON,
    KIND_NONE, /* one that says nothing of its load */
    KINDS
};

/* False: no such kind. */
bool kind_parse(const char *name, enum kind *kind);
const char *kind_name(enum kind kind);

enum { REPORT_SLOTS_MAX = 4096 /* that llama.cpp's /slots shows */ };

/* What a report is made of. */
struct report {
    const struct instance *instance;
    const struct request *request;
    const char *wrong; /* said instead of a job count; empty: nothing is; NULL: the count is */
    const char *type;  /* set by the writer: its Content-Type; NULL: it has no body */
};

/* Writes the body of a good answer and sets its type. */
typedef void report_write(struct evbuffer *out, struct report *report);

report_write report_nothing;      /* an empty 200 */
report_write report_ok;           /* plain text */
report_write report_status_ok;    /* {"status":"ok"}: llama.cpp and whisper.cpp */
report_write report_whisperx;     /* /health */
report_write report_vllm_metrics; /* two engines */
report_write report_vllm_load;    /* /load, which is 0 for ever unless a switch is on */
report_write report_sglang_loads; /* two ranks, if there are two slots */
report_write report_sglang_metrics;
report_write report_llamacpp_metrics;
report_write report_llamacpp_slots;
report_write report_triton_metrics; /* two models */

#endif
