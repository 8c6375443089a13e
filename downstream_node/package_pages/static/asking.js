// What the page asks the node. Every answer is a value; whatever goes wrong is a Refused with a code.

import { root } from "./telling.js";

const { process, health } = root.dataset;
const EVERY = 1000; // milliseconds between two questions where there is no stream
const AFTER_LOSS = 3000;

export class Refused extends Error {
  constructor(code, retryAfter = 0) {
    super(code);
    this.code = code;
    this.retryAfter = retryAfter; // seconds
  }
}

export function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    }, { once: true });
  });
}

export function headers(secret, more = {}) {
  return secret ? { ...more, Authorization: `Bearer ${secret}` } : more;
}

// The node may be away, which is no answer; but who asked may have gone, too.
export async function reach(path, options) {
  try {
    return await fetch(path, { cache: "no-store", credentials: "omit", ...options });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Refused("OFFLINE");
  }
}

const BY_STATUS = { 401: "UNAUTHORIZED", 404: "UNKNOWN_PACKAGE_ID", 413: "TOO_LARGE", 429: "TOO_MANY_REQUESTS", 503: "BUSY", 507: "STORAGE_FULL" };

// The code of an answer that is no good.
export async function refusal(response) {
  const said = await response.json().catch(() => ({}));
  const code = said.errorMessageCode ?? BY_STATUS[response.status] ?? "SERVER_ERROR";
  return new Refused(code, Number(response.headers.get("Retry-After")) || 0);
}

async function ask(path, options) {
  const response = await reach(path, options);
  if (!response.ok) throw await refusal(response);
  return response.json();
}

export async function submit(link) {
  const said = await ask(process, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ package_link: link }),
  });
  if (!said.isAccepted) throw new Refused(said.errorMessageCode);
  return said.packageId;
}

export function status({ id, secret }, signal) {
  return ask(`${process}/${id}/status`, { headers: headers(secret), signal });
}

// Where the sealed statistics are, for some minutes. Only the path counts: it is this node, whatever
// it is called behind its proxies.
export async function place({ id, secret }, signal) {
  const said = await ask(`${process}/${id}/blob`, { headers: headers(secret), signal });
  const { pathname, search } = new URL(said.url, location.href);
  return pathname + search;
}

export async function remove({ id, secret }) {
  const said = await ask(`${process}/${id}`, { method: "DELETE", headers: headers(secret) });
  if (!said.isDeleted && said.errorMessageCode !== "UNKNOWN_PACKAGE_ID") throw new Refused(said.errorMessageCode);
}

// Whether anybody processes packages; true if the node does not say.
export async function hasWorkers() {
  try {
    return (await ask(health, {})).workers !== 0;
  } catch {
    return true;
  }
}

function isOver(said) {
  return said.isDataAvailable || said.isErrored || Boolean(said.errorMessageCode);
}

// The statuses of a package as they change, until there is nothing more to come. By a stream of
// events if there is one to be had, else by asking; what is lost is tried again for ever.
export async function* watch(record, signal) {
  for (;;) {
    let waiting = EVERY;
    try {
      for await (const said of stream(record, signal)) {
        yield said;
        if (isOver(said)) return;
      }
    } catch (error) {
      if (signal.aborted) throw error;
      if (error.code !== "TOO_MANY_STREAMS") waiting = AFTER_LOSS;
      if (error.code === "UNAUTHORIZED") throw error;
    }
    try {
      const said = await status(record, signal);
      yield said;
      if (isOver(said)) return;
    } catch (error) {
      if (signal.aborted || error.code === "UNAUTHORIZED") throw error;
      yield { lost: true };
      waiting = Math.max(AFTER_LOSS, error.retryAfter * 1000);
    }
    await pause(waiting, signal);
  }
}

async function* stream({ id, secret }, signal) {
  const response = await reach(`${process}/${id}/events`, {
    headers: headers(secret, { Accept: "text/event-stream" }),
    signal,
  });
  if (!response.ok) throw await refusal(response);
  let text = "";
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    text += value;
    const events = text.split("\n\n");
    text = events.pop();
    for (const event of events) {
      const data = event.split("\n").filter((line) => line.startsWith("data:"));
      if (data.length) yield JSON.parse(data.map((line) => line.slice(5)).join("\n"));
    }
  }
}
