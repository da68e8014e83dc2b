// The part of bench/live that edits files and watches the page.
// PEERPRESS=program SNAPSHOT=folder FOLDER=empty folder EDITS=number node bench/live.mjs

import { mkdir, readFile, readdir, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { launch } from "../tests/browser/chromium.mjs";
import { live } from "../tests/browser/program.mjs";

const { PEERPRESS: program = "", SNAPSHOT: snapshot = "", FOLDER: folder = "", EDITS: edits = "50" } = process.env;
const project = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const count = Number(edits);
const pages = [
  { kind: "conference", folder: "conference" },
  { kind: "app", folder: "apps" },
  { kind: "participant", folder: "participant" },
];

const { origin, said, stop } = await live(program, ["--from", snapshot], folder, 1_800_000);
const browser = await launch();
const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
/** @type {(seen: {what: string, at: number}) => void} */
let hear = () => {};
await context.exposeBinding("seen", (_, what, at) => hear({ what, at }));
// Looks in every frame which edit is on the page.
await context.addInitScript(() => {
  let last = "";
  const look = () => {
    const mark = /** @type {HTMLElement | null} */ (document.querySelector("[data-edit]"))?.dataset.edit ?? "";
    const style = document.body ? getComputedStyle(document.body).getPropertyValue("--edit").trim() : "";
    if (`${mark} ${style}` !== last) {
      last = `${mark} ${style}`;
      // A callback comes before the frame that it is of; the next one comes when that was painted.
      requestAnimationFrame(() => {
        const now = Date.now();
        // @ts-ignore: the binding
        window.seen(mark, now);
        // @ts-ignore: the binding
        window.seen(style, now);
      });
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
});
try {
  console.log("| saved | open page | median | p95 | longest |\n| --- | --- | --- | --- | --- |");
  for (const { kind, folder: place } of pages) {
    const page = await context.newPage();
    const names = (await readdir(path.join(folder, "output", place))).filter((name) => name.endsWith(".html")).sort();
    await page.goto(`${origin}${place}/${names[Math.floor(names.length / 2)]}`);
    const template = await readFile(path.join(project, `site-templates/pages/${kind}.html`), "utf8");
    await measure(`pages/${kind}.html`, kind, `site-templates/pages/${kind}.html`, (n) => template.replace(/(<h1[^>]*>)/, `<p data-edit="${kind}-${n}"></p>$1`), (n) => `${kind}-${n}`);
    if (kind === "conference") {
      const css = await readFile(path.join(project, "assets/css/main.css"), "utf8");
      await measure("css/main.css", kind, "assets/css/main.css", (n) => `${css}body { --edit: css-${n} }`, (n) => `css-${n}`);
    }
    await page.close();
  }
  const begun = Date.now();
  await said(/is up to date/);
  console.log(`\noutput/ is up to date ${((Date.now() - begun) / 1000).toFixed(0)} s after the last edit`);
} finally {
  await browser.close();
  await stop();
}

/** Saves a file again and again, at times when a build behind the server may have begun. */
async function measure(name, page, file, text, mark) {
  const times = [];
  for (let n = 0; n < count; n++) {
    const target = path.join(folder, file);
    await mkdir(path.dirname(target), { recursive: true });
    const seen = new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`${mark(n)} was not seen`)), 20_000);
      hear = ({ what, at }) => {
        if (what !== mark(n)) return;
        clearTimeout(late);
        resolve(at);
      };
    });
    await writeFile(`${target}~`, text(n));
    const saved = Date.now();
    await rename(`${target}~`, target);
    times.push((await seen) - saved);
    await new Promise((resolve) => setTimeout(resolve, 200 + ((n * 137) % 700)));
  }
  times.sort((a, b) => a - b);
  const at = (share) => times[Math.min(times.length - 1, Math.ceil(share * times.length) - 1)];
  console.log(`| ${name} | ${page} | ${at(0.5)} | ${at(0.95)} | ${times.at(-1)} |`);
}
