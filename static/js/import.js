// Send the files of an import that its table names, one after another, each with its progress; then the import can start.
// Without this module the form still sends the files that were picked, by their plain names.

const form = document.querySelector("[data-import]");
const list = document.querySelector("[data-uploads]");
const template = document.querySelector("template[data-upload-row]");
const wanted = new Set([...document.querySelectorAll("[data-wanted] li")].map((item) => item.textContent.normalize("NFC")));
const input = form.querySelector("input[type=file]");
input.webkitdirectory = true;

// The browser names files with the folder that was picked; the table does not.
const nameOf = (file) => file.webkitRelativePath.split("/").slice(1).join("/").normalize("NFC") || file.name;

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const files = [...input.files].filter((file) => wanted.has(nameOf(file)));
  list.hidden = false;
  if (!files.length) row(form.dataset.textNone, "refused", "");
  form.querySelector("button").disabled = true;
  const answers = [];
  for (const file of files) answers.push(await send(file));
  if (answers.length && answers.every(Boolean)) location.reload();
  delete form.dataset.sent;
  form.querySelector("button").disabled = false;
});

function row(name, status, words) {
  const item = template.content.firstElementChild.cloneNode(true);
  item.querySelector(".upload-name").textContent = name;
  item.querySelector(".upload-state").textContent = words;
  item.dataset.status = status;
  list.append(item);
  return item;
}

function send(file) {
  const item = row(nameOf(file), "sending", "0%");
  const say = (status, words) => {
    item.dataset.status = status;
    item.querySelector(".upload-state").textContent = words;
  };
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("PUT", `${form.action}?name=${encodeURIComponent(nameOf(file))}`);
    request.setRequestHeader("X-CSRFToken", form.elements.csrfmiddlewaretoken.value);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.addEventListener("progress", (event) => {
      if (!event.lengthComputable) return;
      item.querySelector("progress").value = event.loaded / event.total;
      say("sending", `${Math.floor((event.loaded / event.total) * 100)}%`);
    });
    request.addEventListener("loadend", () => {
      if (request.status === 201) say("added", form.dataset.textSent);
      else say("refused", reasonOf(request) || form.dataset.textBroken);
      resolve(request.status === 201);
    });
    request.send(file);
  });
}

function reasonOf(request) {
  try {
    return JSON.parse(request.responseText).reason;
  } catch {
    return "";
  }
}
