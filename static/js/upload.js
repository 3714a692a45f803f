// Upload many recordings, two at a time, each with its own progress and its own reason when it is refused.
// Large ones go in parts, so that a broken connection costs little. Without this module the form still sends everything
// in one request.

import { sendInParts } from "./parts.js";

const AT_ONCE = 2;
const PARTS_FROM_BYTES = 8 * 1024 * 1024;
const form = document.querySelector("[data-upload]");
const list = document.querySelector("[data-uploads]");
const template = document.querySelector("template[data-upload-row]");
const text = form.dataset;
const waiting = [];
let running = 0;
let added = 0;

form.classList.add("scripted");
const input = form.querySelector("input[type=file]");
input.addEventListener("change", () => {
  enqueue(input.files);
  input.value = "";
});

let depth = 0;
const carriesFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
addEventListener("dragenter", (event) => {
  if (carriesFiles(event) && ++depth) form.classList.add("over");
});
addEventListener("dragleave", (event) => {
  if (carriesFiles(event) && --depth <= 0) form.classList.remove("over");
});
addEventListener("dragover", (event) => carriesFiles(event) && event.preventDefault());
addEventListener("drop", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  depth = 0;
  form.classList.remove("over");
  enqueue(event.dataTransfer.files);
});

function enqueue(files) {
  for (const file of files) {
    const row = template.content.firstElementChild.cloneNode(true);
    row.querySelector(".upload-name").textContent = file.name;
    list.append(row);
    list.hidden = false;
    if (file.size === 0) say(row, "refused", text.textEmpty);
    else if (file.size > Number(text.limitBytes)) say(row, "refused", text.textTooLarge);
    else {
      say(row, "waiting", text.textWaiting);
      waiting.push([file, row]);
    }
  }
  next();
}

function next() {
  while (running < AT_ONCE && waiting.length) {
    running += 1;
    const [file, row] = waiting.shift();
    if (file.size > PARTS_FROM_BYTES) sendLarge(file, row);
    else send(file, row);
  }
  if (running === 0 && waiting.length === 0 && added > 0) refresh();
}

function send(file, row) {
  const body = new FormData();
  body.append("files", file, file.name);
  body.append("codec", form.elements.codec.value);
  body.append("rate_hz", form.elements.rate_hz.value);
  const request = new XMLHttpRequest();
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "application/json");
  request.setRequestHeader("X-CSRFToken", form.elements.csrfmiddlewaretoken.value);
  request.upload.addEventListener("progress", (event) => {
    if (event.lengthComputable) progress(row, event.loaded / event.total);
  });
  request.addEventListener("loadend", () => {
    finish(file, row, () => JSON.parse(request.responseText).results[0]);
  });
  request.send(body);
}

async function sendLarge(file, row) {
  const { codec, rate_hz, csrfmiddlewaretoken } = form.elements;
  const fields = { codec: codec.value, rate_hz: rate_hz.value };
  const sent = await sendInParts(file, text.parts, fields, csrfmiddlewaretoken.value, (share) => progress(row, share)).catch(() => null);
  finish(file, row, () => sent.results[0]);
}

function progress(row, share) {
  row.querySelector("progress").value = share;
  say(row, "sending", `${Math.floor(share * 100)}%`);
}

function finish(file, row, read) {
  answer(file, row, read);
  running -= 1;
  next();
}

function answer(file, row, read) {
  let result;
  try {
    result = read();
  } catch {
    say(row, "refused", text.textBroken);
    offerAgain(file, row);
    return;
  }
  if (result.status === "added") added += 1;
  const words = result.status === "added" ? text.textAdded : result.reason;
  say(row, result.status, words, result.url, result.status === "added" ? text.textOpen : text.textExisting);
}

// A file whose connection broke is sent once more from its row, without picking it again.
function offerAgain(file, row) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button quiet";
  button.textContent = text.textAgain;
  button.addEventListener("click", () => {
    say(row, "waiting", text.textWaiting);
    waiting.push([file, row]);
    next();
  });
  row.querySelector(".upload-state").append(" ", button);
}

function say(row, status, words, url = "", link = "") {
  row.dataset.status = status;
  const state = row.querySelector(".upload-state");
  state.textContent = words;
  if (!url) return;
  const anchor = document.createElement("a");
  anchor.href = url;
  anchor.textContent = link;
  state.append(" ", anchor);
}

// Bring the new calls into the list without losing what is on the screen about refused files.
async function refresh() {
  added = 0;
  const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
  const fresh = page.querySelector("#main");
  const mine = document.querySelector("#main");
  const keep = new Set([...mine.querySelectorAll(".head, .drop, .uploads, template, .messages")]);
  for (const child of [...mine.children]) if (!keep.has(child)) child.remove();
  form.classList.remove("drop-large");
  for (const child of [...fresh.children]) {
    if (child.matches(".drop, .uploads, template, .messages")) continue;
    if (child.matches(".head")) mine.querySelector(".head").replaceWith(child);
    else mine.append(child);
  }
  htmx.process(mine);
  document.dispatchEvent(new CustomEvent("yoyak:list"));
}
