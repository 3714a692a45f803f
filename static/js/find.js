// Find in the transcript: every hit is marked, Enter goes to the next one, Shift+Enter to the one before.

export function wireFind(input, count, turns, show) {
  if (!input) return;
  let hits = [];
  let here = -1;

  function clear() {
    for (const mark of document.querySelectorAll(".turn-text mark")) {
      const text = mark.parentElement;
      mark.replaceWith(mark.textContent);
      text.normalize();
    }
    hits = [];
    here = -1;
  }

  function search() {
    clear();
    const wanted = input.value.trim().toLocaleLowerCase();
    if (wanted) for (const turn of turns) hits.push(...mark(turn.querySelector(".turn-text"), wanted));
    if (hits.length) go(0);
    else count.textContent = wanted ? "0" : "";
  }

  function go(index) {
    hits[here]?.classList.remove("here");
    here = (index + hits.length) % hits.length;
    hits[here].classList.add("here");
    count.textContent = `${here + 1} / ${hits.length}`;
    show(hits[here].closest(".turn"));
  }

  input.addEventListener("input", search);
  input.addEventListener("keydown", (event) => {
    if (event.isComposing || event.key !== "Enter") return;
    event.preventDefault();
    if (hits.length) go(here + (event.shiftKey ? -1 : 1));
  });
}

function mark(element, wanted) {
  const text = element.textContent;
  const lower = text.toLocaleLowerCase();
  const marks = [];
  const parts = [];
  let position = 0;
  for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, position)) {
    const hit = document.createElement("mark");
    hit.textContent = text.slice(at, at + wanted.length);
    parts.push(text.slice(position, at), hit);
    marks.push(hit);
    position = at + wanted.length;
  }
  if (marks.length) element.replaceChildren(...parts, text.slice(position));
  return marks;
}
