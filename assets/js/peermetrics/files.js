// Reads the static API's files, each at most once.

import { ApiError } from "./errors.js";
import { settings } from "./settings.js";

/** Whether files can be fetched at all; from `file://` browsers refuse. */
export const available = /^https?:$/.test(window.location.protocol) && typeof window.fetch === "function";

const pending = new Map();

export const files = {
  /** The parsed file, named by its path below the API's root, e.g. `apps/<id>.json`. */
  read(path) {
    if (!available) {
      const cause = "this page was opened from a file, where browsers allow no requests";
      return Promise.reject(new Error(`cannot read ${path}: ${cause}; open the report over HTTP, e.g. with peerpress serve`));
    }
    if (!pending.has(path)) {
      const reading = fetchJson(path);
      // A failure is not kept: the next call may fare better.
      reading.catch(() => pending.delete(path));
      pending.set(path, reading);
    }
    return pending.get(path);
  },
};

async function fetchJson(path) {
  const response = await fetch(settings.apiRoot + path, { credentials: "same-origin" });
  if (response.status === 404) {
    // An unknown id is a bad request to the API, not a missing page.
    const kind = path.split("/")[0].replace(/s$/, "");
    throw new ApiError(400, `${kind}_not_found`, `the report has no ${path}`);
  }
  if (!response.ok) throw new ApiError(response.status, "unavailable", `cannot read ${path}: the server answered ${response.status}`);
  return response.json();
}
