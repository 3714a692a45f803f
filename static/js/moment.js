// A moment of a call in its address: #t=83, #t=83.5, #t=1:23 or #t=1:02:03. Without one a page that comes back at once,
// as it does when somebody approves or names the parties, goes on where it was left.

import { copy } from "./copy.js";
import { say } from "./say.js";

const LEFT = "yoyak:left";
const AT_ONCE_MS = 15_000;

export function momentOf(hash) {
  const match = /^#t=(?:(?:(\d{1,3}):)?(\d{1,4}):)?(\d{1,6}(?:\.\d+)?)$/.exec(hash);
  if (!match) return null;
  const [, hours = 0, minutes = 0, seconds] = match;
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
}

export function wireMoment(box, player) {
  const go = () => {
    const wanted = momentOf(location.hash) ?? (location.hash ? null : leftAtS());
    if (wanted !== null) player.seek(wanted);
  };
  box.querySelector("[data-link]").addEventListener("click", async (event) => {
    history.replaceState(null, "", `#t=${player.nowS.toFixed(1)}`);
    const { textCopied, textFailed } = event.currentTarget.dataset;
    say(await copy(location.href).then(() => textCopied, () => textFailed));
  });
  addEventListener("hashchange", go);
  addEventListener("pagehide", () => leave(player.nowS));
  if (player.audio.readyState > 0) go();
  else player.audio.addEventListener("loadedmetadata", go, { once: true });
}

function leave(atS) {
  try {
    sessionStorage.setItem(LEFT, JSON.stringify({ path: location.pathname, atS, when: Date.now() }));
  } catch {
    // Storage is forbidden.
  }
}

function leftAtS() {
  try {
    const { path, atS, when } = JSON.parse(sessionStorage.getItem(LEFT));
    return path === location.pathname && Date.now() - when < AT_ONCE_MS ? atS : null;
  } catch {
    return null; // nothing was left, or storage is forbidden
  }
}
