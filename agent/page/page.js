/*
 * The fleet page: what GET /fleet says, every second or two while somebody looks. What changes is
 * changed in its place (dom.js); the words are in words.js, the rows in table.js, the buttons in
 * orders.js.
 */

import { at, say, sayOrHide, setHidden, setText, urlOf } from "./dom.js";
import { allowOrders, reasonOf } from "./orders.js";
import { fillTable, lastOf, startTable } from "./table.js";
import { groupFailures, healthOf, newsOf, problemOf, timeOf, timesOf } from "./words.js";

const POLL_MS = 1000;
/* More instances than these are asked for half as often: 300 are 170 kB. */
const MANY = 100;
/* For an answer. */
const PATIENCE_MS = 5000;
/* An older one is said to be old. */
const OLD_MS = 3000;

/* By what failed: its <li>, and the texts in it. */
const failures = new Map();
/* Of the last answer: when it was, of performance.now(), and what it said. */
let answered = 0;
let last = null;
let isAsking = false;
let timer = 0;

/* --- What isn't in the table --- */

function newFailure({ what }) {
    const li = document.createElement("li");
    const time = li.appendChild(document.createElement("time"));
    const failure = { li, time, clock: time.appendChild(new Text()), times: new Text() };

    li.append(` ${what}`, failure.times);
    return failure;
}

function fillFailures(list) {
    const groups = groupFailures(list);
    const kept = new Set(groups.map(({ what }) => what));

    for (const [what, { li }] of failures) {
        if (!kept.has(what)) {
            li.remove();
            failures.delete(what);
        }
    }
    let next = at("failures").firstElementChild;
    for (const group of groups) {
        const failure = failures.get(group.what) ?? newFailure(group);
        failures.set(group.what, failure);
        failure.time.dateTime = group.newest;
        setText(failure.clock, timeOf(group.newest));
        setText(failure.times, timesOf(group));
        if (failure.li === next)
            next = next.nextElementSibling;
        else
            at("failures").insertBefore(failure.li, next);
    }
    setHidden(at("no-failures"), list.length > 0);
}

function fillSums(fleet) {
    const { is_present, since } = fleet.haproxy;

    say("version", fleet.version);
    say("healthy", healthOf(fleet));
    say("active", String(fleet.total_active_jobs));
    say("rate", String(fleet.jobs_per_minute));
    say("haproxy", is_present ? `since ${timeOf(since)}` : "no");
    sayOrHide("problem", problemOf(fleet.haproxy));
    document.title = `${healthOf(fleet)} healthy – leastjobs`;
}

function show(fleet, hasButtons) {
    const news = newsOf(fleet, lastOf);

    /* Another agent, with another page. */
    if (last !== null && last.version !== fleet.version)
        location.reload();
    allowOrders(hasButtons);
    fillTable(fleet.instances);
    fillFailures(fleet.failures);
    fillSums(fleet);
    if (news !== "")
        say("news", news);
    last = fleet;
}

/* --- Asking --- */

async function ask() {
    const answer = await fetch(urlOf("fleet"), {
        cache: "no-store",
        signal: AbortSignal.timeout(PATIENCE_MS),
    });

    if (!answer.ok)
        throw new Error(await reasonOf(answer));
    show(await answer.json(), answer.headers.has("X-Leastjobs-Buttons"));
    answered = performance.now();
}

/* What fetch() itself says differs from browser to browser. */
function failureOf(error) {
    if (error.name === "TimeoutError")
        return `No answer within ${PATIENCE_MS / 1000} s.`;
    return error instanceof TypeError ? "HAProxy doesn't answer." : error.message;
}

function sayHowOld() {
    const age = performance.now() - answered;
    const isOld = age > OLD_MS;

    if (last === null)
        return;
    document.body.classList.toggle("old", isOld);
    say("freshness", isOld ? `last answer ${Math.round(age / 1000)} s ago` : "up to date");
}

async function poll() {
    clearTimeout(timer);
    if (isAsking || document.hidden)
        return;
    isAsking = true;
    try {
        await ask();
    } catch (error) {
        sayOrHide("problem", failureOf(error));
    }
    isAsking = false;
    sayHowOld();
    timer = setTimeout(poll, last?.total_instances > MANY ? 2 * POLL_MS : POLL_MS);
}

startTable();
document.addEventListener("visibilitychange", poll);
setInterval(sayHowOld, POLL_MS);
poll();
