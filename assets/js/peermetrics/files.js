// Reads the site's own files, each at most once.

import { ApiError, notFound } from "./errors.js";
import { settings } from "./settings.js";

/** Whether files can be fetched at all; from `file://` browsers refuse. */
export const available = Boolean(window.peerpressSeal) || (/^https?:$/.test(window.location.protocol) && typeof window.fetch === "function");

/** How many files of a long list are asked for at a time. */
const together = 8;

/** The error where nothing can be fetched. @param {string} what */
export function refused(what) {
  return available ? null : new Error(`cannot read ${what} from a page that was opened as a file: open the report over HTTP, e.g. with peerpress serve`);
}

/** @type {Map<string, Promise<any>>} */
const pending = new Map();

export const files = {
  /**
   * The parsed file of the static API, named by its path below the API's root, e.g. `apps/<id>.json`.
   * @param {string} path
   */
  read(path) {
    return once(settings.apiRoot + path, path, (response) => response.json());
  },

  /**
   * Those files, in the order of their paths. A site may have thousands.
   * @param {string[]} paths @returns {Promise<any[]>}
   */
  async readAll(paths) {
    const bodies = new Array(paths.length);
    let next = 0;
    const reader = async () => {
      while (next < paths.length) {
        const at = next++;
        bodies[at] = await files.read(paths[at]);
      }
    };
    await Promise.all(Array.from({ length: Math.min(together, paths.length) }, reader));
    return bodies;
  },

  /**
   * A page of the site as text.
   * @param {string} name
   */
  page(name) {
    return once(settings.urlPrefix + name, name, (response) => response.text());
  },
};

/** @param {string} folder @param {string} id */
export function file(folder, id) {
  return `${folder}/${encodeURIComponent(id)}.json`;
}

/** @param {string} url @param {string} path @param {(response: Response) => Promise<any>} parse */
function once(url, path, parse) {
  const no = refused(path);
  if (no) return Promise.reject(no);
  const known = pending.get(url);
  if (known) return known;
  const reading = load(url, path).then(parse);
  // A failure is not kept: the next call may fare better.
  reading.catch(() => pending.delete(url));
  pending.set(url, reading);
  return reading;
}

/** @param {string} url @param {string} path */
async function load(url, path) {
  if (window.peerpressSeal) {
    const text = await window.peerpressSeal.text(url);
    if (text === null) throw notFound(path.split(/[/.]/)[0].replace(/s$/, ""), path);
    return new Response(text);
  }
  const response = await fetch(url, { credentials: "same-origin" });
  if (response.status === 404) throw notFound(path.split(/[/.]/)[0].replace(/s$/, ""), path);
  if (!response.ok) throw new ApiError(response.status, "unavailable", `cannot read ${path}: the server answered ${response.status}`);
  return response;
}
