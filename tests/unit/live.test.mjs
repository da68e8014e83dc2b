// Whoever adds a look-up to a script of a page has to say here what live rebuild may do with what it finds.

import { readFile, readdir } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { handled, handledWithin } from "../../assets/js/live/change.js";

const scripts = fileURLToPath(new URL("../../assets/js", import.meta.url));

/** Handled when the page is loaded, as a whole or with all that is in it, and by which part of the lists of `live/change.js`. @type {Record<string, string>} */
const listed = {
  ".table-scroll": ".table-scroll",
  ".table-scroll:not([role]), pre.json": ".table-scroll, pre.json",
  "thead th[data-sort]": "[data-sort]",
  "[data-static=\"${name}\"]": "[data-static]",
  "table[data-filterable]": "[data-filterable]",
  "#${page}-app": "[id$='-app']",
  "#conference-app": "[id$='-app']",
  "#timeline": "#timeline",
  ".timeline-tools": ".timeline-tools",
  "#event-log": "#event-log",
  "#search-results": "#search-results",
  "[role=status]": "[role=status]",
};

/** Handled, but elements that are never put in or taken out: `plain` has none of these. */
const neverPlain = [
  "[data-theme-toggle]", "table.data, table.log", "table.data", "time[datetime]", "time", "form[data-script]", "input", "select, input", ".lane-marks", ".lane-marks title",
  ".tick-labels", ".timeline-ticks", "#places .land", "#call-data", "#app-filters", "template#sealed", "meta[name=\"peermetrics-settings\"]",
];

/** Looked for again at each use, or in what scripts have made. Headings name tables, which `namesTable` minds. */
const lookedForAgain = [
  ".table-tools", ".page-footer", "details.fold:not([open])", "textarea, select, input:not([type=checkbox], [type=radio], [type=button], [type=range])", "selector",
  ".local-time, svg title", "br, li, p, summary, div", "main h1, main h2, main h3", "main h1", "tr[data-at]", "[aria-label]", "[tabindex]", "#event-${mark.dataset.event}", "details",
  "a[href^='#']", "#link.hash.slice(1)", "#window.location.hash.slice(1)", "#id", "a[href]", "a[href*=\"search/\"]", "a[href*=\"${folder}/\"]", "tr", ".id",
];

/** The sources of scripts that run in pages. @param {string} folder @returns {Promise<string[]>} */
async function sources(folder) {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));
  return files.filter((file) => /^(?!live\/|vendor\/).*\/.*\.(?:js|vue)$/.test(file) && !/\/(?:index|explorer)\.js$/.test(file));
}

test("of all that scripts look for it is known what a change in place may do with it", async () => {
  const known = new Set([...Object.keys(listed), ...neverPlain, ...lookedForAgain]);
  const unknown = [];
  let found = 0;
  for (const file of await sources(scripts)) {
    const text = await readFile(path.join(scripts, file), "utf8");
    const constants = new Map([...text.matchAll(/^const (\w+) = "(.*)";$/gm)].map(([, name, value]) => [name, value]));
    // What is between the outer brackets, with quotes of its own and one pair of brackets inside.
    for (const [, way, , literal, other] of text.matchAll(/\b(querySelector(?:All)?|closest|matches|getElement\w+)\((?:(["'`])(.*?)\2|((?:[^()]|\([^()]*\))*))\)/g)) {
      const what = literal ?? constants.get(other) ?? other;
      const selector = (way === "getElementById" ? "#" : "") + what;
      found += 1;
      if (!known.has(selector)) unknown.push(`${file}: ${way}(${what})`);
    }
  }
  expect(unknown).toEqual([]);
  expect(found).toBeGreaterThan(50);
});

test("what is handled is in the lists that changes in place go by", () => {
  for (const part of Object.values(listed)) expect(`${handled}, ${handledWithin}`).toContain(part);
});
