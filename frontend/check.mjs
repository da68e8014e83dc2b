// Builds into a temporary folder and compares with what is committed, so that sources and bundles cannot part ways.

import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { build, outputs, project, read } from "./build.mjs";

const folder = await mkdtemp(path.join(os.tmpdir(), "peerpress-front-"));
try {
  await build(folder);
  const stale = [];
  for (const file of outputs) {
    if ((await read(folder, file)) !== (await read(project, file))) stale.push(file);
  }
  if (stale.length > 0) {
    console.error(`error: ${stale.length} built file(s) differ from their sources:\n  ${stale.join("\n  ")}`);
    console.error("hint: run `npm ci && npm run build` and commit the result");
    process.exitCode = 1;
  } else {
    console.log(`${outputs.length} built files are up to date`);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
