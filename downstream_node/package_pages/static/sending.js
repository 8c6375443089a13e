// Sends a file by tus 1.0, in pieces that are read one by one, and goes on after whatever breaks.

import { Refused, headers, pause, reach, refusal } from "./asking.js";
import { root } from "./telling.js";

const { uploads } = root.dataset;
const PIECE = 8 << 20; // bytes
const TUS = { "Tus-Resumable": "1.0.0" };
const FIRST_WAIT = 1000; // milliseconds
const LONGEST_WAIT = 30_000;
const NOT_THERE = new Set([404, 410]);
const AGAIN = new Set(["OFFLINE", "BUSY", "TOO_MANY_REQUESTS", "SERVER_ERROR", "WRONG_OFFSET", "UNKNOWN_UPLOAD"]);

// Send *file*, from where the node is. *moved* is told how many bytes have arrived, *lost* when
// nothing gets through and when it does again. Raises Refused where trying again is no use.
export async function send(record, file, { signal, moved, lost, begun }) {
  let wait = FIRST_WAIT;
  for (;;) {
    try {
      let offset = await begin(record, file, signal);
      begun();
      while (offset < file.size) {
        const start = offset;
        moved(start);
        offset = await patch(record, file, start, signal, (more) => {
          lost(false);
          moved(start + more);
        });
        wait = FIRST_WAIT;
      }
      lost(false);
      moved(file.size);
      return;
    } catch (error) {
      if (signal.aborted || !AGAIN.has(error.code)) throw error;
      lost(true);
      await Promise.race([pause(Math.max(wait, error.retryAfter * 1000), signal), online(signal)]);
      wait = Math.min(wait * 2, LONGEST_WAIT);
    }
  }
}

function online(signal) {
  return new Promise((resolve) => addEventListener("online", resolve, { once: true, signal }));
}

// How many bytes have arrived; null if the node knows nothing of the upload.
export async function offsetOf(record, signal) {
  const response = await reach(`${uploads}/${record.id}`, { method: "HEAD", headers: headers(record.secret, TUS), signal });
  if (NOT_THERE.has(response.status)) return null;
  if (!response.ok) throw await refusal(response);
  return Number(response.headers.get("Upload-Offset"));
}

async function begin(record, file, signal) {
  if (record.begun) {
    const offset = await offsetOf(record, signal);
    if (offset !== null) return offset;
  }
  const response = await reach(uploads, {
    method: "POST",
    headers: headers(record.secret, { ...TUS, "Upload-Length": String(file.size) }),
    signal,
  });
  record.begun = true;
  if (response.ok) return Number(response.headers.get("Upload-Offset"));
  const refused = await refusal(response);
  // An upload that is whole is a package: the answer to its last piece may have been lost.
  if (refused.code === "ALREADY_KNOWN") return file.size;
  throw refused;
}

// Send one piece; gives where the node is then. XMLHttpRequest, since only it tells how far it is.
function patch(record, file, offset, signal, moved) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const stop = () => request.abort();
    signal.addEventListener("abort", stop, { once: true });
    request.open("PATCH", `${uploads}/${record.id}`);
    const named = { ...TUS, "Content-Type": "application/offset+octet-stream", "Upload-Offset": String(offset) };
    for (const [name, value] of Object.entries(headers(record.secret, named))) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => moved(event.loaded);
    request.onabort = () => reject(signal.reason);
    request.onerror = () => reject(new Refused("OFFLINE"));
    request.onloadend = () => signal.removeEventListener("abort", stop);
    request.onload = () => {
      if (request.status === 204) resolve(Number(request.getResponseHeader("Upload-Offset")));
      else reject(refusalOf(request));
    };
    request.send(file.slice(offset, offset + PIECE));
  });
}

function refusalOf(request) {
  const code = /"errorMessageCode":\s*"(\w+)"/.exec(request.responseText)?.[1];
  const busy = request.status === 429 || request.status === 503;
  const retryAfter = Number(request.getResponseHeader("Retry-After")) || 0;
  return new Refused(code ?? (busy ? "BUSY" : "SERVER_ERROR"), retryAfter);
}

export async function giveUp(record) {
  const response = await reach(`${uploads}/${record.id}`, { method: "DELETE", headers: headers(record.secret, TUS) });
  if (!response.ok && !NOT_THERE.has(response.status)) throw await refusal(response);
}
