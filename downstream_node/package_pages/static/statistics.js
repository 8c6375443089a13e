// The statistics of one package on the page: what is asked of them, and how the answers are shown.

import { card, columns, num, ranks, table, tile, week } from "./drawing.js";
import { byId, counted, day, decimal, element, fill, hour, minutes, money, month, number, weekdays, words, zone } from "./telling.js";

const DAY = 86_400_000; // milliseconds
const HOUR = 3_600_000;
const MOST_DAYS = 93; // more are told by the month
const ONCE = ["owner", "span", "missing", "questions"]; // asked when the statistics are opened
const EACH = [ // asked for every time that is shown
  "messages", "channels", "people", "servers", "voice", "sessions", "devices", "attachments",
  "payments", "reactions", "events",
];
const HOURS = Array.from({ length: 24 }, (_, at) => at);
const texts = words.charts;
const headings = words.columns;

const dayText = (moment) => new Date(moment).toISOString().slice(0, 10);
const total = (rows, name) => rows.reduce((sum, row) => sum + row[name], 0);

// Presets of the time that is shown: a name, the first day, the last.
function presets({ first, last }) {
  const back = (days) => {
    const from = dayText(Date.parse(last) - (days - 1) * DAY);
    return from < first ? first : from;
  };
  const years = [];
  for (let year = Number(last.slice(0, 4)); year >= Number(first.slice(0, 4)); year -= 1) {
    years.push([String(year), `${year}-01-01`, `${year}-12-31`]);
  }
  return [
    [words.allTime, first, last],
    [words.lastYear, back(365), last],
    [words.lastMonth, back(30), last],
    ...years,
  ];
}

// All days, or months, from one day to another; so those on which nothing happened are there, too.
function periods(from, to) {
  const days = (Date.parse(to) - Date.parse(from)) / DAY + 1;
  if (days <= MOST_DAYS) {
    return Array.from({ length: days }, (_, at) => dayText(Date.parse(from) + at * DAY));
  }
  const found = [];
  let [year, at] = [Number(from.slice(0, 4)), Number(from.slice(5, 7))];
  for (let text = from.slice(0, 7); text <= to.slice(0, 7);) {
    found.push(text);
    [year, at] = at === 12 ? [year + 1, 1] : [year, at + 1];
    text = `${year}-${String(at).padStart(2, "0")}`;
  }
  return found;
}

// Rows with a day, added up by period; *told* tells a sum.
function series(rows, name, shown, told) {
  const long = shown[0].length;
  const sums = new Map(shown.map((period) => [period, 0]));
  for (const row of rows) {
    const period = row.day.slice(0, long);
    sums.set(period, (sums.get(period) ?? 0) + row[name]);
  }
  const label = long === 10 ? day : month;
  return shown.map((period) => ({ value: sums.get(period), label: label(period), told: told(sums.get(period)) }));
}

// A card with columns by day or month.
function overTime(id, title, rows, name, shown, told, heading) {
  const values = rows.length ? series(rows, name, shown, told) : [];
  const first = shown[0].length === 10 ? headings.day : headings.month;
  const parts = values.length ? [columns(title, values)] : [];
  return card(id, title, parts, [first, heading], values.map((one) => [one.label, num(one.told)]));
}

// Messages by weekday (from Monday on) and hour in the time zone of the reader. Packages have hours
// of UTC; where zones are half an hour apart, most of an hour is where its middle is.
function weekOf(rows) {
  const grid = weekdays.map(() => HOURS.map(() => 0));
  for (const row of rows) {
    const local = new Date(Date.parse(row.day) + (row.hour + 0.5) * HOUR);
    grid[(local.getDay() + 6) % 7][local.getHours()] += row.messages;
  }
  return grid;
}

function weekCards(rows) {
  const grid = weekOf(rows);
  const hours = HOURS.map(hour);
  const told = (value) => counted(value, "message");
  const byHour = HOURS.map((at) => grid.reduce((sum, row) => sum + row[at], 0));
  const byDay = grid.map((row) => row.reduce((sum, value) => sum + value, 0));
  const valued = (values, labels) => values.map((value, at) => ({ value, label: labels[at], told: told(value) }));
  const listed = (values, labels) => (rows.length ? values.map((value, at) => [labels[at], num(number(value))]) : []);
  const note = element("p", { class: "caption" }, fill(words.zone, { zone }));
  const days = weekdays.map((name) => ({ name, hours }));
  const cells = rows.length ? grid.map((row, at) => [weekdays[at], ...row.map((value) => num(number(value)))]) : [];
  return [
    card("week", texts.week, [week(texts.week, days, grid), note], [headings.weekday, ...hours], cells),
    card("by-hour", texts.byHour, [columns(texts.byHour, valued(byHour, hours))], [headings.hour, headings.messages], listed(byHour, hours)),
    card("by-weekday", texts.byWeekday, [columns(texts.byWeekday, valued(byDay, weekdays))], [headings.weekday, headings.messages], listed(byDay, weekdays)),
  ];
}

function peopleCard(people) {
  const entries = people.map((one) => ({
    name: one.name,
    value: one.messages,
    told: counted(one.messages, "message"),
    more: one.calls ? fill(words.inCalls, { time: minutes(one.minutes) }) : "",
  }));
  const rows = people.map((one) => [one.name, num(number(one.messages)), num(number(one.calls)), num(minutes(one.minutes))]);
  const columnsOf = [headings.person, headings.messages, headings.calls, headings.callTime];
  return card("people", texts.people, [ranks(entries)], columnsOf, rows);
}

// The index of a package names channels with their server behind; once is enough.
function channelName({ name, server }) {
  const behind = ` in ${server}`;
  return server && name.endsWith(behind) ? name.slice(0, -behind.length) : name;
}

function channelsCard(channels) {
  const where = (one) => fill(words.kinds[one.kind], { server: one.server ?? "" });
  const entries = channels.map((one) => ({
    name: channelName(one), note: where(one), value: one.messages, told: counted(one.messages, "message"),
  }));
  const rows = channels.map((one) => [channelName(one), where(one), num(number(one.messages))]);
  return card("channels", texts.channels, [ranks(entries)], [headings.channel, headings.where, headings.messages], rows);
}

function serversCard(servers) {
  const entries = servers.filter((one) => one.messages).map((one) => ({
    name: one.name, value: one.messages, told: counted(one.messages, "message"),
  }));
  const rows = servers.map((one) => [one.name, num(number(one.messages)), day(one.joined)]);
  return card("servers", texts.servers, [ranks(entries)], [headings.server, headings.messages, headings.joined], rows);
}

function devicesCard(devices) {
  const entries = devices.map((one) => ({
    name: one.name, value: one.minutes, told: minutes(one.minutes), more: counted(one.sessions, "session"),
  }));
  const rows = devices.map((one) => [one.name, num(number(one.sessions)), num(minutes(one.minutes))]);
  return card("devices", texts.devices, [ranks(entries)], [headings.device, headings.sessions, headings.time], rows);
}

// What was paid, each currency for itself.
function paid(payments) {
  const found = new Map();
  for (const one of payments) found.set(one.currency, (found.get(one.currency) ?? 0) + one.amount);
  const told = [...found].map(([currency, amount]) => element("span", {}, money(amount, currency)));
  return told.length ? told : [words.nothing];
}

function paymentsCard(payments) {
  const rows = payments.map((one) => [day(one.day), one.description, num(money(one.amount, one.currency))]);
  const parts = [
    element("p", { class: "figure" }, ...paid(payments)),
    table([headings.day, headings.what, headings.amount], rows, texts.payments),
  ];
  return card("payments", texts.payments, parts, null, rows);
}

function timesCard(id, title, entries) {
  const rows = entries.map((one) => [one.name, num(number(one.value))]);
  return card(id, title, [ranks(entries)], [headings.what, headings.times], rows);
}

function reactionsCard(reactions) {
  return timesCard("reactions", texts.reactions, reactions.map((one) => ({
    name: one.custom ? fill(words.customEmoji, { name: one.name }) : one.name,
    value: one.times,
    told: counted(one.times, "time"),
  })));
}

function eventsCard(events) {
  return timesCard("events", texts.events, events.map((one) => ({
    name: words.events[one.name] ?? one.name.replaceAll("_", " "),
    value: one.times,
    told: counted(one.times, "time"),
  })));
}

function missingCard(missing) {
  const rows = missing.map((one) => [one.part, words.problems[one.problem] ?? one.problem, num(number(one.count))]);
  const parts = rows.length
    ? [table([headings.part, headings.problem, headings.count], rows, texts.missing)]
    : [element("p", { class: "caption" }, words.nothingMissing)];
  return card("missing", texts.missing, parts, null, rows.length ? rows : [[]]);
}

function tiles(found, days) {
  const sent = total(found.messages, "messages");
  const byDay = new Map();
  for (const row of found.messages) byDay.set(row.day, (byDay.get(row.day) ?? 0) + row.messages);
  const busiest = [...byDay].reduce((best, one) => (one[1] > best[1] ? one : best), ["", 0]);
  const names = words.tiles;
  const stays = total(found.voice, "stays");
  return element("div", { class: "tiles" },
    tile("messages", names.messages, number(sent), fill(names.perDay, { n: decimal(sent / days) })),
    tile("busiest", names.busiest, busiest[1] ? day(busiest[0]) : words.nothing, busiest[1] ? counted(busiest[1], "message") : ""),
    tile("people", names.people, number(total(found.people, "messages")), fill(words.withPeople, { people: counted(found.people.length, "person") })),
    tile("voice", names.voice, minutes(total(found.voice, "minutes")), counted(stays, "stay")),
    tile("app", names.app, minutes(total(found.sessions, "minutes")), counted(total(found.sessions, "sessions"), "session")),
    tile("files", names.files, number(total(found.attachments, "files")), counted(found.attachments.length, "day")),
    tile("reactions", names.reactions, number(total(found.reactions, "times")), ""),
    tile("paid", names.paid, paid(found.payments), counted(found.payments.length, "payment")),
  );
}

function charts(found, from, to) {
  const shown = periods(from, to);
  const title = shown[0].length === 10 ? texts.byDay : texts.byMonth;
  const sent = (value) => counted(value, "message");
  const [inTheWeek, byHour, byWeekday] = weekCards(found.messages);
  return [
    tiles(found, (Date.parse(to) - Date.parse(from)) / DAY + 1),
    overTime("over-time", title, found.messages, "messages", shown, sent, headings.messages),
    inTheWeek,
    byHour,
    peopleCard(found.people),
    channelsCard(found.channels),
    serversCard(found.servers),
    reactionsCard(found.reactions),
    byWeekday,
    overTime("files", texts.files, found.attachments, "files", shown, (value) => counted(value, "file"), headings.files),
    overTime("voice", texts.voice, found.voice, "minutes", shown, minutes, headings.time),
    overTime("app", texts.app, found.sessions, "minutes", shown, minutes, headings.time),
    devicesCard(found.devices),
    paymentsCard(found.payments),
    eventsCard(found.events),
    missingCard(found.missing),
  ];
}

// The statistics of one package, from when they are opened to when they are closed.
export class Statistics {
  constructor(opened) {
    this.opened = opened;
    this.listening = new AbortController();
    this.turn = 0;
  }

  // Ask everything once, and show all of it.
  async show() {
    const once = await this.opened.answers(ONCE);
    const [span] = once.span;
    this.missing = once.missing;
    const today = dayText(Date.now());
    this.span = { first: span.first ?? today, last: span.last ?? today };
    this.choices = presets(this.span);
    this.#tellPartial(once);
    this.#listen(once.questions);
    byId("preset").selectedIndex = 0;
    await this.#range(this.span.first, this.span.last);
  }

  close() {
    this.listening.abort();
    this.opened.close();
    byId("drawn").replaceChildren();
    byId("answer").replaceChildren();
    byId("showing").textContent = "";
  }

  #tellPartial({ owner: [owner], missing }) {
    const gone = missing.filter((one) => one.problem === "missing").map((one) => one.part).join(", ");
    byId("partial").hidden = !owner?.partial;
    byId("partial").textContent = gone
      ? fill(words.partial, { parts: `${words.problems.missing}: ${gone}` })
      : words.partialUnknown;
  }

  #listen(questions) {
    const on = (id, name, heard) => byId(id).addEventListener(name, heard, { signal: this.listening.signal });
    const own = element("option", { value: "own", hidden: true }, words.ownRange);
    byId("preset").replaceChildren(...this.choices.map(([name], at) => element("option", { value: at }, name)), own);
    on("preset", "change", () => this.#range(...this.choices[byId("preset").value].slice(1)));
    for (const id of ["from", "to"]) {
      on(id, "change", () => {
        byId("preset").value = "own";
        this.#range(byId("from").value || this.span.first, byId("to").value || this.span.last);
      });
    }
    on("range", "submit", (event) => event.preventDefault());
    byId("example").replaceChildren(...questions.map((one) => element("option", { value: one.query }, one.question)));
    byId("sql").value = byId("example").value;
    on("example", "change", () => { byId("sql").value = byId("example").value; });
    on("by-query", "submit", (event) => {
      event.preventDefault();
      this.#query(byId("sql").value);
    });
  }

  // Show what is from one day to another; what was asked for before that is dropped.
  async #range(from, to) {
    byId("from").value = from;
    byId("to").value = to;
    if (from > to) {
      byId("showing").textContent = words.rangeEmpty;
      return;
    }
    this.turn += 1;
    const turn = this.turn;
    const place = byId("drawn");
    place.setAttribute("aria-busy", "true");
    const found = { ...await this.opened.answers(EACH, from, to), missing: this.missing };
    if (turn !== this.turn) return;
    const open = [...place.querySelectorAll("details[open]")].map((one) => one.closest("section").id);
    place.replaceChildren(...charts(found, from, to));
    for (const id of open) {
      const again = byId(id)?.querySelector("details");
      if (again) again.open = true;
    }
    place.removeAttribute("aria-busy");
    byId("showing").textContent = fill(words.showing, {
      from: day(from), to: day(to), messages: counted(total(found.messages, "messages"), "message"),
    });
  }

  async #query(text) {
    const said = await this.opened.query(text);
    const told = said.problem
      ? element("p", { class: "field-problem" }, fill(words.queryProblem, { problem: said.problem }))
      : element("p", { class: "caption" }, said.more
        ? fill(words.queryMore, { n: number(said.rows.length) })
        : fill(words.queryRows, { rows: counted(said.rows.length, "row") }));
    const cell = (value) => (typeof value === "number" ? num(String(value)) : value);
    byId("answer").replaceChildren(told, ...(said.rows?.length
      ? [table(said.columns, said.rows.map((row) => row.map(cell)), byId("sql").value)]
      : []));
  }

  // Give the SQLite file to the person, from memory.
  async save() {
    const address = URL.createObjectURL(new Blob([await this.opened.file()], { type: "application/vnd.sqlite3" }));
    element("a", { href: address, download: words.saveName }).click();
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
  }
}

