// How far a package is, step by step, on the page.

import { byId, element, fill, number, percent, size, words } from "./telling.js";

const STEP_OF = {
  sending: "sending",
  queued: "queued", waiting: "queued",
  downloading: "downloading",
  checking: "reading", account: "reading", messages: "reading", analytics: "reading", sessions: "reading",
  writing: "sealing", storing: "sealing",
  done: "opening", opening: "opening",
};
const STEPS = {
  upload: ["sending", "queued", "reading", "sealing", "opening"],
  link: ["queued", "downloading", "reading", "sealing", "opening"],
  demo: ["opening"],
};

// Show *detail*, of which *share* is done; no share: nobody knows how much there is.
export function showStep(kind, detail, share) {
  const steps = STEPS[kind];
  const now = steps.indexOf(STEP_OF[detail]);
  byId("steps").replaceChildren(...steps.map((step, at) => {
    const state = at < now ? "done" : at === now ? "now" : "later";
    const told = { done: words.stepDone, now: words.stepNow, later: words.stepLater }[state];
    return element("li", { class: `step-${state}`, "data-step": step, "aria-current": state === "now" && "step" },
      words.steps[step], element("span", { class: "visually-hidden" }, ` (${told})`));
  }));
  byId("may-close").hidden = detail === "sending" || STEP_OF[detail] === "opening";
  byId("cancel").hidden = STEP_OF[detail] === "opening";
  const doing = byId("doing");
  // Only a change is told to who listens.
  if (doing.textContent !== words.details[detail]) doing.textContent = words.details[detail];
  byId("doing-share").textContent = share === undefined ? "" : percent(share);
  if (share === undefined) byId("bar").removeAttribute("value");
  else byId("bar").value = share;
}

export function showSent(done, all) {
  showStep("upload", "sending", all ? done / all : 1);
  byId("queue").textContent = fill(words.sentOf, { done: size(done), all: size(all) });
}

// What the node says of a package that it has.
export function showStatus(kind, said) {
  // What was sent here needs no fetching: a worker takes it as it is.
  const fetched = kind === "upload" && said.processingDetail === "downloading";
  const detail = fetched ? "checking" : said.processingDetail;
  const counts = STEP_OF[detail] !== "queued";
  showStep(kind, detail, counts ? said.processingProgress : undefined);
  byId("queue").textContent = counts ? "" : position(said.processingQueuePosition);
}

function position({ user, total }) {
  const [next, one, many] = words.position;
  const ahead = user === 0 ? next : fill(user === 1 ? one : many, { n: number(user) });
  return total > 1 ? `${ahead} ${fill(words.ofQueue, { n: number(total) })}` : ahead;
}
