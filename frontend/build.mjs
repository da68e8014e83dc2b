// Builds the committed styles and scripts: assets/css/main.css and the classic scripts under assets/js.
// `node frontend/build.mjs [folder]` writes them below the folder instead of below the project.

import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import vue from "@vitejs/plugin-vue";
import * as sass from "sass";
import { build as viteBuild } from "vite";
import { world } from "./world.mjs";

export const project = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");

/**
 * Pages with an app of their own: a folder in assets/js with an index.vue, the bundle it becomes, the parts of Chart.js that it draws
 * with, if any, and whether it reads files of the static API, which it cannot from file://.
 */
const pages = [
  { page: "app", bundle: "assets/js/app/index.js", charts: "none", reads: false },
  { page: "participant", bundle: "assets/js/participant/index.js", charts: "bars", reads: true },
  { page: "conference", bundle: "assets/js/conference/explorer.js", charts: "lines", reads: false },
];

/** What the pages share, kept out of their bundles, and the globals of the vendor scripts that hold it. */
const shared = { vue: "peerpressVue", "chart.js": "peerpressCharts" };

/** The files that a build makes, relative to the project. */
export const outputs = [
  "assets/css/main.css",
  "assets/js/page.js",
  "assets/js/peermetrics.js",
  "assets/js/answers.js",
  "assets/js/search.js",
  "assets/js/seal.js",
  "assets/js/vendor/vue.js",
  "assets/js/vendor/bars.js",
  "assets/js/vendor/lines.js",
  "assets/js/conference/index.js",
  ...pages.map(({ bundle }) => bundle),
  "site-templates/components/world.html",
  "assets/licences.txt",
];

/** Packages whose code gets into what is published without a bundler that tells of it: the style sheet, the map. */
const besides = ["bootstrap", "world-atlas"];

/**
 * Builds everything, or what a changed source goes into. Gives the files whose text is another one than before.
 * @param {string} target the folder below which they are made @param {string} [changed] a file, relative to the project
 */
export async function build(target, changed) {
  /** @type {string[]} */
  const written = [];
  /** @param {string} file @param {string} text */
  const put = async (file, text) => {
    if (await write(target, file, text)) written.push(file);
  };
  /** @param {string[]} sources */
  const isFrom = (...sources) => !changed || sources.some((source) => changed.startsWith(source));

  if (isFrom("frontend/world.mjs")) await put("site-templates/components/world.html", world());
  if (isFrom("assets/css/")) await put("assets/css/main.css", `@charset "utf-8";\n${await notice(["bootstrap"])}${await styles()}`);
  const shares = "assets/js/shared/";
  if (isFrom("assets/js/page/", shares)) await put("assets/js/page.js", await bundle({ entry: "assets/js/page/main.js", name: "peerpressPage" }));
  if (isFrom("assets/js/seal/", shares)) await put("assets/js/seal.js", await bundle({ entry: "assets/js/seal/main.js", name: "peerpressSealBundle" }));
  if (isFrom("assets/js/search/", shares)) await put("assets/js/search.js", await bundle({ entry: "assets/js/search/main.js", name: "peerpressSearchBundle" }));
  if (isFrom("assets/js/peermetrics/")) {
    await put("assets/js/peermetrics.js", await bundle({ entry: "assets/js/peermetrics/main.js", name: "peermetrics" }));
    await put("assets/js/answers.js", await bundle({ entry: "assets/js/peermetrics/answers.js", name: "peerpressAnswers" }));
  }
  if (isFrom("assets/js/conference/", shares)) {
    await put("assets/js/conference/index.js", await bundle({ entry: "assets/js/conference/main.js", name: "peerpressConference" }));
  }
  // What the vendor scripts hold depends on all of the apps.
  if (!isFrom(shares, ...pages.map(({ page }) => `assets/js/${page}/`))) return written;
  /** @type {Set<string>} */
  const vue = new Set();
  /** @type {Record<string, Set<string>>} */
  const charts = { bars: new Set(), lines: new Set(), none: new Set() };
  for (const { page, bundle: file, charts: kind, reads } of pages) {
    const imported = { vue, "chart.js": charts[kind] };
    await put(file, await bundle({ source: mountSource(page, reads), name: `peerpress_${page}`, imported }));
  }
  const vendors = [
    { file: "vue", name: shared.vue, from: "vue", names: vue, packages: ["vue"] },
    { file: "bars", name: shared["chart.js"], from: "chart.js", names: charts.bars, packages: ["chart.js", "@kurkle/color"] },
    { file: "lines", name: shared["chart.js"], from: "chart.js", names: charts.lines, packages: ["chart.js"], instead: { "@kurkle/color": "frontend/noColor.mjs" } },
  ];
  for (const { file, name, from, names, packages, instead } of vendors) {
    const code = await bundle({ source: vendorSource(from, names), name, pure: true, instead });
    await put(`assets/js/vendor/${file}.js`, (await notice(packages)) + code);
  }
  // Only where everything was built is it known what is in it.
  if (!changed) await put("assets/licences.txt", await licences([...new Set([...besides, ...bundled])]));
  return written;
}

/** Packages with code in the bundles so far. @type {Set<string>} */
const bundled = new Set();

/** What is published of others, with the licences that ask to go with it. @param {string[]} packages */
async function licences(packages) {
  const texts = [];
  for (const name of packages.sort()) {
    const folder = path.join(project, "node_modules", name);
    const { version, license } = JSON.parse(await readFile(path.join(folder, "package.json"), "utf8"));
    texts.push(`${name} ${version}: ${license}\n\n${await licence(name)}\n`);
  }
  const line = `\n${"-".repeat(72)}\n\n`;
  return `The scripts and styles of this site contain code of others, and its maps their data:\n${line}${texts.join(line)}`;
}

/** The text of a package's licence. @param {string} name */
async function licence(name) {
  const folder = path.join(project, "node_modules", name);
  const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
  if (!file) throw new Error(`${name} has no licence file`);
  return (await readFile(path.join(folder, file), "utf8")).replaceAll("\r", "").trim();
}

/** The licence of the packages whose code is in a file, which asks to go wherever the code goes. All of them have the MIT licence. @param {string[]} packages */
async function notice(packages) {
  const texts = await Promise.all(packages.map(licence));
  const holders = texts.map((text, i) => `${packages[i]}: ${text.match(/^Copyright.*$/m)?.[0]}`);
  const terms = texts[0].slice(texts[0].indexOf("Permission is hereby granted"));
  return `/*!\nContains code under the MIT licence.\n${holders.join("\n")}\n\n${terms}\n*/\n`;
}

async function styles() {
  const { css } = await sass.compileAsync(path.join(project, "assets/css/main.scss"), {
    style: "compressed",
    // The caller writes it: sass would begin with a byte order mark, which is no longer the beginning.
    charset: false,
    loadPaths: [path.join(project, "node_modules")],
    quietDeps: true,
    // Bootstrap 5 is written with @import and the global functions; it will be so until its next major version.
    silenceDeprecations: ["import", "global-builtin", "color-functions", "if-function"],
  });
  return css;
}

/** The entry of a page's bundle: its index.vue, mounted where the page has a place for it. @param {string} page @param {boolean} reads */
function mountSource(page, reads) {
  return `import App from ${JSON.stringify(path.join(project, `assets/js/${page}/index.vue`))};
import { mountApp } from ${JSON.stringify(path.join(project, "assets/js/shared/mount.js"))};
mountApp(${JSON.stringify(page)}, App, ${reads});
`;
}

/** The entry of a shared script: exactly the names that the pages import, so that the rest is shaken off. @param {string} from @param {Set<string>} names */
function vendorSource(from, names) {
  return `export { ${[...names].sort().join(", ")} } from ${JSON.stringify(from)};\n`;
}

/**
 * One classic script. `pure` says that no module does anything by being loaded, so that all that is not named falls away.
 * @param {{entry?: string, source?: string, name: string, imported?: Record<string, Set<string>>, pure?: boolean, instead?: Record<string, string>}} wanted
 * `instead`: files of ours in the place of packages
 */
async function bundle(wanted) {
  const { entry, source, name, imported, pure, instead } = wanted;
  const virtual = "virtual:entry";
  const input = entry ? path.join(project, entry) : virtual;
  const result = await viteBuild({
    root: project,
    configFile: false,
    logLevel: "warn",
    publicDir: false,
    resolve: { alias: Object.entries(instead ?? {}).map(([find, file]) => ({ find, replacement: path.join(project, file) })) },
    define: {
      "process.env.NODE_ENV": '"production"',
      __VUE_OPTIONS_API__: "false",
      __VUE_PROD_DEVTOOLS__: "false",
      __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: "false",
    },
    plugins: [
      vue({ isProduction: true }),
      source !== undefined && {
        name: "entry",
        resolveId: (id) => (id === virtual ? `\0${virtual}` : null),
        load: (id) => (id === `\0${virtual}` ? source : null),
      },
      imported !== undefined && collectImports(imported),
    ],
    build: {
      write: false,
      minify: true,
      // Older targets turn static class fields into statements, which would keep all of Chart.js in.
      target: "es2022",
      lib: { entry: input, name, formats: ["iife"], fileName: () => "bundle.js" },
      rollupOptions: {
        // Given once more, since the library's entry would be taken for a file.
        input,
        treeshake: pure ? { moduleSideEffects: false, propertyReadSideEffects: false } : true,
        external: imported ? Object.keys(shared) : [],
        output: { globals: shared, exports: "auto" },
      },
    },
  });
  const [{ output }] = /** @type {any[]} */ (Array.isArray(result) ? result : [result]);
  if (output.length !== 1) {
    throw new Error(`expected one file of ${name}, got ${output.map((/** @type {any} */ file) => file.fileName).join(", ")}`);
  }
  // Modules of which nothing is left do not count.
  for (const [id, { renderedLength }] of Object.entries(output[0].modules)) {
    const found = renderedLength > 0 && id.match(/.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/);
    if (found) bundled.add(found[1]);
  }
  return `${output[0].code.trim()}\n`;
}

/** Notes which names the modules import from the shared libraries. @param {Record<string, Set<string>>} imported @returns {import("vite").Plugin} */
function collectImports(imported) {
  return {
    name: "collect-imports",
    enforce: "post",
    transform(code, id) {
      if (id.includes("/node_modules/") || !/\.(js|vue)($|\?)|virtual:entry/.test(id)) return;
      for (const node of /** @type {any[]} */ (this.parse(code).body)) {
        const names = node.type === "ImportDeclaration" ? imported[node.source.value] : undefined;
        for (const specifier of names ? node.specifiers : []) {
          if (specifier.type !== "ImportSpecifier") throw new Error(`${id}: import the names you use from ${node.source.value}`);
          names?.add(specifier.imported.name);
        }
      }
    },
  };
}

/** Whether there was something to write. @param {string} target @param {string} file @param {string} text */
async function write(target, file, text) {
  const place = path.join(target, file);
  const whole = text.endsWith("\n") ? text : `${text}\n`;
  if ((await read(target, file)) === whole) return false;
  await mkdir(path.dirname(place), { recursive: true });
  await writeFile(place, whole);
  return true;
}

/** The text of a built file, or null where there is none. @param {string} target @param {string} file */
export async function read(target, file) {
  return readFile(path.join(target, file), "utf8").catch(() => null);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const target = path.resolve(process.argv[2] ?? project);
  await build(target);
  for (const file of outputs) {
    const text = await read(target, file);
    console.log(`${String(Buffer.byteLength(text ?? "")).padStart(8)} bytes  ${file}`);
  }
}
