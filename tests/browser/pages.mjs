// Finds the pages of a built site, by kind, a few of each.

import { readdir, stat } from "node:fs/promises";
import path from "node:path";

const perKind = 2;

/** Kind → paths below the site; of many pages the smallest and the largest, which differ the most. @param {string} site */
export async function pagesByKind(site) {
  const entries = await readdir(site, { recursive: true, withFileTypes: true });
  /** @type {Map<string, {file: string, size: number}[]>} */
  const found = new Map();
  for (const entry of entries) {
    if (!entry.isFile() || !entry.name.endsWith(".html")) continue;
    const full = path.join(entry.parentPath, entry.name);
    const file = path.relative(site, full).split(path.sep).join("/");
    // Fragments have no frame, no footer, no script.
    if (file.startsWith("embed/")) continue;
    const kind = kindOf(file);
    found.set(kind, [...(found.get(kind) ?? []), { file, size: (await stat(full)).size }]);
  }
  return new Map(
    [...found]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([kind, pages]) => {
        pages.sort((a, b) => a.size - b.size || (a.file < b.file ? -1 : 1));
        return [kind, spread(pages).map((page) => page.file)];
      }),
  );
}

/** @param {string} file */
function kindOf(file) {
  if (!file.includes("/")) return file.replace(/\.html$/, "");
  if (/^search\//.test(file)) return "directory";
  if (/^([a-z]+\/[^/]+\/)?reports\//.test(file)) return "reports";
  if (/^apps\/[^/]+\/conferences\//.test(file)) return "conferences";
  if (/^conference\/[^/]+\/call-\d+\.html$/.test(file)) return "call";
  if (/^conference\/[^/]+\//.test(file)) return "events";
  return file.split("/")[0];
}

/** @template T @param {T[]} pages @returns {T[]} */
function spread(pages) {
  if (pages.length <= perKind) return pages;
  return Array.from({ length: perKind }, (_, i) => pages[Math.round((i * (pages.length - 1)) / (perKind - 1))]);
}
