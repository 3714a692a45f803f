// A moment of a call in its address: #t=83, #t=83.5, #t=1:23 or #t=1:02:03.

import { copy } from "./copy.js";
import { say } from "./say.js";

export function momentOf(hash) {
  const match = /^#t=(?:(?:(\d{1,3}):)?(\d{1,4}):)?(\d{1,6}(?:\.\d+)?)$/.exec(hash);
  if (!match) return null;
  const [, hours = 0, minutes = 0, seconds] = match;
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
}

export function wireMoment(box, player) {
  const go = () => {
    const wanted = momentOf(location.hash);
    if (wanted !== null) player.seek(wanted);
  };
  box.querySelector("[data-link]").addEventListener("click", async (event) => {
    history.replaceState(null, "", `#t=${player.nowS.toFixed(1)}`);
    const { textCopied, textFailed } = event.currentTarget.dataset;
    say(await copy(location.href).then(() => textCopied, () => textFailed));
  });
  addEventListener("hashchange", go);
  if (player.audio.readyState > 0) go();
  else player.audio.addEventListener("loadedmetadata", go, { once: true });
}
