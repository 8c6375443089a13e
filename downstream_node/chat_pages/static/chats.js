// Keys for the search of the archive. Every page works without them.
const box = document.getElementById("q");
const hits = [...document.querySelectorAll("[data-open]")];
const months = [...document.querySelectorAll("[data-month]")];
const back = document.querySelector("[data-back]");

function focusOn(element) {
  element.focus({ preventScroll: true });
  (element.closest("[data-hit]") || element).scrollIntoView({ block: "nearest" });
}

// Which hit has the focus, on itself or on something in it; -1 if none.
function current() {
  const inside = document.activeElement.closest("[data-hit]");
  return inside ? hits.indexOf(inside.querySelector("[data-open]")) : -1;
}

function step(by) {
  const at = current();
  const next = at < 0 ? (by > 0 ? 0 : -1) : at + by;
  if (next < 0) {
    if (box) box.focus();
  } else if (next < hits.length) {
    focusOn(hits[next]);
  } else {
    const more = document.getElementById("next");
    if (more) more.focus();
  }
}

function toBox() {
  if (box) {
    box.focus();
    box.select();
    window.scrollTo({ top: 0 });
  } else if (back) {
    back.focus();
  }
}

function toHelp() {
  const help = document.getElementById("help");
  if (!help) return;
  help.open = !help.open;
  if (help.open) help.querySelector("summary").focus();
}

function closeOpened() {
  const opened = document.querySelectorAll("#help[open], #filters[open]");
  for (const one of opened) one.open = false;
}

function isWriting(element) {
  return ["INPUT", "SELECT", "TEXTAREA"].includes(element.tagName);
}

const plain = {
  "/": toBox,
  "?": toHelp,
  j: () => step(1),
  k: () => step(-1),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const active = document.activeElement;
  let done = null;
  if (event.key === "Escape") {
    // In the box itself Escape empties it, as everywhere.
    if (active !== box) done = () => { closeOpened(); toBox(); };
  } else if (event.key === "ArrowDown" && (active === box || current() >= 0)) {
    done = () => step(1);
  } else if (event.key === "ArrowUp" && current() >= 0) {
    done = () => step(-1);
  } else if (["ArrowLeft", "ArrowRight"].includes(event.key) && months.includes(active)) {
    const next = months[months.indexOf(active) + (event.key === "ArrowRight" ? 1 : -1)];
    done = () => { if (next) rove(next); };
  } else if (!isWriting(active) && Object.hasOwn(plain, event.key)) {
    done = plain[event.key];
  }
  if (!done) return;
  event.preventDefault();
  done();
});

// The months are one stop for Tab; arrows go from one to another.
function rove(to) {
  for (const one of months) one.setAttribute("tabindex", one === to ? "0" : "-1");
  to.focus();
}

if (months.length) {
  const chosen = months.find((one) => one.hasAttribute("aria-current")) || months.at(-1);
  for (const one of months) one.setAttribute("tabindex", one === chosen ? "0" : "-1");
}
