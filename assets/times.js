// Times are UTC in the page, and the reader's own here.
const hour = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const tick = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

export function localise(root) {
  const today = new Date().toDateString();
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.getAttribute("datetime"));
    if (Number.isNaN(at.getTime())) continue;
    time.textContent = at.toDateString() === today ? hour.format(at) : day.format(at);
    time.setAttribute("title", whole.format(at));
  }
  for (const label of root.querySelectorAll("text[data-at]")) {
    const at = new Date(label.dataset.at);
    if (!Number.isNaN(at.getTime())) label.textContent = tick.format(at);
  }
}
