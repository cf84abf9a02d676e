/*
 * Drain and ready: the form of HAProxy's own statistics page, which carries them out. A row says so
 * when the agent has seen it.
 */

import { at, sayOrHide, setAttribute, setHidden, setText, urlOf } from "./dom.js";
import { isOut, takesJobs } from "./words.js";

/* For HAProxy's answer. */
const PATIENCE_MS = 5000;
/* Answers of the agent's, from HAProxy's on, of which one should have seen the order. */
const SEEN_ANSWERS = 10;
const BACKEND = "farm";

/* The order that #refusal is about: its row, and what it was. */
let refused = null;

/* `others` gives all rows, `row` too. */
export function addOrders(row, others) {
    row.button = row.tr.querySelector("button");
    row.word = row.button.appendChild(new Text());
    row.order = null;
    row.button.addEventListener("click", () => give(row, others()));
}

function refuse(row, action, reason) {
    refused = { row, action };
    row.order = null;
    sayOrHide("refusal", reason);
}

function forgive() {
    refused = null;
    sayOrHide("refusal", "");
}

/* Of an instance that is no more. */
export function dropOrders(row) {
    if (refused?.row === row)
        forgive();
}

/* After each answer of the agent's. */
export function seeOrders(row) {
    const { order, instance } = row;
    const isAsOrdered = (action) => isOut(instance) === (action === "drain");

    if (refused?.row === row && isAsOrdered(refused.action))
        forgive();
    if (order === null)
        return;
    order.answers++;
    if (isAsOrdered(order.action))
        row.order = null;
    else if (order.isTaken && order.answers >= SEEN_ANSWERS)
        refuse(row, order.action, `${instance.name}: HAProxy has taken the order, but the agent doesn't see it.`);
}

export function showOrders(row) {
    const { instance } = row;
    const word = isOut(instance) ? "Ready" : "Drain";

    /* Where it was found, it is no more: it stays out, whatever HAProxy is told. */
    setHidden(row.button, instance.is_leaving);
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
    const order = { action, isTaken: false, answers: 0 };
    forgive();
    row.order = order;
    showOrders(row);
    try {
        await post(name, action);
        order.isTaken = true;
        order.answers = 0;
    } catch (error) {
        /* Else the agent has seen it all the same. */
        if (row.order === order)
            refuse(row, action, `${name} can't be set to ${action}: ${error.message}`);
    }
    showOrders(row);
}

export function allowOrders(isAllowed) {
    at("fleet").classList.toggle("has-buttons", isAllowed);
}
