/* What is said of instances and of failures. Pure: values of GET /fleet in, words out. */

/* More changes than these at a time are counted, not read out. */
const NEWS_MAX = 3;
/* The states, the worst first, as `leastjobs status` has them; which form the sign of each has. */
const SIGNS = {
    unhealthy: "unhealthy",
    maintenance: "drained",
    leaving: "drained",
    drained: "drained",
    failing: "warning",
    busy: "warning",
    "not asked yet": "unknown",
    healthy: "healthy",
};
const STATES = Object.keys(SIGNS);
/* In jobs: PENALTY_MAX of common/names.h. Such an instance is behind all others. */
const LAST_PENALTY = 16383;

export function isOut(instance) {
    return instance.is_drained || instance.is_in_maintenance;
}

export function takesJobs(instance) {
    return instance.is_healthy && !isOut(instance);
}

/* What its checks say. */
function verdictOf(instance) {
    if (!instance.is_healthy)
        return instance.last_check === null ? "not asked yet" : "unhealthy";
    if (instance.is_busy)
        return "busy";
    if (instance.error_message !== null)
        return "failing";
    return instance.report_age_seconds === null ? "not asked yet" : "healthy";
}

/* Why it is to get no jobs, whatever its checks say. */
function absenceOf(instance) {
    if (instance.is_in_maintenance)
        return "maintenance";
    if (instance.is_leaving)
        return "leaving";
    return instance.is_drained ? "drained" : "healthy";
}

function wordsOf(instance) {
    return [absenceOf(instance), verdictOf(instance)];
}

export function rankOf(instance) {
    return Math.min(...wordsOf(instance).map((word) => STATES.indexOf(word)));
}

export function stateOf(instance) {
    return wordsOf(instance).filter((word) => word !== "healthy").join(", ") || "healthy";
}

export function signOf(instance) {
    return SIGNS[STATES[rankOf(instance)]];
}

/* How many jobs it has, as far as anybody knows. */
export function jobsOf({ load, penalty }) {
    return load - penalty;
}

export function isLast({ penalty }) {
    return penalty >= LAST_PENALTY;
}

export function penaltyOf(instance) {
    return isLast(instance) ? "last" : String(instance.penalty);
}

export function ageOf(seconds) {
    if (seconds === null)
        return "never";
    if (seconds < 120)
        return `${Math.round(seconds)} s ago`;
    if (seconds < 7200)
        return `${Math.round(seconds / 60)} min ago`;
    return `${Math.round(seconds / 3600)} h ago`;
}

/* "06:43:12" of RFC 3339's form, here; of another day with its date. */
export function timeOf(text) {
    const time = new Date(text);
    const isToday = time.toDateString() === new Date().toDateString();

    return time.toLocaleString("en-GB", {
        ...(isToday ? {} : { day: "numeric", month: "short" }),
        hour: "2-digit",
        minute: "2-digit",
        second: "2-digit",
    });
}

/*
 * What repeats itself is one: an instance that stays down fails again and again. The list's order,
 * the newest first, is theirs.
 */
export function groupFailures(list) {
    const groups = new Map();

    for (const { time, instance, kind, message } of list) {
        const what = `instance${instance} ${kind === "job" ? "job" : "health check"}: ${message}`;
        const group = groups.get(what) ?? { what, newest: time, count: 0 };
        groups.set(what, { ...group, count: group.count + 1, oldest: time });
    }
    return [...groups.values()];
}

export function timesOf({ count, oldest }) {
    return count > 1 ? ` – ${count} times since ${timeOf(oldest)}` : "";
}

/* What has changed since an answer, of which `before` gives an instance by its number. */
export function newsOf(fleet, before) {
    const changed = fleet.instances.filter((instance) => {
        const old = before(instance.number);
        return old !== undefined && stateOf(old) !== stateOf(instance);
    });

    if (changed.length > NEWS_MAX)
        return `${changed.length} instances have changed: ${healthOf(fleet)} healthy`;
    return changed.map((instance) => {
        const reason = instance.error_message === null ? "" : `: ${instance.error_message}`;
        return `${instance.name} ${stateOf(instance)}${reason}`;
    }).join(". ");
}

export function healthOf(fleet) {
    return `${fleet.healthy_instances} of ${fleet.total_instances}`;
}

export function problemOf({ is_present, problem, socket }) {
    const reason = problem === null ? "" : `: ${problem}`;

    if (!is_present)
        return `HAProxy doesn't answer the agent on ${socket}${reason}. What is in flight counts as 0.`;
    return problem === null ? "" : `HAProxy can't be asked on ${socket}${reason}. The last counts stand.`;
}
