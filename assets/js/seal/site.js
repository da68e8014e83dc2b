// The files of a sealed site, for the scripts of its pages and for whoever follows a link to one.

import { save } from "../shared/save.js";

/** What a page has that opens a sealed one. @typedef {{path: string, sealed: string}} Shell */

/** The sealed page that a document has in it. @param {Document} page @returns {Shell | null} */
export function shellIn(page) {
  const place = page.querySelector("template#sealed");
  if (!(place instanceof HTMLTemplateElement)) return null;
  return { path: place.dataset.path ?? "", sealed: (place.content.textContent ?? "").trim() };
}

/**
 * The path below a root that an address leads to, without what only hosts add or leave out; null if it leads elsewhere.
 * @param {string} address @param {string} root
 */
export function pathBelow(address, root) {
  const { origin, pathname, protocol } = new URL(address, document.baseURI);
  const top = new URL(root);
  if (protocol !== top.protocol || origin !== top.origin || !pathname.startsWith(top.pathname)) return null;
  try {
    return decodeURIComponent(pathname.slice(top.pathname.length));
  } catch {
    return null;
  }
}

/** Whether a page's path is that of an address: hosts show index.html for its folder, and many leave `.html` out. @param {string} path @param {string} below */
export function isAt(path, below) {
  return below === path || `${below}.html` === path || ((below === "" || below.endsWith("/")) && `${below}index.html` === path);
}

/** @type {Record<string, string>} */
const types = { csv: "text/csv;charset=utf-8", json: "application/json", parquet: "application/vnd.apache.parquet", svg: "image/svg+xml", xml: "application/xml" };

/** @typedef {ReturnType<typeof sealedSite>} SealedSite */

/** @param {string} root @param {import("./keys.js").Keys} keys */
export function sealedSite(root, keys) {
  /** @type {Map<string, string>} */
  const arrived = new Map();
  window.peerpressSealed = (sealed) => {
    const script = document.currentScript;
    if (script instanceof HTMLScriptElement) arrived.set(script.src, sealed);
  };

  /** The sealed bytes that a script hands over; null if there is none. @param {string} place @returns {Promise<string | null>} */
  const scriptAt = (place) =>
    new Promise((resolve) => {
      const script = document.createElement("script");
      script.src = root + place;
      const end = () => {
        script.remove();
        resolve(arrived.get(script.src) ?? null);
        arrived.delete(script.src);
      };
      script.addEventListener("load", end);
      script.addEventListener("error", end);
      document.head.append(script);
    });

  /** The bytes of a file that is no page; null if it is not there. @param {string} path */
  const bytes = async (path) => {
    const sealed = await scriptAt(await keys.placeOf(path));
    if (sealed === null) return null;
    const opened = await keys.open(path, sealed);
    if (opened === null) throw new Error(`${path} was changed since it was sealed`);
    return opened;
  };

  /** Of a page. @param {string} path */
  const page = async (path) => {
    if (location.protocol === "file:") throw new Error(`cannot read ${path} from a page that was opened as a file: open the report over HTTP`);
    const response = await fetch(root + path, { credentials: "same-origin" });
    if (!response.ok) return null;
    const shell = shellIn(new DOMParser().parseFromString(await response.text(), "text/html"));
    const opened = shell && (await keys.open(path, shell.sealed));
    if (!opened) throw new Error(`${path} was changed since it was sealed`);
    return opened;
  };

  /** The path of a sealed file that is no page, if an address leads to one. @param {string} address */
  const dataPath = (address) => {
    const path = pathBelow(address, root);
    const sealed = path && !path.startsWith("assets/") && !path.endsWith(".html") && !path.endsWith("/") && path !== "robots.txt";
    // Hosts that leave `.html` out do so for pages only, whose names have no dot.
    return sealed && /\.[a-z0-9-]+$/.test(path) ? path : null;
  };

  return {
    /** The text of a file; null if there is none. @param {string} address @returns {Promise<string | null>} */
    async text(address) {
      const data = dataPath(address);
      const opened = data === null ? await page(pathBelow(address, root) ?? "") : await bytes(data);
      return opened && new TextDecoder().decode(opened);
    },

    /** Does what a script of data does: it calls one function with values. Undefined if the address is of another script. @param {string} address @returns {Promise<void> | undefined} */
    script(address) {
      const path = dataPath(address);
      return path === null ? undefined : run(path);
    },

    /** Hands the file behind a link to the reader, if it is one that is sealed; gives whether it is. @param {HTMLAnchorElement} link */
    follow(link) {
      const path = dataPath(link.href);
      if (path === null) return false;
      const name = link.download || path.slice(path.lastIndexOf("/") + 1);
      const type = types[name.slice(name.lastIndexOf(".") + 1)] ?? "application/octet-stream";
      bytes(path).then(
        (opened) => (opened ? save(new Blob([opened], { type }), name) : window.alert(`${name} is not in this report.`)),
        () => window.alert(`${name} was changed since it was sealed, and is not opened.`),
      );
      return true;
    },
  };

  /** @param {string} path */
  async function run(path) {
    const opened = await bytes(path);
    const [, name, values] = (opened && new TextDecoder().decode(opened).match(/^(peerpress[A-Za-z]+)\((.*)\);\s*$/s)) || [];
    if (name === undefined) throw new Error(`cannot load ${path}`);
    /** @type {any} */ (window)[name](...JSON.parse(`[${values}]`));
  }
}
