// The search of every page, in Chromium: by keyboard, with typing errors, over HTTP and from file://, and what it loads; and that the
// directory leads to every conference and participant without scripts.
// SITE=folder [CHROMIUM=program] node tests/browser/search.mjs

import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { launch } from "./chromium.mjs";
import { serve } from "./server.mjs";

const site = process.env.SITE && path.resolve(process.env.SITE);
if (!site) {
  console.error("error: SITE is not set\nhint: SITE=output node tests/browser/search.mjs");
  process.exit(2);
}

let passed = 0;
/** @type {string[]} */
const failures = [];
/** @param {string} name @param {unknown} ours @param {unknown} theirs */
function check(name, ours, theirs) {
  const [a, b] = [ours, theirs].map((value) => JSON.stringify(value));
  if (a === b) passed += 1;
  else failures.push(`${name}: ${a?.slice(0, 300)}, expected ${b?.slice(0, 300)}`);
}

/** The conferences and participants of the static API, by their ids. @param {string} kind */
async function things(kind) {
  const names = (await readdir(path.join(site ?? "", "api/v1", kind))).filter((name) => name.endsWith(".json")).sort();
  return Promise.all(names.map(async (name) => JSON.parse(await readFile(path.join(site ?? "", "api/v1", kind, name), "utf8")).data));
}
const conferences = await things("conferences");
const participants = await things("participants");

const server = await serve(site);
const browser = await launch();
try {
  for (const [how, root] of [["over HTTP", server.origin], ["from file://", pathToFileURL(`${site}/`).href]]) await search(how, root);
  await directory();
} finally {
  await browser.close();
  await server.close();
}
for (const failure of failures) console.error(`failed: ${failure}`);
console.log(`${passed} passed, ${failures.length} failed`);
process.exitCode = failures.length > 0 || passed < 20 ? 1 : 0;

/** @param {string} how @param {string} root */
async function search(how, root) {
  const page = await browser.newPage();
  /** @type {string[]} */
  const faults = [];
  /** @type {string[]} */
  const loaded = [];
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
  page.on("request", (request) => loaded.push(request.url()));
  // From a page in a folder, so that the way to the root matters.
  await page.goto(`${root}participant/${participants[0].id}.html`);
  const before = loaded.length;
  check(`${how}: nothing of the index is loaded before somebody searches`, loaded.some((url) => url.includes("/search/")), false);
  const box = page.getByRole("combobox", { name: /search/i });
  await page.keyboard.press("/");
  check(`${how}: / leads to the box`, await box.evaluate((input) => input === document.activeElement), true);
  await page.keyboard.press("/");
  check(`${how}: within it / is a letter`, await box.inputValue(), "/");

  const options = page.getByRole("option");
  /** @param {string} query */
  const results = async (query) => {
    await box.fill(query);
    await page.waitForFunction((text) => document.querySelector(".site-search [role=status]")?.textContent?.match(/result|found/i) && /** @type {HTMLInputElement} */ (document.querySelector(".site-search input")).value === text, query);
    await page.waitForTimeout(400);
    return options.evaluateAll((/** @type {HTMLElement[]} */ all) => all.map((option) => ({ text: option.innerText, href: option.getAttribute("href") ?? option.querySelector("a")?.getAttribute("href") ?? "" })));
  };
  for (const conference of [conferences[0], conferences.at(-1)]) {
    const found = await results(conference.conference_id);
    check(`${how}: a conference by its id`, found.some(({ href }) => href.endsWith(`conference/${conference.id}.html`)), true);
  }
  const named = participants.filter(({ participant_name: name }) => /^[A-Za-z]{5,} [A-Za-z]{5,}$/.test(name ?? ""));
  const wanted = named[0] ?? participants.find(({ participant_name: name }) => name);
  if (wanted) {
    const name = wanted.participant_name;
    const same = named.filter((other) => other.participant_name === name).map(({ id }) => `participant/${id}.html`);
    const hits = (/** @type {{href: string}[]} */ found) => found.some(({ href }) => (same.length > 0 ? same : [`participant/${wanted.id}.html`]).some((end) => href.endsWith(end)));
    check(`${how}: a participant by name`, hits(await results(name)), true);
    check(`${how}: whatever the case`, hits(await results(name.toUpperCase())), true);
    if (named.length > 0) {
      const [given, family] = name.split(" ");
      // A letter too few, two letters swapped, a wrong first letter.
      for (const wrong of [given.slice(0, 2) + given.slice(3), given[0] + given[2] + given[1] + given.slice(3), `q${given.slice(1)}`]) {
        check(`${how}: ${wrong} ${family} instead of ${name}`, hits(await results(`${wrong} ${family}`)), true);
      }
    }
  }
  await results("zzzz qqqq xxxx");
  check(`${how}: nothing found is said`, /no|nothing/i.test(await page.locator(".site-search [role=status]").innerText()), true);

  // The keyboard: down to the first result, Enter opens it.
  const first = await results(conferences[0].conference_id);
  await page.keyboard.press("ArrowDown");
  const active = await box.getAttribute("aria-activedescendant");
  check(`${how}: the arrow marks a result`, await page.locator(`[id="${active}"]`).getAttribute("aria-selected"), "true");
  await page.keyboard.press("Escape");
  check(`${how}: Escape closes the list`, await box.getAttribute("aria-expanded"), "false");
  await results(conferences[0].conference_id);
  await page.keyboard.press("ArrowDown");
  await Promise.all([page.waitForURL((url) => url.href.endsWith(first[0].href.replace(/^(\.\.\/)+/, ""))), page.keyboard.press("Enter")]);
  check(`${how}: Enter opens it`, (await page.locator("h1").count()) > 0, true);
  check(`${how}: it loads from the site only`, loaded.slice(before).every((url) => url.startsWith(root)), true);
  check(`${how}: no error on the console`, faults, []);

  await page.goto(`${root}search.html?q=${encodeURIComponent(conferences[0].conference_id)}`);
  await page.locator(".search-results li").first().waitFor();
  check(`${how}: the search page has results, too`, await page.locator(`.search-results a[href$="conference/${conferences[0].id}.html"]`).count(), 1);
  await page.close();
}

/** Follows the directory without scripts. */
async function directory() {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  const seen = new Set();
  const found = new Set();
  const ahead = [`${server.origin}search.html`];
  for (let at = ahead.pop(); at; at = ahead.pop()) {
    if (seen.has(at)) continue;
    seen.add(at);
    await page.goto(at);
    const links = await page.locator("main a").evaluateAll((/** @type {HTMLAnchorElement[]} */ all) => all.map((link) => link.href.split("#")[0]));
    for (const link of links) {
      const file = link.slice(server.origin.length);
      if (/^(conference|participant)\/[^/]+\.html$/.test(file)) found.add(file);
      else if (/^search\/|^apps\/[^/]+\/conferences\//.test(file)) ahead.push(link);
    }
  }
  check("every conference is in the directory", conferences.filter(({ id }) => !found.has(`conference/${id}.html`)), []);
  check("every participant is in the directory", participants.filter(({ id }) => !found.has(`participant/${id}.html`)), []);
  await context.close();
}
