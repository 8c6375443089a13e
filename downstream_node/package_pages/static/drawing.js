// Charts as SVG, each with its numbers as a table beside it. Nothing here knows what it draws.

import { counted, drawn, element, fill, number, words } from "./telling.js";

const WIDTH = 720;
const HEIGHT = 132;
const CELL = 22;
const GAP = 2;
const BAR = 100;
const LEVELS = 5;
const MOST_ROWS = 500;
const TOP = 10;

const share = (value, most) => (most ? value / most : 0);
const fixed = (value) => Number(value.toFixed(2));

// A table of *rows* below its headings; numbers are set to the right.
export function table(columns, rows, label) {
  const shown = rows.slice(0, MOST_ROWS);
  const numeric = columns.map((_, at) => shown.length > 0 && shown.every((row) => row[at]?.numeric));
  const kind = (at) => (numeric[at] ? "num" : null);
  return element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": label },
    element("table", {},
      element("thead", {}, element("tr", {}, ...columns.map((name, at) => element("th", { scope: "col", class: kind(at) }, name)))),
      element("tbody", {}, ...shown.map((row) => element("tr", {}, ...row.map((cell, at) => {
        return element(at ? "td" : "th", { scope: at ? null : "row", class: kind(at) }, element("bdi", {}, cell?.told ?? cell ?? words.nothing));
      })))),
    ),
    rows.length > MOST_ROWS ? element("p", { class: "caption" }, fill(words.onlySome, { n: number(MOST_ROWS) })) : null,
  );
}

// A cell of a table that is a number.
export const num = (told) => ({ told, numeric: true });

// A chart in a card of its own: heading, drawing, table.
export function card(id, title, parts, columns, rows) {
  const folded = rows.length === 0 ? [element("p", { class: "caption" }, words.noData)] : [
    ...parts,
    columns && element("details", { class: "numbers" }, element("summary", {}, words.asTable), table(columns, rows, title)),
  ];
  return element("section", { class: "card", id, "aria-labelledby": `${id}-heading` }, element("h3", { id: `${id}-heading` }, title), ...folded);
}

// Values side by side: each has a value, its label, and how it is told.
export function columns(title, values, height = HEIGHT) {
  const most = Math.max(0, ...values.map((one) => one.value));
  const step = WIDTH / Math.max(1, values.length);
  const gap = Math.min(GAP, step / 4);
  const peak = values.find((one) => one.value === most);
  const told = most === 0 ? fill(words.chartEmpty, { title }) : fill(words.chartTold, {
    title, first: values[0].label, last: values.at(-1).label, most: peak.told, when: peak.label,
  });
  const svg = drawn("svg", { class: "plot", viewBox: `0 0 ${WIDTH} ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": told });
  values.forEach((one, at) => {
    const tall = one.value ? Math.max(2, height * share(one.value, most)) : 0;
    const x = fixed(at * step);
    const title = drawn("title", {}, `${one.label}: ${one.told}`);
    svg.append(drawn("g", { class: "column", "data-value": one.value },
      title,
      drawn("rect", { class: "back", x, y: 0, width: fixed(step), height }),
      drawn("rect", { class: "value", x: fixed(at * step + gap / 2), y: fixed(height - tall), width: fixed(step - gap), height: fixed(tall) }),
    ));
  });
  const ticks = element("p", { class: "ends", "aria-hidden": "true" }, ...marks(values).map((one) => element("span", {}, one.tick ?? one.label)));
  const top = element("p", { class: "top-value", "aria-hidden": "true" }, most ? peak.told : "");
  return element("div", { class: "chart" }, top, svg, ticks);
}

// All labels of a few values, else four at equal distances.
function marks(values) {
  if (values.length <= 7) return values;
  const last = values.length - 1;
  return [0, 1, 2, 3].map((at) => values[Math.round((last * at) / 3)]);
}

// A week: rows of 24 hours, darker where there is more.
export function week(title, days, grid) {
  const most = Math.max(0, ...grid.flat());
  const left = 40;
  const top = 16;
  const svg = drawn("svg", { class: "week", viewBox: `0 0 ${left + 24 * CELL} ${top + 7 * CELL}`, role: "img" });
  let peak = [0, 0];
  grid.forEach((row, at) => {
    svg.append(drawn("text", { x: left - 6, y: top + at * CELL + CELL / 2, class: "day" }, days[at].name));
    row.forEach((value, hour) => {
      if (value > grid[peak[0]][peak[1]]) peak = [at, hour];
      const told = fill(words.cell, { day: days[at].name, hour: days[at].hours[hour], count: counted(value, "message") });
      svg.append(drawn("rect", {
        class: `level-${value ? Math.ceil(LEVELS * share(value, most)) : 0}`,
        x: left + hour * CELL + 1, y: top + at * CELL + 1, width: CELL - GAP, height: CELL - GAP, rx: 3,
      }, drawn("title", {}, told)));
    });
  });
  for (const hour of [0, 6, 12, 18]) svg.append(drawn("text", { x: left + hour * CELL + 2, y: top - 5, class: "hour" }, days[0].hours[hour]));
  svg.setAttribute("aria-label", most === 0 ? fill(words.chartEmpty, { title }) : fill(words.weekTold, {
    title, day: days[peak[0]].name, hour: days[0].hours[peak[1]], count: counted(grid[peak[0]][peak[1]], "message"),
  }));
  return svg;
}

// The first of a list, each with a bar: name, note, value, how the value is told.
export function ranks(entries, most = Math.max(...entries.map((one) => one.value), 0)) {
  return element("ol", { class: "ranks" }, ...entries.slice(0, TOP).map((one) => element("li", { "data-value": one.value },
    element("span", { class: "rank-name" }, element("bdi", {}, one.name), one.note ? element("small", {}, element("bdi", {}, one.note)) : null),
    element("span", { class: "rank-value" }, one.told, one.more ? element("small", {}, one.more) : null),
    drawn("svg", { class: "rank-bar", viewBox: `0 0 ${BAR} 8`, preserveAspectRatio: "none", "aria-hidden": "true" },
      drawn("rect", { width: fixed(Math.max(one.value ? 0.5 : 0, BAR * share(one.value, most))), height: 8 })),
  )));
}

// A figure with its name and something to say about it.
export function tile(id, name, figure, about) {
  return element("div", { class: "tile", id: `tile-${id}` },
    element("h3", {}, name),
    element("p", { class: "figure" }, ...[figure].flat()),
    element("p", { class: "tile-about" }, about || ""),
  );
}
