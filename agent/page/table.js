/*
 * The table: a row is made once for each instance, filled anew with each answer, and moved only
 * when nobody has a hand on it.
 */

import { at, say, setAttribute, setHidden, setText } from "./dom.js";
import { addOrders, dropOrders, seeOrders, showOrders } from "./orders.js";
import { ageOf, isLast, jobsOf, penaltyOf, rankOf, signOf, stateOf, takesJobs } from "./words.js";

/* Cells that say a number of GET /fleet as it stands. */
const NUMBERS = ["in_flight", "external_jobs", "accepted_jobs", "capacity", "jobs_per_minute", "failed_jobs"];
/* The parts of a bar, in its order; together they are the load. */
const PARTS = ["in_flight", "expected_external_jobs", "accepted_jobs", "penalty"];
/* What rows are sorted by, where it isn't the number of that name. */
const SORT_KEYS = {
    state: (instance) => -rankOf(instance),
    load: (instance) => instance.load / instance.capacity,
    report_age_seconds: (instance) => instance.report_age_seconds ?? Infinity,
};

const table = at("fleet");
const body = table.tBodies[0];
/* By the instance's number: its <tr>, the texts in it, and what was last said of it. */
const rows = new Map();
const order = { key: "number", isDescending: false };

function newRow(instance) {
    const tr = at("row").content.firstElementChild.cloneNode(true);
    const row = { tr, instance, texts: {} };

    for (const cell of tr.querySelectorAll("[data-cell]"))
        row.texts[cell.dataset.cell] = cell.appendChild(new Text());
    row.sign = tr.querySelector(".sign");
    row.bar = tr.querySelector(".bar");
    row.penalty = tr.querySelector('[data-cell="penalty"]');
    addOrders(row, () => [...rows.values()]);
    return row;
}

function fillRow(row, instance, full) {
    const { texts } = row;

    row.instance = instance;
    for (const name of NUMBERS)
        setText(texts[name], String(instance[name]));
    setText(texts.name, instance.name);
    setText(texts.url, instance.url);
    setText(texts.state, stateOf(instance));
    setText(texts.reason, instance.error_message ?? "");
    setText(texts.load, String(isLast(instance) ? jobsOf(instance) : instance.load));
    setText(texts.penalty, penaltyOf(instance));
    setAttribute(row.penalty, "title", isLast(instance) ? `Picked last, if at all: ${instance.penalty}` : "");
    setText(texts.age, ageOf(instance.report_age_seconds));
    setAttribute(row.sign, "class", `sign ${signOf(instance)}`);
    fillBar(row.bar, instance, full);
    seeOrders(row);
    showOrders(row);
}

/*
 * --- Bars ---
 * They all end where a load is `full` times the capacity: a power of two, so that one job more
 * doesn't move them all. A penalty may be thousands of jobs, and ends with its bar.
 */

function fullOf(instances) {
    const ratios = instances.map((instance) => jobsOf(instance) / instance.capacity);

    return 2 ** Math.ceil(Math.log2(Math.max(1, ...ratios)));
}

function setStyle(element, name, share) {
    const value = `${(100 * share).toFixed(2)}%`;

    if (element.style[name] !== value)
        element.style[name] = value;
}

function fillBar(bar, instance, full) {
    const mark = bar.lastElementChild;
    let left = 1;

    PARTS.forEach((name, index) => {
        const share = Math.min(instance[name] / instance.capacity / full, left);
        left -= share;
        setStyle(bar.children[index], "width", share);
    });
    setStyle(mark, "left", 1 / full);
    setHidden(mark, full === 1);
}

/* --- Order and choice --- */

function sorted() {
    const valueOf = SORT_KEYS[order.key] ?? ((instance) => instance[order.key]);
    const sign = order.isDescending ? -1 : 1;
    const found = [...rows.values()].map(({ tr, instance }) => ({ tr, value: valueOf(instance), number: instance.number }));

    /* Compared, not subtracted: Infinity less itself is no number. */
    found.sort((a, b) => (a.value === b.value ? a.number - b.number : a.value < b.value ? -sign : sign));
    return found.map(({ tr }) => tr);
}

function arrange() {
    let next = body.firstElementChild;

    for (const tr of sorted()) {
        if (tr === next)
            next = next.nextElementSibling;
        else
            body.insertBefore(tr, next);
    }
}

function isInUse() {
    const selection = getSelection();

    return body.contains(document.activeElement) || body.matches(":hover") ||
        (!selection.isCollapsed && selection.getRangeAt(0).intersectsNode(body));
}

function sortBy(th) {
    const { key } = th.dataset;

    /* Instances from the first, all else from the most. */
    order.isDescending = order.key === key ? !order.isDescending : key !== "number";
    order.key = key;
    table.tHead.querySelector("[aria-sort]").removeAttribute("aria-sort");
    th.setAttribute("aria-sort", order.isDescending ? "descending" : "ascending");
    arrange();
}

function isChosen(instance, words) {
    const { name, url, error_message } = instance;
    const text = `${name} ${url} ${stateOf(instance)} ${error_message ?? ""}`.toLowerCase();

    return words.every((word) => text.includes(word)) && !(at("problems").checked && takesJobs(instance));
}

function choose() {
    const words = at("words").value.toLowerCase().split(/\s+/);
    let shown = 0;

    for (const { tr, instance } of rows.values()) {
        /* What somebody is at stays. */
        setHidden(tr, !isChosen(instance, words) && !tr.contains(document.activeElement));
        shown += tr.hidden ? 0 : 1;
    }
    say("shown", shown === rows.size ? "" : `${shown} of ${rows.size} instances`);
    setHidden(at("nobody"), shown > 0 || rows.size === 0);
}

/* --- For the page --- */

export function startTable() {
    for (const th of table.tHead.querySelectorAll("[data-key]"))
        th.firstElementChild.addEventListener("click", () => sortBy(th));
    at("choice").addEventListener("input", choose);
    at("choice").addEventListener("submit", (event) => event.preventDefault());
}

/* What the table last said of an instance; undefined if nothing. */
export function lastOf(number) {
    return rows.get(number)?.instance;
}

export function fillTable(instances) {
    const full = fullOf(instances);
    const numbers = new Set(instances.map(({ number }) => number));
    const isNew = instances.some(({ number }) => !rows.has(number));

    for (const [number, row] of rows) {
        if (!numbers.has(number)) {
            dropOrders(row);
            row.tr.remove();
            rows.delete(number);
        }
    }
    for (const instance of instances) {
        const row = rows.get(instance.number) ?? newRow(instance);
        rows.set(instance.number, row);
        fillRow(row, instance, full);
    }
    if (isNew || !isInUse())
        arrange();
    choose();
}
