// A run's log: read on from where the last piece ended, so that nothing is missed and nothing comes twice.
const MOST = 4000;
const MARKS = {
  command: "$", tool: "›", failed: "!", trouble: "!", added: "+", removed: "−", ours: "✉", thinks: "~",
};
const KINDS = new Set([
  "says", "thinks", "command", "tool", "ok", "failed", "added", "removed", "trouble", "ours", "end", "note",
]);

export function follow(log) {
  const path = log.dataset.log;
  const jump = document.getElementById("follow");
  const earlier = document.getElementById("earlier");
  let next = Number(log.dataset.next);
  let first = Number(log.dataset.from);
  let reading = false, again = false, atEnd = true;

  const toEnd = () => { log.scrollTop = log.scrollHeight; };
  log.addEventListener("scroll", () => {
    atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    if (atEnd) jump.hidden = true;
  }, { passive: true });
  jump.addEventListener("click", () => { atEnd = true; jump.hidden = true; toEnd(); log.focus(); });
  earlier?.addEventListener("click", async () => {
    const chunk = await piece(`${path}?before=${first}`);
    if (!chunk) return;
    const height = log.scrollHeight;
    earlier.after(...chunk.lines.map(line));
    first = chunk.from;
    if (first <= 0) earlier.remove();
    log.scrollTop += log.scrollHeight - height;
  });
  toEnd();

  async function read() {
    if (reading) { again = true; return; }
    reading = true;
    do {
      again = false;
      const chunk = await piece(`${path}?from=${next}`);
      if (!chunk) break;
      if (chunk.anew) log.replaceChildren();
      again ||= chunk.next !== next && chunk.lines.length > 0;
      next = chunk.next;
      if (chunk.lines.length > 0) show(chunk.lines);
    } while (again);
    reading = false;
  }

  function show(lines) {
    log.append(...lines.map(line));
    while (log.childElementCount > MOST) log.firstElementChild.remove();
    if (atEnd) toEnd();
    else jump.hidden = false;
  }

  // Other processes write logs too, and nobody tells this daemon.
  setInterval(() => { if (document.visibilityState === "visible") read(); }, 2500);
  let soon;
  return () => { soon ??= setTimeout(() => { soon = undefined; read(); }, 150); };
}

async function piece(path) {
  try {
    const response = await fetch(path, { credentials: "same-origin", headers: { accept: "application/json" } });
    return response.ok ? await response.json() : undefined;
  } catch {
    return undefined;
  }
}

function line({ kind, text }) {
  const row = document.createElement("p");
  row.className = KINDS.has(kind) ? kind : "note";
  const mark = document.createElement("span");
  mark.className = "mark";
  mark.append(MARKS[kind] ?? "");
  row.append(mark, String(text));
  return row;
}
