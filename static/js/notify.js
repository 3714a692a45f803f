// Tell when the work that a page shows has ended, though the page lies behind others. Asked for with a button, for this
// page and this time only; without HTTPS or with notifications refused there is no button.

const key = `notify:${location.pathname}`;
const running = () => document.querySelector("#progress, #account[hx-get]");

function offer() {
  const button = document.querySelector("[data-notify]");
  if (!button || !globalThis.Notification || !isSecureContext || Notification.permission === "denied") return;
  button.hidden = false;
  button.setAttribute("aria-pressed", sessionStorage.getItem(key) !== null);
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-notify]");
  if (!button) return;
  if (sessionStorage.getItem(key) !== null) sessionStorage.removeItem(key);
  else if ((await Notification.requestPermission()) === "granted") sessionStorage.setItem(key, button.dataset.notify);
  offer();
});

function look() {
  const words = sessionStorage.getItem(key);
  if (words !== null && !running()) {
    sessionStorage.removeItem(key);
    const note = new Notification(words, { body: document.querySelector("h1").textContent.trim(), tag: key });
    note.addEventListener("click", () => focus());
  }
  offer();
}

look();
for (const name of ["htmx:afterSettle", "yoyak:ended"]) document.addEventListener(name, look);
