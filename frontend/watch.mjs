// Builds again what a changed source goes into: `npm run watch`.

import { watch } from "node:fs";
import path from "node:path";
import { build, outputs, project } from "./build.mjs";

const built = new Set(outputs);
/** Sources that changed and are not built yet. @type {Set<string>} */
const changed = new Set();
/** @type {NodeJS.Timeout | undefined} */
let soon;
let running = true;

async function buildChanged() {
  // What changes meanwhile is built after it.
  if (running) return;
  running = true;
  for (const file of changed) {
    changed.delete(file);
    await again(file);
  }
  running = false;
}

/** @param {string} [file] a changed source; without it everything is built */
async function again(file) {
  const cause = file ?? "start";
  const start = Date.now();
  try {
    const written = await build(project, file);
    const seconds = ((Date.now() - start) / 1000).toFixed(1);
    console.log(`${cause}: ${written.length > 0 ? `built ${written.join(", ")}` : "nothing is different"} (${seconds} s)`);
  } catch (error) {
    // The next good save builds again.
    console.error(`${cause}: ${error instanceof Error ? error.message : error}`);
  }
}

for (const folder of ["assets/js", "assets/css", "frontend"]) {
  watch(path.join(project, folder), { recursive: true }, (_, name) => {
    const file = name && path.posix.join(folder, String(name).replaceAll(path.sep, "/"));
    if (!file || built.has(file) || !/\.(js|mjs|vue|scss)$/.test(file)) return;
    if (folder === "frontend") {
      console.log(`${file}: the build itself has changed; start \`npm run watch\` anew`);
      return;
    }
    changed.add(file);
    clearTimeout(soon);
    soon = setTimeout(buildChanged, 50);
  });
}
await again();
running = false;
await buildChanged();
console.log("watching assets/js, assets/css and frontend; end with Ctrl-C");
