// Edits templates, styles and data under `peerpress serve` and watches open pages in headless Chromium.
// PEERPRESS=program DATABASE_URL=url [SCREENSHOTS=folder] node tests/browser/live.mjs

import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { checking } from "./checks.mjs";
import { launch } from "./chromium.mjs";
import { live } from "./program.mjs";

const { PEERPRESS: program, DATABASE_URL: database, SCREENSHOTS: screenshots } = process.env;
if (!program || !database) {
  console.error("error: PEERPRESS or DATABASE_URL is not set\nhint: PEERPRESS=target/debug/peerpress DATABASE_URL=… npm run test:live");
  process.exit(2);
}
const project = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const { check, end } = checking();
const patience = { timeout: 20_000 };

const folder = await mkdtemp(path.join(os.tmpdir(), "peerpress-live-"));
const args = ["--interval", "1", "--database-url", database];
const { origin, said, stop } = await live(program, args, folder, patience.timeout);
const browser = await launch();
/** @type {string[]} */
const faults = [];
try {
  const context = await browser.newContext({ viewport: { width: 1280, height: 700 } });
  const call = await open(context, await largest("conference"));
  const person = await open(context, await largest("participant"));
  const methods = await open(context, "methods.html");
  await checkInPlace(call, person);
  await checkChanges(call);
  await checkLoads(call, person);
  await checkNews(call, context);
  await checkStyles(call, person);
  await checkProblems(call);
  await checkData(person, methods);
  // Under a policy that allows no script, too.
  await open(context, await largest("embed/conference"));
  check("what the console and the network had to say", faults, []);
  check("the program's exit code after Ctrl-C", await stop(), 0);
} finally {
  await browser.close();
  await stop();
  await rm(folder, { recursive: true });
}
end(90);

/** A saved template shows where it is used, in the page as it is open, and nowhere else; then in the files. */
async function checkInPlace(call, person) {
  const fold = call.locator("details:not([open])").first();
  await fold.evaluate((element) => (element.open = true));
  await call.fill("#site-search", "typed");
  await call.evaluate(() => window.scrollTo(0, 800));
  const seen = await topOf(call, "#connections");
  await template("conference.html", (text) => text.replace(/(<h1[^>]*>)/, '<p id="edited">one</p>$1'));
  await call.waitForSelector("#edited", patience);
  check("a saved template was loaded", !(await isMarked(call)), false);
  check("how far down is what was seen", await topOf(call, "#connections"), seen);
  check("how many folds are open", await call.locator("details[open]").count(), 1);
  check("what was typed", await call.inputValue("#site-search"), "typed");
  check("what has the focus", await call.evaluate(() => document.activeElement?.id), "site-search");
  check("the page of another template was not loaded", await isMarked(person), true);
  await checkLikeLoaded(call, "a saved template");
  await said(/is up to date/);
  const file = new URL(call.url()).pathname.slice(1);
  const published = await readFile(path.join(folder, "output", file), "utf8");
  check("the file has the edit", published.includes('id="edited"'), true);
  check("the file has nothing of the live rebuild", /_peerpress|&quot;dev&quot;:true/.test(published), false);
  check("the shown page is for development", /&quot;dev&quot;:true/.test(await (await fetch(call.url())).text()), true);
}

/** One change after the other, each on what those before have left. */
async function checkChanges(call) {
  const section = '<section id="edited" class="muted" title="two"><h4>two</h4><ul><li>a</li><li>b</li></ul></section>';
  const row = "{%- endfor %}</tbody></table></div></div>";
  /** @type {[string, string, string | RegExp, string][]} */
  const cases = [
    ["another element", "#edited h4", '<p id="edited">one</p>', section],
    ["an attribute", "#edited[title=three]", 'title="two"', 'title="three"'],
    ["an item of a list", "#edited b", "<li>b</li>", "<li><b>new</b></li><li>b</li>"],
    ["two places", "#edited i ~ b", /<h4>two<\/h4>(.*)<\/ul>/, "<h4>three</h4><i>four</i>$1</ul><b>five</b>"],
    ["a heading", "h1 .edited", /(<h1[^>]*>)/, '$1<span class="edited">Call</span> '],
    ["all cells of a column", "#summary td i", "<td>{{ measure.label }}</td>", "<td><i>{{ measure.label }}</i></td>"],
    ["a row", "#summary tr.edited", row, row.replace("endfor %}", 'endfor %}<tr class="edited"><td colspan="5">last</td></tr>')],
    ["something taken out", "h1:not(:has(.edited))", '<span class="edited">Call</span> ', ""],
  ];
  for (const [name, selector, from, to] of cases) {
    await template("conference.html", (text) => text.replace(from, to));
    await call.waitForSelector(selector, patience);
    check(`${name} was loaded`, !(await isMarked(call)), false);
    await checkLikeLoaded(call, name);
  }
  await save("site-templates/base.html", (await text("site-templates/base.html")).replace("<title>", "<title>Edited "));
  await call.waitForFunction(() => document.title.startsWith("Edited "), null, patience);
  check("a title was loaded", !(await isMarked(call)), false);
  // Saves that overtake each other.
  for (const number of [1, 2, 3, 4, 5, 6]) await template("conference.html", (text) => text.replace(/<h4>[^<]*/, `<h4>${number}`));
  await call.waitForFunction(() => document.querySelector("#edited h4")?.textContent === "6", null, patience);
  check("the last of many saves was loaded", !(await isMarked(call)), false);
  await checkLikeLoaded(call, "the last of many saves");
}

/** What scripts of the page handle, or have changed, takes a load, which keeps the reader's place. */
async function checkLoads(call, person) {
  const table = '<table class="data" id="edited-table"><thead><tr><th>a</th></tr></thead><tbody><tr><td>b</td></tr></tbody></table>';
  const script = '{% block assets %}<script type="module" src="/_peerpress/live.js"></script>{% endblock assets %}';
  const here = '<section id="participants">';
  await call.locator("details:not([open])").first().evaluate((element) => (element.open = true));
  const open = await call.locator("details[open]").count();
  /** @type {[string, string, string, string][]} */
  const cases = [
    ["a time", "#edited time[title]", "<ul><li>", '<time datetime="2026-01-01T00:00:00Z">x</time><ul><li>'],
    ["a table", "#edited-table + .table-take", here, `<h2>Old</h2>${table}${here}`],
    ["what a table is named after", "#edited-table + .table-take [aria-label^='New ']", "<h2>Old<", "<h2>New<"],
    ["a lane of the timeline", ".lane-name b", '<div class="lane-name">', '<div class="lane-name"><b>x</b>'],
    ["a place for an app", "#edited-app", here, `<div id="edited-app"></div>${here}`],
    ["a box that scrolls", "pre.json.edited", here, `<pre class="json edited">{}</pre>${here}`],
    ["what nobody knows", "p[draggable]", here, `<p draggable="true">x</p>${here}`],
    ["what comes after a script's own", "#summary .table-take + .edited", "</tbody></table></div></div>\n</div></section>", '</tbody></table></div><p class="edited">x</p></div>\n</div></section>'],
    ["another script", "script[src^='/']:not([data-live-page])", "{% block container %}", `${script}{% block container %}`],
    ["a page with it", "#edited li i", "<li>b</li>", "<li><i>b</i></li>"],
    ["a page without it", "head:not(:has(script[src^='/']:not([data-live-page])))", script, ""],
  ];
  for (const [name, selector, from, to] of cases) {
    await call.evaluate(() => window.scrollTo(0, 800));
    await template("conference.html", (text) => text.replaceAll(from, to));
    await loadedWith(call, selector, name);
    await call.waitForFunction(() => window.scrollY === 800, null, patience).catch(() => {});
    check(`where the page was scrolled to after ${name}`, await call.evaluate(() => window.scrollY), 800);
    check(`how many folds are open after ${name}`, await call.locator("details[open]").count(), open);
  }
  /** @type {[string, () => void, string, string | RegExp, string][]} */
  const touched = [
    ["a text", () => void (/** @type {any} */ (document.querySelector("#edited h4")?.firstChild).data += "!"), "#edited h4.a", /<h4>[^<]*/, '<h4 class="a">7'],
    ["an element", () => document.querySelector("#edited > b")?.append("!"), "#edited:not(:has(> b))", "<b>five</b>", ""],
    ["an attribute", () => document.querySelector("#edited")?.setAttribute("title", "!"), "#edited[title=four]", 'title="three"', 'title="four"'],
    ["a place", () => document.querySelector("#edited")?.after(document.querySelector("#edited h4") ?? ""), "#edited h4.b", '<h4 class="a">7', '<h4 class="b">8'],
    ["everything", () => document.documentElement.replaceWith(document.documentElement.cloneNode(true)), "#edited h4.c", '<h4 class="b">8', '<h4 class="c">9'],
  ];
  for (const [name, script, selector, from, to] of touched) {
    await call.evaluate(script);
    await template("conference.html", (text) => text.replace(from, to));
    await loadedWith(call, selector, `${name} that a script has changed`);
  }
  const base = await text("site-templates/base.html");
  await save("site-templates/base.html", base.replace("<!doctype html>", ""));
  await call.waitForFunction(() => document.compatMode === "BackCompat", null, patience);
  await save("site-templates/base.html", base);
  await call.waitForFunction(() => document.compatMode !== "BackCompat", null, patience);
  await mark(call);
  const cell = "<td>{{ <link to={item.link} /> }}";
  await save("site-templates/components/parts.html", (await text("site-templates/components/parts.html")).replaceAll(cell, cell.replace(">", "><b>x</b>")));
  await loadedWith(person, "table[data-filterable] td b", "a row that is filtered");
  // Nobody knows what it handles.
  await save("assets/js/extra.js", "");
  await template("conference.html", (text) => text.replace("<li><i>b</i></li>", "<li>c</li>"));
  await loadedWith(call, "#edited:not(:has(li i))", "a site with a script of the user's");
  await rm(path.join(folder, "assets/js/extra.js"));
  await template("conference.html", (text) => text.replace("<li>c</li>", "<li><u>c</u></li>"));
  await loadedWith(call, "#edited li u", "the page from before that script was gone");
}

/** What comes while a change is under way, and a page that cannot be had. */
async function checkNews(call, context) {
  const isPage = (url) => url.href === call.url();
  const shows = (page, number) => page.waitForFunction((number) => document.querySelector("#edited h4")?.textContent === number, number, patience);
  const saveNumber = (number) => template("conference.html", (text) => text.replace(/(<h4[^>]*>)[^<]*/, `$1${number}`));
  const names = (await readdir(path.join(folder, "output/conference"))).filter((name) => name.endsWith(".html") && !call.url().endsWith(name));
  const other = await open(context, `conference/${names[0]}`);
  // The chosen theme is on before the page is whole, and is no difference.
  await call.evaluate(() => window.localStorage.setItem("peerpress-theme", "dark"));
  await call.reload();
  await mark(call);
  // What the first change asks for is held back until another page has what was saved next.
  let release = () => {};
  const released = new Promise((resolve) => (release = () => resolve(undefined)));
  const held = new Promise((resolve) => {
    call.route(isPage, async (route) => {
      const response = await route.fetch();
      resolve(undefined);
      await released;
      await route.fulfill({ response });
    }, { times: 1 });
  });
  await saveNumber("10");
  await held;
  await saveNumber("11");
  await shows(other, "11");
  await other.close();
  release();
  await shows(call, "11");
  check("the later of two changes was loaded", !(await isMarked(call)), false);
  await call.route(isPage, (route) => route.fulfill({ contentType: "text/html", body: "<p>something else</p>" }), { times: 1 });
  await saveNumber("12");
  await shows(call, "12");
  check("what is not the page was loaded", !(await isMarked(call)), true);
  await call.evaluate(() => window.localStorage.clear());
  await call.reload();
  await mark(call);
}

/** Waits until a page has something, and checks that it was loaded for it. */
async function loadedWith(page, selector, name) {
  await page.waitForSelector(selector, { state: "attached", ...patience });
  check(`${name} was loaded`, !(await isMarked(page)), true);
  await page.waitForLoadState("load");
  await mark(page);
}

/** A page that was changed in place is as if it were loaded, but for what the reader has opened and typed. */
async function checkLikeLoaded(page, name) {
  const loaded = await page.context().newPage();
  await loaded.goto(page.url(), { waitUntil: "load" });
  const [ours, theirs] = await Promise.all([page, loaded].map((one) => one.evaluate(() => {
    const copy = /** @type {Element} */ (document.documentElement.cloneNode(true));
    for (const part of copy.querySelectorAll("script[data-live-page], .site-search")) part.remove();
    for (const part of copy.querySelectorAll("details, [tabindex]")) for (const kept of ["open", "tabindex"]) part.removeAttribute(kept);
    return copy.outerHTML.split("\n");
  })));
  await loaded.close();
  const at = theirs.findIndex((line, at) => line !== ours[at]);
  check(`${name}, in place and loaded`, ours.slice(at), at < 0 ? ours.slice(at) : theirs.slice(at));
}

function topOf(page, selector) {
  return page.locator(selector).evaluate((element) => Math.round(element.getBoundingClientRect().top));
}

/** Saved styles are swapped on all pages, and none is loaded again. */
async function checkStyles(...pages) {
  const css = await readFile(path.join(project, "assets/css/main.css"), "utf8");
  for (const width of [3, 4]) {
    await save("assets/css/main.css", `${css}body { outline: ${width}px solid red }`);
    for (const page of pages) {
      await page.waitForFunction((width) => getComputedStyle(document.body).outlineWidth === `${width}px`, width, patience);
      await page.waitForFunction(() => document.querySelectorAll('link[rel="stylesheet"]').length === 1, null, patience);
      check("a page whose style was swapped was loaded again", !(await isMarked(page)), false);
    }
  }
  await template("conference.html", (text) => text.replace("<u>c</u>", "d"));
  await pages[0].waitForFunction(() => document.querySelector("#edited li:last-child")?.textContent === "d", null, patience);
  check("a page with a swapped style was loaded", !(await isMarked(pages[0])), false);
  await checkLikeLoaded(pages[0], "a page with a swapped style");
}

/** What cannot be shown is said on the page, which stays; the next good save clears that. */
async function checkProblems(page) {
  const good = await readFile(path.join(folder, "site-templates/pages/conference.html"), "utf8");
  const cases = [
    ["conference.html", `${good}\n{% if %}`, `site-templates/pages/conference.html:${good.split("\n").length + 1}:7`],
    ["conference.html", good.replace("<li>d</li>", "<li>{{ page.no_such_field }}</li>"), "no_such_field"],
  ];
  for (const [name, text, expected] of cases) {
    await save(`site-templates/pages/${name}`, text);
    const overlay = page.locator("peerpress-problem");
    await overlay.waitFor({ state: "attached", ...patience });
    const told = await overlay.evaluate((element) => element.shadowRoot.textContent);
    check("the overlay names the place", told.includes(expected), true);
    check("the overlay has a hint", told.includes("Hint:"), true);
    check("the terminal says it", Boolean(await said(new RegExp(expected.replaceAll(".", "\\.")))), true);
    check("the page is the one before", await page.locator("#edited li").last().textContent(), "d");
    if (screenshots) await photograph(page, expected.length);
    await save(`site-templates/pages/${name}`, good);
    await overlay.waitFor({ state: "detached", ...patience });
    check("the page stayed as it was", await isMarked(page), true);
  }
}

/** New data is on the pages that show it; the others are left alone. */
async function checkData(person, methods) {
  // Its document type has come and gone.
  await mark(methods);
  const id = new URL(person.url()).pathname.match(/([^/]+)\.html$/)?.[1];
  await promisify(execFile)("psql", ["--no-psqlrc", "-q", "-c", `UPDATE participant SET participant_name = 'Renamed <b>' WHERE id = '${id}'`, database]);
  await person.waitForFunction(() => document.querySelector("h1")?.textContent?.includes("Renamed <b>"), null, patience);
  check("a page without anything of it was loaded again", !(await isMarked(methods)), false);
}

/** A page of the site, marked, so that it shows whether it was loaded again. */
async function open(context, file) {
  const page = await context.newPage();
  page.on("console", (message) => {
    const { url } = message.location();
    // The whole Chromium, unlike its headless shell, asks for an icon where a page names none.
    if (message.type() === "error" && !url.endsWith("/favicon.ico")) faults.push(`${file}: ${message.text()} ${url}`);
  });
  page.on("pageerror", (error) => faults.push(`${file}: ${error}`));
  await page.goto(origin + file, { waitUntil: "load" });
  await mark(page);
  return page;
}

/** Puts something into a page's window that a load takes away. */
function mark(page) {
  return page.evaluate(() => {
    /** @type {any} */ (window).isSame = true;
  });
}

function isMarked(page) {
  return page.evaluate(() => "isSame" in window);
}

/** The largest page of a folder of the site. */
async function largest(kind) {
  const names = (await readdir(path.join(folder, "output", kind))).filter((name) => name.endsWith(".html"));
  const sizes = await Promise.all(names.map(async (name) => ({ name, size: (await stat(path.join(folder, "output", kind, name))).size })));
  return `${kind}/${sizes.sort((a, b) => b.size - a.size)[0].name}`;
}

/** Saves a page's template, changed. */
async function template(name, change) {
  const file = `site-templates/pages/${name}`;
  const before = await text(file);
  const after = change(before);
  if (after === before) throw new Error(`nothing to change was found in ${file}`);
  await save(file, after);
}

/** A file as it was saved last, or else the one that is built in. */
async function text(file) {
  return readFile(path.join(folder, file), "utf8").catch(() => readFile(path.join(project, file), "utf8"));
}

/** As many editors do: beside the file, then renamed. */
async function save(file, text) {
  const target = path.join(folder, file);
  await mkdir(path.dirname(target), { recursive: true });
  await writeFile(`${target}~`, text);
  await rename(`${target}~`, target);
}

async function photograph(page, number) {
  await mkdir(screenshots, { recursive: true });
  for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: path.join(screenshots, `problem-${number}-${colorScheme}.png`) });
  }
  await page.emulateMedia({ colorScheme: null });
}
