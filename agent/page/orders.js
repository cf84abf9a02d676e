/*
 * Drain and ready: the form of HAProxy's own statistics page, which carries them out. A row says so
 * when the agent has seen it.
 */

import { at, sayOrHide, setAttribute, setText, urlOf } from "./dom.js";
import { isOut, takesJobs } from "./words.js";

/* For HAProxy's answer; from that to the agent's word. */
const PATIENCE_MS = 5000;
const SEEN_MS = 10000;
const BACKEND = "farm";

/* `others` gives all rows, `row` too. */
export function addOrders(row, others) {
    row.button = row.tr.querySelector("button");
    row.word = row.button.appendChild(new Text());
    row.order = null;
    row.button.addEventListener("click", () => give(row, others()));
}

export function showOrders(row) {
    const { order, instance } = row;

    if (order !== null && isOut(instance) === (order.action === "drain"))
        row.order = null;
    else if (order !== null && performance.now() > order.until) {
        sayOrHide("refusal", `${instance.name}: HAProxy has taken the order, but the agent doesn't see it.`);
        row.order = null;
    }
    const word = isOut(instance) ? "Ready" : "Drain";
    setText(row.word, row.order === null ? word : `${word} …`);
    setAttribute(row.button, "aria-label", `${word} ${instance.name}`);
    row.button.toggleAttribute("data-busy", row.order !== null);
}

/* Of an answer that isn't a success. */
export async function reasonOf(answer) {
    if (answer.status === 401)
        return "The password is another one now: load this page again.";
    const detail = await answer.json().then((json) => json.detail, () => answer.statusText);
    return `${detail} (${answer.status})`;
}

async function post(name, action) {
    const answer = await fetch(urlOf("haproxy"), {
        method: "POST",
        body: new URLSearchParams({ s: name, action, b: BACKEND }),
        signal: AbortSignal.timeout(PATIENCE_MS),
    });

    if (!answer.ok)
        throw new Error(await reasonOf(answer));
    /* It redirects to itself with a word of how it went; the rest of it isn't wanted. */
    const outcome = /;st=([A-Z]+)/.exec(answer.url)?.[1];
    await answer.body?.cancel();
    if (outcome === "ERRP")
        throw new Error("HAProxy has no such server.");
    if (outcome !== "DONE")
        throw new Error(`HAProxy doesn't say that it is done (${outcome ?? "nothing"}).`);
}

function isLast(row, rows) {
    return takesJobs(row.instance) && !rows.some((other) => other !== row && takesJobs(other.instance));
}

async function give(row, rows) {
    const { name } = row.instance;
    const action = isOut(row.instance) ? "ready" : "drain";
    const question = `No other instance takes jobs: without ${name}, all are refused. Drain it?`;

    if (row.order !== null || (action === "drain" && isLast(row, rows) && !confirm(question)))
        return;
    sayOrHide("refusal", "");
    row.order = { action, until: Infinity };
    showOrders(row);
    try {
        await post(name, action);
        row.order = { action, until: performance.now() + SEEN_MS };
    } catch (error) {
        row.order = null;
        sayOrHide("refusal", `${name} can't be set to ${action}: ${error.message}`);
    }
    showOrders(row);
}

export function allowOrders(isAllowed) {
    at("fleet").classList.toggle("has-buttons", isAllowed);
}
