// What the page does beyond being read: tables are sorted and filtered, figures say the values of their marks, and step through an axis.
"use strict";

const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};
const filled = (template, values) => template.replace(/\{(\w+)\}/g, (_, name) => values[name]);

// Tables.
const valueOf = (row, column) => {
  const cell = row.cells[column];
  if (!cell) return null;
  return cell.dataset.v === undefined ? (cell.classList.contains("quiet") ? null : cell.textContent) : Number(cell.dataset.v);
};
const compare = (a, b) =>
  typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), undefined, { numeric: true });

for (const table of document.querySelectorAll("table.rows")) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  // Headings that span rows stand before those of the last row.
  const spanning = [...table.tHead.rows].slice(0, -1).flatMap((row) => [...row.cells].filter((cell) => cell.rowSpan > 1));
  const headings = [...spanning, ...table.tHead.rows[table.tHead.rows.length - 1].cells];
  headings.forEach((heading, column) => {
    const words = heading.textContent;
    const button = make("button", { type: "button", title: filled(table.dataset.sort, { column: words }) }, ...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const isUp = heading.getAttribute("aria-sort") !== "ascending";
      headings.forEach((other) => other.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", isUp ? "ascending" : "descending");
      const sorted = [...rows].sort((a, b) => {
        const [x, y] = [valueOf(a, column), valueOf(b, column)];
        // What is not defined stands last, whichever way.
        if (x === null || y === null) return (x === null) - (y === null);
        return isUp ? compare(x, y) : compare(y, x);
      });
      body.append(...sorted);
    });
  });
  if (rows.length > 16) table.parentElement.classList.add("tall");
  if (rows.length < 4) continue;
  const input = make("input", { type: "search", autocomplete: "off" });
  const count = make("output");
  const label = make("label", {}, table.dataset.filter + " ", input);
  const show = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let n = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      n += !row.hidden;
    }
    count.value = filled(table.dataset.shown, { shown: n, all: rows.length });
  };
  input.addEventListener("input", show);
  show();
  table.parentElement.before(make("div", { className: "tools" }, label, count));
}

// A small window with the value of what is pointed at.
const tip = make("div", { className: "tip", hidden: true });
tip.setAttribute("role", "status");
document.body.append(tip);
const tell = (words, x, y) => {
  tip.hidden = !words;
  if (!words) return;
  tip.textContent = words;
  const { width, height } = tip.getBoundingClientRect();
  tip.style.left = Math.max(6, Math.min(x + 14, innerWidth - width - 6)) + "px";
  tip.style.top = (y + 18 + height > innerHeight ? y - height - 12 : y + 18) + "px";
};
const heatAt = (cells, event) => {
  const { x, y, names } = cells;
  const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(cells.element.getScreenCTM().inverse());
  const between = (edges, place) => edges.findIndex((edge, k) => k + 1 < edges.length && (place - edge) * (place - edges[k + 1]) <= 0);
  const [column, row] = [between(x, at.x), between(y, at.y)];
  if (column < 0 || row < 0) return "";
  const value = cells.values[row * (x.length - 1) + column];
  return `${names[0][column]}, ${names[1][row]}: ${value || "–"}`;
};
for (const plot of document.querySelectorAll(".plot")) {
  // The browser's own window would stand over ours.
  for (const spot of plot.querySelectorAll(".spot")) {
    const title = spot.querySelector("title");
    spot.dataset.words = title.textContent;
    title.remove();
  }
  const heats = new Map();
  for (const element of plot.querySelectorAll(".heat")) {
    const list = (name, by) => element.dataset[name].split(by);
    heats.set(element, {
      element, x: list("x", " ").map(Number), y: list("y", " ").map(Number), values: list("values", " "),
      names: [list("columns", "\n"), list("rows", "\n")],
    });
  }
  plot.addEventListener("pointermove", (event) => {
    // Marks that lie on one another all speak.
    const spots = document.elementsFromPoint(event.clientX, event.clientY).filter((one) => one.classList.contains("spot"));
    const words = spots.slice(0, 8).reverse().map((spot) => spot.dataset.words);
    const heat = heats.get(event.target);
    tell(words.length ? words.join("\n") : heat ? heatAt(heat, event) : "", event.clientX, event.clientY);
  });
  plot.addEventListener("pointerleave", () => tell(""));
}
addEventListener("scroll", () => tell(""), { passive: true });
addEventListener("keydown", (event) => event.key === "Escape" && tell(""));

// A slider goes through the places on the horizontal axis: a line stands there in every panel, and the values are read out.
const SVG = "http://www.w3.org/2000/svg";
let n_sliders = 0;
for (const figure of document.querySelectorAll("figure[data-slider]")) {
  const panels = [...figure.querySelectorAll(".panel")];
  const spots = panels.map((panel) => [...panel.querySelectorAll(".spot[data-x]")]);
  const places = new Map(spots.flat().map((spot) => [Number(spot.dataset.x), spot.dataset.at]));
  const steps = [...places.keys()].sort((a, b) => a - b);
  if (steps.length < 2) continue;
  const id = `slider-${(n_sliders += 1)}`;
  const input = make("input", { type: "range", min: 0, max: steps.length - 1, step: 1, value: 0, id });
  const output = make("output");
  output.setAttribute("for", id);
  const readout = make("ul", { className: "readout" });
  const cursors = panels.map((panel) => {
    const cursor = document.createElementNS(SVG, "path");
    cursor.setAttribute("class", "cursor");
    cursor.setAttribute("stroke", "#8b1a4a");
    cursor.setAttribute("stroke-width", "1.4");
    cursor.setAttribute("fill", "none");
    panel.append(cursor);
    return cursor;
  });
  const show = () => {
    const k = Number(input.value);
    const words = filled(figure.dataset.step, { value: places.get(steps[k]), k: k + 1, n: steps.length });
    output.value = words;
    input.setAttribute("aria-valuetext", words);
    const found = [];
    panels.forEach((panel, index) => {
      const here = spots[index].filter((spot) => Number(spot.dataset.x) === steps[k]);
      const at = here.length ? here[0].getAttribute("cx") : "";
      const rings = here.map((spot) => `M${spot.getAttribute("cx") - 5},${spot.getAttribute("cy")}a5,5 0 1,0 10,0a5,5 0 1,0 -10,0z`);
      cursors[index].setAttribute("d", at ? `M${at},${panel.dataset.top}V${panel.dataset.bottom}${rings.join("")}` : "");
      found.push(...here.map((spot) => make("li", {}, spot.dataset.words.split("\n")[0])));
    });
    readout.replaceChildren(...(found.length ? found : [make("li", {}, figure.dataset.nothing)]));
  };
  input.addEventListener("input", show);
  const [before, after] = figure.dataset.slider.split("{axis}");
  const label = make("label", { htmlFor: id }, before, make("span", { lang: "en" }, figure.dataset.axis), after);
  figure.querySelector("figcaption").before(make("div", { className: "steps" }, label, input, output), readout);
  show();
}

// Steps that are pictures of their own: one is shown, and buttons say which.
for (const frames of document.querySelectorAll(".frames")) {
  const all = [...frames.querySelectorAll(".frame")];
  const buttons = all.map((frame) => make("button", { type: "button" }, frame.dataset.name));
  const show = (k) => {
    all.forEach((frame, index) => (frame.hidden = index !== k));
    buttons.forEach((button, index) => button.setAttribute("aria-pressed", String(index === k)));
  };
  buttons.forEach((button, k) => button.addEventListener("click", () => show(k)));
  const tabs = make("div", { className: "tabs" }, ...buttons);
  tabs.setAttribute("role", "group");
  tabs.setAttribute("aria-label", frames.dataset.which);
  frames.prepend(make("p", { className: "quiet" }, frames.dataset.label), tabs);
  show(0);
}
