// The server tells a page to load itself again when the work on its call has ended. One that somebody listens to or
// writes in stays as it is, and offers what is new.

import { say } from "./say.js";

export function wireEnded(inUse) {
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    if (!event.detail.xhr.getResponseHeader("HX-Refresh") || !inUse()) return;
    event.preventDefault();
    const news = document.querySelector("template[data-ended]").content.cloneNode(true);
    say(news.querySelector("h2").textContent);
    document.querySelector("#progress").replaceWith(news);
    document.dispatchEvent(new CustomEvent("yoyak:ended"));
  });
}
