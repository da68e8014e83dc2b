// Follows a live rebuild. The server puts this module into the pages that it shows, before all deferred scripts, with the page's path
// and digest, and sends how the page looks now: at another digest the page is changed in place, or loaded again where that is not
// safe; other style sheets are swapped; a problem is shown above the page. It is never published.

import { asServed, logicalName } from "./change.js";

/** @typedef {{message: string, file: string | null, line: number | null, column: number | null, lines: {number: number, text: string}[], hint: string | null}} Problem */
/** @typedef {{digest: string | null, styles: Record<string, string>, problem: Problem | null}} Look */

const own = document.querySelector("script[data-live-page]");
const { livePage, liveDigest, liveScripts } = own instanceof HTMLElement ? own.dataset : {};
/** Null where scripts are not all peerpress's own: nobody knows what those of others handle. */
const page = liveScripts === "built-in" && areAllAssets([...document.scripts]) ? asServed() : null;
const place = `peerpress-live ${window.location.pathname}`;
/** How long to wait until a server that refuses is asked again. */
const pause = 2000;

/** @type {EventSource | null} */
let source = null;
/** @type {HTMLElement | null} */
let overlay = null;
/** What of the page is open. */
let digest = liveDigest;
/** What was heard last and not yet shown. @type {Look | null} */
let news = null;
let isShowing = false;

// When the page's own scripts have done their work.
document.addEventListener("DOMContentLoaded", () => {
  restorePlace();
  document.addEventListener("visibilitychange", follow);
  // A connection that is left open keeps a page from the browser's back and forward cache.
  window.addEventListener("pagehide", () => leave());
  window.addEventListener("pageshow", follow);
  follow();
});

/** @param {HTMLScriptElement[]} scripts */
function areAllAssets(scripts) {
  return scripts.every((script) => script === own || script.type === "application/json" || /\/assets\/js\/[^?#]+\.[0-9a-f]{12}\.js$/.test(script.src));
}

/** Browsers open six connections to a server: only pages that are seen listen. The others hear of everything when they are seen. */
function follow() {
  if (document.visibilityState === "hidden") return leave();
  if (source) return;
  source = new EventSource(`/_peerpress/events?page=${livePage}`);
  source.addEventListener("message", (event) => hear(JSON.parse(event.data)));
  source.addEventListener("error", () => {
    // The browser tries again by itself, unless it was refused.
    if (source?.readyState !== EventSource.CLOSED) return;
    leave();
    setTimeout(follow, pause);
  });
}

function leave() {
  source?.close();
  source = null;
}

/** One after the other; of what comes meanwhile only the last counts. @param {Look} look */
async function hear(look) {
  news = look;
  if (isShowing) return;
  isShowing = true;
  try {
    while (news) {
      const next = news;
      news = null;
      await show(next);
    }
  } finally {
    isShowing = false;
  }
}

/** @param {Look} look */
async function show(look) {
  if (look.digest && look.digest !== digest && !(await change())) {
    // Whoever has left meanwhile, or does not look, hears of it again.
    if (source) reload();
    return;
  }
  // What is told of later may have other styles, and the server has the former ones no longer.
  if (news) return;
  swapStyles(look.styles);
  showProblem(look.problem);
}

/** Makes the open page what the server has now, which is what was told of or newer. Gives whether it did. */
async function change() {
  if (!page) return false;
  try {
    const response = await fetch(`/${livePage}`, { cache: "no-store" });
    if (!response.ok) return false;
    const next = new DOMParser().parseFromString(await response.text(), "text/html");
    const tag = next.querySelector("script[data-live-page]");
    if (!(tag instanceof HTMLElement) || tag.dataset.liveScripts !== liveScripts || !page.become(next)) return false;
    digest = tag.dataset.liveDigest;
    return true;
  } catch {
    return false;
  }
}

function reload() {
  leave();
  rememberPlace();
  window.location.reload();
}

/** Published style sheets have the digest of their bytes in their name: another name is another sheet. @param {Record<string, string>} styles */
function swapStyles(styles) {
  for (const link of document.querySelectorAll('link[rel="stylesheet"]')) {
    if (!(link instanceof HTMLLinkElement) || link.dataset.liveOld) continue;
    const [, root, published] = link.getAttribute("href")?.match(/^((?:.*\/)?assets\/)([^?#]+)$/) ?? [];
    const wanted = published && styles[logicalName(published)];
    if (!wanted || wanted === published) continue;
    const next = document.createElement("link");
    next.rel = "stylesheet";
    next.setAttribute("href", root + wanted);
    // The old one goes when the new one is there, so that nothing flashes.
    link.dataset.liveOld = "true";
    next.addEventListener("load", () => link.remove());
    next.addEventListener("error", () => {
      next.remove();
      delete link.dataset.liveOld;
    });
    link.after(next);
  }
}

/** What is unfolded, by the text of its summary and how many of the same text came before. */
function folds() {
  /** @type {Map<string, HTMLDetailsElement>} */
  const byName = new Map();
  for (const fold of document.querySelectorAll("details")) {
    const text = fold.querySelector("summary")?.textContent?.trim() ?? "";
    let name = text;
    for (let n = 1; byName.has(name); n++) name = `${text} (${n})`;
    byName.set(name, fold);
  }
  return byName;
}

function rememberPlace() {
  const open = [...folds()].map(([name, fold]) => [name, fold.open]);
  try {
    window.sessionStorage.setItem(place, JSON.stringify({ x: window.scrollX, y: window.scrollY, open }));
    // The browser would scroll before everything is unfolded again.
    window.history.scrollRestoration = "manual";
  } catch {
    // Without storage the browser's own way has to do.
  }
}

function restorePlace() {
  try {
    const kept = window.sessionStorage.getItem(place);
    if (!kept) return;
    window.sessionStorage.removeItem(place);
    const { x, y, open } = JSON.parse(kept);
    const now = folds();
    for (const [name, isOpen] of open) {
      const fold = now.get(name);
      if (fold && fold.open !== isOpen) fold.open = isOpen;
    }
    window.scrollTo({ left: x, top: y, behavior: "instant" });
    window.history.scrollRestoration = "auto";
  } catch {
    // As above.
  }
}

/** @param {Problem | null} problem */
function showProblem(problem) {
  overlay?.remove();
  overlay = null;
  if (!problem) return;
  overlay = document.createElement("peerpress-problem");
  overlay.setAttribute("role", "alert");
  // In a tree of its own, so that a page whose styles are broken still shows it. The page's policy refuses inline styles, not this.
  const inside = overlay.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(styles);
  inside.adoptedStyleSheets = [sheet];
  const where = [problem.file, problem.line, problem.column].filter((part) => part !== null).join(":");
  const lines = problem.lines.map(({ number, text }) => element("div", `${String(number).padStart(4)}  ${text}`, number === problem.line ? "here" : ""));
  const hide = element("button", "Hide");
  hide.addEventListener("click", () => showProblem(null));
  const box = element("section");
  box.append(hide, element("h2", "What was saved last cannot be shown; this page is the one before"));
  if (where) box.append(element("p", where, "where"));
  box.append(element("pre", problem.message));
  if (lines.length > 0) {
    const code = element("pre", "", "lines");
    code.append(...lines);
    box.append(code);
  }
  if (problem.hint) box.append(element("p", `Hint: ${problem.hint}`));
  inside.append(box);
  document.body.append(overlay);
}

/** @param {string} name @param {string} text @param {string} kind */
function element(name, text = "", kind = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

const styles = `
  :host { all: initial; color-scheme: inherit; }
  @media print { :host { display: none; } }
  section {
    position: fixed; inset: auto 1rem 1rem; z-index: 2147483647; max-height: 70vh; overflow: auto; box-sizing: border-box; padding: 1rem 1.25rem;
    border: 2px solid light-dark(#b3261e, #ff8a80); border-radius: 8px; box-shadow: 0 8px 32px rgb(0 0 0 / .35);
    background: light-dark(#fff, #1b1d21); color: light-dark(#1b1d21, #e8eaee); font: 15px/1.5 system-ui, sans-serif;
  }
  h2 { margin: 0; font-size: 1rem; color: light-dark(#b3261e, #ff8a80); }
  p { margin: .5rem 0 0; }
  pre { margin: .5rem 0 0; white-space: pre-wrap; overflow-wrap: anywhere; font: 13px/1.5 ui-monospace, monospace; }
  .where { font: 600 13px/1.5 ui-monospace, monospace; }
  .lines { padding: .5rem; border-radius: 4px; background: light-dark(#f2f3f5, #26292f); }
  .here { background: light-dark(#fbd9d6, #5c2522); }
  button { float: right; margin-left: 1rem; padding: .125rem .75rem; border: 1px solid currentcolor; border-radius: 4px; background: none; color: inherit; font: inherit; cursor: pointer; }
`;
