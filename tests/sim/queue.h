/* Jobs: some run, in slots, and the others wait, first come first served. They know nothing of
 * HTTP: a job ends by calling back. */
#ifndef SIM_QUEUE_H
#define SIM_QUEUE_H

#include <sys/queue.h>

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>

#define JOB_HELD ((int64_t)-1) /* as a job's time: until it is released */

enum job_state { JOB_NONE, JOB_WAITING, JOB_RUNNING };

struct job_queue;

/* Part of its owner's allocation; all zero: no job. */
struct job {
    TAILQ_ENTRY(job) link;
    struct job_queue *queue;
    struct event timer;
    int64_t time_us;
    double started; /* when it got its slot, seconds since the epoch; 0: not yet */
    enum job_state state;
    void (*begun)(void *arg); /* NULL: nobody is told */
    void (*done)(void *arg);  /* may free the job */
    void *arg;
};

TAILQ_HEAD(job_list, job);

struct job_queue {
    struct event_base *base; /* not owned */
    struct job_list running, waiting;
    unsigned running_count, waiting_count;
    unsigned slots;
    unsigned max_active;      /* the most that were running and waiting at a time */
    void (*ended)(void *arg); /* called when a job that ran is over; or NULL */
    void *ended_arg;
    bool busy; /* starting jobs; or paused: jobs end, none starts */
};

void job_queue_init(struct job_queue *queue, struct event_base *base, unsigned slots);

/* While paused no job starts. Resuming starts those that can. */
void job_queue_pause(struct job_queue *queue);
void job_queue_resume(struct job_queue *queue);

/* Starts waiting jobs as long as there are free slots. To be called after a change of slots. */
void job_queue_run(struct job_queue *queue);

/* Adds a job that takes time_us (or is JOB_HELD). A job of no time whose turn it is ends before
 * this returns. */
void job_submit(struct job_queue *queue, struct job *job, int64_t time_us, void (*done)(void *arg),
                void *arg);

/* The same for a job that is held, which is told when it gets its slot. It isn't looked at
 * afterwards: it may have been given up meanwhile. */
void job_submit_held(struct job_queue *queue, struct job *job, void (*begun)(void *arg),
                     void (*done)(void *arg), void *arg);

/* Puts another job, `to`, into the place of one that waits or runs, for the time that is left;
 * `from` is JOB_NONE afterwards. */
void job_hand_over(struct job *from, struct job *to, void (*done)(void *arg), void *arg);

/* Gives a job up, in whatever state it is, without calling back; starts the next one. */
void job_cancel(struct job *job);

/* Ends the n oldest held jobs (n < 0: all). One that still waits ends when its turn comes. */
void job_release(struct job_queue *queue, int64_t n);

#endif
