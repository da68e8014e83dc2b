// The browser of the tests: Debian's Chromium without a window, without calls home.

import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

// The headless shell is the same browser without all that draws a window, and takes half the time.
const programs = ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium"];

const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A browser of its own, with a fresh profile. @param {string[]} [more] further flags */
export function launch(more = []) {
  return chromium.launch({ executablePath: process.env.CHROMIUM || programs.find(existsSync), args: [...flags, ...more] });
}
