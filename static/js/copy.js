// Buttons that copy the text of the element they name; for a moment the button says how it went.

const SHOWN_MS = 2000;

export async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Pages served without TLS in a company's network have no clipboard; a selected field can still be copied.
  const field = document.createElement("textarea");
  field.value = text;
  field.readOnly = true;
  field.className = "hidden";
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  if (!done) throw new Error("the browser refused to copy");
}

for (const button of document.querySelectorAll("[data-copy]")) {
  const label = button.textContent;
  let back = 0;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const text = document.getElementById(button.dataset.copy).textContent;
    button.textContent = await copy(text).then(() => button.dataset.copied, () => button.dataset.failed);
    clearTimeout(back);
    back = setTimeout(() => { button.textContent = label; }, SHOWN_MS);
  });
}
