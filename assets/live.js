// One stream a page. What it says is not shown but read anew from the server, so that a page that was closed,
// asleep or offline shows the same as one that was not.
import { localise } from "./times.js";

const offline = document.getElementById("offline");
const AT_MOST_EVERY = 700;
let source, url, last, retry, lost, wanted, begun = 0, running = false;

export function listen(agent) {
  last = document.body.dataset.since;
  open(agent);
  // A phone that wakes up has missed what its stream could not tell.
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") {
      if (!source || source.readyState === EventSource.CLOSED) open(agent);
      agent();
      refresh();
    }
  });
  window.addEventListener("online", () => open(agent));
}

function open(agent) {
  clearTimeout(retry);
  source?.close();
  url = document.body.dataset.stream;
  if (!url) return;
  // Everything's stream repeats what this page has not seen. A run's would repeat all that its agent ever said: it begins
  // now, and what came before that is read anew once it is open.
  const all = url === "/api/events";
  // A run's stream counts lines too: the rest of the house knows the first number alone.
  source = new EventSource(all ? `${url}?since=${encodeURIComponent(String(last).split(".")[0])}` : url);
  const heard = (event) => { if (event.lastEventId) last = event.lastEventId; };
  source.addEventListener("open", () => {
    clearTimeout(lost);
    if (!offline.hidden || !all) refresh();
    offline.hidden = true;
    agent();
  });
  source.addEventListener("event", (event) => { heard(event); refresh(); agent(); });
  source.addEventListener("agent", (event) => { heard(event); agent(); });
  source.addEventListener("line", (event) => { heard(event); agent(); });
  source.addEventListener("resync", () => { refresh(); agent(); });
  source.addEventListener("result", (event) => {
    heard(event);
    agent();
    // This stream is over, and would tell its end again and again.
    source.close();
    refresh().then(() => { retry = setTimeout(() => open(agent), 1500); });
  });
  source.addEventListener("error", () => {
    clearTimeout(lost);
    lost = setTimeout(() => { offline.hidden = false; }, 3000);
    // The browser tries again by itself but for refusals.
    if (source.readyState === EventSource.CLOSED) retry = setTimeout(() => open(agent), 3000);
  });
}

// At once, and then at most so often; one that is asked for meanwhile comes after.
export async function refresh() {
  if (running) { wanted = true; return; }
  running = true;
  const wait = begun + AT_MOST_EVERY - Date.now();
  if (wait > 0) await new Promise((go) => setTimeout(go, wait));
  begun = Date.now();
  wanted = false;
  try {
    const response = await fetch(location.href, { credentials: "same-origin", headers: { accept: "text/html" } });
    if (response.ok) take(await response.text());
  } catch {
    // Offline: the stream's next connection asks again.
  }
  running = false;
  if (wanted) refresh();
}

function take(page) {
  // A document of its own runs no script and loads nothing; only its nodes come over.
  const fresh = new DOMParser().parseFromString(page, "text/html");
  if (fresh.body.dataset.page !== document.body.dataset.page) return;
  localise(fresh);
  for (const part of fresh.querySelectorAll("[data-live]")) {
    const old = document.getElementById(part.id);
    if (old) morph(old, part);
  }
  const stream = fresh.body.dataset.stream;
  if (stream && stream !== document.body.dataset.stream) document.body.dataset.stream = stream;
}

// Changes only what differs: focus, open folds, selections and what is being typed stay.
function morph(old, fresh) {
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName) {
    old.replaceWith(document.importNode(fresh, true));
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  if (old.dataset.armed || old.dataset.busy || old.isEqualNode(fresh)) return;
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && name !== "open") old.removeAttribute(name);
  }
  for (const { name, value } of [...fresh.attributes]) {
    if (name !== "open" && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  children(old, fresh);
}

function children(old, fresh) {
  const keyed = new Map();
  for (const child of old.children) {
    if (child.dataset.key) keyed.set(`${child.nodeName} ${child.dataset.key}`, child);
  }
  let at = old.firstChild;
  for (const want of fresh.childNodes) {
    const key = want.dataset?.key && `${want.nodeName} ${want.dataset.key}`;
    const known = key && keyed.get(key);
    if (known) {
      keyed.delete(key);
      if (known === at) at = at.nextSibling;
      else old.insertBefore(known, at);
      morph(known, want);
    } else if (!key && at && !at.dataset?.key && at.nodeName === want.nodeName) {
      const next = at.nextSibling;
      morph(at, want);
      at = next;
    } else {
      old.insertBefore(document.importNode(want, true), at);
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}
