// Keeps the page fresh, sorts and pages without loading it anew, copies, and tells times in the
// reader's own zone. Every page works without it.
"use strict";

const REFRESH = 10_000;
const words = document.body.dataset; // what the page itself says; all texts come from there
const main = document.getElementById("main");
const status = document.getElementById("live-status");
const pauseButton = document.querySelector("[data-pause]");
const seen = new Map(); // id -> markup as it came, to leave alone what has not changed
let skew = 0; // the node's clock less ours, in milliseconds
let paused = false;
let lost = null;
let path = here(); // of what is shown
let visit = 0; // counts what the reader has asked for; a refresh that began before is dropped

const local = new Intl.DateTimeFormat(document.documentElement.lang, {
  day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit",
  timeZoneName: "short",
});

function here() {
  return location.pathname + location.search;
}

function inWords(seconds) {
  const names = words.units.split(" ");
  const units = [86400, 3600, 60, 1].map((unit, at) => [names[at], unit]);
  let left = Math.max(0, Math.round(seconds));
  const at = units.findIndex(([, unit]) => left >= unit);
  if (at < 0) return `0 ${names.at(-1)}`;
  const [name, unit] = units[at];
  const next = units[at + 1];
  const rest = next ? Math.floor((left % unit) / next[1]) : 0;
  return `${Math.floor(left / unit)} ${name}${rest ? ` ${rest} ${next[0]}` : ""}`;
}

function tellTimes(root) {
  for (const time of root.querySelectorAll("time[data-when]:not([title])")) {
    time.title = time.textContent;
    time.textContent = local.format(new Date(time.dateTime));
  }
}

function tick() {
  const now = Date.now() + skew;
  for (const time of document.querySelectorAll("time[data-due]")) {
    time.textContent = inWords((new Date(time.dateTime) - now) / 1000);
  }
}

function setSkew() {
  const asOf = document.querySelector("#as-of time");
  if (asOf) skew = new Date(asOf.dateTime) - Date.now();
}

// Where an element is found again after its surroundings were replaced.
function addressOf(element) {
  if (element.id) return `#${CSS.escape(element.id)}`;
  if (element.dataset.copy) return `[data-copy="${CSS.escape(element.dataset.copy)}"]`;
  const parent = element.parentElement;
  return parent && parent.id ? `#${CSS.escape(parent.id)} > ${element.localName}` : null;
}

function focusKept(swap) {
  const active = document.activeElement;
  const address = active && addressOf(active);
  swap();
  if (!address || active.isConnected) return;
  const again = document.querySelector(address);
  if (again) again.focus({ preventScroll: true });
}

function replace(old, fresh) {
  if (seen.get(old.id) === fresh.outerHTML) return;
  seen.set(old.id, fresh.outerHTML);
  const open = [...old.querySelectorAll("details[open]")].map((one) => one.id);
  const scrolled = [...old.querySelectorAll(".scroll")].map((one) => [one.scrollLeft, one.scrollTop]);
  const element = document.importNode(fresh, true);
  tellTimes(element);
  for (const id of open) {
    const again = element.querySelector(`#${CSS.escape(id)}`);
    if (again) again.open = true;
  }
  old.replaceWith(element);
  element.querySelectorAll(".scroll").forEach((one, at) => {
    if (scrolled[at]) [one.scrollLeft, one.scrollTop] = scrolled[at];
  });
}

function show(page, withForms) {
  focusKept(() => {
    for (const old of document.querySelectorAll(withForms ? "[data-live], [data-form]" : "[data-live]")) {
      const fresh = old.id && page.getElementById(old.id);
      if (fresh) replace(old, fresh);
    }
  });
  document.title = page.title;
  setSkew();
  tick();
}

function say(text) {
  if (status && status.textContent !== text) status.textContent = text;
}

async function load(url) {
  const response = await fetch(url, { headers: { Accept: "text/html" }, cache: "no-cache" });
  if (!response.ok) throw new Error(String(response.status));
  return { response, page: new DOMParser().parseFromString(await response.text(), "text/html") };
}

// The heading of a list of which another page is shown now.
function focusOn(hash) {
  const heading = document.querySelector(hash);
  heading.tabIndex = -1;
  heading.focus();
  heading.scrollIntoView();
}

async function refresh() {
  if (paused || document.hidden) return;
  const began = visit;
  try {
    const { page } = await load(location.href);
    if (began !== visit) return;
    show(page, false);
    if (lost) say(words.connectedAgain);
    lost = null;
  } catch {
    if (began !== visit) return;
    lost = lost || new Date();
    say(words.lost.replace("{moment}", local.format(lost)));
  }
}

async function go(url, push, turned = false) {
  visit += 1;
  const mine = visit;
  main.setAttribute("aria-busy", "true");
  try {
    const { response, page } = await load(url);
    if (mine !== visit) return;
    if (new URL(response.url).pathname !== location.pathname) throw new Error("elsewhere");
    if (push) history.pushState(null, "", url);
    path = here();
    show(page, true);
    if (turned) focusOn(new URL(url).hash);
    const found = document.querySelector("#find-problem, #found");
    if (found) say(found.textContent);
  } catch {
    if (mine === visit) location.assign(url);
  } finally {
    main.removeAttribute("aria-busy");
  }
}

async function copy(button) {
  try {
    const from = button.dataset.copyOf && document.getElementById(button.dataset.copyOf);
    await navigator.clipboard.writeText(from ? from.textContent : button.dataset.copy);
    button.classList.add("copied");
    say(words.copied);
  } catch {
    say(words.cannotCopy);
  }
  setTimeout(() => {
    button.classList.remove("copied");
    if (status && status.textContent === words.copied) say("");
  }, 2000);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy], [data-copy-of]");
  if (button) copy(button);
  const link = event.target.closest("a[data-go]");
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  go(link.href, true, link.closest(".pager") !== null);
});

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-go]");
  if (!form) return;
  event.preventDefault();
  const url = new URL(form.action);
  url.search = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
  go(url.href, true);
});

addEventListener("popstate", () => {
  if (path === here()) return; // only the part behind # has changed
  path = here();
  go(location.href, false);
});

if (pauseButton) {
  const stop = pauseButton.textContent;
  pauseButton.hidden = false;
  pauseButton.addEventListener("click", () => {
    paused = !paused;
    pauseButton.textContent = paused ? pauseButton.dataset.goOn : stop;
    if (!paused) refresh();
  });
}

document.documentElement.classList.add("scripted");
for (const one of document.querySelectorAll("[data-live]")) seen.set(one.id, one.outerHTML);
setSkew();
tellTimes(document);
for (const one of document.querySelectorAll("[data-origin]")) {
  one.textContent = one.textContent.replaceAll(one.dataset.origin, location.origin);
}
if (pauseButton) {
  setInterval(refresh, REFRESH);
  setInterval(tick, 1000);
  document.addEventListener("visibilitychange", refresh);
}
