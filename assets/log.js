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
  // What is shown, piece by piece: where each begins, and its number of lines.
  let pieces = [{ from: Number(log.dataset.from), count: log.querySelectorAll("p").length }];
  let reading = false, again = false, atEnd = true, asking = false;

  const toEnd = () => { log.scrollTop = log.scrollHeight; };
  log.addEventListener("scroll", () => {
    atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    if (atEnd) jump.hidden = true;
  }, { passive: true });
  jump.addEventListener("click", () => { atEnd = true; jump.hidden = true; toEnd(); log.focus(); });
  earlier.addEventListener("click", async () => {
    // A second press while the first is under way would show the same lines twice.
    if (asking || pieces.length === 0) return;
    asking = true;
    const shown = pieces[0];
    const chunk = await piece(`${path}?before=${shown.from}`);
    asking = false;
    if (!chunk || pieces[0] !== shown) return;
    const height = log.scrollHeight;
    earlier.after(...chunk.lines.map(line));
    pieces.unshift({ from: chunk.from, count: chunk.lines.length });
    earlier.hidden = chunk.from <= 0;
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
      if (chunk.anew) {
        log.replaceChildren(earlier);
        earlier.hidden = true;
        pieces = [];
      }
      again ||= chunk.next !== next && chunk.lines.length > 0;
      next = chunk.next;
      if (chunk.lines.length > 0) show(chunk);
    } while (again);
    reading = false;
  }

  function show({ from, lines }) {
    log.append(...lines.map(line));
    pieces.push({ from, count: lines.length });
    if (atEnd) {
      drop();
      toEnd();
    } else jump.hidden = false;
  }

  // Whole pieces go from the beginning, so that it is known where what is left begins; "earlier" gives them back.
  function drop() {
    let shown = pieces.reduce((sum, { count }) => sum + count, 0);
    while (pieces.length > 1 && shown - pieces[0].count >= MOST) {
      const { count } = pieces.shift();
      for (let n = 0; n < count; n += 1) earlier.nextElementSibling.remove();
      shown -= count;
      earlier.hidden = false;
    }
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
