// Alerts on this device: asked for by a press alone, and undone by one.
import { complain, post, problem, say } from "./acts.js";
import { refresh } from "./live.js";

const state = document.getElementById("push-state");
const on = document.getElementById("push-on");
const off = document.getElementById("push-off");
const test = document.getElementById("push-test");
// Without a push service in reach, subscribing never settles.
const PATIENCE = 5000;

on.addEventListener("click", () => turn(subscribe));
off.addEventListener("click", () => turn(unsubscribe));
test.addEventListener("click", () => turn(async () => {
  await send("/api/push/test", {});
  say("A test is on its way.");
}));
show();

async function turn(what) {
  for (const one of [on, off, test]) one.disabled = true;
  try {
    await what();
  } catch (error) {
    if (error instanceof Response) complain(await problem(error));
    else complain({ detail: error.message, hints: [], force_key: null });
  }
  for (const one of [on, off, test]) one.disabled = false;
  show();
  refresh();
}

async function show() {
  const told = await stands();
  state.textContent = told.words;
  on.hidden = !told.can;
  off.hidden = test.hidden = !told.is;
}

async function stands() {
  if (!window.isSecureContext) {
    return { words: "A browser takes alerts only over HTTPS: set server.public_url.", can: false, is: false };
  }
  if (!("serviceWorker" in navigator) || !("PushManager" in window)) {
    return { words: "This browser cannot show alerts; on a phone, add this page to the home screen first.", can: false, is: false };
  }
  if (Notification.permission === "denied") {
    return { words: "Alerts are forbidden for this page in the browser's settings.", can: false, is: false };
  }
  const worker = await navigator.serviceWorker.getRegistration("/");
  const had = await worker?.pushManager.getSubscription();
  if (!had) return { words: "This device shows no alerts.", can: true, is: false };
  if (!(await isHeard(had))) {
    return { words: "This device shows no alerts any more: turn them on again.", can: true, is: false };
  }
  return { words: "This device shows alerts.", can: false, is: true };
}

// With another key, or where the daemon has forgotten it, a subscription hears nothing. Who cannot be asked says nothing.
async function isHeard(had) {
  try {
    const used = had.options?.applicationServerKey;
    if (used && base64url(used) !== await currentKey()) return false;
    const response = await post("/api/push/known", { endpoint: had.endpoint });
    return !response.ok || (await response.json()).known !== false;
  } catch {
    return true;
  }
}

async function currentKey() {
  const response = await fetch("/api/push/key", { credentials: "same-origin" });
  if (!response.ok) throw response;
  return (await response.json()).key;
}

function base64url(buffer) {
  const text = btoa(String.fromCharCode(...new Uint8Array(buffer)));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

async function subscribe() {
  const permission = await Notification.requestPermission();
  if (permission !== "granted") throw new Error("The browser was not allowed to show alerts.");
  const key = await currentKey();
  const worker = await limited(navigator.serviceWorker.ready);
  // One that hears nothing any more is in the way of another with a new key.
  await (await worker.pushManager.getSubscription())?.unsubscribe();
  const made = await limited(worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key }));
  try {
    await send("/api/push/subscriptions", made.toJSON());
  } catch (error) {
    // A subscription that the daemon does not know would never hear anything.
    await made.unsubscribe();
    throw error;
  }
  say("Alerts are on.");
}

async function unsubscribe() {
  const worker = await navigator.serviceWorker.getRegistration("/");
  const had = await worker?.pushManager.getSubscription();
  if (had) {
    await had.unsubscribe();
    await fetch("/api/push/subscriptions", {
      method: "DELETE",
      credentials: "same-origin",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ endpoint: had.endpoint }),
    });
  }
  say("Alerts are off.");
}

async function send(path, body) {
  const response = await post(path, body);
  if (!response.ok) throw response;
}

function limited(promise) {
  const late = new Error("The push service of this browser does not answer. Is this device online?");
  const timer = new Promise((_, fail) => { setTimeout(() => fail(late), PATIENCE); });
  return Promise.race([promise, timer]);
}
