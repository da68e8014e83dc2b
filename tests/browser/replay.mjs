// Runs every recorded GET of the Peer Metrics web pages through `peermetrics.get` in headless Chromium, and compares what comes
// with what the Peer Metrics API answered about the same database.
// SITE=folder RECORDED=api-small.jsonl.gz [CHROMIUM=program] node tests/browser/replay.mjs

import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { launch } from "./chromium.mjs";
import { serve } from "./server.mjs";

/** @typedef {{path: string, query: Record<string, string>, status: number, body: any}} Recorded */
/** @typedef {Record<string, any>} Members */

const { SITE: site, RECORDED: recording } = process.env;
if (!site || !recording) {
  console.error("error: SITE or RECORDED is not set\nhint: SITE=output RECORDED=api-small.jsonl.gz npm run test:replay");
  process.exit(2);
}

/**
 * What may differ, why, and how it is taken out of both sides. Whatever else differs fails.
 * @type {{what: string, why: string, object?: (members: Members) => void, list?: (entries: any[]) => any[]}[]}
 */
const meant = [
  {
    what: "title and explanation of an issue",
    why: "the wording is ours",
    object: (members) => {
      if (!("code" in members)) return;
      delete members.title;
      delete members.explanation;
    },
  },
  {
    what: "api_key of an app",
    why: "a published report gives nobody the right to write",
    object: (members) => delete members.api_key,
  },
  {
    what: "order of conference_ids and of cities",
    why: "the API's is that of a set, or of the rows on its disk; the members have to be the same",
    object: (members) => {
      for (const name of ["conference_ids", "cities"]) if (Array.isArray(members[name])) members[name].sort(byText);
    },
  },
  {
    what: "order of equal counts in a ranking by code",
    why: "likewise",
    list: (entries) => (entries.length > 0 && entries.every(isRanked) ? entries.sort((a, b) => b.count - a.count || byText(a.code, b.code)) : entries),
  },
];

/** The pages ask for the last thirty days, so that the recording was made this much after the window begins. */
const window30 = 30 * 86_400_000;

/** @type {Recorded[]} */
const requests = gunzipSync(await readFile(recording)).toString("utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line));
/** @type {string[]} */
const differences = [];
/** @type {Map<string, number>} */
const compared = new Map();

const server = await serve(path.resolve(site));
const browser = await launch();
try {
  const page = await browser.newPage();
  page.on("pageerror", (error) => differences.push(`an error in the page: ${String(error)}`));
  // Not a page at the top, so that paths lead upwards, nor one with an app of its own, which this is not about.
  const [organization] = (await readdir(path.join(site, "organization"))).filter((name) => name.endsWith(".html"));
  await page.goto(`${server.origin}organization/${organization}`, { waitUntil: "load" });
  for (const request of requests) {
    await compare(page, request, request.query, "");
    // The windows of the recording hold the whole report, whose summaries are ready in a file. With an end, at the moment of the
    // recording, they hold the same rows, but have to be counted.
    const { created_at_gte: start } = request.query;
    if (request.path.endsWith("summary") && start) {
      const end = new Date(Date.parse(start) + window30).toISOString();
      await compare(page, request, { ...request.query, created_at_lte: end }, ", counted");
    }
  }
} finally {
  await browser.close();
  await server.close();
}

for (const [name, count] of [...compared].sort(([a], [b]) => byText(a, b))) console.log(`${String(count).padStart(5)}  ${name}`);
for (const { what, why } of meant) console.log(`may differ: ${what}: ${why}`);
for (const difference of differences.slice(0, 10)) console.error(`differs: ${difference}`);
if (differences.length > 10) console.error(`… and ${differences.length - 10} more`);
if (compared.size === 0) console.error(`error: nothing was recorded in ${recording}`);
const total = [...compared.values()].reduce((sum, count) => sum + count, 0);
console.log(`${total} answers to ${requests.length} requests compared, ${differences.length} differ`);
process.exitCode = differences.length > 0 || total < requests.length || total === 0 ? 1 : 0;

/** @param {import("playwright-core").Page} page @param {Recorded} request @param {Record<string, string>} query @param {string} how */
async function compare(page, request, query, how) {
  const ours = await page.evaluate(
    // Paths are given as the web part gives them: below its API's root.
    async ([address, parameters]) => {
      const { peermetrics } = /** @type {any} */ (window);
      try {
        return { answer: await peermetrics.get(peermetrics.settings.apiRoot + address, parameters) };
      } catch (error) {
        return { failed: `${error} (${/** @type {any} */ (error).status}, ${/** @type {any} */ (error).error_code})` };
      }
    },
    /** @type {const} */ ([request.path.replace("/v1/", ""), query]),
  );
  // As the web part's client does: the caller gets `data` where there is one.
  const theirs = request.status < 400 ? { answer: request.body?.data ? request.body.data : request.body } : { failed: request.body };
  const difference = first(without(ours), without(theirs), "");
  if (difference) differences.push(`${request.path}${how} ${JSON.stringify(query)}: ${difference}`);
  const name = request.path.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "<id>") + how;
  compared.set(name, (compared.get(name) ?? 0) + 1);
}

/** A copy without the differences that are meant. @param {any} value @returns {any} */
function without(value) {
  if (Array.isArray(value)) return meant.reduce((list, { list: rule }) => (rule ? rule(list) : list), value.map(without));
  if (value === null || typeof value !== "object") return value;
  const copy = Object.fromEntries(Object.entries(value).map(([key, member]) => [key, without(member)]));
  for (const { object } of meant) object?.(copy);
  return copy;
}

/** @param {any} entry */
function isRanked(entry) {
  return entry !== null && typeof entry === "object" && "code" in entry && "count" in entry;
}

/** @param {any} a @param {any} b */
function byText(a, b) {
  const [left, right] = [a, b].map((value) => (typeof value === "string" ? value : JSON.stringify(value)));
  return left === right ? 0 : left < right ? -1 : 1;
}

/** Where two values part; null if they are equal. @param {any} ours @param {any} theirs @param {string} at @returns {string | null} */
function first(ours, theirs, at) {
  if (ours === theirs) return null;
  const keys = [ours, theirs].map((value) => (value !== null && typeof value === "object" ? Object.keys(value).sort() : null));
  if (!keys[0] || !keys[1] || Array.isArray(ours) !== Array.isArray(theirs) || keys[0].join() !== keys[1].join()) {
    return `at ${at || "/"} ours is ${JSON.stringify(ours)?.slice(0, 200)}, recorded is ${JSON.stringify(theirs)?.slice(0, 200)}`;
  }
  for (const key of keys[0]) {
    const difference = first(ours[key], theirs[key], `${at}/${key}`);
    if (difference) return difference;
  }
  return null;
}
