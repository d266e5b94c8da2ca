// The page of a report in a real browser: it asks for nothing, says what it should, and takes names for names.
import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import axe from "axe-core";
import puppeteer from "puppeteer-core";

const file = (name) => `${process.env.PAGES}/${name}/report.html`;
const ALL = ["load", "polytopes", "tiers", "zh", "hostile"];
let browser;
before(async () => {
  browser = await puppeteer.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });
});
after(() => browser.close());

// Opens a page and hands it over; then nothing must have left it, and nothing must have gone wrong in it.
async function visit(name, look, { scripts = true, dark = false, width = 1200, print = false } = {}) {
  const page = await browser.newPage();
  const said = [];
  const url = pathToFileURL(file(name)).href;
  page.on("request", (request) => request.url() === url || said.push(`request: ${request.url()}`));
  page.on("console", (message) => said.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => said.push(`error: ${error.message}`));
  page.on("dialog", (dialog) => (said.push(`dialog: ${dialog.message()}`), dialog.dismiss()));
  await page.setJavaScriptEnabled(scripts);
  await page.setViewport({ width, height: 900 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }]);
  if (print) await page.emulateMediaType("print");
  await page.goto(url);
  const shot = process.env.SHOTS && `${process.env.SHOTS}/${name}${scripts ? "" : "-still"}${dark ? "-dark" : ""}${print ? "-print" : ""}-${width}.png`;
  if (shot) await page.screenshot({ path: shot, fullPage: true });
  try {
    await look(page);
    assert.deepEqual(said, []);
  } finally {
    await page.close();
  }
}
const texts = (page, selector) => page.$$eval(selector, (all) => all.map((one) => one.textContent));

for (const name of ALL) {
  test(`${name}: nothing leaves the page, nothing is loud in it, and a screen reader has a way through it`, () =>
    visit(name, async (page) => {
      assert.ok(statSync(file(name)).size < 2_000_000);
      // Every corner of it is opened, pointed at and pressed.
      await page.$$eval("details", (all) => all.forEach((one) => (one.open = true)));
      for (const button of (await page.$$("button")).slice(0, 60)) await button.click();
      await page.evaluate(axe.source);
      const found = await page.evaluate(() => window.axe.run({ resultTypes: ["violations"] }));
      const told = found.violations.map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 160))}`);
      assert.deepEqual(told, []);
      const unnamed = await page.$$eval("svg", (all) => all.filter((svg) => !svg.querySelector("title")?.textContent || !svg.querySelector("desc")?.textContent || svg.getAttribute("role") !== "img").length);
      assert.equal(unnamed, 0);
      const bare = await page.$$eval("table", (all) => all.filter((table) => !table.caption || [...table.querySelectorAll("th")].some((th) => !th.scope)).length);
      assert.equal(bare, 0);
      const ids = await page.$$eval("[id]", (all) => all.map((one) => one.id));
      assert.equal(new Set(ids).size, ids.length);
    }));
}

test("a strict policy stands in the page, and what is not its own script does not run", () =>
  visit("load", async (page) => {
    const policy = await page.$eval("meta[http-equiv=Content-Security-Policy]", (meta) => meta.content);
    assert.match(policy, /^default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-[^']+'; base-uri 'none'; form-action 'none'$/);
    const html = readFileSync(file("load"), "utf8");
    assert.ok(!/ style=| on\w+=/.test(html.replace(/<(script|style|pre)>[\s\S]*?<\/\1>/g, "")));
    assert.ok(!/(src|href)="(https?:)?\/\//.test(html));
  }));

test("tables are sorted by the heading that is pressed", () =>
  visit("load", async (page) => {
    const column = await page.$$eval("#measure-overlap table.rows thead th", (all) => all.findIndex((th) => th.textContent === "mean_abs_cosine"));
    assert.ok(column > 0);
    const values = () => page.$$eval("#measure-overlap table.rows tbody tr", (rows, column) => rows.map((row) => Number(row.cells[column].dataset.v)), column);
    const [button] = (await page.$$("#measure-overlap table.rows thead th button")).slice(column);
    const before = await values();
    const rising = [...before].sort((a, b) => a - b);
    assert.notDeepEqual(before, rising);
    await button.focus();
    await page.keyboard.press("Enter");
    assert.deepEqual(await values(), rising);
    assert.equal(await page.$eval("#measure-overlap th[aria-sort]", (th) => `${th.textContent} ${th.ariaSort}`), "mean_abs_cosine ascending");
    await button.click();
    assert.deepEqual(await values(), rising.reverse());
  }));

test("rows are filtered by the words that are typed", () =>
  visit("load", async (page) => {
    const shown = () => page.$$eval("#measure-overlap table.rows tbody tr", (rows) => rows.filter((row) => row.checkVisibility()).map((row) => row.textContent));
    const all = (await shown()).length;
    await page.type("#measure-overlap .tools input", "LARGE 256");
    const left = await shown();
    assert.ok(left.length > 0 && left.length < all && left.every((row) => row.includes("large") && row.includes("256")));
    assert.equal(await page.$eval("#measure-overlap .tools output", (output) => output.value), `${left.length} of ${all} rows`);
  }));

test("the slider moves a line through the figure and reads the values out", () =>
  visit("load", async (page) => {
    const figure = await page.$("figure[data-slider]");
    const state = () => figure.evaluate((figure) => ({
      lines: [...figure.querySelectorAll(".cursor")].map((cursor) => cursor.getAttribute("d")).join(""),
      said: figure.querySelector(".steps output").value,
      values: [...figure.querySelectorAll(".readout li")].map((one) => one.textContent),
    }));
    const first = await state();
    await (await figure.$("input[type=range]")).focus();
    await page.keyboard.press("ArrowRight");
    const second = await state();
    assert.match(first.said, /^64 \(1 of 2\)$/);
    assert.match(second.said, /^256 \(2 of 2\)$/);
    assert.notEqual(first.lines, second.lines);
    assert.match(first.lines, /M[\d.]+,[\d.]+V[\d.]+/);
    assert.ok(first.values.some((words) => words.startsWith("small: ")), String(first.values));
    assert.notDeepEqual(first.values, second.values);
  }));

test("a mark says its value where one points at it", () =>
  visit("load", async (page) => {
    const spot = await page.$("figure[data-slider] .spot");
    const words = await spot.evaluate((spot) => spot.dataset.words);
    await spot.scrollIntoView();
    await spot.hover();
    const told = await page.$eval(".tip", (tip) => tip.hidden ? "" : tip.textContent);
    assert.ok(told.includes(words), told);
    assert.match(words, /\d/);
    await page.keyboard.press("Escape");
    assert.equal(await page.$eval(".tip", (tip) => tip.hidden), true);
  }));

test("steps that are pictures are shown one at a time", () =>
  visit("polytopes", async (page) => {
    const visible = () => page.$$eval("#figure-geometry .frame", (all) => all.map((one) => one.checkVisibility()));
    const n = (await visible()).length;
    assert.ok(n > 1);
    assert.deepEqual(await visible(), [true, ...Array(n - 1).fill(false)]);
    await (await page.$$("#figure-geometry .tabs button"))[n - 1].click();
    assert.deepEqual(await visible(), [...Array(n - 1).fill(false), true]);
  }));

test("the Chinese page is Chinese", () =>
  visit("zh", async (page) => {
    assert.equal(await page.$eval("html", (html) => html.lang), "zh");
    for (const words of await texts(page, "h2, h3, nav a, caption, .tools label, .steps label, figcaption"))
      assert.match(words, /\p{Script=Han}/u, words);
    // What has no translation says in which language it is: nothing else is English prose.
    const stray = await page.$$eval("p, li, td, dt, summary, button, label, output", (all) =>
      all.filter((one) => !one.closest("[lang=en], code, svg, pre, .readout, thead, bdi, .tabs, blockquote, .files"))
        .map((one) => [...one.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data).join(" "))
        .filter((words) => /[A-Za-z]{3,} [A-Za-z]{2,} [A-Za-z]{2,}/.test(words)));
    assert.deepEqual(stray, []);
  }));

test("names are names: no dialog, no element, no other title", () =>
  visit("hostile", async (page) => {
    assert.equal(await page.title(), "<script>alert('title')</script> \"title\" </title><svg onload=alert(3)>");
    assert.equal(await page.$$eval("script", (all) => all.length), 1);
    assert.equal(await page.$$eval("img, iframe, object, embed, link, base, form, [onload], [onerror], [onmouseover], a[href^='javascript:']", (all) => all.length), 0);
    const shown = await page.$eval("body", (body) => body.textContent);
    for (const name of ["<script>alert('name')</script>", "<img src=x onerror=alert(1)>", "a <script>alert('tier')</script>", "b\" onmouseover=\"alert(4)", "猫和狗", "\ufffdturned\ufffd"])
      assert.ok(shown.includes(name), name);
    assert.ok(!/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/.test(readFileSync(file("hostile"), "utf8")));
    for (const spot of (await page.$$(".spot")).slice(0, 5)) await spot.hover();
  }));

test("without scripts everything is there: figures, all steps, tables", () =>
  visit("polytopes", async (page) => {
    const seen = (selector) => page.$$eval(selector, (all) => all.map((one) => one.getBoundingClientRect()).map((box) => box.width > 100 && box.height > 50));
    for (const selector of ["figure svg", ".frame", "table.rows", "noscript p"].slice(0, 3)) {
      const all = await seen(selector);
      assert.ok(all.length > 1 && all.every(Boolean), selector);
    }
    assert.equal((await texts(page, "noscript")).length, 1);
  }, { scripts: false }));

for (const name of ALL) {
  test(`${name}: readable in the dark`, () =>
    visit(name, async (page) => {
      const [red, green, blue] = (await page.$eval("body", (body) => getComputedStyle(body).backgroundColor)).match(/\d+/g).map(Number);
      assert.ok(red + green + blue < 120);
      await page.evaluate(axe.source);
      const found = await page.evaluate(() => window.axe.run({ runOnly: ["color-contrast"] }));
      assert.deepEqual(found.violations.flatMap((one) => one.nodes.map((node) => node.html.slice(0, 160))), []);
    }, { dark: true }));

  test(`${name}: on a telephone nothing is wider than the screen but what scrolls by itself`, () =>
    visit(name, async (page) => {
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    }, { width: 400 }));
}

test("on paper all steps are shown, and nothing that one would have to press", () =>
  visit("polytopes", async (page) => {
    const frames = await page.$$eval(".frame", (all) => all.map((one) => one.checkVisibility()));
    assert.ok(frames.length > 1 && frames.every(Boolean));
    assert.equal(await page.$$eval(".tabs, .steps, .tools, nav", (all) => all.filter((one) => one.checkVisibility()).length), 0);
  }, { print: true }));
