// The secret is the last part of the address. It is sent once, by a press of the button.
const said = document.getElementById("said");
const button = document.getElementById("press");

document.getElementById("act")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  button.disabled = true;
  said.textContent = "";
  try {
    const answer = await fetch("/api/capabilities", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ capability: location.pathname.split("/").pop() }),
    });
    const told = await answer.json();
    said.textContent = answer.ok ? told.accepted : [told.detail, ...(told.hints ?? [])].join("; ");
    if (answer.ok) button.remove();
  } catch {
    said.textContent = "Beadwork does not answer";
    button.disabled = false;
  }
});
