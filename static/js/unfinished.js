// Uploads in parts that this browser has begun and not finished, kept over reloads by what tells one file from another.
// The server keeps them for a day; so does this. A browser that keeps nothing begins anew, that is all.

const KEY = "yoyak:unfinished-uploads";
const LIFETIME_MS = 24 * 60 * 60 * 1000;

// What is said about a file without a header is part of the upload: said differently, it is another.
function nameOf(file, fields) {
  return JSON.stringify([file.name, file.size, file.lastModified, fields]);
}

function all() {
  try {
    const kept = Object.entries(JSON.parse(localStorage.getItem(KEY) ?? "{}"));
    return Object.fromEntries(kept.filter(([, upload]) => Date.now() - upload.begun < LIFETIME_MS));
  } catch {
    return {};
  }
}

function keep(uploads) {
  try {
    localStorage.setItem(KEY, JSON.stringify(uploads));
  } catch {
    // Storage is full or forbidden.
  }
}

export function recall(file, fields) {
  return all()[nameOf(file, fields)] ?? null;
}

export function remember(file, fields, upload) {
  keep({ ...all(), [nameOf(file, fields)]: { begun: Date.now(), ...upload } });
}

export function forget(file, fields) {
  const uploads = all();
  delete uploads[nameOf(file, fields)];
  keep(uploads);
}
