// Correct a line in its place: the server sends the form with the line's history, and the line when it is kept.

export function wireEdit(list) {
  list.addEventListener("click", async (event) => {
    const turn = event.target.closest(".turn");
    if (event.target.closest("[data-cancel]")) close(turn);
    const button = event.target.closest("[data-edit]");
    if (button && !turn.querySelector("form")) open(turn, await fetch(button.dataset.edit));
  });
  list.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.isComposing && event.target.closest("form")) {
      close(event.target.closest(".turn"));
    }
  });
  list.addEventListener("submit", async (event) => {
    event.preventDefault();
    const turn = event.target.closest(".turn");
    const save = event.submitter;
    if (save) save.disabled = true;
    const { action, method } = event.target;
    const answer = await fetch(action, { method, body: new FormData(event.target) });
    if (answer.ok) put(turn, await answer.text());
    else if (answer.status === 409 || answer.status === 422) await open(turn, answer);
    else if (save) save.disabled = false;
  });
}

async function open(turn, answer) {
  if (answer.redirected) location.reload(); // the session has ended; the login page asks
  const html = await answer.text();
  turn.querySelector("form")?.remove();
  turn.querySelector(".turn-body").insertAdjacentHTML("beforeend", html);
  turn.classList.add("editing");
  turn.querySelector("textarea").focus();
}

function close(turn) {
  turn.querySelector("form")?.remove();
  turn.classList.remove("editing");
  turn.querySelector("[data-edit]").focus();
}

function put(turn, html) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  const line = holder.content.querySelector(".turn");
  turn.replaceWith(line);
  line.querySelector("[data-edit]").focus();
}
