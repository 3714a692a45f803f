// The call page: the player, the transcript that follows it, the evidence of the summary. Keys: space plays, J and L
// skip ten seconds, the arrows five; all are silent while somebody types or composes Hangul.

import { Player } from "./player.js";
import { wireFind } from "./find.js";

const turns = [...document.querySelectorAll(".turn")];
const box = document.querySelector("[data-player]");
const player = box ? new Player(box) : null;
const still = matchMedia("(prefers-reduced-motion: reduce)");
let playing = null;

wireFind(document.querySelector("[data-find]"), document.querySelector("[data-find-count]"), turns, show);

function show(turn) {
  const pane = turn.closest(".transcript");
  const behavior = still.matches ? "auto" : "smooth";
  if (pane.scrollHeight > pane.clientHeight + 4 && getComputedStyle(pane).overflowY === "auto") {
    const top = turn.offsetTop - pane.offsetTop - (pane.clientHeight - turn.offsetHeight) / 2;
    pane.scrollTo({ top: pane === turn.offsetParent ? top + pane.offsetTop : top, behavior });
  } else {
    turn.scrollIntoView({ block: "center", behavior });
  }
}

function at(turn) {
  return Number(turn.dataset.startS);
}

if (player) {
  player.onTime = (nowS) => {
    const now = turns.findLast((turn) => at(turn) <= nowS + 0.05) ?? null;
    const spoken = now && nowS <= Number(now.dataset.endS) + 0.6 ? now : null;
    if (spoken === playing) return;
    playing?.classList.remove("playing");
    playing = spoken;
    playing?.classList.add("playing");
    if (playing && player.isPlaying) show(playing);
  };
  for (const turn of turns) {
    turn.addEventListener("click", () => {
      if (!getSelection().isCollapsed) return;
      player.playFrom(at(turn));
    });
  }
}

for (const link of document.querySelectorAll("[data-ref]")) {
  const turn = document.getElementById(`s${link.dataset.ref}`);
  if (!turn) continue;
  link.addEventListener("click", (event) => {
    event.preventDefault();
    history.replaceState(null, "", `#s${link.dataset.ref}`);
    light(turn);
    show(turn);
    if (player && turn.dataset.startS) player.playFrom(at(turn));
  });
  link.addEventListener("mouseenter", () => turn.classList.add("lit"));
  link.addEventListener("mouseleave", () => turn.classList.remove("lit"));
}

function light(turn) {
  for (const other of turns) other.classList.remove("lit");
  turn.classList.add("lit");
  setTimeout(() => turn.classList.remove("lit"), 2500);
}

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.keyCode === 229 || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, button, summary, [contenteditable]") || !player) return;
  const skips = { KeyJ: -10, KeyL: 10, ArrowLeft: -5, ArrowRight: 5 };
  if (event.code === "Space" || event.code === "KeyK") player.toggle();
  else if (event.code in skips) player.skip(skips[event.code]);
  else return;
  event.preventDefault();
});

if (location.hash.startsWith("#s")) {
  const turn = document.getElementById(location.hash.slice(1));
  if (turn) {
    show(turn);
    if (player) player.seek(at(turn));
  }
}
