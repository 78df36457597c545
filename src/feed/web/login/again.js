// Whoever comes by a link from elsewhere brings no cookie along. From here it is sent: try once more, once.
const key = `again ${location.pathname}`;
const known = await fetch("/api/session").then((answer) => answer.ok, () => false);
if (known && !sessionStorage.getItem(key)) {
  sessionStorage.setItem(key, "1");
  location.replace(location.pathname + location.search);
} else {
  sessionStorage.removeItem(key);
}
