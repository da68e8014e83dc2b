// What a page of each kind weighs and how soon it shows: bytes over the wire as gzip, requests, time to first contentful paint.
// SITE=folder [CHROMIUM=program] node tests/browser/weight.mjs
// With LIMIT=100 it fails where a page of a call of two moves more than so many KB.

import { readFile } from "node:fs/promises";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { launch } from "./chromium.mjs";
import { pagesByKind } from "./pages.mjs";
import { serve } from "./server.mjs";

const { SITE: site, LIMIT: limit } = process.env;
if (!site) {
  console.error("error: SITE is not set\nhint: SITE=output npm run weigh");
  process.exit(2);
}
const server = await serve(path.resolve(site));
const browser = await launch();
let tooHeavy = 0;
let ofTwo = 0;
try {
  console.log("kind            pages weighed  requests  KB as gzip  first contentful paint");
  for (const [kind, pages] of await pagesByKind(site)) {
    const rows = [];
    for (const file of pages) rows.push(await weigh(file));
    const of = (name) => rows.map((row) => row[name]).sort((a, b) => a - b);
    const range = (list, digits) => `${list[0].toFixed(digits)} to ${list.at(-1).toFixed(digits)}`;
    console.log(`${kind.padEnd(15)} ${String(rows.length).padStart(13)} ${range(of("requests"), 0).padStart(9)} ${range(of("kilobytes"), 1).padStart(11)} ${`${range(of("paint"), 0)} ms`.padStart(23)}`);
    if (kind !== "conference" && kind !== "call") continue;
    for (const row of rows.filter((one) => one.people === 2)) {
      ofTwo += 1;
      if (limit && row.kilobytes > Number(limit)) {
        tooHeavy += 1;
        console.error(`too heavy: ${row.file}, a call of two, moves ${row.kilobytes.toFixed(1)} KB`);
      }
    }
  }
} finally {
  await browser.close();
  await server.close();
}
if (limit && ofTwo === 0) console.error("no call of two was weighed");
process.exitCode = tooHeavy > 0 || (limit && ofTwo === 0) ? 1 : 0;

async function weigh(file) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  const paths = [];
  page.on("request", (request) => {
    if (request.url().startsWith(server.origin)) paths.push(decodeURIComponent(new URL(request.url()).pathname.slice(1)));
  });
  await page.goto(server.origin + file, { waitUntil: "load" });
  await page.waitForTimeout(300);
  const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? Number.NaN);
  const people = await page.locator("#participants article.person .score, #participants article.person .facts").count().then((count) => count && page.locator("#participants article.person:has(.facts)").count());
  let bytes = 0;
  for (const name of paths) bytes += gzipSync(await readFile(path.join(site, name))).length;
  await context.close();
  return { file, requests: paths.length, kilobytes: bytes / 1000, paint, people };
}
