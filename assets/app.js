// What every page has: times in the reader's zone, actions, one stream. Texts go in as nodes of text only.
import { wire } from "./acts.js";
import { listen, refresh } from "./live.js";
import { follow } from "./log.js";
import { localise } from "./times.js";

localise(document);
wire(refresh);
const log = document.getElementById("log");
const poke = log ? follow(log) : () => {};
if (document.body.dataset.stream) {
  listen(poke);
}
if (document.body.dataset.page === "settings") {
  loadPush();
}
if ("serviceWorker" in navigator && window.isSecureContext) {
  // A device may forbid it (private windows do): the pages work without.
  navigator.serviceWorker.register("/sw.js").catch(() => {});
}

function loadPush() {
  const script = document.createElement("script");
  script.type = "module";
  script.src = "/assets/push.js";
  document.head.append(script);
}
