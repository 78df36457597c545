// The code stands behind the `#`: it was never sent anywhere. It is sent once, by a press of the button.
const field = document.getElementById("code");
const said = document.getElementById("said");
const button = document.getElementById("enter");

const behind = location.hash.slice(1);
history.replaceState(null, "", "/login");
try {
  field.value = decodeURIComponent(behind);
} catch {
  // Cut off in the middle of a character: whoever has the rest sees what is missing.
  field.value = behind;
}

document.getElementById("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  button.disabled = true;
  said.textContent = "";
  try {
    const answer = await fetch("/api/session", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ code: field.value.trim() }),
    });
    if (answer.ok) {
      location.replace("/");
      return;
    }
    const problem = await answer.json();
    said.textContent = [problem.detail, ...(problem.hints ?? [])].join("; ");
  } catch {
    said.textContent = "Beadwork does not answer";
  }
  button.disabled = false;
});

// Only now: a press before this script ran would send nothing anywhere.
button.disabled = false;
if (field.value) button.focus();
else field.focus();
