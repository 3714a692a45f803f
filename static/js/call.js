// The call page: ties the player, the transcript that follows it and the evidence of the summary together.

import { Player } from "./player.js";
import { wireEdit } from "./edit.js";
import { wireEnded } from "./ended.js";
import { wireEvidence } from "./evidence.js";
import { wireFind } from "./find.js";
import { Follow } from "./follow.js";
import { wireKeys } from "./keys.js";
import { wireMoment } from "./moment.js";
import { endOfSilence, silences } from "./silence.js";

const list = document.querySelector("[data-turns]");
const lines = () => [...list.children];
const box = document.querySelector("[data-player]");
const player = box ? new Player(box) : null;
const find = document.querySelector("[data-find]");
const still = matchMedia("(prefers-reduced-motion: reduce)");

wireFind(find, document.querySelector("[data-find-count]"), lines, show);
wireEdit(list);
wireKeys({ player, step, find, help: document.querySelector("[data-keys]") });
wireEvidence({ show, play: (line) => line.dataset.startS && player?.playFrom(at(line)) });
wireEnded(() => player?.nowS > 0 || find.value || list.querySelector("form"));
if (player) followPlayer();

function show(line) {
  const pane = line.closest(".transcript");
  const behavior = still.matches ? "auto" : "smooth";
  if (pane.scrollHeight > pane.clientHeight + 4 && getComputedStyle(pane).overflowY === "auto") {
    const top = line.offsetTop - pane.offsetTop - (pane.clientHeight - line.offsetHeight) / 2;
    pane.scrollTo({ top: pane === line.offsetParent ? top + pane.offsetTop : top, behavior });
  } else {
    line.scrollIntoView({ block: "center", behavior });
  }
}

function at(line) {
  return Number(line.dataset.startS);
}

function followPlayer() {
  const follow = new Follow(list, document.querySelector("[data-follow]"), show);
  const skipping = box.querySelector("[data-skip-silence]");
  const gaps = silences(lines());
  player.onTime = (nowS) => {
    const heardAgainS = skipping.checked && player.isPlaying ? endOfSilence(gaps, nowS) : null;
    if (heardAgainS !== null) player.seek(heardAgainS);
    else follow.at(nowS, player.isPlaying);
  };
  list.addEventListener("click", (event) => {
    const line = event.target.closest(".turn");
    if (!line || event.target.closest("form, [data-edit]") || !getSelection().isCollapsed) return;
    follow.resume();
    player.playFrom(Number(event.target.closest("[data-at]")?.dataset.at ?? at(line)));
  });
  wireMoment(box, player);
}

// Up and down go to the line before and after the one at the player's time.
function step(count) {
  const all = lines();
  const now = all.findLastIndex((line) => at(line) <= player.nowS + 0.05);
  const line = all[Math.min(Math.max(0, now + count), all.length - 1)];
  player.seek(at(line));
  show(line);
}

if (/^#s\d+$/.test(location.hash)) {
  const line = document.getElementById(location.hash.slice(1));
  if (line) {
    show(line);
    if (player) player.seek(at(line));
  }
}
