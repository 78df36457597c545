// Buttons and forms that ask the daemon for something, and what it says to that.
const said = document.getElementById("said");
const wrong = document.getElementById("wrong");
let quiet;

export function say(text) {
  said.textContent = text;
  clearTimeout(quiet);
  quiet = setTimeout(() => { said.textContent = ""; }, 8000);
}

// Errors come as problem+json: what is wrong, what to do, and what to send to have it done all the same.
export async function problem(response) {
  let told = {};
  try {
    told = await response.json();
  } catch {
    // A body that is no JSON says nothing to a person.
  }
  if (response.status === 401) {
    return { detail: "You are logged out.", hints: ["`bead login` gives a new link"], force_key: null };
  }
  const detail = typeof told.detail === "string" ? told.detail : `The daemon answered with ${response.status}.`;
  const hints = Array.isArray(told.hints) ? told.hints.filter((hint) => typeof hint === "string") : [];
  return { detail, hints, force_key: typeof told.force_key === "string" ? told.force_key : null };
}

export function post(path, body, method = "POST") {
  return fetch(path, {
    method,
    credentials: "same-origin",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify(body),
  });
}

export function complain({ detail, hints, force_key }, force) {
  const text = document.createElement("p");
  text.append(detail);
  const list = document.createElement("ul");
  for (const hint of hints) {
    const item = document.createElement("li");
    item.append(hint);
    list.append(item);
  }
  const row = document.createElement("div");
  row.className = "actions";
  if (force_key && force) {
    row.append(button("Do it all the same", "danger", () => { hush(); force({ [force_key]: true }); }));
  }
  row.append(button("Close this message", "plain", hush));
  wrong.replaceChildren(text, ...(hints.length ? [list] : []), row);
}

export function hush() {
  wrong.replaceChildren();
}

function button(words, look, press) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = `button ${look}`;
  made.append(words);
  made.addEventListener("click", press);
  return made;
}

export function wire(refresh) {
  const act = async (where, body) => {
    const { post: path, done, go } = where.dataset;
    const controls = where.matches("form") ? [...where.elements] : [where];
    // A second press while the first is under way would ask twice.
    if (where.dataset.busy) return;
    where.dataset.busy = "1";
    where.setAttribute("aria-busy", "true");
    hush();
    try {
      const response = await post(path, body, where.dataset.method);
      if (response.ok) {
        say(done || "Done.");
        if (where.matches("form")) finish(where);
        if (go) location.assign(go);
      } else {
        complain(await problem(response), (extra) => act(where, { ...body, ...extra }));
      }
    } catch {
      complain({ detail: "The daemon does not answer.", hints: ["is this device connected?"], force_key: null });
    } finally {
      delete where.dataset.busy;
      where.removeAttribute("aria-busy");
      controls.forEach((control) => disarm(control));
      refresh();
    }
  };
  document.addEventListener("click", (event) => {
    const pressed = event.target.closest("button[data-post]");
    if (!pressed) return;
    if (pressed.dataset.confirm && !pressed.dataset.armed) return arm(pressed);
    act(pressed, JSON.parse(pressed.dataset.body || "{}"));
  });
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-post]");
    if (!form) return;
    event.preventDefault();
    const body = JSON.parse(form.dataset.body || "{}");
    body[form.dataset.field] = form.elements[form.dataset.field].value;
    if (form.elements.now?.checked) body.now = true;
    act(form, body);
  });
}

// The first press asks back; the second, within some seconds, does it.
function arm(pressed) {
  pressed.dataset.armed = pressed.textContent;
  pressed.dataset.named = pressed.getAttribute("aria-label") ?? pressed.textContent;
  pressed.textContent = pressed.dataset.confirm;
  pressed.setAttribute("aria-label", pressed.dataset.confirm);
  setTimeout(() => disarm(pressed), 6000);
}

function disarm(pressed) {
  if (!pressed.dataset?.armed) return;
  pressed.textContent = pressed.dataset.armed;
  pressed.setAttribute("aria-label", pressed.dataset.named);
  delete pressed.dataset.armed;
  delete pressed.dataset.named;
}

function finish(form) {
  form.reset();
  const fold = form.closest("details.act");
  if (fold) {
    fold.open = false;
    fold.querySelector("summary")?.focus();
  }
}
