// The opened statistics of one package, as the page sees them: questions go to a worker.

import { Refused } from "./asking.js";

export class Opened {
  #worker = new Worker(new URL("opener.js", import.meta.url));
  #waiting = new Map();
  #count = 0;

  constructor(loaded) {
    this.#worker.onmessage = ({ data }) => {
      if ("loaded" in data) return loaded(data.loaded);
      const { resolve, reject } = this.#waiting.get(data.number);
      this.#waiting.delete(data.number);
      return data.code ? reject(new Refused(data.code)) : resolve(data.result);
    };
    this.#worker.onerror = () => {
      for (const { reject } of this.#waiting.values()) reject(new Refused("TOO_LARGE_HERE"));
      this.#waiting.clear();
    };
  }

  #call(call, values = {}) {
    this.#count += 1;
    const number = this.#count;
    return new Promise((resolve, reject) => {
      this.#waiting.set(number, { resolve, reject });
      this.#worker.postMessage({ number, call, values });
    });
  }

  open = (values) => this.#call("open", values);
  answers = (names, from, to) => this.#call("answers", { names, from, to });
  query = (text) => this.#call("query", { text });
  file = () => this.#call("file");

  // Nothing of the statistics is left in memory after this.
  close() {
    this.#worker.terminate();
  }
}
