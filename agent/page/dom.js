/*
 * Changes to the document, made only where they change something: what isn't touched keeps its
 * focus and its selection, and costs nothing. Text is text, never HTML.
 */

export const at = (id) => document.getElementById(id);

export function setText(text, value) {
    if (text.data !== value)
        text.data = value;
}

export function setAttribute(element, name, value) {
    if (element.getAttribute(name) !== value)
        element.setAttribute(name, value);
}

export function setHidden(element, isHidden) {
    if (element.hidden !== isHidden)
        element.hidden = isHidden;
}

/* The text of an element that has nothing else. */
const texts = new Map();

export function say(id, value) {
    if (!texts.has(id)) {
        const text = new Text();
        at(id).replaceChildren(text);
        texts.set(id, text);
    }
    setText(texts.get(id), value);
}

/* The same of what is there only if there is something to say. */
export function sayOrHide(id, value) {
    say(id, value);
    setHidden(at(id), value === "");
}

/*
 * Where a path of this port is. Not relative to the document: its address may have a user and a
 * password in it, which fetch() refuses. It may also lie below another path than /, behind
 * somebody's proxy.
 */
export function urlOf(path) {
    return new URL(path, location.origin + location.pathname);
}
