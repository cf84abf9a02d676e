/*
 * A discrete-event simulation of ways to pick an instance.
 *
 * Instances run one job at a time, first come first served; service times are log-normal with
 * mean 1, which is the unit of all times. Jobs arrive as a Poisson process, one by one or in
 * bursts; some of them by other roads, which no balancer sees. A balancer knows its own open
 * requests exactly, and the instances' job counts from reports, one per poll, that reach it at
 * its next agent-check. Everything that happens to the system (arrivals, service times, roads)
 * comes from one stream of random numbers and everything that a policy draws from another, so
 * all policies see the same jobs. One CSV line per policy goes to standard output.
 */
#include <getopt.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WEIGHT_MAX = 100,      /* what an idle instance's weight is */
    LEASTCONN_SCALE = 256, /* HAProxy's SRV_UWGHT_MAX */
    SPEEDS_MAX = 64,
    BUSY_ONE_IN = 5,
    BINS_PER_E = 400, /* of the histogram: 0.25 % wide */
    BINS = 6800,
};
static const double BIN_LEAST = 1e-3;
static const double WARM_UP = 0.05;
/* Half of the jobs by other roads go to one instance in five, the rest to the others. */
static const double OTHER_TO_BUSY = 0.5;
static const double CHECKS_PER_POLL = 4;

struct settings {
    unsigned instances;
    unsigned balancers;
    unsigned burst;
    uint64_t jobs;
    uint64_t run; /* jobs of one run, which begins with idle instances; results are pooled */
    uint64_t seed;
    uint64_t dice; /* seed of what the policies draw; the jobs stay the same */
    double rho;
    double poll;
    double other;  /* share of jobs by other roads */
    double async;  /* share of the balancers' jobs that are answered at once and run on */
    double upload; /* mean time of an upload */
    double sigma;
    double speeds[SPEEDS_MAX];
    unsigned speed_count;
};

/* How a policy counts the jobs that were answered and may yet run on. */
enum recent {
    RECENT_NONE,
    RECENT_WINDOW, /* quick jobs sent within a window */
    RECENT_RATE,   /* the same, as HAProxy's freq_ctr estimates it */
    RECENT_EPOCH,  /* quick jobs since the last report came */
    RECENT_SINCE,  /* quick jobs answered since the moment of the last report */
    RECENT_SENT,   /* all jobs sent within a window, less those in flight */
};

struct world;
struct view;

struct policy {
    const char *name;
    unsigned (*pick)(struct world *world, unsigned balancer);
    double (*load)(struct world *world, struct view *view, unsigned instance);
    double window; /* for recent, in polls */
    double quick;  /* an answer within this time, in polls, means an async job; 0: it is known */
    enum recent recent;
    bool weighted; /* the agent's weights count */
    bool direct;   /* reports come at once, without an agent-check */
};

/* What one balancer knows of one instance. */
struct view {
    double next_poll;
    double check_phase;
    double visible_at; /* when the waiting report arrives */
    double waiting_moment;
    double moment; /* of the report that has arrived */
    double position;
    double tick; /* freq_ctr: begin of the current period */
    uint64_t stamp;
    double *times; /* of recent jobs */
    unsigned time_count;
    unsigned time_room;
    unsigned current;
    unsigned previous;
    unsigned key;
    unsigned weight;
    unsigned in_flight;
    unsigned active;
    unsigned external;
    unsigned waiting_active;
    unsigned waiting_external;
    bool waiting;
};

struct instance {
    double free_at;
    double speed;
    unsigned active; /* running and waiting */
    unsigned jobs;   /* and in upload */
};

struct job {
    double sent;
    double service;
    double upload;
    uint64_t number;
    unsigned instance;
    unsigned balancer;
    unsigned next_free;
    bool other;
    bool async;
};

struct event {
    double time;
    unsigned job;
    bool uploaded; /* else done */
};

struct result {
    uint64_t picks;
    uint64_t best;
    uint64_t finished;
    double sum;
    unsigned imbalance;
    uint32_t bins[BINS];
};

struct world {
    const struct settings *settings;
    const struct policy *policy;
    uint64_t nature; /* random states */
    uint64_t dice;
    double now;
    uint64_t stamp;
    struct instance *instances;
    struct view *views; /* [balancer][instance] */
    double *turns;      /* round robin: the last position, per balancer */
    unsigned *ties;
    struct job *jobs;
    unsigned job_room;
    unsigned first_free;
    struct event *heap;
    unsigned heap_count;
    unsigned heap_room;
    struct result *result;
};

static void *grow(void *array, unsigned *room, size_t size)
{
    *room = *room ? 2 * *room : 16;
    void *grown = realloc(array, *room * size);
    if (!grown) {
        fprintf(stderr, "leastjobs-model: out of memory\n");
        abort();
    }
    return grown;
}

static void *allocate(size_t count, size_t size)
{
    void *array = calloc(count, size);
    if (!array) {
        fprintf(stderr, "leastjobs-model: out of memory\n");
        abort();
    }
    return array;
}

/* SplitMix64. */
static uint64_t random_bits(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

/* In (0, 1). */
static double random_unit(uint64_t *state)
{
    return ((double)(random_bits(state) >> 11) + 0.5) / 9007199254740992.0;
}

static unsigned random_below(uint64_t *state, unsigned limit)
{
    return (unsigned)((random_bits(state) >> 32) * limit >> 32);
}

static double random_exponential(uint64_t *state, double mean)
{
    return -mean * log(random_unit(state));
}

static double random_lognormal(uint64_t *state, double sigma)
{
    double normal = sqrt(-2 * log(random_unit(state))) * cos(2 * acos(-1.0) * random_unit(state));
    return exp(sigma * normal - sigma * sigma / 2);
}

static double window(const struct world *world)
{
    return world->policy->window * world->settings->poll;
}

/* What balancer knows of the instances. */
static struct view *row(struct world *world, unsigned balancer)
{
    return world->views + (size_t)balancer * world->settings->instances;
}

/* HAProxy's leastconn: its key ignores the weight of a server without requests (issue 3223), and
 * servers of equal keys take turns, as they entered the queue. */
static void requeue(struct world *world, struct view *view)
{
    unsigned key = view->in_flight ? (view->in_flight + 1) * LEASTCONN_SCALE / view->weight : 0;
    if (key != view->key) {
        view->key = key;
        view->stamp = ++world->stamp;
    }
}

static void set_weight(struct world *world, struct view *view, unsigned weight, double turn)
{
    if (weight == view->weight) {
        return;
    }
    if (view->position > turn) {
        view->position = turn + (view->position - turn) * view->weight / weight;
    }
    view->weight = weight;
    view->stamp = ++world->stamp;
    requeue(world, view);
}

static void forget_until(struct view *view, double time)
{
    for (unsigned i = 0; i < view->time_count;) {
        if (view->times[i] <= time) {
            view->times[i] = view->times[--view->time_count];
        } else {
            i++;
        }
    }
}

static void accept_report(struct world *world, unsigned balancer, struct view *view)
{
    view->waiting = false;
    view->active = view->waiting_active;
    view->external = view->waiting_external;
    view->moment = view->waiting_moment;
    if (world->policy->weighted) {
        long weight = lround((double)WEIGHT_MAX / (1 + view->active));
        set_weight(world, view, weight > 0 ? (unsigned)weight : 1, world->turns[balancer]);
    }
    if (world->policy->recent == RECENT_EPOCH) {
        view->time_count = 0;
    } else if (world->policy->recent == RECENT_SINCE) {
        forget_until(view, view->moment);
    }
}

static void take_report(const struct world *world, const struct instance *instance,
                        struct view *view, double moment)
{
    unsigned external = instance->active > view->in_flight ? instance->active - view->in_flight : 0;
    double interval = world->settings->poll / CHECKS_PER_POLL;
    view->waiting = true;
    view->waiting_moment = moment;
    view->waiting_active = instance->active;
    view->waiting_external = external < WEIGHT_MAX ? external : WEIGHT_MAX - 1;
    view->visible_at = view->check_phase + ceil((moment - view->check_phase) / interval) * interval;
    if (world->policy->direct) {
        view->visible_at = moment;
    }
}

/* Does the polls and agent-checks that are due. To be called before an instance's jobs or a
 * balancer's open requests on it change and before the balancer looks: nothing has changed since
 * the last call, so of all polls only the last, and the last but one if that hasn't arrived yet,
 * make a difference. */
static void catch_up(struct world *world, unsigned balancer, unsigned number)
{
    struct view *view = row(world, balancer) + number;
    if (view->waiting && view->visible_at <= world->now) {
        accept_report(world, balancer, view);
    }
    if (view->next_poll > world->now) {
        return;
    }
    const struct instance *instance = &world->instances[number];
    double poll = world->settings->poll;
    double missed = floor((world->now - view->next_poll) / poll);
    double last = view->next_poll + missed * poll;
    if (missed > 0) {
        take_report(world, instance, view, last - poll);
        accept_report(world, balancer, view);
    }
    take_report(world, instance, view, last);
    view->next_poll = last + poll;
    if (view->visible_at <= world->now) {
        accept_report(world, balancer, view);
    }
}

static void catch_up_all(struct world *world, unsigned instance)
{
    for (unsigned balancer = 0; balancer < world->settings->balancers; balancer++) {
        catch_up(world, balancer, instance);
    }
}

static void remember(struct view *view, double time)
{
    if (view->time_count == view->time_room) {
        view->times = grow(view->times, &view->time_room, sizeof *view->times);
    }
    view->times[view->time_count++] = time;
}

/* HAProxy's update_freq_ctr_period(). */
static void rate_count(struct view *view, double now, double period)
{
    if (now - view->tick >= period) {
        view->previous = view->current;
        view->current = 0;
        view->tick += period;
        if (now - view->tick >= period) {
            view->previous = 0;
            view->tick = now;
        }
    }
    view->current++;
}

/* HAProxy's read_freq_ctr_period(), as gpc0_rate() gives it. */
static unsigned rate_read(const struct view *view, double now, double period)
{
    double remaining = view->tick + period - now;
    unsigned current = view->current;
    unsigned past = view->previous;
    if (remaining < 0) {
        remaining += period;
        past = remaining >= 0 ? current : 0;
        current = 0;
    }
    if (!current && past <= 1) {
        return past;
    }
    return current + (unsigned)(past * remaining / period);
}

static unsigned recent_jobs(struct world *world, struct view *view)
{
    switch (world->policy->recent) {
    case RECENT_RATE:
        return rate_read(view, world->now, window(world));
    case RECENT_WINDOW:
        forget_until(view, world->now - window(world));
        return view->time_count;
    case RECENT_SENT:
        forget_until(view, world->now - window(world));
        return view->time_count > view->in_flight ? view->time_count - view->in_flight : 0;
    case RECENT_EPOCH:
    case RECENT_SINCE:
        return view->time_count;
    case RECENT_NONE:
        break;
    }
    return 0;
}

static double load_true(struct world *world, struct view *view, unsigned instance)
{
    (void)view;
    return world->instances[instance].jobs;
}

static double load_true_by_speed(struct world *world, struct view *view, unsigned instance)
{
    (void)view;
    return (world->instances[instance].jobs + 1) / world->instances[instance].speed;
}

static double load_leastjobs(struct world *world, struct view *view, unsigned instance)
{
    (void)instance;
    return view->in_flight + view->external + recent_jobs(world, view);
}

static double load_by_speed(struct world *world, struct view *view, unsigned instance)
{
    return (load_leastjobs(world, view, instance) + 1) / world->instances[instance].speed;
}

static double load_reported(struct world *world, struct view *view, unsigned instance)
{
    (void)world;
    (void)instance;
    return view->active;
}

static double load_reported_plus_pending(struct world *world, struct view *view, unsigned instance)
{
    (void)world;
    (void)instance;
    return view->active + view->in_flight;
}

/* The least load; ties at random. */
static unsigned pick_least(struct world *world, unsigned balancer)
{
    struct view *views = row(world, balancer);
    double least = INFINITY;
    unsigned ties = 0;
    for (unsigned i = 0; i < world->settings->instances; i++) {
        double load = world->policy->load(world, &views[i], i);
        if (load < least) {
            least = load;
            ties = 0;
        }
        if (load <= least) {
            world->ties[ties++] = i;
        }
    }
    return world->ties[random_below(&world->dice, ties)];
}

static unsigned pick_leastconn(struct world *world, unsigned balancer)
{
    const struct view *views = row(world, balancer);
    unsigned best = 0;
    for (unsigned i = 1; i < world->settings->instances; i++) {
        if (views[i].key < views[best].key ||
            (views[i].key == views[best].key && views[i].stamp < views[best].stamp)) {
            best = i;
        }
    }
    return best;
}

static unsigned pick_roundrobin(struct world *world, unsigned balancer)
{
    struct view *views = row(world, balancer);
    unsigned best = 0;
    for (unsigned i = 1; i < world->settings->instances; i++) {
        if (views[i].position < views[best].position) {
            best = i;
        }
    }
    world->turns[balancer] = views[best].position;
    views[best].position += 1.0 / views[best].weight;
    return best;
}

static unsigned draw_by_weight(struct world *world, const struct view *views)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < world->settings->instances; i++) {
        sum += views[i].weight;
    }
    unsigned drawn = random_below(&world->dice, sum);
    unsigned i = 0;
    while (drawn >= views[i].weight) {
        drawn -= views[i++].weight;
    }
    return i;
}

static unsigned pick_random2(struct world *world, unsigned balancer)
{
    const struct view *views = row(world, balancer);
    unsigned a = draw_by_weight(world, views);
    unsigned b = draw_by_weight(world, views);
    return views[b].in_flight * views[a].weight > views[a].in_flight * views[b].weight ? a : b;
}

/* leastjobs is what the product does; open+external the same without recent jobs. Of the
 * experiments, the number is the window in polls. nginx's least_conn is leastconn here. */
/* clang-format off */
static const struct policy policies[] = {
    {"oracle", pick_least, load_true, 0, 0, RECENT_NONE, false, false},
    {"oracle-by-speed", pick_least, load_true_by_speed, 0, 0, RECENT_NONE, false, false},
    {"leastjobs", pick_least, load_leastjobs, 1, 0.25, RECENT_RATE, false, false},
    {"leastjobs-by-speed", pick_least, load_by_speed, 1, 0.25, RECENT_RATE, false, false},
    {"open+external", pick_least, load_leastjobs, 0, 0, RECENT_NONE, false, false},
    {"leastconn", pick_leastconn, NULL, 0, 0, RECENT_NONE, false, false},
    {"leastconn-w", pick_leastconn, NULL, 0, 0, RECENT_NONE, true, false},
    {"roundrobin-w", pick_roundrobin, NULL, 0, 0, RECENT_NONE, true, false},
    {"random2-w", pick_random2, NULL, 0, 0, RECENT_NONE, true, false},
    {"reported", pick_least, load_reported, 0, 0, RECENT_NONE, false, true},
    {"reported+pending", pick_least, load_reported_plus_pending, 0, 0, RECENT_NONE, false, true},
    {"window-1", pick_least, load_leastjobs, 1, 1, RECENT_WINDOW, false, false},
    {"window-1.125", pick_least, load_leastjobs, 1.125, 1.125, RECENT_WINDOW, false, false},
    {"window-1.25", pick_least, load_leastjobs, 1.25, 1.25, RECENT_WINDOW, false, false},
    {"window-1.5", pick_least, load_leastjobs, 1.5, 1.5, RECENT_WINDOW, false, false},
    {"rate-1", pick_least, load_leastjobs, 1, 1, RECENT_RATE, false, false},
    {"rate-1.125", pick_least, load_leastjobs, 1.125, 1.125, RECENT_RATE, false, false},
    {"rate-1.25", pick_least, load_leastjobs, 1.25, 1.25, RECENT_RATE, false, false},
    {"rate-1.5", pick_least, load_leastjobs, 1.5, 1.5, RECENT_RATE, false, false},
    {"rate-1-async", pick_least, load_leastjobs, 1, 0, RECENT_RATE, false, false},
    {"epoch", pick_least, load_leastjobs, 1, 1, RECENT_EPOCH, false, false},
    {"epoch-async", pick_least, load_leastjobs, 1, 0, RECENT_EPOCH, false, false},
    {"since", pick_least, load_leastjobs, 1, 1, RECENT_SINCE, false, false},
    {"since-quick", pick_least, load_leastjobs, 1, 0.25, RECENT_SINCE, false, false},
    {"since-async", pick_least, load_leastjobs, 1, 0, RECENT_SINCE, false, false},
    {"sent-1", pick_least, load_leastjobs, 1, 1, RECENT_SENT, false, false},
    {"sent-1.25", pick_least, load_leastjobs, 1.25, 1.25, RECENT_SENT, false, false},
};
/* clang-format on */

static void heap_push(struct world *world, struct event event)
{
    if (world->heap_count == world->heap_room) {
        world->heap = grow(world->heap, &world->heap_room, sizeof *world->heap);
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
        world->jobs = grow(world->jobs, &world->job_room, sizeof *world->jobs);
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
    struct view *view = row(world, job->balancer) + job->instance;
    catch_up(world, job->balancer, job->instance);
    view->in_flight--;
    requeue(world, view);
    double limit = policy->quick * world->settings->poll;
    bool quick = policy->quick > 0 ? world->now - job->sent < limit : job->async;
    if (policy->recent == RECENT_NONE || policy->recent == RECENT_SENT || !quick) {
        return;
    }
    if (policy->recent == RECENT_RATE) {
        rate_count(view, world->now, window(world));
    } else {
        remember(view, policy->recent == RECENT_WINDOW ? job->sent : world->now);
    }
}

/* The upload is over: the job takes its place in the instance's queue. */
static void job_begin(struct world *world, unsigned number)
{
    struct job *job = &world->jobs[number];
    struct instance *instance = &world->instances[job->instance];
    catch_up_all(world, job->instance);
    instance->active++;
    double start = instance->free_at > world->now ? instance->free_at : world->now;
    instance->free_at = start + job->service / instance->speed;
    heap_push(world, (struct event){instance->free_at, number, false});
    if (job->async && !job->other) {
        respond(world, job);
    }
}

static void job_done(struct world *world, unsigned number)
{
    struct job *job = &world->jobs[number];
    catch_up_all(world, job->instance);
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
            catch_up(world, job->balancer, i);
        }
        job->instance = world->policy->pick(world, job->balancer);
        struct view *view = row(world, job->balancer) + job->instance;
        view->in_flight++;
        requeue(world, view);
        if (world->policy->recent == RECENT_SENT) {
            remember(view, world->now);
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
    job->service = random_lognormal(nature, settings->sigma);
    job->other = random_unit(nature) < settings->other;
    bool to_busy = random_unit(nature) < OTHER_TO_BUSY;
    unsigned busy = (settings->instances + BUSY_ONE_IN - 1) / BUSY_ONE_IN;
    unsigned others = settings->instances > busy ? settings->instances - busy : busy;
    unsigned any = random_below(nature, to_busy ? busy : others);
    job->instance = to_busy || settings->instances == busy ? any : busy + any;
    job->async = random_unit(nature) < settings->async;
    job->balancer = random_below(nature, settings->balancers);
    double upload = random_exponential(nature, settings->upload);
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

/* Returns the sum of the speeds. */
static double world_new(struct world *world, uint64_t run)
{
    const struct settings *settings = world->settings;
    size_t views = (size_t)settings->instances * settings->balancers;
    double capacity = 0;
    uint64_t seeds = settings->seed * 1000003 + run;
    world->nature = random_bits(&seeds);
    world->dice = random_bits(&seeds) + settings->dice;
    world->instances = allocate(settings->instances, sizeof *world->instances);
    world->ties = allocate(settings->instances, sizeof *world->ties);
    world->turns = allocate(settings->balancers, sizeof *world->turns);
    world->views = allocate(views, sizeof *world->views);
    for (unsigned i = 0; i < settings->instances; i++) {
        world->instances[i].speed = settings->speeds[i % settings->speed_count];
        capacity += world->instances[i].speed;
    }
    for (size_t i = 0; i < views; i++) {
        struct view *view = &world->views[i];
        view->next_poll = settings->poll * random_unit(&world->dice);
        view->check_phase = -settings->poll * random_unit(&world->dice);
        view->weight = WEIGHT_MAX;
        view->position = random_unit(&world->dice) / WEIGHT_MAX;
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
    free(world->instances);
    free(world->jobs);
    free(world->heap);
}

static double percentile(const struct result *result, double share)
{
    double wanted = share * (double)result->finished;
    double seen = 0;
    int bin = 0;
    while (bin < BINS - 1 && seen + result->bins[bin] < wanted) {
        seen += result->bins[bin++];
    }
    double part = result->bins[bin] ? (wanted - seen) / result->bins[bin] : 0;
    return BIN_LEAST * exp((bin + part) / BINS_PER_E);
}

static void print(const struct settings *settings, const char *name, const struct result *result)
{
    printf("%s,%llu,%llu,%.6f,%.6f,%.6f,%.6f,%u\n", name, (unsigned long long)settings->seed,
           (unsigned long long)result->finished, result->sum / (double)result->finished,
           percentile(result, 0.95), percentile(result, 0.99),
           (double)result->best / (double)result->picks, result->imbalance);
    fflush(stdout);
}

static void simulate_run(const struct settings *settings, const struct policy *policy, uint64_t run,
                         struct result *result)
{
    struct world world = {.settings = settings, .policy = policy, .result = result};
    double capacity = world_new(&world, run);
    double pause = settings->burst / (settings->rho * capacity);
    double time = 0;
    for (uint64_t i = 0; i < settings->run; i++) {
        if (i % settings->burst == 0) {
            time += random_exponential(&world.nature, pause);
            run_until(&world, time);
            world.now = time;
        }
        arrive(&world, i);
    }
    run_until(&world, INFINITY);
    world_free(&world);
}

static void simulate(const struct settings *settings, const struct policy *policy)
{
    struct result *result = allocate(1, sizeof *result);
    for (uint64_t run = 0; run * settings->run < settings->jobs; run++) {
        simulate_run(settings, policy, run, result);
    }
    print(settings, policy->name, result);
    free(result);
}

static const struct policy *find_policy(const char *name)
{
    for (size_t i = 0; i < sizeof policies / sizeof *policies; i++) {
        if (strcmp(policies[i].name, name) == 0) {
            return &policies[i];
        }
    }
    return NULL;
}

static bool read_number(const char *text, double least, double most, double *number)
{
    char *end = NULL;
    *number = strtod(text, &end);
    return end != text && *end == '\0' && *number >= least && *number <= most;
}

static bool read_speeds(char *text, struct settings *settings)
{
    char *rest = NULL;
    settings->speed_count = 0;
    for (char *word = strtok_r(text, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
        if (settings->speed_count == SPEEDS_MAX ||
            !read_number(word, 0.01, 100, &settings->speeds[settings->speed_count++])) {
            return false;
        }
    }
    return settings->speed_count > 0;
}

enum {
    INSTANCES,
    BALANCERS,
    BURST,
    JOBS,
    RUN,
    SEED,
    DICE,
    RHO,
    POLL,
    OTHER,
    ASYNC,
    UPLOAD,
    SIGMA,
    SPEEDS
};

static const struct option options[] = {
    {"instances", required_argument, NULL, INSTANCES},
    {"balancers", required_argument, NULL, BALANCERS},
    {"burst", required_argument, NULL, BURST},
    {"jobs", required_argument, NULL, JOBS},
    {"run", required_argument, NULL, RUN},
    {"seed", required_argument, NULL, SEED},
    {"dice", required_argument, NULL, DICE},
    {"rho", required_argument, NULL, RHO},
    {"poll", required_argument, NULL, POLL},
    {"other", required_argument, NULL, OTHER},
    {"async", required_argument, NULL, ASYNC},
    {"upload", required_argument, NULL, UPLOAD},
    {"sigma", required_argument, NULL, SIGMA},
    {"speeds", required_argument, NULL, SPEEDS},
    {0},
};

/* The allowed range of each option's number. */
static const double limits[][2] = {
    [INSTANCES] = {1, 100000}, [BALANCERS] = {1, 1000}, [BURST] = {1, 100000}, [JOBS] = {1, 1e12},
    [RUN] = {1, 1e12},         [SEED] = {0, 1e15},      [DICE] = {0, 1e15},    [RHO] = {0.01, 0.99},
    [POLL] = {1e-6, 1e6},      [OTHER] = {0, 1},        [ASYNC] = {0, 1},      [UPLOAD] = {0, 1e6},
    [SIGMA] = {0, 5},
};

static void set_number(struct settings *settings, int option, double number)
{
    unsigned *counts[] = {[INSTANCES] = &settings->instances,
                          [BALANCERS] = &settings->balancers,
                          [BURST] = &settings->burst};
    double *numbers[] = {
        [RHO] = &settings->rho,     [POLL] = &settings->poll,     [OTHER] = &settings->other,
        [ASYNC] = &settings->async, [UPLOAD] = &settings->upload, [SIGMA] = &settings->sigma};
    if (option <= BURST) {
        *counts[option] = (unsigned)number;
    } else if (option == JOBS) {
        settings->jobs = (uint64_t)number;
    } else if (option == RUN) {
        settings->run = (uint64_t)number;
    } else if (option == SEED) {
        settings->seed = (uint64_t)number;
    } else if (option == DICE) {
        settings->dice = (uint64_t)number;
    } else {
        *numbers[option] = number;
    }
}

static bool read_options(int argc, char **argv, struct settings *settings)
{
    int option = 0;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        double number = 0;
        if (option == '?') {
            return false;
        }
        bool good = option == SPEEDS
                        ? read_speeds(optarg, settings)
                        : read_number(optarg, limits[option][0], limits[option][1], &number);
        if (!good) {
            fprintf(stderr, "leastjobs-model: --%s: bad value '%s'\n", options[option].name,
                    optarg);
            return false;
        }
        if (option != SPEEDS) {
            set_number(settings, option, number);
        }
    }
    for (int i = optind; i < argc; i++) {
        if (!find_policy(argv[i])) {
            fprintf(stderr, "leastjobs-model: no policy '%s'\n", argv[i]);
            return false;
        }
    }
    if (settings->run == 0 || settings->run > settings->jobs) {
        settings->run = settings->jobs;
    }
    return optind < argc;
}

int main(int argc, char **argv)
{
    struct settings settings = {.instances = 5,
                                .balancers = 1,
                                .burst = 1,
                                .jobs = 1000000,
                                .seed = 1,
                                .rho = 0.7,
                                .poll = 0.1,
                                .sigma = 1,
                                .speeds = {1},
                                .speed_count = 1};
    if (!read_options(argc, argv, &settings)) {
        fprintf(stderr, "usage: leastjobs-model [--OPTION VALUE]… POLICY…\n");
        return 2;
    }
    puts("policy,seed,jobs,mean,p95,p99,share,imbalance");
    for (int i = optind; i < argc; i++) {
        simulate(&settings, find_policy(argv[i]));
    }
    return 0;
}
