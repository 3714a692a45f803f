// Correct a line in its place: the server sends the form with the line's history, and the line when it is kept. Escape
// leaves the form, Ctrl+Enter saves it.

import { say as tell } from "./say.js";

export function wireEdit(list) {
  list.addEventListener("click", async (event) => {
    const turn = event.target.closest(".turn");
    if (event.target.closest("[data-cancel]")) close(turn);
    const button = event.target.closest("[data-edit]");
    if (!button || turn.querySelector("form")) return;
    const answer = await ask(turn, list.dataset, button.dataset.edit);
    if (answer) open(turn, await answer.text());
  });
  list.addEventListener("keydown", (event) => {
    const form = event.target.closest("form");
    if (!form || event.isComposing) return;
    if (event.key === "Escape") close(form.closest(".turn"));
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit(form.querySelector("button"));
  });
  list.addEventListener("submit", async (event) => {
    event.preventDefault();
    const turn = event.target.closest(".turn");
    const save = event.submitter;
    if (save) save.disabled = true;
    const { action, method } = event.target;
    const answer = await ask(turn, list.dataset, action, { method, body: new FormData(event.target) });
    if (answer?.ok) keep(turn, await answer.text(), list.dataset.textSaved);
    else if (answer) open(turn, await answer.text());
    else if (save) save.disabled = false;
  });
}

// Return an answer that can be shown: the form, the line, or the form with what is wrong. Of any other the line tells.
async function ask(turn, text, address, options) {
  const answer = await fetch(address, options).catch(() => null);
  if (answer?.redirected) location.reload(); // the session has ended; the login page asks
  else if (answer?.ok || answer?.status === 409 || answer?.status === 422) return answer;
  else say(turn, answer?.status === 403 ? text.textForbidden : text.textBroken);
  return null;
}

function say(turn, words) {
  turn.querySelector("[data-said]")?.remove();
  const note = document.createElement("p");
  note.className = "form-error";
  note.role = "alert";
  note.dataset.said = "";
  note.textContent = words;
  turn.querySelector(".turn-body").append(note);
}

function open(turn, html) {
  tidy(turn);
  turn.querySelector(".turn-body").insertAdjacentHTML("beforeend", html);
  turn.classList.add("editing");
  turn.querySelector("textarea").focus();
}

function close(turn) {
  tidy(turn);
  turn.querySelector("[data-edit]").focus();
}

function tidy(turn) {
  for (const piece of turn.querySelectorAll("form, [data-said]")) piece.remove();
  turn.classList.remove("editing");
}

// The summary was made from the line as it was, which its banner says from now on.
function keep(turn, html, words) {
  put(turn, html);
  tell(words);
  const stale = document.querySelector("[data-stale]");
  if (stale) stale.hidden = false;
}

function put(turn, html) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  const line = holder.content.querySelector(".turn");
  turn.replaceWith(line);
  line.querySelector("[data-edit]").focus();
}
