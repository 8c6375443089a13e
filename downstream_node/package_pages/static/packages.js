// The page of packages: hand one in, follow it, read its statistics, delete it. What this browser
// knows is in kept.js; which package is shown stands behind the # of the address, which stays here.

import { Refused, hasWorkers, place, remove, status, submit, watch } from "./asking.js";
import * as kept from "./kept.js";
import { Opened } from "./opened.js";
import { showSent, showStatus, showStep } from "./progress.js";
import { linkOfSecret, makeSecret, packageId, secretOf, secretOfLink } from "./secrets.js";
import { giveUp, offsetOf, send } from "./sending.js";
import { Statistics } from "./statistics.js";
import { byId, date, day, element, fill, root, say, size, trouble, words } from "./telling.js";

const DEMO = { id: "demo", kind: "demo", name: words.demoName };
const LARGEST = Number(root.dataset.largest);
const ZIP = "PK";
const files = new Map(); // id -> the file, as long as this page is open
let shown = null; // the package that is shown

// One package while it is shown: what is going on for it ends with it.
class Visit {
  constructor(record) {
    this.record = record;
    this.stop = new AbortController();
    this.signal = this.stop.signal;
    this.statistics = null;
    this.again = null; // what to do when the person wants to try again
  }

  close() {
    this.stop.abort(new DOMException("", "AbortError"));
    this.statistics?.close();
  }
}

// Which view

function route() {
  shown?.close();
  shown = null;
  const id = location.hash.slice(1);
  const record = id === DEMO.id ? DEMO : kept.find(id);
  byId("start").hidden = Boolean(record);
  byId("opening").hidden = Boolean(record);
  byId("one").hidden = !record;
  if (record) visit(record);
  else showStart();
}

function go(id) {
  if (location.hash === `#${id}`) route();
  else location.hash = id;
}

function showStart() {
  const records = kept.list();
  byId("kept").hidden = records.length === 0;
  byId("kept-list").replaceChildren(...records.map(keptItem));
  if (!kept.lasting) say(words.notKept);
}

function keptItem(record) {
  const state = element("span", { class: "kept-state" }, words.states.asking);
  tellState(record).then((told) => { state.textContent = told; });
  const about = fill(words.added, { date: date(record.added) });
  return element("li", { "data-package": record.id },
    element("a", { href: `#${record.id}`, class: "kept-name" }, element("bdi", {}, record.name)),
    element("span", { class: "caption" }, record.size ? `${about}, ${size(record.size)}` : about),
    state);
}

async function tellState(record) {
  const { states } = words;
  if (record.kind === "upload" && !record.sent) return states.unsent;
  try {
    const said = await status(record);
    if (said.isDataAvailable) return said.expiresAt ? fill(states.ready, { date: day(said.expiresAt) }) : states.kept;
    if (said.errorMessageCode === "UNKNOWN_PACKAGE_ID") return states.unknown;
    if (said.errorMessageCode) return fill(states.failed, { problem: trouble(said.errorMessageCode)[0] });
    return fill(states.busy, { detail: words.details[said.processingDetail] });
  } catch (error) {
    return error.code === "OFFLINE" ? states.offline : fill(states.failed, { problem: trouble(error.code)[0] });
  }
}

// One package

async function visit(record) {
  shown = new Visit(record);
  const mine = shown;
  say("");
  showOnly("progress");
  byId("one-name").textContent = record.name;
  byId("one-about").textContent = "";
  byId("save").hidden = true;
  byId("same-file").hidden = true;
  byId("queue").textContent = "";
  byId("recovery-card").hidden = record === DEMO;
  byId("recovery-text").textContent = record.secret ?? "";
  byId("recovery-details").open = files.has(record.id); // made just now
  byId("one-name").focus({ preventScroll: true });
  scrollTo(0, 0);
  await run(mine, () => (record === DEMO ? open(mine) : follow(mine)));
}

// Do something for a package; whatever goes wrong is told, with what to do.
async function run(mine, work) {
  try {
    await work();
  } catch (error) {
    if (mine.signal.aborted) return;
    if (!error.code) reportError(error); // a bug of this page
    showTrouble(mine, error.code ?? "PAGE_ERROR");
  }
}

function showOnly(name) {
  for (const one of ["progress", "trouble", "statistics"]) byId(one).hidden = one !== name;
  byId("delete").hidden = name === "progress" || shown.record === DEMO;
}

function showTrouble(mine, code) {
  const [heading, advice] = trouble(code);
  byId("trouble-heading").textContent = heading;
  byId("trouble-advice").textContent = advice;
  byId("trouble").dataset.code = code;
  byId("try-again").hidden = mine.again === null;
  byId("forget").hidden = mine.record === DEMO;
  showOnly("trouble");
}

async function follow(mine) {
  mine.again = route;
  const { record } = mine;
  if (record.kind === "upload" && !record.sent) await sendFile(mine);
  showStep(record.kind, "queued");
  hasWorkers().then((some) => {
    if (!some && !mine.signal.aborted && !byId("progress").hidden) say(words.noWorker);
  });
  for await (const said of watch(record, mine.signal)) {
    if (said.lost) {
      byId("queue").textContent = words.lost;
    } else if (said.isDataAvailable) {
      say("");
      tellRetention(said.expiresAt);
      await open(mine, said.size);
    } else if (said.isErrored || said.errorMessageCode) {
      const code = said.errorMessageCode ?? "SERVER_ERROR";
      mine.again = record.kind === "link" && code !== "UNKNOWN_PACKAGE_ID" ? () => submitAgain(mine) : null;
      throw new Refused(code);
    } else {
      showStatus(record.kind, said);
    }
  }
}

async function submitAgain(mine) {
  await run(mine, async () => {
    await submit(linkOfSecret(mine.record.secret));
    route();
  });
}

function tellRetention(expires) {
  byId("one-about").textContent = expires ? fill(words.keptUntil, { date: day(expires) }) : "";
}

async function open(mine, bytes) {
  const { record, signal } = mine;
  mine.again = route;
  showOnly("progress");
  showStep(record.kind, "opening");
  byId("queue").textContent = "";
  const url = await place(record, signal);
  const opened = new Opened((loaded) => {
    if (bytes && !signal.aborted) showStep(record.kind, "opening", Math.min(1, loaded / bytes));
  });
  mine.statistics = new Statistics(opened);
  await opened.open({ url, secret: record.secret, id: record.id });
  await mine.statistics.show();
  if (signal.aborted) return;
  showOnly("statistics");
  if (record === DEMO) byId("one-about").textContent = words.demoAbout;
  byId("save").hidden = false;
}

// Send a file

async function sendFile(mine) {
  const { record, signal } = mine;
  const file = files.get(record.id) ?? await sameFile(mine);
  if (file) {
    showSent(0, file.size);
    await send(record, file, {
      signal,
      moved: (done) => showSent(done, file.size),
      lost: (is) => say(is ? words.lost : ""),
      begun: () => kept.change(record.id, { begun: true }),
    });
  }
  files.delete(record.id);
  record.sent = true;
  kept.change(record.id, { sent: true });
}

// The file again, after the page was loaded anew; null if the node has all of it.
async function sameFile({ record, signal }) {
  const offset = record.begun ? await offsetOf(record, signal) : 0;
  if (offset === null && (await status(record, signal)).errorMessageCode !== "UNKNOWN_PACKAGE_ID") return null;
  const done = offset ?? 0;
  showSent(done, record.size);
  byId("queue").textContent = fill(words.paused, { done: size(done), all: size(record.size) });
  byId("same-file").hidden = false;
  return new Promise((resolve) => {
    byId("again").addEventListener("change", () => {
      const [file] = byId("again").files;
      byId("again").value = "";
      if (!file) return;
      const same = file.name === record.name && file.size === record.size && file.lastModified === record.modified;
      say(same ? "" : trouble("OTHER_FILE").join(" "));
      if (!same) return;
      byId("same-file").hidden = true;
      files.set(record.id, file);
      resolve(file);
    }, { signal });
  });
}

async function handInFile(file) {
  const problem = await problemOf(file);
  byId("file-problem").textContent = problem ? trouble(problem).join(" ") : "";
  if (problem) return;
  const secret = makeSecret();
  const id = await packageId(secret);
  files.set(id, file);
  kept.keep({
    id, secret, kind: "upload", name: file.name, size: file.size, modified: file.lastModified, added: Date.now(), sent: false,
  });
  go(id);
}

async function problemOf(file) {
  if (file.size > LARGEST) return "TOO_LARGE";
  return (await file.slice(0, ZIP.length).text()) === ZIP ? null : "NOT_A_ZIP";
}

// Hand in a link, or come back

async function handInLink(link) {
  const id = await submit(link);
  kept.keep({ id, secret: secretOfLink(link), kind: "link", name: words.linkName, added: Date.now(), sent: true });
  byId("link").value = "";
  go(id);
}

async function recover(text) {
  const secret = secretOf(text);
  if (!secret) throw new Refused("INVALID_SECRET");
  const id = await packageId(secret);
  const said = await status({ id, secret });
  if (said.errorMessageCode === "UNKNOWN_PACKAGE_ID") throw new Refused(said.errorMessageCode);
  const fromLink = linkOfSecret(secret) === text;
  if (!kept.find(id)) {
    kept.keep({ id, secret, kind: fromLink ? "link" : "upload", name: words.recoveredName, added: Date.now(), sent: true });
  }
  byId("recovery").value = "";
  go(id);
}

// A form of one field whose problems are told beside it.
function listenTo(form, field, problem, work) {
  byId(form).addEventListener("submit", async (event) => {
    event.preventDefault();
    const buttons = byId(form).querySelectorAll("button");
    buttons.forEach((one) => { one.disabled = true; });
    byId(field).removeAttribute("aria-invalid");
    byId(problem).textContent = "";
    try {
      await work(byId(field).value.trim());
    } catch (error) {
      if (!error.code) reportError(error);
      byId(field).setAttribute("aria-invalid", "true");
      byId(problem).textContent = trouble(error.code ?? "PAGE_ERROR").join(" ");
      byId(field).focus();
    } finally {
      buttons.forEach((one) => { one.disabled = false; });
    }
  });
}

// Delete

function askToDelete() {
  byId("sure").returnValue = "";
  byId("sure").showModal();
}

async function deleteShown() {
  const mine = shown;
  mine.stop.abort(new DOMException("", "AbortError"));
  const { record } = mine;
  try {
    if (record.kind === "upload" && !record.sent) await giveUp(record);
    await remove(record);
  } catch (error) {
    shown = new Visit(record);
    shown.again = askToDelete;
    showTrouble(shown, error.code ?? "PAGE_ERROR");
    return;
  }
  leave(record, words.deleted);
}

function leave(record, told) {
  kept.forget(record.id);
  files.delete(record.id);
  byId("recovery-text").textContent = "";
  history.replaceState(null, "", location.pathname);
  route();
  say(told);
  byId("main").focus();
}

// Listen

function listen() {
  addEventListener("hashchange", route);
  byId("file").addEventListener("change", () => {
    const [file] = byId("file").files;
    byId("file").value = "";
    if (file) handInFile(file);
  });
  const drop = byId("by-file");
  const over = (is) => drop.classList.toggle("over", is);
  for (const name of ["dragenter", "dragover"]) {
    addEventListener(name, (event) => {
      event.preventDefault();
      over(true);
    });
  }
  addEventListener("dragleave", (event) => { if (!event.relatedTarget) over(false); });
  addEventListener("drop", (event) => {
    event.preventDefault();
    over(false);
    const [file] = event.dataTransfer.files;
    if (file && !byId("start").hidden) handInFile(file);
  });
  listenTo("by-link", "link", "link-problem", handInLink);
  listenTo("by-recovery", "recovery", "recovery-problem", recover);
  byId("delete").addEventListener("click", askToDelete);
  byId("cancel").addEventListener("click", askToDelete);
  byId("sure").addEventListener("close", () => { if (byId("sure").returnValue === "yes") deleteShown(); });
  byId("try-again").addEventListener("click", () => shown.again());
  byId("forget").addEventListener("click", () => leave(shown.record, words.forgotten));
  byId("save").addEventListener("click", () => shown.statistics.save());
}

if (isSecureContext) {
  listen();
  route();
} else {
  byId("insecure").hidden = false;
  root.hidden = true;
}
