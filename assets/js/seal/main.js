// Opens a sealed page: asks for the passphrase, keeps the key for as long as the tab is open, and writes the page in the place of
// the one that asked.

import { base64Of, bytesOf, keysOf, masterOf } from "./keys.js";
import { isAt, pathBelow, sealedSite, shellIn } from "./site.js";

// This script lies in assets/js/ of the site.
const { src } = /** @type {HTMLScriptElement} */ (document.currentScript);
const root = new URL("../../", src).href;

/** @param {string} id */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** @param {string} problem */
function refuse(problem) {
  element("seal-state").textContent = problem;
  element("seal-form").hidden = true;
}

/** The key is kept where other tabs and later visits do not find it; not at all where the browser keeps nothing. @param {string} name @param {string} [value] */
function kept(name, value) {
  try {
    if (value === undefined) return sessionStorage.getItem(name);
    sessionStorage.setItem(name, value);
  } catch {
    // Then each page asks.
  }
  return null;
}

async function start() {
  const { salt = "", check = "", iterations = "" } = element("sealed").dataset;
  const shell = shellIn(document);
  if (!shell) return;
  if (!globalThis.crypto?.subtle) {
    return refuse("It cannot be opened here: browsers decrypt only pages that come by HTTPS, from this machine (localhost) or from a file. Ask whoever runs this site for an address that begins with https://.");
  }
  const below = pathBelow(location.href, root);
  if (below === null || !isAt(shell.path, below)) return refuse("It cannot be opened: this is not the page that belongs to this address.");

  const name = `peerpress-seal ${salt}`;
  /** Shows the page if the master is the right one, and keeps it; gives whether it is. @param {Uint8Array<ArrayBuffer>} master */
  const show = async (master) => {
    const keys = await keysOf(master);
    if ((await keys.open("", check)) === null) return false;
    kept(name, base64Of(master));
    const page = await keys.open(shell.path, shell.sealed);
    if (page === null) refuse("The passphrase is right, but this page was changed since it was sealed. It is not shown.");
    else replace(new TextDecoder().decode(page), sealedSite(root, keys));
    return true;
  };

  const before = kept(name);
  if (before !== null && (await show(bytesOf(before)))) return;
  const form = element("seal-form");
  const field = /** @type {HTMLInputElement} */ (element("seal-passphrase"));
  form.hidden = false;
  field.focus();
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const say = (/** @type {string} */ problem) => (element("seal-problem").textContent = problem);
    say("");
    element("seal-state").textContent = "Opening …";
    if (await show(await masterOf(field.value, salt, Number(iterations)))) return;
    element("seal-state").textContent = "It is still sealed.";
    say("This passphrase does not open the report. Capital letters and spaces count.");
    field.select();
  });
}

/** @param {string} html @param {import("./site.js").SealedSite} site */
function replace(html, site) {
  window.peerpressSeal = site;
  document.open();
  document.write(html);
  document.close();
  // Only now: what listened to the former document has gone with it.
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
    if (link instanceof HTMLAnchorElement && site.follow(link)) event.preventDefault();
  });
}

// Before the document is whole it cannot be replaced.
if (document.readyState === "complete") start();
else window.addEventListener("load", start);
