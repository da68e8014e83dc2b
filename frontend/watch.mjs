// Builds again whenever a source of the scripts or styles changes: `npm run watch`.

import { watch } from "node:fs";
import path from "node:path";
import { build, outputs, project } from "./build.mjs";

const built = new Set(outputs);
let waiting = null;
let running = false;

async function again(cause) {
  if (running) {
    waiting = cause;
    return;
  }
  running = true;
  const start = Date.now();
  try {
    await build(project);
    console.log(`${cause}: built in ${((Date.now() - start) / 1000).toFixed(1)} s`);
  } catch (error) {
    // The next good save builds again.
    console.error(`${cause}: ${error instanceof Error ? error.message : error}`);
  }
  running = false;
  if (waiting) {
    const next = waiting;
    waiting = null;
    await again(next);
  }
}

for (const folder of ["assets/js", "assets/css", "frontend"]) {
  let soon = null;
  watch(path.join(project, folder), { recursive: true }, (_, name) => {
    const file = name && path.posix.join(folder, String(name).replaceAll(path.sep, "/"));
    if (!file || built.has(file) || /(^|\/)\.|~$/.test(file)) return;
    clearTimeout(soon);
    soon = setTimeout(() => again(file), 50);
  });
}
await again("start");
console.log("watching assets/js, assets/css and frontend; end with Ctrl-C");
