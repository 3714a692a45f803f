// Find in the transcript: every hit is painted, Enter goes to the next one, Shift+Enter to the one before, Escape
// leaves. Painted with the browser's highlights, so the words stay as they are and can be clicked and lit while found.

export function wireFind(input, count, lines, show) {
  if (!input) return;
  let hits = [];
  let here = -1;

  function search() {
    const wanted = input.value.trim().toLocaleLowerCase();
    hits = wanted ? lines().flatMap((line) => rangesIn(line.querySelector(".turn-text"), wanted)) : [];
    paint("found", hits);
    paint("found-here", []);
    if (hits.length) go(0);
    else count.textContent = wanted ? "0" : "";
  }

  function go(index) {
    here = (index + hits.length) % hits.length;
    paint("found-here", [hits[here]]);
    count.textContent = `${here + 1} / ${hits.length}`;
    show(hits[here].startContainer.parentElement.closest(".turn"));
  }

  function leave() {
    input.value = "";
    search();
    input.blur();
  }

  input.addEventListener("input", search);
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Escape") leave();
    if (event.key !== "Enter") return;
    event.preventDefault();
    if (hits.length) go(here + (event.shiftKey ? -1 : 1));
  });
}

function paint(name, ranges) {
  if (!globalThis.Highlight) return;
  const highlight = new Highlight(...ranges);
  highlight.priority = name === "found-here" ? 1 : 0;
  CSS.highlights.set(name, highlight);
}

function rangesIn(element, wanted) {
  const text = element.textContent.toLocaleLowerCase();
  const ranges = [];
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + wanted.length)) {
    const range = document.createRange();
    range.setStart(...placeIn(element, at));
    range.setEnd(...placeIn(element, at + wanted.length));
    ranges.push(range);
  }
  return ranges;
}

function placeIn(element, offset) {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  let left = offset;
  let node = walker.nextNode();
  while (left > node.length) {
    left -= node.length;
    node = walker.nextNode();
  }
  return [node, left];
}
