// Shows what the daemon pushes, opens what is pressed, and has one page for when there is no connection. It keeps no
// answer of the API and no page with anybody's work.
const KEPT = "shell-1";
const SHELL = ["/offline", "/assets/style.css", "/icon.svg", "/icon-192.png"];

self.addEventListener("install", (event) => {
  event.waitUntil((async () => {
    const kept = await caches.open(KEPT);
    await kept.addAll(SHELL);
    await self.skipWaiting();
  })());
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) if (name !== KEPT) await caches.delete(name);
    await self.clients.claim();
  })());
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const path = new URL(request.url).pathname;
  if (request.mode === "navigate") {
    event.respondWith(fetch(request).catch(async () => (await caches.match("/offline")) ?? Response.error()));
  } else if (request.method === "GET" && SHELL.includes(path)) {
    event.respondWith(fetch(request).catch(async () => (await caches.match(path)) ?? Response.error()));
  }
});

self.addEventListener("push", (event) => {
  let told = {};
  try {
    told = event.data?.json() ?? {};
  } catch {
    // Browsers demand that something is shown for every message.
  }
  const word = (value, most) => (typeof value === "string" ? value.slice(0, most) : "");
  const actions = Array.isArray(told.actions) ? told.actions.slice(0, 2) : [];
  const shown = actions.map((one) => ({ action: word(one.action, 40), title: word(one.title, 40) }));
  const capabilities = {};
  for (const one of actions) capabilities[word(one.action, 40)] = word(one.capability, 400);
  event.waitUntil(self.registration.showNotification(word(told.title, 120) || "Beadwork", {
    body: word(told.body, 1000),
    tag: word(told.tag, 120) || undefined,
    icon: "/icon-192.png",
    badge: "/icon-192.png",
    actions: shown,
    data: { url: word(told.url, 500), capabilities },
  }));
});

self.addEventListener("notificationclick", (event) => {
  const { notification, action } = event;
  notification.close();
  const capability = action && notification.data?.capabilities?.[action];
  event.waitUntil(capability ? use(capability, notification) : open(notification.data?.url));
});

// A path of our own origin, or the first page: a message can lead nowhere else.
function ours(url) {
  try {
    const found = new URL(typeof url === "string" ? url : "/", self.location.origin);
    return found.origin === self.location.origin ? found.href : self.location.origin + "/";
  } catch {
    return self.location.origin + "/";
  }
}

async function open(url) {
  const target = ours(url);
  for (const client of await self.clients.matchAll({ type: "window", includeUncontrolled: true })) {
    if (client.url === target) return client.focus();
  }
  return self.clients.openWindow(target);
}

// A one-time capability does its one action; whatever hinders it is shown where a person can decide.
async function use(capability, notification) {
  try {
    const response = await fetch("/api/capabilities", {
      method: "POST",
      credentials: "same-origin",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ capability }),
    });
    if (response.ok) return;
  } catch {
    // Offline: the page says so.
  }
  await self.registration.showNotification("That did not work", {
    body: "Open the page to decide there.",
    tag: notification.tag || undefined,
    icon: "/icon-192.png",
    data: { url: notification.data?.url },
  });
}
