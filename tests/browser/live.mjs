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
  await checkTemplates(call, person);
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
end(20);

/** A saved template shows where it is used, with the reader's place kept, and nowhere else; then in the files. */
async function checkTemplates(call, person) {
  const fold = call.locator("details:not([open])").first();
  await fold.evaluate((element) => (element.open = true));
  await call.evaluate(() => window.scrollTo(0, 800));
  await template("conference.html", (text) => text.replace(/(<h1[^>]*>)/, '<p id="edited">one</p>$1'));
  await call.waitForSelector("#edited", patience);
  await call.waitForFunction(() => window.scrollY === 800, null, patience).catch(() => {});
  check("where the page was scrolled to after the reload", await call.evaluate(() => window.scrollY), 800);
  check("what was unfolded", await call.locator("details[open]").first().evaluate((element) => element.open), true);
  check("the page was loaded again", await isMarked(call), false);
  check("the page of another template was not", await isMarked(person), true);
  await mark(call);
  await said(/is up to date/);
  const file = new URL(call.url()).pathname.slice(1);
  const published = await readFile(path.join(folder, "output", file), "utf8");
  check("the file has the edit", published.includes('id="edited"'), true);
  check("the file has nothing of the live rebuild", /_peerpress|&quot;dev&quot;:true/.test(published), false);
  check("the shown page is for development", /&quot;dev&quot;:true/.test(await (await fetch(call.url())).text()), true);
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
}

/** What cannot be shown is said on the page, which stays; the next good save clears that. */
async function checkProblems(page) {
  const good = await readFile(path.join(folder, "site-templates/pages/conference.html"), "utf8");
  const cases = [
    ["conference.html", `${good}\n{% if %}`, `site-templates/pages/conference.html:${good.split("\n").length + 1}:7`],
    ["conference.html", good.replace('id="edited">', 'id="edited">{{ page.no_such_field }}'), "no_such_field"],
  ];
  for (const [name, text, expected] of cases) {
    await save(`site-templates/pages/${name}`, text);
    const overlay = page.locator("peerpress-problem");
    await overlay.waitFor({ state: "attached", ...patience });
    const told = await overlay.evaluate((element) => element.shadowRoot.textContent);
    check("the overlay names the place", told.includes(expected), true);
    check("the overlay has a hint", told.includes("Hint:"), true);
    check("the terminal says it", Boolean(await said(new RegExp(expected.replaceAll(".", "\\.")))), true);
    check("the page is the one before", await page.locator("#edited").textContent(), "one");
    if (screenshots) await photograph(page, expected.length);
    await save(`site-templates/pages/${name}`, good);
    await overlay.waitFor({ state: "detached", ...patience });
    check("the page stayed as it was", await isMarked(page), true);
  }
}

/** New data is on the pages that show it; the others are left alone. */
async function checkData(person, methods) {
  const id = new URL(person.url()).pathname.match(/([^/]+)\.html$/)?.[1];
  await promisify(execFile)("psql", ["--no-psqlrc", "-q", "-c", `UPDATE participant SET participant_name = 'Renamed <b>' WHERE id = '${id}'`, database]);
  await person.waitForFunction(() => document.querySelector("h1")?.textContent?.includes("Renamed <b>"), null, patience);
  check("a page without anything of it was loaded again", !(await isMarked(methods)), false);
}

/** A page of the site, marked, so that it shows whether it was loaded again. */
async function open(context, file) {
  const page = await context.newPage();
  page.on("console", (message) => message.type() === "error" && faults.push(`${file}: ${message.text()}`));
  page.on("pageerror", (error) => faults.push(`${file}: ${error}`));
  await page.goto(origin + file, { waitUntil: "load" });
  await mark(page);
  return page;
}

function mark(page) {
  return page.evaluate(() => (document.documentElement.dataset.mark = "same"));
}

function isMarked(page) {
  return page.evaluate(() => document.documentElement.dataset.mark === "same");
}

/** The largest page of a folder of the site. */
async function largest(kind) {
  const names = (await readdir(path.join(folder, "output", kind))).filter((name) => name.endsWith(".html"));
  const sizes = await Promise.all(names.map(async (name) => ({ name, size: (await stat(path.join(folder, "output", kind, name))).size })));
  return `${kind}/${sizes.sort((a, b) => b.size - a.size)[0].name}`;
}

/** Saves a page's template, changed. */
async function template(name, change) {
  const text = await readFile(path.join(project, "site-templates/pages", name), "utf8");
  await save(`site-templates/pages/${name}`, change(text));
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
