// Words, numbers, dates and elements: how the page of packages tells things. Texts come from the page.

const language = document.documentElement.lang;
export const root = document.getElementById("packages");
export const words = JSON.parse(root.dataset.words);

const whole = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });
const tenth = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
const local = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", year: "numeric" });
const utc = { timeZone: "UTC" };
const dayFormat = new Intl.DateTimeFormat(language, { ...utc, day: "numeric", month: "short", year: "numeric" });
const monthFormat = new Intl.DateTimeFormat(language, { ...utc, month: "short", year: "numeric" });
const weekdayFormat = new Intl.DateTimeFormat(language, { ...utc, weekday: "short" });

const HOUR = 60; // minutes
const STEP = 1024;

export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

// The text with *values* in its braces.
export function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

export const number = (value) => whole.format(value);
export const decimal = (value) => tenth.format(value);
export const percent = (share) => fill(words.percent, { n: Math.floor(share * 100) });
export const date = (moment) => local.format(moment);
export const day = (text) => (text ? dayFormat.format(new Date(text)) : words.nothing);
export const month = (text) => monthFormat.format(new Date(`${text}-01`));
export const hour = (value) => `${String(value).padStart(2, "0")}:00`;

// The days of the week from Monday on. The 1st of January 2024 was one.
export const weekdays = Array.from({ length: 7 }, (_, at) => weekdayFormat.format(Date.UTC(2024, 0, 1 + at)));

// So many of something, with the noun that goes with it.
export function counted(value, noun) {
  const [one, many] = words.nouns[noun];
  return `${number(value)} ${value === 1 ? one : many}`;
}

export function minutes(value) {
  const hours = Math.floor(value / HOUR);
  const rest = fill(words.minutes, { n: Math.round(value % HOUR) });
  if (!hours) return rest;
  const told = fill(words.hours, { n: number(hours) });
  return hours < 100 && value % HOUR ? `${told} ${rest}` : told;
}

export function size(bytes) {
  let scaled = bytes;
  let unit = 0;
  while (Math.round(scaled * 10) / 10 >= STEP && unit < words.sizes.length - 1) {
    scaled /= STEP;
    unit += 1;
  }
  return `${decimal(scaled)} ${words.sizes[unit]}`;
}

export function money(amount, currency) {
  try {
    return new Intl.NumberFormat(language, { style: "currency", currency }).format(amount);
  } catch {
    return `${amount.toFixed(2)} ${currency}`; // a currency that nobody else knows
  }
}

// What went wrong, and what to do, by its code.
export function trouble(code) {
  return words.codes[code] ?? words.codes.SERVER_ERROR;
}

export const byId = (id) => document.getElementById(id);

function furnished(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined && value !== null) element.setAttribute(name, value);
  }
  element.append(...children.filter((one) => one !== null && one !== undefined));
  return element;
}

// An element with attributes and children; texts are texts, never markup.
export function element(name, attributes = {}, ...children) {
  return furnished(document.createElement(name), attributes, children);
}

export function drawn(name, attributes = {}, ...children) {
  return furnished(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

export function say(text) {
  byId("live-status").textContent = text;
}
