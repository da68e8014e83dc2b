// The content security policy in headless Chromium, as `peerpress serve` sends it and from file://: no page asks for anything that
// it forbids, also while its scripts work; and what gets into a page as markup neither runs nor calls out.
// PEERPRESS=program SITE=folder [HOSTILE=folder] node tests/browser/policy.mjs
// HOSTILE is a site whose names are the markup of `canary`; it is opened with the policy switched off, so that only escaping holds.

import { cp, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { checking, severalAtOnce } from "./checks.mjs";
import { launch } from "./chromium.mjs";
import { pagesByKind } from "./pages.mjs";
import { live } from "./program.mjs";
import { serve } from "./server.mjs";

const { PEERPRESS: program, SITE: site, HOSTILE: hostile } = process.env;
if (!program || !site) {
  console.error("error: PEERPRESS or SITE is not set\nhint: PEERPRESS=target/debug/peerpress SITE=output node tests/browser/policy.mjs");
  process.exit(2);
}
const { check, end } = checking();
const folder = await mkdtemp(path.join(os.tmpdir(), "peerpress-policy-"));
const copy = path.join(folder, "output");
await cp(site, copy, { recursive: true });
const browser = await launch();
const outside = await serve(folder);
const { origin, stop } = await live(program, ["--static", "--output", copy], folder, 20_000);

/** What a stranger would want to run on a page, each in a way of its own. `outside` is another origin. */
const canary = [
  "<script>window.canary = 'script'</script>",
  `<script src="${outside.origin}canary.js"></script>`,
  "<img src=x onerror=\"window.canary = 'onerror'\">",
  "<svg onload=\"window.canary = 'onload'\"></svg>",
  "<details open ontoggle=\"window.canary = 'ontoggle'\"></details>",
  "<iframe srcdoc=\"<script>parent.canary = 'srcdoc'</script>\"></iframe>",
  "<iframe src=\"javascript:parent.canary = 'frame'\"></iframe>",
  "<object data=\"data:text/html,<script>parent.canary = 'object'</script>\"></object>",
  "<script type=module src=\"data:text/javascript,window.canary = 'module'\"></script>",
  "<a id=canary-link href=\"javascript:window.canary = 'link'\">link</a>",
  `<img src="${outside.origin}canary.png">`,
  `<link rel=stylesheet href="${outside.origin}canary.css">`,
  "<style>body { --canary: style }</style>",
  "<p id=canary-style style=\"--canary: attribute\"></p>",
  `<base href="${outside.origin}">`,
  `<form action="${outside.origin}canary"><button id=canary-form>send</button></form>`,
].join("\n");

try {
  const kinds = await pagesByKind(copy);
  for (const name of await fragments()) kinds.set(path.dirname(name), [name]);
  await severalAtOnce(kinds, async ([kind, files]) => {
    const file = files.at(-1);
    for (const url of [origin + file, pathToFileURL(path.join(copy, file)).href]) {
      check(`${kind}: what the policy had to refuse on ${url}`, await visit(url, atWork), { violations: [], calls: [], ran: null });
    }
  });
  await markupDoesNotRun(kinds);
  if (hostile) await namesAreText(hostile);
  await othersCannotRead();
} finally {
  await browser.close();
  await stop();
  await outside.close();
  await rm(folder, { recursive: true });
}
end(30);

/** One fragment of each sort. */
async function fragments() {
  const found = [];
  for (const sort of ["conference", "app"]) {
    const names = await readdir(path.join(copy, "embed", sort));
    found.push(...names.filter((name) => name.endsWith(".html")).slice(0, 1).map((name) => `embed/${sort}/${name}`));
  }
  return found;
}

/** Opens a page; says what its policy refused, which requests left its origin, and what a canary left. */
async function visit(url, work = async (/** @type {any} */ _) => {}, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  try {
    const page = await context.newPage();
    /** @type {string[]} */
    const calls = [];
    const inside = url.startsWith("file:") ? "file:" : new URL(url).origin;
    // A request that the policy stops is told of as well, as one that failed; only what went out counts.
    page.on("response", (response) => !/^data:/.test(response.url()) && !response.url().startsWith(inside) && calls.push(response.url()));
    await page.addInitScript(() => {
      // @ts-ignore: of the test
      window.violations = [];
      // @ts-ignore: of the test
      document.addEventListener("securitypolicyviolation", (event) => window.violations.push(`${event.effectiveDirective}: ${event.blockedURI}`));
    });
    await page.goto(url, { waitUntil: "load" });
    await work(page);
    await page.waitForTimeout(150);
    return await page.evaluate((calls) => ({
      // @ts-ignore: of the test
      violations: [...new Set(window.violations)].sort(), calls, ran: window.canary ?? null,
    }), calls);
  } finally {
    await context.close();
  }
}

/** All that a page's scripts do without being asked twice: folds, the explorer, filters, the search. */
async function atWork(page) {
  await page.evaluate(() => {
    for (const fold of document.querySelectorAll("details")) fold.open = true;
  });
  const offer = page.locator(".explorer-offer button").first();
  if (await offer.count()) {
    await offer.click();
    await page.waitForSelector("canvas");
    await page.locator("canvas").first().hover();
  }
  const select = page.locator("main select:visible").first();
  if (await select.count()) await select.selectOption({ index: 1 }).catch(() => {});
  const field = page.locator("input[type=search]:visible").first();
  if (await field.count()) await field.pressSequentially("an");
  const theme = page.locator("[data-theme-toggle]:visible").first();
  if (await theme.count()) await theme.click();
}

/** Markup in the files themselves, as if escaping had failed: by the policy it is dead, and without one it would not be. */
async function markupDoesNotRun(kinds) {
  const clickAll = async (page) => {
    for (const id of ["#canary-link", "#canary-form"]) {
      await page.locator(id).first().evaluate((element) => element.click());
    }
  };
  // All pages have the same frame, but for the fragments.
  for (const [kind, files] of [...kinds].filter(([kind]) => /^(index|conference|embed.*)$/.test(kind))) {
    const file = path.join(copy, files[0]);
    const text = await readFile(file, "utf8");
    await writeFile(file, text.replace(/<\/body>/, `${canary}</body>`));
    for (const url of [origin + files[0], pathToFileURL(file).href]) {
      const { violations, calls, ran } = await visit(url, clickAll);
      const told = ["script-src-elem", "script-src-attr", "style-src-elem", "style-src-attr", "img-src"];
      const silent = told.filter((directive) => !violations.some((violation) => violation.startsWith(directive)));
      check(`${kind} with markup, ${url}`, { ran, calls, silent }, { ran: null, calls: [], silent: [] });
    }
    await writeFile(file, text);
  }
  // The canary sings where nothing holds it.
  const bare = path.join(copy, "bare.html");
  await writeFile(bare, `<!doctype html><title>bare</title><body>${canary}</body>`);
  const sung = await visit(pathToFileURL(bare).href, async (page) => void (await page.waitForTimeout(300)));
  check("the canary without a policy ran, and called out", [sung.ran !== null, sung.calls.length > 0], [true, true]);
}

/** A site of hostile names, with the policy switched off: they are text, so nothing runs. */
async function namesAreText(hostile) {
  const local = await serve(hostile);
  try {
    let shown = 0;
    await severalAtOnce(await pagesByKind(hostile), async ([kind, files]) => {
      for (const url of [local.origin + files.at(-1), pathToFileURL(path.join(hostile, files.at(-1))).href]) {
        const outcome = await visit(url, async (page) => {
          await atWork(page);
          const shows = await page.evaluate(() => document.body.textContent?.includes("onerror="));
          shown += Number(shows);
        }, { bypassCSP: true });
        check(`${kind} of hostile names, ${url}`, { calls: outcome.calls, ran: outcome.ran }, { calls: [], ran: null });
      }
    });
    check("pages that show the hostile names", shown > 8, true);
  } finally {
    await local.close();
  }
}

/** A page of another origin can neither load the scripts with data nor show a page in a frame; fragments it can. */
async function othersCannotRead() {
  const apps = await readdir(path.join(copy, "apps"), { withFileTypes: true });
  const app = apps.find((entry) => entry.isDirectory())?.name;
  const fragment = (await fragments())[0];
  await writeFile(path.join(folder, "stranger.html"), `<!doctype html><title>stranger</title>
    <script>var peerpressFacts = () => { window.stolen = true; };</script>
    <script src="${origin}apps/${app}/facts.js" onerror="window.refused = true"></script>
    <iframe name=page src="${origin}index.html"></iframe><iframe name=fragment src="${origin}${fragment}"></iframe>`);
  const page = await browser.newPage();
  await page.goto(`${outside.origin}stranger.html`, { waitUntil: "load" });
  // @ts-ignore: of the test
  check("what a stranger's script tag got", await page.evaluate(() => [window.stolen ?? null, window.refused ?? null]), [null, true]);
  const framed = ["page", "fragment"].map((name) => page.frame({ name })?.url());
  check("what a stranger's frames show", framed, ["chrome-error://chromewebdata/", origin + fragment]);
  await page.close();
}
