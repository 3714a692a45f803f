// Send one large file in parts: after a break, ask how much has come and go on from there, after a reload as well.
// Knows the addresses that answers give, and no page: `progress` is told the share, what is returned is the last answer.

import { forget, recall, remember } from "./unfinished.js";

const TRIES = 6;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export async function sendInParts(file, begin, fields, token, progress) {
  const headers = { "X-CSRFToken": token, Accept: "application/json" };
  const upload = (await resumed(file, fields, headers)) ?? (await begun(file, begin, fields, headers));
  if (!upload.url) return upload;
  await sendFrom(upload, file, headers, progress);
  remember(file, fields, { ...upload, whole: true });
  const answer = await fetch(`${upload.url}finish/`, { method: "POST", headers });
  if (!answer.redirected && answer.status < 500) forget(file, fields);
  return answer.json();
}

async function begun(file, begin, fields, headers) {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) body.append(name, value);
  body.append("file_name", file.name);
  body.append("size_bytes", file.size);
  const upload = await (await fetch(begin, { method: "POST", headers, body })).json();
  if (upload.url) remember(file, fields, upload);
  return { offset: 0, ...upload };
}

// Return the upload that this file was in before, with how much has come; null when there is none the server knows.
async function resumed(file, fields, headers) {
  const upload = recall(file, fields);
  if (!upload) return null;
  if (upload.whole) return { ...upload, offset: file.size };
  const answer = await fetch(upload.url, { headers });
  if (answer.ok) return { ...upload, ...(await answer.json()) };
  forget(file, fields);
  return null;
}

async function sendFrom(upload, file, headers, progress) {
  let { offset } = upload;
  let failures = 0;
  while (offset < file.size) {
    const answer = await put(upload, offset, file, headers).catch(() => ask(upload, headers).catch(() => null));
    failures = answer && answer.offset > offset ? 0 : failures + 1;
    if (failures >= TRIES) throw new Error("the connection stays broken");
    if (failures) await pause(2 ** failures * 250);
    if (answer) offset = answer.offset;
    progress(offset / file.size);
  }
}

async function put(upload, offset, file, headers) {
  const part = file.slice(offset, offset + upload.part_bytes);
  const type = { "Content-Type": "application/octet-stream" };
  return (await fetch(`${upload.url}?offset=${offset}`, { method: "PUT", headers: { ...headers, ...type }, body: part })).json();
}

async function ask(upload, headers) {
  return (await fetch(upload.url, { headers })).json();
}
