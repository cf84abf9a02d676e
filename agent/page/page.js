/*
 * The fleet page: what GET fleet says, every second or two while somebody looks. A row is made once for
 * each instance and changed only where a value has changed, so that focus, selections and the
 * place on the page stay. Nothing that comes from elsewhere becomes HTML.
 */

const POLL_MS = 1000;
/* More instances than these are asked for half as often: 300 are 170 kB. */
const MANY = 100;
/* For an answer. */
const PATIENCE_MS = 5000;
/* An older one is said to be old. */
const OLD_MS = 3000;
/* From HAProxy's word that a drain is set to the agent's that it has seen it. */
const ORDER_MS = 10000;
/* More changes than these at a time are counted, not read out. */
const NEWS_MAX = 3;
const BACKEND = "farm";

const at = (id) => document.getElementById(id);
const table = at("fleet");
const body = table.tBodies[0];

/* By the instance's number: its <tr>, the texts in it, and what was last said of it. */
const rows = new Map();
const failures = new Map();
const order = { key: "number", isDescending: false };
/* Of performance.now(); 0 before the first answer. */
let answered = 0;
let version = null;
let isAsking = false;
let timer = 0;

/*
 * Not relative to the document: its address may have a user and a password in it, and fetch()
 * refuses those. It may also lie below another path than /, behind somebody's proxy.
 */
function urlOf(name) {
    return new URL(name, location.origin + location.pathname);
}

/* --- What is said of an instance --- */

function takesJobs(instance) {
    return instance.is_healthy && !instance.is_drained && !instance.is_in_maintenance;
}

/* The worst first. */
function rankOf(instance) {
    if (!instance.is_healthy)
        return 0;
    if (instance.is_in_maintenance)
        return 1;
    return instance.is_drained ? 2 : instance.error_message !== null ? 3 : 4;
}

function stateOf(instance) {
    const words = [];

    if (instance.is_in_maintenance)
        words.push("maintenance");
    else if (instance.is_drained)
        words.push("drained");
    if (!instance.is_healthy)
        words.push(instance.last_check === null ? "not asked yet" : "unhealthy");
    else if (words.length === 0 || instance.is_busy)
        words.push(instance.is_busy ? "busy" : "healthy");
    return words.join(", ");
}

/* What the row looks like. */
function signOf(instance) {
    if (!instance.is_healthy)
        return instance.last_check === null ? "unknown" : "unhealthy";
    return instance.is_drained || instance.is_in_maintenance ? "drained" : "healthy";
}

function ageOf(seconds) {
    if (seconds === null)
        return "never";
    if (seconds < 120)
        return `${Math.round(seconds)} s ago`;
    return seconds < 7200 ? `${Math.round(seconds / 60)} min ago` : `${Math.round(seconds / 3600)} h ago`;
}

/* "06:43:12", of another day with its date. */
function timeOf(text) {
    const time = new Date(text);
    const day = time.toDateString() === new Date().toDateString() ? {} : { day: "numeric", month: "short" };
    const clock = { hour: "2-digit", minute: "2-digit", second: "2-digit" };

    return time.toLocaleString("en-GB", { ...day, ...clock });
}

const SORT_KEYS = {
    state: (instance) => -rankOf(instance),
    load: (instance) => instance.load / instance.capacity,
    report_age_seconds: (instance) => instance.report_age_seconds ?? Infinity,
};

/* --- Rows --- */

function setText(text, value) {
    if (text.data !== value)
        text.data = value;
}

function setClass(element, value) {
    if (element.className !== value)
        element.className = value;
}

function setLabel(element, value) {
    if (element.getAttribute("aria-label") !== value)
        element.setAttribute("aria-label", value);
}

function setHidden(element, isHidden) {
    if (element.hidden !== isHidden)
        element.hidden = isHidden;
}

function newRow(instance) {
    const tr = at("row").content.firstElementChild.cloneNode(true);
    const row = { tr, texts: {}, instance, pending: null };

    for (const cell of tr.querySelectorAll("[data-cell]"))
        row.texts[cell.dataset.cell] = cell.appendChild(new Text());
    row.sign = tr.querySelector(".sign");
    row.bar = tr.querySelector(".bar");
    row.button = tr.querySelector("button");
    row.label = row.button.appendChild(new Text());
    row.button.addEventListener("click", () => giveOrder(row));
    return row;
}

function fillRow(row, instance, full) {
    const { texts } = row;
    const numbers = ["in_flight", "external_jobs", "accepted_jobs", "penalty", "load", "capacity",
        "jobs_per_minute", "failed_jobs"];

    row.instance = instance;
    for (const name of numbers)
        setText(texts[name], String(instance[name]));
    setText(texts.name, instance.name);
    setText(texts.url, instance.url);
    setText(texts.state, stateOf(instance));
    setText(texts.reason, instance.error_message ?? "");
    setText(texts.age, ageOf(instance.report_age_seconds));
    setClass(row.sign, `sign ${signOf(instance)}`);
    fillBar(row.bar, instance, full);
    fillButton(row);
}

/* A bar ends where its load is `full` times the capacity, which has a mark of its own. */
function fillBar(bar, instance, full) {
    const parts = [instance.in_flight, instance.expected_external_jobs, instance.accepted_jobs,
        instance.penalty];
    let left = 1;

    parts.forEach((jobs, index) => {
        const share = Math.min(jobs / instance.capacity / full, left);
        left -= share;
        setWidth(bar.children[index], share);
    });
    const mark = `${(100 / full).toFixed(2)}%`;
    if (bar.lastElementChild.style.left !== mark)
        bar.lastElementChild.style.left = mark;
    setHidden(bar.lastElementChild, full === 1);
}

function setWidth(part, share) {
    const width = `${(100 * share).toFixed(2)}%`;

    if (part.style.width !== width)
        part.style.width = width;
}

/* The same for all bars, and a power of two, so that one more job doesn't move them all. */
function fullOf(instances) {
    const ratios = instances.map((i) => (i.load - i.penalty) / i.capacity);

    return 2 ** Math.ceil(Math.log2(Math.max(1, ...ratios)));
}

/* Where rows aren't to move under somebody's hand. */
function isInUse() {
    const selection = getSelection();

    return body.contains(document.activeElement) || body.matches(":hover") ||
        (!selection.isCollapsed && selection.rangeCount > 0 && selection.getRangeAt(0).intersectsNode(body));
}

function sorted() {
    const value = SORT_KEYS[order.key] ?? ((instance) => instance[order.key]);
    const sign = order.isDescending ? -1 : 1;
    const found = [...rows.values()].map((row) => ({ row, value: value(row.instance) }));

    /* Not a difference: Infinity less Infinity is no number. */
    found.sort((a, b) => (a.value === b.value ? 0 : a.value < b.value ? -sign : sign) ||
        a.row.instance.number - b.row.instance.number);
    return found.map(({ row }) => row);
}

function arrange() {
    let next = body.firstElementChild;

    for (const { tr } of sorted()) {
        if (tr === next)
            next = next.nextElementSibling;
        else
            body.insertBefore(tr, next);
    }
}

function choose() {
    const words = at("words").value.toLowerCase().split(/\s+/);
    let shown = 0;

    for (const { tr, instance } of rows.values()) {
        const text = `${instance.name} ${instance.url} ${stateOf(instance)} ${instance.error_message ?? ""}`.toLowerCase();
        const isChosen = words.every((word) => text.includes(word)) && !(at("problems").checked && takesJobs(instance));

        setHidden(tr, !isChosen && !tr.contains(document.activeElement));
        shown += tr.hidden ? 0 : 1;
    }
    setText(texts.shown, shown === rows.size ? "" : `${shown} of ${rows.size} instances`);
    setHidden(at("nobody"), shown > 0 || rows.size === 0);
}

function fillTable(instances) {
    const full = fullOf(instances);
    const numbers = new Set(instances.map((instance) => instance.number));
    const isNew = instances.some((instance) => !rows.has(instance.number));

    for (const [number, { tr }] of rows) {
        if (!numbers.has(number)) {
            tr.remove();
            rows.delete(number);
        }
    }
    for (const instance of instances) {
        if (!rows.has(instance.number))
            rows.set(instance.number, newRow(instance));
        fillRow(rows.get(instance.number), instance, full);
    }
    if (isNew || !isInUse())
        arrange();
    choose();
}

/* --- The rest of the page --- */

const texts = {};
for (const id of ["version", "freshness", "problem", "refusal", "news", "healthy", "active", "rate", "haproxy", "shown"]) {
    at(id).textContent = id === "healthy" || id === "active" || id === "rate" || id === "haproxy" ? "–" : "";
    texts[id] = at(id).firstChild ?? at(id).appendChild(new Text());
}

function say(id, text) {
    setText(texts[id], text);
    setHidden(at(id), text === "");
}

function failureKey(failure) {
    return `${failure.time} ${failure.instance} ${failure.kind} ${failure.message}`;
}

function newFailure(failure) {
    const li = document.createElement("li");
    const time = document.createElement("time");
    const name = document.createElement("b");

    time.dateTime = failure.time;
    time.textContent = timeOf(failure.time);
    name.textContent = `instance${failure.instance}`;
    li.append(time, " ", name, ` ${failure.kind === "job" ? "job" : "health check"}: ${failure.message}`);
    return li;
}

function fillFailures(list) {
    const keys = new Set(list.map(failureKey));
    let next = at("failures").firstElementChild;

    for (const [key, li] of failures) {
        if (!keys.has(key)) {
            if (li === next)
                next = next.nextElementSibling;
            li.remove();
            failures.delete(key);
        }
    }
    for (const failure of list) {
        const key = failureKey(failure);
        const known = failures.get(key);
        if (known !== undefined && known === next) {
            next = next.nextElementSibling;
        } else {
            const li = known ?? newFailure(failure);
            failures.set(key, li);
            at("failures").insertBefore(li, next);
        }
    }
    setHidden(at("no-failures"), list.length > 0);
}

/* What has changed since the last answer, in words; nothing before the first. */
function newsOf(fleet) {
    const changes = [];

    for (const instance of fleet.instances) {
        const before = rows.get(instance.number)?.instance;
        if (before !== undefined && stateOf(before) !== stateOf(instance))
            changes.push(`${instance.name} ${stateOf(instance)}` + (instance.error_message === null ? "" : `: ${instance.error_message}`));
    }
    if (changes.length > NEWS_MAX)
        return `${changes.length} instances have changed: ${fleet.healthy_instances} of ${fleet.total_instances} healthy`;
    return changes.join(". ");
}

function problemOf({ is_present, problem, socket }) {
    if (!is_present)
        return `HAProxy doesn't answer the agent on ${socket}${problem === null ? "" : `: ${problem}`}. What is in flight counts as 0.`;
    return problem === null ? "" : `HAProxy can't be asked on ${socket}: ${problem}. The last counts stand.`;
}

function show(fleet, hasButtons) {
    const news = newsOf(fleet);

    /* Another agent, with another page. */
    if (version !== null && version !== fleet.version)
        location.reload();
    version = fleet.version;
    table.classList.toggle("has-buttons", hasButtons);
    fillTable(fleet.instances);
    fillFailures(fleet.failures);
    setText(texts.version, fleet.version);
    setText(texts.healthy, `${fleet.healthy_instances} of ${fleet.total_instances}`);
    setText(texts.active, String(fleet.total_active_jobs));
    setText(texts.rate, String(fleet.jobs_per_minute));
    setText(texts.haproxy, fleet.haproxy.is_present ? `since ${timeOf(fleet.haproxy.since)}` : "no");
    say("problem", problemOf(fleet.haproxy));
    if (news !== "")
        setText(texts.news, news);
    document.title = `${fleet.healthy_instances} of ${fleet.total_instances} healthy – leastjobs`;
}

/* --- Asking --- */

async function detailOf(answer) {
    const detail = await answer.json().then((json) => json.detail, () => undefined);

    if (answer.status === 401)
        return "The password is another one now: load this page again.";
    return `${detail ?? answer.statusText} (${answer.status})`;
}

async function ask() {
    const answer = await fetch(urlOf("fleet"), { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });

    if (!answer.ok)
        throw new Error(await detailOf(answer));
    show(await answer.json(), answer.headers.has("X-Leastjobs-Buttons"));
}

function sayHowOld() {
    const age = performance.now() - answered;
    const isOld = age > OLD_MS;

    document.body.classList.toggle("old", isOld && answered > 0);
    if (answered > 0)
        setText(texts.freshness, isOld ? `last answer ${Math.round(age / 1000)} s ago` : "up to date");
}

async function poll() {
    clearTimeout(timer);
    if (isAsking || document.hidden)
        return;
    isAsking = true;
    try {
        await ask();
        answered = performance.now();
    } catch (error) {
        /* What fetch() says itself differs from browser to browser. */
        say("problem", error instanceof TypeError ? "HAProxy doesn't answer."
            : error.name === "TimeoutError" ? `No answer within ${PATIENCE_MS / 1000} s.` : error.message);
    }
    isAsking = false;
    sayHowOld();
    timer = setTimeout(poll, rows.size > MANY ? 2 * POLL_MS : POLL_MS);
}

/* --- Drain and ready --- */

function isOut(instance) {
    return instance.is_drained || instance.is_in_maintenance;
}

function fillButton(row) {
    const { pending, instance } = row;

    if (pending !== null && isOut(instance) === (pending.action === "drain"))
        row.pending = null;
    else if (pending !== null && performance.now() > pending.until) {
        say("refusal", `${instance.name}: HAProxy has taken the order, but the agent doesn't see it yet.`);
        row.pending = null;
    }
    const word = isOut(instance) ? "Ready" : "Drain";
    setText(row.label, row.pending === null ? word : `${word} …`);
    setLabel(row.button, `${word} ${instance.name}`);
    row.button.toggleAttribute("aria-busy", row.pending !== null);
}

function isLast(row) {
    return takesJobs(row.instance) && ![...rows.values()].some((other) => other !== row && takesJobs(other.instance));
}

/* What HAProxy's statistics page does with a form; it answers with a redirection that says how it went. */
async function post(name, action) {
    const answer = await fetch(urlOf("haproxy"), {
        method: "POST",
        body: new URLSearchParams({ s: name, action, b: BACKEND }),
        signal: AbortSignal.timeout(PATIENCE_MS),
    });

    if (!answer.ok)
        throw new Error(await detailOf(answer));
    const outcome = /;st=([A-Z]+)/.exec(answer.url)?.[1];
    await answer.body?.cancel();
    if (outcome === "ERRP")
        throw new Error("HAProxy has no such server.");
    if (outcome !== "DONE")
        throw new Error(`HAProxy doesn't say that it is done (${outcome ?? "nothing"}).`);
}

async function giveOrder(row) {
    const { name } = row.instance;
    const action = isOut(row.instance) ? "ready" : "drain";

    if (row.pending !== null)
        return;
    if (action === "drain" && isLast(row) && !confirm(`No other instance takes jobs: without ${name}, all are refused. Drain it?`))
        return;
    row.pending = { action, until: Infinity };
    fillButton(row);
    say("refusal", "");
    try {
        await post(name, action);
        row.pending = { action, until: performance.now() + ORDER_MS };
        poll();
    } catch (error) {
        row.pending = null;
        fillButton(row);
        say("refusal", `${name} can't be set to ${action}: ${error.message}`);
    }
}

/* --- What people do --- */

function sortBy(th) {
    const key = th.dataset.key;
    const isAgain = order.key === key;

    /* Names from the first, all else from the most. */
    order.isDescending = isAgain ? !order.isDescending : key !== "number";
    order.key = key;
    for (const other of table.tHead.querySelectorAll("[aria-sort]"))
        other.removeAttribute("aria-sort");
    th.setAttribute("aria-sort", order.isDescending ? "descending" : "ascending");
    arrange();
}

for (const th of table.tHead.querySelectorAll("[data-key]"))
    th.firstElementChild.addEventListener("click", () => sortBy(th));
at("choice").addEventListener("input", choose);
at("choice").addEventListener("submit", (event) => event.preventDefault());
document.addEventListener("visibilitychange", poll);
setInterval(sayHowOld, POLL_MS);
poll();
