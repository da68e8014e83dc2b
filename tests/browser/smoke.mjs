// Visits the pages of a built site in headless Chromium, over HTTP, from file:// and without scripts.
// SITE=folder [CHROMIUM=program] [SCREENSHOTS=folder] node tests/browser/smoke.mjs

import { mkdir } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { severalAtOnce, violations } from "./checks.mjs";
import { launch } from "./chromium.mjs";
import { pagesByKind } from "./pages.mjs";
import { serve } from "./server.mjs";

const site = process.env.SITE && path.resolve(process.env.SITE);
if (!site) {
  console.error("error: SITE is not set\nhint: SITE=output npm run test:browser");
  process.exit(2);
}
const screenshots = process.env.SCREENSHOTS && path.resolve(process.env.SCREENSHOTS);

/** @type {Map<string, Promise<import("playwright-core").BrowserContext>>} */
const readers = new Map();
let passed = 0;
const failures = [];

const kinds = await pagesByKind(site);
if (kinds.size === 0) {
  console.error(`error: no pages below ${site}`);
  process.exit(2);
}
const server = await serve(site);
const browser = await launch();
try {
  await severalAtOnce([...kinds].flatMap(([kind, pages]) => [...pages.map((file) => () => visits(file)), () => kindOfPage(kind, pages)]), (visit) => visit());
} finally {
  await browser.close();
  await server.close();
}

for (const failure of failures) console.error(`failed: ${failure}`);
console.log(`${passed} passed, ${failures.length} failed`);
process.exitCode = failures.length > 0 ? 1 : 0;

/** A page in every way that readers come to it. */
async function visits(file) {
  const overHttp = server.origin + file.split("/").map(encodeURIComponent).join("/");
  const fromFile = pathToFileURL(path.join(site, file)).href;
  const served = await visit(`${file} over HTTP`, overHttp, server.origin);
  const opened = await visit(`${file} from file://`, fromFile, pathToFileURL(`${site}/`).href);
  await visit(`${file} without scripts`, overHttp, server.origin, { javaScriptEnabled: false }, (page) => sameText(page, opened));
  await visit(`${file} at 360 px`, overHttp, server.origin, { viewport: { width: 360, height: 740 } }, noOverflow);
  await visit(`${file} at 360 px without scripts`, overHttp, server.origin, { viewport: { width: 360, height: 740 }, javaScriptEnabled: false }, noOverflow);
  if (served) await check(`${file} is complete over HTTP`, () => complete(served));
}

/** What is asked of one page of each kind. */
async function kindOfPage(kind, pages) {
  // The largest page of a kind has most of what the kind can show.
  const fullest = server.origin + pages.at(-1);
  for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
    await visit(`${kind} for screen readers, ${colorScheme}`, fullest, server.origin, { colorScheme, bypassCSP: true }, (page) => accessible(page, colorScheme));
  }
  await visit(`${kind} on paper`, fullest, server.origin, {}, printed);
  if (screenshots) await photograph(kind, pages[0]);
}

/** One who reads with these options: what was loaded for one page is at hand for the next. @param {import("playwright-core").BrowserContextOptions} options */
function reader(options) {
  const key = JSON.stringify(options);
  const known = readers.get(key) ?? browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  readers.set(key, known);
  return known;
}

/** Opens a page of its own and says what is in it; anything amiss on the way is a failure. */
async function visit(name, url, inside, options = {}, also = async (/** @type {import("playwright-core").Page} */ _) => {}) {
  const faults = [];
  let facts = null;
  const page = await (await reader(options)).newPage();
  try {
    page.on("console", (message) => message.type() === "error" && faults.push(`console: ${message.text()}`));
    page.on("pageerror", (error) => faults.push(`error: ${String(error)}`));
    page.on("requestfailed", (request) => faults.push(`request failed: ${request.url()} ${request.failure()?.errorText}`));
    page.on("request", (request) => {
      if (!request.url().startsWith(inside) && !request.url().startsWith("data:")) faults.push(`left the site: ${request.url()}`);
    });
    page.on("response", (response) => response.status() >= 400 && faults.push(`${response.status()}: ${response.url()}`));
    await page.goto(url, { waitUntil: "load", timeout: 30_000 });
    if (options.javaScriptEnabled !== false) await settled(page);
    facts = { title: await page.title(), heading: await page.locator("h1").count(), text: await mainText(page) };
    if (!facts.title.trim()) faults.push("no title");
    if (facts.heading !== 1) faults.push(`${facts.heading} h1 elements`);
    await also(page);
  } catch (error) {
    faults.push(String(error));
  } finally {
    await page.close();
  }
  record(name, faults);
  return facts;
}

/** Apps fetch and draw after the load event: wait until all that the page asked for has come, then for two frames. */
async function settled(page) {
  await page.evaluate(async () => {
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    const count = () => performance.getEntriesByType("resource").length;
    for (let quiet = 0, before = -1; quiet < 3; before = count()) {
      quiet = count() === before ? quiet + 1 : 0;
      await new Promise((done) => setTimeout(done, 25));
    }
    await frame();
    await frame();
  });
}

/** The words of main, as the document has them: what scripts add (filters, page apps) is left out. */
function mainText(page) {
  return page.evaluate(() => {
    const main = document.querySelector("main")?.cloneNode(true);
    for (const added of main instanceof Element ? main.querySelectorAll("svg, .local-time, .table-tools, .table-take, .timeline-tools, .log-filters, .explorer-offer, [id$='-app']") : []) added.remove();
    return (main?.textContent ?? "").replace(/\s+/g, " ").trim();
  });
}

/** No violation of any rule of axe-core, with everything that folds opened. */
async function accessible(page, colorScheme) {
  await page.evaluate(() => {
    for (const fold of document.querySelectorAll("details")) fold.open = true;
  });
  const found = await violations(page, colorScheme);
  if (found.length > 0) throw new Error(found.join("; "));
}

/** The page makes a PDF, with its address on it and every fold open. */
async function printed(page) {
  await page.evaluate(() => window.dispatchEvent(new Event("beforeprint")));
  const folds = await page.evaluate(() => document.querySelectorAll("details.fold:not([open])").length);
  if (folds > 0) throw new Error(`${folds} folds stay shut on paper`);
  await page.emulateMedia({ media: "print" });
  const said = await page.evaluate(() => {
    const footer = document.querySelector(".page-footer");
    return footer ? getComputedStyle(footer, "::after").content : "";
  });
  if (!said.includes(page.url().slice(0, 20))) throw new Error(`the address is not on paper: ${said}`);
  const pdf = await page.pdf({ preferCSSPageSize: true });
  if (pdf.length < 5000 || pdf.subarray(0, 5).toString() !== "%PDF-") throw new Error(`no PDF: ${pdf.length} bytes`);
}

async function sameText(page, withScripts) {
  const text = await mainText(page);
  if (text === "") throw new Error("main is empty without scripts");
  if (withScripts && text !== withScripts.text) throw new Error(`main has other words with scripts: ${difference(text, withScripts.text)}`);
}

function difference(without, withScripts) {
  let at = 0;
  while (at < without.length && without[at] === withScripts[at]) at += 1;
  return `"…${without.slice(Math.max(0, at - 20), at + 40)}…" became "…${withScripts.slice(Math.max(0, at - 20), at + 40)}…"`;
}

function complete(facts) {
  if (facts.text.length === 0) throw new Error("main is empty");
}

async function noOverflow(page) {
  const wide = await page.evaluate(() => {
    const room = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= room) return null;
    const scrolls = (element) => element && (/auto|scroll|hidden/.test(getComputedStyle(element).overflowX) || scrolls(element.parentElement));
    const culprit = [...document.body.querySelectorAll("*")].find((element) => element.getBoundingClientRect().right > room + 1 && !scrolls(element.parentElement));
    return `${document.documentElement.scrollWidth} px wide: ${culprit?.outerHTML.slice(0, 120) ?? "unknown element"}`;
  });
  if (wide) throw new Error(`scrolls sideways, ${wide}`);
}

async function check(name, run) {
  try {
    await run();
    record(name, []);
  } catch (error) {
    record(name, [String(error)]);
  }
}

function record(name, faults) {
  if (faults.length === 0) passed += 1;
  else failures.push(`${name}: ${[...new Set(faults)].join("; ")}`);
}

/** Four pictures of a page kind: wide and narrow, light and dark. */
async function photograph(kind, file) {
  await mkdir(screenshots, { recursive: true });
  for (const [size, width] of /** @type {const} */ ([["wide", 1440], ["narrow", 390]])) {
    for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
      const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
      const page = await context.newPage();
      await page.goto(server.origin + file, { waitUntil: "load" });
      await settled(page);
      await page.screenshot({ path: path.join(screenshots, `${kind}-${size}-${colorScheme}.png`), fullPage: true });
      await context.close();
    }
  }
}
