// A line at the foot of the page that says what was just done, to eyes and to screen readers; it goes by itself.

const SHOWN_MS = 2500;
let hiding = 0;

export function say(words) {
  const line = document.querySelector("[data-told]");
  line.textContent = words;
  line.classList.add("shown");
  clearTimeout(hiding);
  hiding = setTimeout(() => line.classList.remove("shown"), SHOWN_MS);
}
