// Send one large file in parts: after a break, ask how much has come and go on from there.
// Knows the addresses that answers give, and no page: `progress` is told the share, what is returned is the last answer.

const TRIES = 6;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export async function sendInParts(file, begin, fields, token, progress) {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) body.append(name, value);
  body.append("file_name", file.name);
  body.append("size_bytes", file.size);
  const headers = { "X-CSRFToken": token, Accept: "application/json" };
  const begun = await (await fetch(begin, { method: "POST", headers, body })).json();
  if (!begun.url) return begun;
  let offset = 0;
  let failures = 0;
  while (offset < file.size) {
    const answer = await put(begun, offset, file, headers).catch(() => ask(begun, headers).catch(() => null));
    failures = answer && answer.offset > offset ? 0 : failures + 1;
    if (failures >= TRIES) throw new Error("the connection stays broken");
    if (failures) await pause(2 ** failures * 250);
    if (answer) offset = answer.offset;
    progress(offset / file.size);
  }
  return (await fetch(`${begun.url}finish/`, { method: "POST", headers })).json();
}

async function put(begun, offset, file, headers) {
  const part = file.slice(offset, offset + begun.part_bytes);
  const type = { "Content-Type": "application/octet-stream" };
  return (await fetch(`${begun.url}?offset=${offset}`, { method: "PUT", headers: { ...headers, ...type }, body: part })).json();
}

async function ask(begun, headers) {
  return (await fetch(begun.url, { headers })).json();
}
