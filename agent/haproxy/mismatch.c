#include "haproxy/mismatch.h"

void mismatch_start(struct mismatch *mismatch, int64_t now_ms)
{
    *mismatch = (struct mismatch){
        .sign_ms = now_ms, .asked_ms = now_ms - MISMATCH_PAUSE_MS, .asking_ms = now_ms};
}

static void note_questions(struct mismatch *mismatch, uint64_t questions, int64_t now_ms)
{
    if (questions == mismatch->questions)
        return;
    if (now_ms - mismatch->asked_ms >= MISMATCH_PAUSE_MS)
        mismatch->asking_ms = now_ms;
    mismatch->questions = questions;
    mismatch->asked_ms = now_ms;
}

bool mismatch_look(struct mismatch *mismatch, uint64_t signs, uint64_t questions, int64_t now_ms)
{
    note_questions(mismatch, questions, now_ms);
    if (signs != mismatch->signs) {
        mismatch->signs = signs;
        mismatch->sign_ms = now_ms;
        mismatch->is_said = false;
    }
    if (mismatch->is_said || now_ms - mismatch->asked_ms >= MISMATCH_PAUSE_MS ||
        now_ms - mismatch->asking_ms < MISMATCH_AFTER_MS ||
        now_ms - mismatch->sign_ms < MISMATCH_AFTER_MS)
        return false;
    mismatch->is_said = true;
    return true;
}
