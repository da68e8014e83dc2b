// Runs every recorded GET of the Peer Metrics web pages through `peermetrics.get` in headless Chromium, and compares what comes
// with what the Peer Metrics API answered about the same database.
// SITE=folder RECORDED=api-small.jsonl.gz [CHROMIUM=program] node tests/browser/replay.mjs

import { readFile, readdir } from "node:fs/promises";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { launch } from "./chromium.mjs";
import { serve } from "./server.mjs";

const { SITE: site, RECORDED: recording } = process.env;
if (!site || !recording) {
  console.error("error: SITE or RECORDED is not set\nhint: SITE=output RECORDED=api-small.jsonl.gz npm run test:replay");
  process.exit(2);
}
const requests = gunzipSync(await readFile(recording)).toString("utf8").trim().split("\n").map((line) => JSON.parse(line));

const server = await serve(path.resolve(site));
const browser = await launch();
const differences = [];
const compared = new Map();
try {
  const page = await browser.newPage();
  const [app] = await readdir(path.join(site, "apps")).then((names) => names.filter((name) => name.endsWith(".html")));
  await page.goto(`${server.origin}apps/${app}`, { waitUntil: "load" });
  for (const request of requests) {
    const name = request.path.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "<id>");
    const ours = await page.evaluate(
      // Paths are given as the web part gives them: below its API's root.
      ([address, query]) => window.peermetrics.get(window.peermetrics.settings.apiRoot + address, query).catch((error) => ({ failed: String(error) })),
      [request.path.replace("/v1/", ""), request.query],
    );
    const { body } = request;
    const difference = first(named(ours), named(body?.data ? body.data : body), "");
    if (difference) differences.push(`${request.path} ${JSON.stringify(request.query)}: ${difference}`);
    compared.set(name, (compared.get(name) ?? 0) + 1);
  }
} finally {
  await browser.close();
  await server.close();
}
for (const [name, count] of [...compared].sort()) console.log(`${String(count).padStart(5)}  ${name}`);
for (const difference of differences.slice(0, 10)) console.error(`differs: ${difference}`);
console.log(`${requests.length} compared, ${differences.length} differ`);
process.exitCode = differences.length > 0 || requests.length < 50 ? 1 : 0;

/** A copy without the differences that are meant. */
function named(value) {
  if (Array.isArray(value)) {
    const list = value.map(named);
    // Equal counts of a ranking come as the rows lie on the API's disk.
    const isRanking = list.length > 0 && list.every((entry) => entry && typeof entry === "object" && "code" in entry && "count" in entry);
    return isRanking ? list.sort((a, b) => b.count - a.count || (a.code < b.code ? -1 : 1)) : list;
  }
  if (value === null || typeof value !== "object") return value;
  const copy = Object.fromEntries(Object.entries(value).map(([key, member]) => [key, named(member)]));
  if ("code" in copy) {
    // Titles and explanations of issues are our own wording.
    delete copy.title;
    delete copy.explanation;
  }
  // Neither has an order in the API's answers.
  for (const key of ["conference_ids", "cities"]) {
    if (Array.isArray(copy[key])) copy[key].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  }
  return copy;
}

/** Where two values part; nothing if they are equal. */
function first(ours, theirs, at) {
  if (ours === theirs) return null;
  const isObject = (value) => value !== null && typeof value === "object";
  const [a, b] = [ours, theirs].map((value) => (isObject(value) ? Object.keys(value).sort() : null));
  if (!a || !b || Array.isArray(ours) !== Array.isArray(theirs) || a.join() !== b.join()) {
    return `at ${at || "/"} ours is ${JSON.stringify(ours)?.slice(0, 200)}, recorded is ${JSON.stringify(theirs)?.slice(0, 200)}`;
  }
  for (const key of a) {
    const difference = first(ours[key], theirs[key], `${at}/${key}`);
    if (difference) return difference;
  }
  return null;
}
