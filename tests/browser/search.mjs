// The search of a built site, against what SQL says about the same database: from any page by keyboard, over HTTP and from file://,
// with typing errors and hostile names; without script a directory that leads to everything.
// SITE=folder DATABASE_URL=postgres://… [CHROMIUM=program] node tests/browser/search.mjs

import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { asking, checking, violations } from "./checks.mjs";
import { launch } from "./chromium.mjs";
import { serve } from "./server.mjs";

const { SITE: site, DATABASE_URL: database, SCREENSHOTS: screenshots } = process.env;
if (!site || !database) {
  console.error("error: SITE or DATABASE_URL is not set\nhint: SITE=output DATABASE_URL=postgres://… node tests/browser/search.mjs");
  process.exit(2);
}
const folder = path.resolve(site);
const sql = asking(database);

const field = (page) => page.locator("#site-search");
const options = (page) => page.locator("#site-search-list [role=option]:not(.search-all)");
const note = (page) => page.locator(".search-note");

const { check, failures, end } = checking();

/** Deleted apps and organizations have no pages, nor has what is theirs. */
const reported = "JOIN app a ON a.id = c.app_id AND a.is_active JOIN organization o ON o.id = a.organization_id AND o.is_active";
const conferences = await sql(`SELECT c.id, c.conference_id AS given, c.conference_name AS name FROM conference c ${reported} WHERE c.is_active ORDER BY c.id`);
const participants = await sql(`SELECT c.id, c.participant_id AS given, c.participant_name AS name, c.is_sfu FROM participant c ${reported} WHERE c.is_active ORDER BY c.id`);
const deleted = await sql(`SELECT c.id, c.participant_id AS given FROM participant c WHERE NOT c.is_active AND length(c.participant_id) > 3 ORDER BY c.id LIMIT 5`);
const [app] = await sql("SELECT a.id, a.name FROM app a JOIN organization o ON o.id = a.organization_id AND o.is_active WHERE a.is_active ORDER BY length(a.name) DESC, a.id LIMIT 1");
const [organization] = await sql("SELECT id, name FROM organization WHERE is_active ORDER BY length(name) DESC, id LIMIT 1");
const named = participants.find(({ name }) => /^[A-Z][a-z]+ [A-Z][a-z]{4,}$/.test(name ?? ""));
const hostile = participants.find(({ name }) => /<script|<img/.test(name ?? ""));
const odd = [...conferences, ...participants].find(({ given }) => /[/?&"]/.test(given ?? "") && /\d{2}/.test(given));
const server = participants.find(({ is_sfu: isServer, name, given }) => isServer && (name || given));
for (const [what, row] of Object.entries({ named, hostile, odd, server, app, organization, deleted: deleted[0] })) if (!row) failures.push(`the database has nothing that is ${what}`);

const web = await serve(folder);
const browser = await launch();
const files = pathToFileURL(`${folder}/`).href;
try {
  if (failures.length === 0) {
    await directory();
    for (const origin of [web.origin, files]) await found(origin);
    await keyboard();
    await firstQuery();
    await unloadable();
    await resultPage();
    await withoutScript();
    for (const colorScheme of ["light", "dark"]) await accessible(colorScheme);
  }
} finally {
  await browser.close();
  await web.close();
}
end(40);

/** Every conference by name and by month, every participant by name and by month, from search.html through links alone. */
async function directory() {
  /** @type {[string, any[], RegExp][]} */
  const ways = [
    ["conferences by name", conferences, /^search\/[^/]+\/conferences/],
    ["conferences by month", conferences, /^apps\/[^/]+\/conferences\//],
    ["participants by name", participants, /^search\/[^/]+\/participants(-[a-z0]|-other)?(-\d{1,3})?\.html$/],
    ["participants by month", participants, /^search\/[^/]+\/participants-\d{4}-\d\d/],
  ];
  for (const [what, list, lists] of ways) {
    const kind = what.split(" ")[0].replace(/s$/, "");
    const seen = new Set(["search.html"]);
    const listed = new Set();
    for (const file of seen) {
      const html = await readFile(path.join(folder, file), "utf8");
      for (const [, href] of html.matchAll(/<a href="([^"#?:]+)/g)) {
        const target = path.posix.join(path.posix.dirname(file), href);
        if (lists.test(target)) seen.add(target);
        if (file !== "search.html" && target.startsWith(`${kind}/`)) listed.add(target.slice(kind.length + 1).replace(".html", ""));
      }
    }
    check(what, [...listed].sort(), list.map(({ id }) => id).sort());
  }
}

/** A page deep in the site, with nothing of the search loaded. */
async function open(origin, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.on("pageerror", (error) => failures.push(`an error in the page: ${error}`));
  page.on("console", (message) => message.type() === "error" && !/ERR_FAILED/.test(message.text()) && failures.push(`console: ${message.text()}`));
  await page.goto(`${origin}conference/${conferences[0].id}.html`);
  return page;
}

/** Types a query and waits for its answer. */
async function ask(page, query) {
  await page.keyboard.press("/");
  await field(page).fill("");
  await note(page).waitFor({ state: "hidden" });
  await field(page).pressSequentially(query);
  await page.waitForFunction(() => {
    const text = document.querySelector(".search-popup:not([hidden]) .search-note")?.textContent ?? "";
    return text !== "" && text !== "Searching…";
  });
  // The answer to all of it, not to its beginning.
  await page.waitForTimeout(300);
  return options(page).evaluateAll((links) => links.map((link) => link.getAttribute("href").replace(/^(\.\.\/)*/, "")));
}

async function found(origin) {
  const how = origin === files ? "from file://" : "over HTTP";
  const page = await open(origin);
  const has = async (query, target) => check(`${how}: ${query} leads to ${target}`, (await ask(page, query)).includes(target), true);
  const room = conferences.find(({ given }) => /^room-/.test(given)) ?? conferences[0];
  await has(room.given, `conference/${room.id}.html`);
  await has(odd.given, `${conferences.includes(odd) ? "conference" : "participant"}/${odd.id}.html`);
  await has(app.name, `apps/${app.id}.html`);
  await has(organization.name, `organization/${organization.id}.html`);
  await has(`${named.name} ${named.given}`, `participant/${named.id}.html`);
  await has((server.given ?? server.name) + (server.given ? ` ${server.name ?? ""}` : ""), `participant/${server.id}.html`);
  check(`${how}: a server says so`, (await options(page).allInnerTexts()).some((text) => text.includes("media server")), true);

  // Errors at the beginning, within, and at the end of the family's name.
  const [given, family] = named.name.split(" ");
  const same = participants.filter(({ name }) => name === named.name).map(({ id }) => `participant/${id}.html`);
  const [first, second, ...rest] = family;
  for (const wrong of [second + first + rest.join(""), `x${second}${rest.join("")}`, `${first}x${second}${rest.join("")}`, `${first}${second}${rest.slice(0, -2).join("")}${rest.at(-1)}`]) {
    check(`${how}: ${given} ${wrong} finds ${named.name}`, (await ask(page, `${given} ${wrong}`)).some((target) => same.includes(target)), true);
  }
  check(`${how}: what matches is marked`, (await ask(page, named.name.toLowerCase())) && (await options(page).first().locator("mark").allInnerTexts()), [given, family]);

  // Text stays text.
  await ask(page, hostile.name);
  const texts = await page.locator(".search-name").allInnerTexts();
  check(`${how}: a hostile name is shown as it is`, texts.includes(hostile.name), true);
  check(`${how}: and makes no element`, await page.locator(".search-popup script, .search-popup img").count(), 0);

  for (const { id, given: theirs } of deleted) check(`${how}: the deleted ${theirs} is not found`, (await ask(page, theirs)).includes(`participant/${id}.html`), false);
  check(`${how}: nothing is found in words`, [(await ask(page, "qzxqzx jjjjjj")).length, await note(page).innerText()], [0, "Nothing found. The directory lists everything."]);
  await page.context().close();
}

async function keyboard() {
  const page = await open(web.origin);
  await page.keyboard.press("/");
  check("/ leads to the field", await field(page).evaluate((input) => document.activeElement === input), true);
  await page.keyboard.press("/");
  check("/ in the field is a character", await field(page).inputValue(), "/");
  await ask(page, "a");
  check("the field is a combobox", await field(page).evaluate((input) => ["role", "aria-expanded", "aria-controls", "aria-autocomplete"].map((name) => input.getAttribute(name))), ["combobox", "true", "site-search-list", "list"]);
  check("no more than twelve are shown", (await options(page).count()) <= 12, true);
  const active = () => page.evaluate(() => {
    const id = document.querySelector("#site-search").getAttribute("aria-activedescendant");
    return [id, [...document.querySelectorAll("#site-search-list [aria-selected=true]")].map((option) => option.id)];
  });
  check("nothing is chosen at first", await active(), [null, []]);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  check("arrows choose", await active(), ["site-search-1", ["site-search-1"]]);
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowUp");
  check("and lead back to the field", await active(), [null, []]);
  await page.keyboard.press("ArrowUp");
  check("and around to the end, all results", (await active())[0], await page.locator(".search-all").getAttribute("id"));
  check("the number is said", /^(The best|\d+ (of|results?))/.test(await page.locator(".site-search [role=status]").innerText()), true);
  await page.keyboard.press("Escape");
  check("Escape closes", [await page.locator(".search-popup").isHidden(), await field(page).inputValue(), await field(page).getAttribute("aria-expanded")], [true, "a", "false"]);
  await page.keyboard.press("ArrowDown");
  await options(page).first().waitFor();
  await page.keyboard.press("ArrowDown");
  const target = await options(page).first().evaluate((link) => link.href);
  await Promise.all([page.waitForURL(target), page.keyboard.press("Enter")]);
  check("Enter opens what is chosen", page.url(), target);
  await ask(page, "a");
  await Promise.all([page.waitForURL(/search\.html\?q=a$/), page.keyboard.press("Enter")]);
  check("Enter without a choice leads to all results", await page.getByRole("heading", { name: "Results for “a”" }).count(), 1);
  await page.context().close();
}

/** What the first query moves. */
async function firstQuery() {
  const page = await open(web.origin);
  const paths = [];
  page.on("request", (request) => paths.push(new URL(request.url()).pathname.slice(1)));
  await page.waitForTimeout(200);
  check("before the reader searches nothing is loaded", paths, []);
  await ask(page, named.name);
  let bytes = 0;
  for (const name of paths) bytes += gzipSync(await readFile(path.join(folder, name))).length;
  check(`a first query moves ${bytes} bytes, at most 100 KB`, paths.includes("search/index.js") && bytes <= 100_000, true);
  console.log(`a first query moves ${(bytes / 1000).toFixed(1)} KB in ${paths.length} files: ${paths.filter((name) => name.startsWith("search/")).length} of the index`);
  await page.context().close();
}

async function unloadable() {
  const page = await open(web.origin);
  await page.route("**/search/*.js", (route) => route.abort());
  await ask(page, "ana");
  check("an index that does not come is said in words", await note(page).innerText(), "The search index could not be loaded. The directory lists everything.");
  check("with a way to the directory", await page.locator(".search-all").getAttribute("href"), "../search.html");
  await page.unroute("**/search/*.js");
  check("and is asked for again", (await ask(page, app.name)).includes(`apps/${app.id}.html`), true);
  await page.context().close();
}

async function resultPage() {
  for (const origin of [web.origin, files]) {
    const page = await open(origin);
    await page.goto(`${origin}search.html?q=${encodeURIComponent(`${named.name} ${named.given}`)}`);
    await page.locator(".search-results li").first().waitFor();
    check("results on the page", await page.locator(".search-results a").first().getAttribute("href"), `participant/${named.id}.html`);
    check("the field has the query", await field(page).inputValue(), `${named.name} ${named.given}`);
    check("nothing drops down by itself", await page.locator(".search-popup").isHidden(), true);
    await page.emulateMedia({ media: "print" });
    check("results are on paper", [await page.locator(".search-results").isVisible(), await page.locator(".top-bar").isVisible()], [true, false]);
    await page.context().close();
  }
}

async function withoutScript() {
  for (const origin of [web.origin, files]) {
    const page = await open(origin, { javaScriptEnabled: false });
    await field(page).fill("ana");
    await Promise.all([page.waitForURL(/search\.html/), field(page).press("Enter")]);
    check("without script the field leads to the directory", await page.getByRole("link", { name: /by name/ }).count().then((count) => count > 0), true);
    await page.context().close();
  }
}

async function accessible(colorScheme) {
  const biggest = async () => {
    const entries = await readdir(path.join(folder, "search"), { recursive: true });
    return entries.filter((name) => name.endsWith(".html")).sort()[0];
  };
  for (const width of [1280, 360]) {
    const page = await open(web.origin, { colorScheme, bypassCSP: true, viewport: { width, height: 800 } });
    for (const address of ["", "search.html?q=ana", `search/${await biggest()}`]) {
      if (address) await page.goto(web.origin + address);
      if (!address) {
        await ask(page, "an");
        await page.keyboard.press("ArrowDown");
      } else if (address.includes("?")) await page.locator(".search-results li").first().waitFor();
      check(`${address || "results that drop down"}, ${width} px, ${colorScheme}: axe-core`, await violations(page, colorScheme), []);
      check(`${address || "results that drop down"}, ${width} px: no sideways`, await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth), true);
      if (screenshots) await page.screenshot({ path: path.join(screenshots, `search-${address.replace(/\W.*/, "") || "box"}-${width}-${colorScheme}.png`) });
    }
    await page.context().close();
  }
}
