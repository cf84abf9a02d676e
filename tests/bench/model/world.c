#include "world.h"

#include <math.h>
#include <stdlib.h>

#include "draw.h"
#include "memory.h"
#include "view.h"

enum { BUSY_ONE_IN = 5 };
static const double WARM_UP = 0.05;

static void heap_push(struct world *world, struct event event)
{
    if (world->heap_count == world->heap_room) {
        world->heap = memory_grow(world->heap, &world->heap_room, sizeof *world->heap);
    }
    unsigned i = world->heap_count++;
    while (i > 0 && world->heap[(i - 1) / 2].time > event.time) {
        world->heap[i] = world->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    world->heap[i] = event;
}

static struct event heap_pop(struct world *world)
{
    struct event first = world->heap[0];
    struct event last = world->heap[--world->heap_count];
    unsigned i = 0;
    for (unsigned child = 1; child < world->heap_count; child = 2 * i + 1) {
        if (child + 1 < world->heap_count &&
            world->heap[child + 1].time < world->heap[child].time) {
            child++;
        }
        if (world->heap[child].time >= last.time) {
            break;
        }
        world->heap[i] = world->heap[child];
        i = child;
    }
    world->heap[i] = last;
    return first;
}

static unsigned job_new(struct world *world)
{
    if (world->first_free == world->job_room) {
        unsigned old = world->job_room;
        world->jobs = memory_grow(world->jobs, &world->job_room, sizeof *world->jobs);
        for (unsigned i = old; i < world->job_room; i++) {
            world->jobs[i].next_free = i + 1;
        }
    }
    unsigned number = world->first_free;
    world->first_free = world->jobs[number].next_free;
    return number;
}

static bool counted(const struct world *world, const struct job *job)
{
    return !job->other && (double)job->number >= WARM_UP * (double)world->settings->run;
}

/* A request's response is there: it is no longer in flight. */
static void respond(struct world *world, const struct job *job)
{
    const struct policy *policy = world->policy;
    struct view *view = view_row(world, job->balancer) + job->instance;
    view_catch_up(world, job->balancer, job->instance);
    view->in_flight--;
    view->accepted += job->async;
    view_requeue(world, view);
    double limit = policy->quick * world->settings->poll;
    bool quick = policy->quick > 0 ? world->now - job->sent < limit : job->async;
    if (policy->recent == RECENT_NONE || policy->recent == RECENT_SENT || !quick) {
        return;
    }
    if (policy->recent == RECENT_RATE) {
        view_rate_count(view, world->now, view_window(world));
    } else {
        view_remember(view, policy->recent == RECENT_WINDOW ? job->sent : world->now);
    }
}

static double *first_free_slot(const struct world *world, const struct instance *instance)
{
    double *first = instance->free_at;
    for (unsigned i = 1; i < world->settings->slots; i++) {
        first = instance->free_at[i] < *first ? &instance->free_at[i] : first;
    }
    return first;
}

/* The upload is over: the job takes its place in the instance's queue. */
static void job_begin(struct world *world, unsigned number)
{
    struct job *job = &world->jobs[number];
    struct instance *instance = &world->instances[job->instance];
    view_catch_up_all(world, job->instance);
    instance->active++;
    double *slot = first_free_slot(world, instance);
    double start = *slot > world->now ? *slot : world->now;
    *slot = start + job->service / instance->speed;
    heap_push(world, (struct event){*slot, number, false});
    if (!job->other) {
        view_row(world, job->balancer)[job->instance].uploading--;
    }
    if (job->async && !job->other) {
        respond(world, job);
    }
}

static void job_done(struct world *world, unsigned number)
{
    struct job *job = &world->jobs[number];
    view_catch_up_all(world, job->instance);
    world->instances[job->instance].active--;
    world->instances[job->instance].jobs--;
    if (!job->async && !job->other) {
        respond(world, job);
    }
    if (counted(world, job)) {
        double time = world->now - job->sent;
        int bin = (int)(log(time / BIN_LEAST) * BINS_PER_E);
        world->result->bins[bin < 0 ? 0 : bin < BINS ? bin : BINS - 1]++;
        world->result->sum += time;
        world->result->finished++;
    }
    job->next_free = world->first_free;
    world->first_free = number;
}

/* How good the pick was. */
static void judge(struct world *world, const struct job *job)
{
    unsigned least = world->instances[0].jobs;
    unsigned most = least;
    for (unsigned i = 1; i < world->settings->instances; i++) {
        unsigned jobs = world->instances[i].jobs;
        least = jobs < least ? jobs : least;
        most = jobs > most ? jobs : most;
    }
    world->result->picks++;
    world->result->best += world->instances[job->instance].jobs == least;
    if (most - least > world->result->imbalance) {
        world->result->imbalance = most - least;
    }
}

static void job_send(struct world *world, unsigned number)
{
    struct job *job = &world->jobs[number];
    if (!job->other) {
        for (unsigned i = 0; i < world->settings->instances; i++) {
            view_catch_up(world, job->balancer, i);
        }
        job->instance = world->policy->pick(world, job->balancer);
        struct view *view = view_row(world, job->balancer) + job->instance;
        view->in_flight++;
        view->sessions++;
        view->uploading++;
        view_requeue(world, view);
        if (world->policy->recent == RECENT_SENT) {
            view_remember(view, world->now);
        }
        if (counted(world, job)) {
            judge(world, job);
        }
    }
    world->instances[job->instance].jobs++;
    if (job->upload > 0) {
        heap_push(world, (struct event){world->now + job->upload, number, true});
    } else {
        job_begin(world, number);
    }
}

/* Draws everything, needed or not, so that all policies and shares see the same jobs. */
static void arrive(struct world *world, uint64_t job_number)
{
    const struct settings *settings = world->settings;
    unsigned number = job_new(world);
    struct job *job = &world->jobs[number];
    uint64_t *nature = &world->nature;
    *job = (struct job){.sent = world->now, .number = job_number};
    job->service = draw_lognormal(nature, settings->sigma);
    job->other = draw_unit(nature) < settings->other;
    bool to_busy = draw_unit(nature) < settings->to_busy;
    unsigned busy = (settings->instances + BUSY_ONE_IN - 1) / BUSY_ONE_IN;
    unsigned others = settings->instances > busy ? settings->instances - busy : busy;
    unsigned any = draw_below(nature, to_busy ? busy : others);
    job->instance = to_busy || settings->instances == busy ? any : busy + any;
    job->async = draw_unit(nature) < settings->async;
    job->balancer = draw_below(nature, settings->balancers);
    double upload = draw_exponential(nature, settings->upload);
    job->upload = job->other ? 0 : upload;
    job_send(world, number);
}

static void run_until(struct world *world, double time)
{
    while (world->heap_count > 0 && world->heap[0].time <= time) {
        struct event event = heap_pop(world);
        world->now = event.time;
        if (event.uploaded) {
            job_begin(world, event.job);
        } else {
            job_done(world, event.job);
        }
    }
}

/* Returns how much work all instances do in a unit of time. */
static double world_new(struct world *world, uint64_t run)
{
    const struct settings *settings = world->settings;
    size_t views = (size_t)settings->instances * settings->balancers;
    double capacity = 0;
    uint64_t seeds = settings->seed * 1000003 + run;
    world->nature = draw_bits(&seeds);
    world->dice = draw_bits(&seeds) + settings->dice;
    world->instances = memory_new(settings->instances, sizeof *world->instances);
    world->ties = memory_new(settings->instances, sizeof *world->ties);
    world->turns = memory_new(settings->balancers, sizeof *world->turns);
    world->views = memory_new(views, sizeof *world->views);
    world->free_at = memory_new((size_t)settings->instances * settings->slots, sizeof(double));
    for (unsigned i = 0; i < settings->instances; i++) {
        world->instances[i].free_at = world->free_at + (size_t)i * settings->slots;
        world->instances[i].speed = settings->speeds[i % settings->speed_count];
        world->instances[i].capacity = settings->capacities[i % settings->capacity_count];
        capacity += world->instances[i].speed * settings->slots;
    }
    for (size_t i = 0; i < views; i++) {
        struct view *view = &world->views[i];
        view->next_poll = settings->poll * draw_unit(&world->dice);
        view->check_phase = -settings->poll * draw_unit(&world->dice);
        view->weight = WEIGHT_MAX;
        view->position = draw_unit(&world->dice) / WEIGHT_MAX;
        view->stamp = ++world->stamp;
    }
    return capacity;
}

static void world_free(struct world *world)
{
    size_t views = (size_t)world->settings->instances * world->settings->balancers;
    for (size_t i = 0; i < views; i++) {
        free(world->views[i].times);
    }
    free(world->views);
    free(world->turns);
    free(world->ties);
    free(world->free_at);
    free(world->instances);
    free(world->jobs);
    free(world->heap);
}

void world_run(const struct settings *settings, const struct policy *policy, uint64_t run,
               struct result *result)
{
    struct world world = {.settings = settings, .policy = policy, .result = result};
    double capacity = world_new(&world, run);
    double pause = settings->burst / (settings->rho * capacity);
    double time = 0;
    for (uint64_t i = 0; i < settings->run; i++) {
        if (i % settings->burst == 0) {
            time += draw_exponential(&world.nature, pause);
            run_until(&world, time);
            world.now = time;
        }
        arrive(&world, i);
    }
    run_until(&world, INFINITY);
    world_free(&world);
}
