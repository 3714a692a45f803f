// Links to the line that proves a statement: pointed at or focused, the line lights up and a small box beside the link
// shows who said what, wherever the transcript stands; clicked, the transcript goes there and it is played.

const GRACE_MS = 120; // to move the pointer from the link into the box
const GAP_PX = 6;

export function wireEvidence({ show, play }) {
  const box = new SaidBox();
  for (const link of document.querySelectorAll("[data-ref]")) {
    const line = () => document.getElementById(`s${link.dataset.ref}`);
    if (!line()) continue;
    link.removeAttribute("title"); // the box says it; without this module the title does
    link.addEventListener("click", (event) => {
      event.preventDefault();
      history.replaceState(null, "", `#s${link.dataset.ref}`);
      light(line());
      show(line());
      play(line());
    });
    for (const name of ["mouseenter", "focus"]) {
      link.addEventListener(name, () => {
        line().classList.add("lit");
        box.open(link, line());
      });
    }
    for (const name of ["mouseleave", "blur"]) {
      link.addEventListener(name, () => {
        line().classList.remove("lit");
        box.closeSoon();
      });
    }
  }
}

class SaidBox {
  #closing = 0;
  #link = null;

  constructor() {
    this.box = document.createElement("div");
    this.box.id = "said";
    this.box.className = "said";
    this.box.role = "tooltip";
    this.box.hidden = true;
    document.body.append(this.box);
    this.box.addEventListener("mouseenter", () => clearTimeout(this.#closing));
    this.box.addEventListener("mouseleave", () => this.closeSoon());
    document.addEventListener("keydown", (event) => event.key === "Escape" && this.#close());
    addEventListener("scroll", () => this.box.hidden || this.#place(), { passive: true });
  }

  open(link, line) {
    clearTimeout(this.#closing);
    this.#close();
    this.#link = link;
    link.setAttribute("aria-describedby", this.box.id);
    const words = line.querySelector(".turn-text");
    this.box.replaceChildren(strong(speakerOf(line)), " ", words.textContent);
    this.box.lang = words.closest("[lang]").lang;
    this.box.hidden = false;
    this.#place();
  }

  closeSoon() {
    this.#closing = setTimeout(() => this.#close(), GRACE_MS);
  }

  #close() {
    this.box.hidden = true;
    this.#link?.removeAttribute("aria-describedby");
  }

  // Below the link, above it where there is no room, and never over the edge of the window.
  #place() {
    const link = this.#link.getBoundingClientRect();
    const { width, height } = this.box.getBoundingClientRect();
    const below = link.bottom + GAP_PX;
    const top = below + height > innerHeight ? link.top - GAP_PX - height : below;
    const left = Math.max(GAP_PX, Math.min(link.left, document.documentElement.clientWidth - width - GAP_PX));
    this.box.style.top = `${top}px`;
    this.box.style.left = `${left}px`;
  }
}

// Only the first of the lines that somebody says in a row names the speaker.
function speakerOf(line) {
  let opening = line;
  while (opening && !opening.querySelector(".turn-party")) opening = opening.previousElementSibling;
  return opening?.querySelector(".turn-party").textContent ?? "";
}

function strong(text) {
  const element = document.createElement("strong");
  element.textContent = text;
  return element;
}

function light(line) {
  for (const other of line.parentElement.querySelectorAll(".lit")) other.classList.remove("lit");
  line.classList.add("lit");
  setTimeout(() => line.classList.remove("lit"), 2500);
}
