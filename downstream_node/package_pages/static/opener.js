// The worker that holds the statistics of one package: fetches, opens and questions them. Nothing of
// them leaves it but answers to the page; when the page ends it, they are gone from memory.
"use strict";

importScripts("vendor/sql-wasm-browser.js");

const MOST_ROWS = 500;
let database = null;
let questions = new Map();

class Failed extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

async function fetched(url) {
  const response = await fetch(url, { cache: "no-store", credentials: "omit" }).catch(() => null);
  if (!response) throw new Failed("OFFLINE");
  if (!response.ok) throw new Failed(response.status === 403 ? "INVALID_SIGNATURE" : "DATA_NOT_AVAILABLE");
  return response;
}

function counting(told) {
  let loaded = 0;
  return new TransformStream({
    transform(bytes, out) {
      loaded += bytes.length;
      told(loaded);
      out.enqueue(bytes);
    },
  });
}

async function unpacked(stream) {
  try {
    return new Uint8Array(await new Response(stream.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer());
  } catch (error) {
    if (error instanceof RangeError) throw new Failed("TOO_LARGE_HERE");
    throw error.code === "OFFLINE" ? error : new Failed("DAMAGED");
  }
}

// The questions of statistics.sql, by name.
async function asked() {
  const text = await (await fetched("statistics.sql")).text();
  return new Map(text.split("-- name: ").slice(1).map((one) => {
    const end = one.indexOf("\n");
    return [one.slice(0, end), one.slice(end + 1)];
  }));
}

function rows(statement, most) {
  const found = [];
  while (found.length < most && statement.step()) found.push(statement.getAsObject());
  return found;
}

function locked() {
  database.run("PRAGMA query_only = 1");
}

const CALLS = {
  // Open the statistics at *url*; without a *secret* they are packed, but not sealed.
  async open({ url, secret, id }, told) {
    const SQL = await initSqlJs({ locateFile: (name) => new URL(`vendor/${name}`, location.href).href });
    questions = await asked();
    let stream = (await fetched(url)).body.pipeThrough(counting(told));
    if (secret) {
      const { unsealing } = await import("./unsealing.js");
      stream = stream.pipeThrough(await unsealing(secret, id));
    }
    const bytes = await unpacked(stream);
    try {
      database = new SQL.Database(bytes);
    } catch {
      throw new Failed("TOO_LARGE_HERE");
    }
    locked();
  },

  // The answers to the questions of these names for some days, by name.
  answers({ names, from, to }) {
    const found = {};
    for (const name of names) {
      const statement = database.prepare(questions.get(name));
      try {
        statement.bind({ ":from": from, ":to": to });
        found[name] = rows(statement, Infinity);
      } finally {
        statement.free();
      }
    }
    return found;
  },

  // The answer to a question in SQL that somebody typed.
  query({ text }) {
    let statement;
    try {
      statement = database.prepare(text);
      const columns = statement.getColumnNames();
      const found = [];
      while (found.length < MOST_ROWS && statement.step()) found.push(statement.get());
      return { columns, rows: found, more: found.length === MOST_ROWS && statement.step() };
    } catch (error) {
      return { problem: error.message };
    } finally {
      statement?.free();
    }
  },

  // The SQLite file itself.
  file() {
    const bytes = database.export();
    locked();
    return bytes;
  },
};

onmessage = async ({ data: { number, call, values } }) => {
  try {
    const result = await CALLS[call](values, (loaded) => postMessage({ loaded }));
    postMessage({ number, result });
  } catch (error) {
    postMessage({ number, code: error.code ?? "DAMAGED" });
  }
};
