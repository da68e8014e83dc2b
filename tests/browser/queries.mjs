// Asks the index of a large site, as the page's scripts do, and says what each first query loads and finds. No browser: the
// scripts that find things know none.
// INDEX=folder QUERIES=file.json node tests/browser/queries.mjs
// The file has [sort, query, name or id that is to be found, or null]; with LIMIT=100 more than so many KB as gzip are a failure.

import { readFile } from "node:fs/promises";
import path from "node:path";
import vm from "node:vm";
import { gzipSync } from "node:zlib";
import { createSearch } from "../../assets/js/search/find.js";

const { INDEX: folder, QUERIES: list, LIMIT: limit } = process.env;
if (!folder || !list) {
  console.error("error: INDEX or QUERIES is not set");
  process.exit(2);
}
/** Results that are shown. */
const shown = 12;

/** The data of a file and what it weighs; many queries ask for the same. @type {Map<string, Promise<{data: any, raw: number, packed: number}>>} */
const files = new Map();

/** @param {string} name */
function read(name) {
  const known = files.get(name);
  if (known) return known;
  const reading = readFile(path.join(folder ?? "", `${name}.js`)).then((script) => {
    let data = null;
    vm.runInNewContext(script.toString("utf8"), { peerpressIndex: (/** @type {string} */ own, /** @type {any} */ value) => own === name && (data = value) });
    return { data: JSON.parse(JSON.stringify(data)), raw: script.length, packed: gzipSync(script).length };
  });
  files.set(name, reading);
  return reading;
}

/** @type {Map<string, {packed: number[], raw: number[], missed: string[], count: number}>} */
const sorts = new Map();
let worst = { packed: 0, raw: 0, files: 0, query: "" };
for (const [sort, query, expected] of JSON.parse(await readFile(list, "utf8"))) {
  /** @type {Set<string>} */
  const asked = new Set();
  const { find } = createSearch(async (name) => {
    asked.add(name);
    return (await read(name)).data;
  });
  const { matches } = await find(query);
  const weighed = await Promise.all([...asked].map(read));
  const [packed, raw] = [weighed.reduce((sum, file) => sum + file.packed, 0), weighed.reduce((sum, file) => sum + file.raw, 0)];
  if (packed > worst.packed) worst = { packed, raw, files: asked.size, query };
  const own = sorts.get(sort) ?? { packed: [], raw: [], missed: [], count: 0 };
  sorts.set(sort, own);
  own.count += 1;
  own.packed.push(packed);
  own.raw.push(raw);
  if (expected && !matches.slice(0, shown).some(({ item }) => item.name === expected || item.given === expected)) own.missed.push(query);
}
console.log("sort                        queries  found  KB as gzip: median, worst  KB as they are: median, worst");
let missed = 0;
for (const [sort, { packed, raw, missed: without, count }] of sorts) {
  const [low, high] = [packed, raw].map((bytes) => bytes.sort((a, b) => a - b)).map((bytes) => (bytes[bytes.length >> 1] / 1000).toFixed(1).padStart(8) + (bytes[bytes.length - 1] / 1000).toFixed(1).padStart(8));
  console.log(`${sort.padEnd(28)} ${String(count).padStart(6)} ${String(count - without.length).padStart(6)} ${low.padStart(26)} ${high.padStart(31)}`);
  for (const query of without.slice(0, 5)) console.log(`    not among the first ${shown}: ${query}`);
  missed += without.length;
}
console.log(`index ${((await read("index")).packed / 1000).toFixed(1)} KB; worst: ${(worst.packed / 1000).toFixed(1)} KB as gzip, ${(worst.raw / 1000).toFixed(1)} KB as they are, in ${worst.files} files, for ${worst.query}`);
if (limit && worst.packed > Number(limit) * 1000) {
  console.error(`too much: ${worst.query} loads ${worst.packed} bytes`);
  process.exitCode = 1;
}
if (missed > 0 && limit) {
  console.error(`${missed} queries do not find what is there`);
  process.exitCode = 1;
}
