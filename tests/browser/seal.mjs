// A sealed site in headless Chromium, over HTTP and from file://: nothing without the passphrase, everything with it, and nothing that was
// changed or stands in the place of another. PLAIN is the same site before it was sealed.
// SITE=folder PLAIN=folder PASSPHRASE=text node tests/browser/seal.mjs

import { cp, mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { checking } from "./checks.mjs";
import { launch } from "./chromium.mjs";
import { serve } from "./server.mjs";

const { SITE: site, PLAIN: plain, PASSPHRASE: passphrase, SCREENSHOTS: screenshots } = process.env;
if (!site || !plain || !passphrase) {
  console.error("error: SITE, PLAIN or PASSPHRASE is not set\nhint: SITE=sealed PLAIN=output PASSPHRASE=… node tests/browser/seal.mjs");
  process.exit(2);
}
const { check, end } = checking();
const folder = await mkdtemp(path.join(os.tmpdir(), "peerpress-seal-"));
const copy = path.join(folder, "output");
await cp(site, copy, { recursive: true });
const web = await serve(copy);
const bare = await serve(plain);
const files = pathToFileURL(`${copy}/`).href;
// A name that is no name of this machine, so that its pages come by plain HTTP from elsewhere.
const browser = await launch(["--host-resolver-rules=MAP calls.example.org 127.0.0.1"]);

/** The page of a folder that has the most to show. @param {string} name */
const largest = async (name) => {
  const names = (await readdir(path.join(plain, name))).filter((file) => file.endsWith(".html")).map((file) => `${name}/${file}`);
  const sizes = await Promise.all(names.map(async (file) => (await stat(path.join(plain, file))).size));
  return names[sizes.indexOf(Math.max(...sizes))];
};
const conference = await largest("conference");
const app = await largest("apps");
const participant = await largest("participant");

try {
  const [title, words] = await shown(bare.origin + conference);
  const both = [web.origin, files].map(async (origin) => {
    const visitor = await visit();
    await asked(visitor.page, origin, title);
    await opened(visitor, origin, words);
  });
  await Promise.all([...both, elsewhere()]);
  await changed();
} finally {
  await browser.close();
  await web.close();
  await bare.close();
  await rm(folder, { recursive: true });
}
end(30);

/** Title and words of an open page. @param {import("playwright-core").Page} page @returns {Promise<[string, string]>} */
async function read(page) {
  await page.waitForSelector(".site-footer, footer");
  return page.evaluate(() => [document.title, (document.querySelector("main")?.innerText ?? "").replace(/\s+/g, " ")]);
}

/** Of a page that is not sealed. @param {string} url */
async function shown(url) {
  const page = await browser.newPage();
  await page.goto(url, { waitUntil: "load" });
  const found = await read(page);
  await page.close();
  return found;
}

/** A visit; `faults` has what went wrong in it. */
async function visit() {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  /** @type {string[]} */
  const faults = [];
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && faults.push(message.text()));
  // What was asked for when the test went on to the next page is given up, which is no fault.
  page.on("requestfailed", (request) => request.failure()?.errorText !== "net::ERR_ABORTED" && faults.push(`${request.url()}: ${request.failure()?.errorText}`));
  page.on("response", (response) => response.status() >= 400 && faults.push(`${response.url()}: ${response.status()}`));
  return { context, page, faults };
}

/** @param {import("playwright-core").Page} page @param {string} text */
async function enter(page, text) {
  await page.locator("#seal-passphrase").fill(text);
  await page.locator("#seal-form button").click();
}

/** Without the passphrase nothing is told, and a wrong one is said to be wrong. @param {import("playwright-core").Page} page @param {string} origin @param {string} title */
async function asked(page, origin, title) {
  await page.goto(origin + conference, { waitUntil: "load" });
  await page.waitForSelector("#seal-form:not([hidden])");
  check(`${origin}: the title of a sealed page`, await page.title(), "Sealed report");
  check(`${origin}: whether its name is in it`, (await page.content()).includes(title.split(" ")[0]), false);
  check(`${origin}: what has the focus`, await page.evaluate(() => document.activeElement?.id), "seal-passphrase");
  await enter(page, `${passphrase}!`);
  await page.waitForFunction(() => document.querySelector("#seal-problem")?.textContent !== "");
  check(`${origin}: what a wrong passphrase is told`, (await page.locator("#seal-problem").innerText()).startsWith("This passphrase does not open the report."), true);
  check(`${origin}: what is kept of a wrong passphrase`, await page.evaluate(() => sessionStorage.length), 0);
  if (screenshots) await page.screenshot({ path: path.join(screenshots, "sealed.png") });
  await enter(page, passphrase);
  await page.waitForFunction((title) => document.title === title, title);
  // Another tab knows nothing of it.
  const other = await visit();
  await other.page.goto(origin + conference, { waitUntil: "load" });
  await other.page.waitForSelector("#seal-form:not([hidden])");
  await other.context.close();
}

/** With the passphrase it is the site that was sealed. @param {Awaited<ReturnType<typeof visit>>} visitor @param {string} origin @param {string} words */
async function opened({ context, page, faults }, origin, words) {
  check(`${origin}: the words of a conference`, (await read(page))[1], words);
  check(`${origin}: kind and root of the page`, await page.evaluate(() => [document.documentElement.dataset.page, document.documentElement.dataset.root, document.compatMode]), ["conference", "../", "CSS1Compat"]);

  // Its scripts run: the theme, the explorer with its libraries, tables.
  await page.locator("[data-theme-toggle]").first().click();
  const offer = page.locator(".explorer-offer button").first();
  if (origin === web.origin && (await offer.count())) {
    await offer.click();
    await page.waitForSelector("canvas");
  }
  check(`${origin}: tables that can be taken`, (await page.locator(".table-take").count()) > 0, true);

  // A link to a page opens it without a question, at its part.
  const id = (await readFile(path.join(plain, "methods.html"), "utf8")).match(/.*<section id="([^"]+)"/s)?.[1] ?? "";
  await page.goto(`${origin}methods.html#${id}`, { waitUntil: "load" });
  await page.waitForFunction((id) => document.querySelector(":target")?.id === id && scrollY > 0, id);
  await page.goto(`${origin}index.html`, { waitUntil: "load" });
  await page.locator('main a[href^="organization/"]').first().click();
  await page.waitForFunction(() => document.documentElement.dataset.page === "organization");
  await page.goBack();
  await page.waitForFunction(() => document.documentElement.dataset.page === "index");

  // Data that comes in scripts: the facts of the dashboard, the search.
  await page.goto(`${origin}${app}`, { waitUntil: "load" });
  await page.waitForFunction(() => [...document.querySelectorAll("main select")].some((select) => select instanceof HTMLSelectElement && select.options.length > 1));
  const [before] = await Promise.all([page.locator("main").innerText()]);
  await page.locator("main select:visible").first().selectOption({ index: 1 });
  await page.waitForFunction((before) => document.querySelector("main")?.innerText !== before, before);
  const name = await page.locator("main h1").first().innerText();
  await page.locator("input[type=search]:visible").first().pressSequentially(name.slice(0, 4));
  await page.waitForSelector("[role=option]");
  check(`${origin}: what the search finds`, (await page.locator("[role=option]").allInnerTexts()).some((text) => text.includes(name.slice(0, 4))), true);

  // Requests of the page's own client.
  const answer = await page.evaluate((id) => /** @type {any} */ (window).peermetrics.get(`/apps/${id}`), path.basename(app, ".html"));
  const file = JSON.parse(await readFile(path.join(plain, `api/v1/apps/${path.basename(app)}`.replace(/html$/, "json")), "utf8"));
  check(`${origin}: what the client answers`, answer.data?.id ?? answer.id, file.data.id);

  // Files that are linked to are opened and saved.
  for (const [from, link] of [[participant, "conferences.csv"], [conference, ".parquet"]]) {
    await page.goto(origin + from, { waitUntil: "load" });
    await read(page);
    await page.evaluate(() => {
      for (const fold of document.querySelectorAll("details")) fold.open = true;
    });
    const anchor = page.locator(`a[href$="${link}"]`).first();
    const href = (await anchor.getAttribute("href")) ?? "";
    const [download] = await Promise.all([page.waitForEvent("download"), anchor.click()]);
    const saved = await readFile(await download.path());
    const wanted = await readFile(path.join(plain, path.dirname(from), href));
    check(`${origin}: ${link} as it is saved`, [download.suggestedFilename(), saved.equals(wanted)], [path.basename(href), true]);
  }
  // What the policy refuses is told on the console.
  check(`${origin}: faults`, faults, []);
  await context.close();
}

/** What was changed is not shown, nor what stands in the place of something else. */
async function changed() {
  const { context, page } = await visit();
  const file = path.join(copy, conference);
  const [own, other] = [await readFile(file, "utf8"), await readFile(path.join(copy, participant), "utf8")];
  /** @param {string} text */
  const bytes = (text) => text.match(/data-check="[^"]*">([^<]*)</)?.[1] ?? "";
  await page.goto(`${web.origin}index.html`, { waitUntil: "load" });
  await enter(page, passphrase);
  await read(page);
  /** @param {string} what @param {string} text @param {string} told */
  const refused = async (what, text, told) => {
    await writeFile(file, text);
    await page.goto(web.origin + conference, { waitUntil: "load" });
    await page.waitForFunction(() => document.querySelector("#seal-state")?.textContent?.includes("It is not shown") || document.querySelector("#seal-state")?.textContent?.includes("cannot be opened"));
    check(what, [await page.title(), (await page.locator("#seal-state").innerText()).includes(told)], ["Sealed report", true]);
  };
  const sealed = bytes(own);
  const middle = sealed.length >> 1;
  await refused("a page with a changed byte", own.replace(sealed, sealed.slice(0, middle) + (sealed[middle] === "A" ? "B" : "A") + sealed.slice(middle + 1)), "was changed since it was sealed");
  await refused("a page that is cut", own.replace(sealed, sealed.slice(0, middle)), "was changed since it was sealed");
  await refused("the bytes of another page", own.replace(sealed, bytes(other)), "was changed since it was sealed");
  await refused("another page", other, "not the page that belongs to this address");
  await writeFile(file, own);
  await page.goto(web.origin + conference, { waitUntil: "load" });
  await read(page);
  await context.close();
}

/** Where nothing can be opened, that is said. */
async function elsewhere() {
  const { context, page } = await visit();
  await page.goto(web.origin.replace("127.0.0.1", "calls.example.org") + conference, { waitUntil: "load" });
  await page.waitForFunction(() => document.querySelector("#seal-state")?.textContent?.includes("HTTPS"));
  check("a form where no page can be opened", await page.locator("#seal-form").isVisible(), false);
  await context.close();
  const silent = await browser.newContext({ javaScriptEnabled: false });
  const without = await silent.newPage();
  await without.goto(web.origin + conference, { waitUntil: "load" });
  check("what is told without scripts", [await without.locator("noscript").innerText(), await without.locator("#seal-form").isVisible()], ["A sealed report needs JavaScript, which is switched off in this browser.", false]);
  await silent.close();
}
