// Loads the facts of the app: a classic script, so that it works from file://, which hands them over.

import { loadScript } from "../../shared/script.js";

/**
 * One list per column; names stand once in dictionaries, times are seconds from `base`.
 * @typedef {object} Facts
 * @property {number} base seconds since the Unix epoch
 * @property {[number, number]} days the first day's number since the Unix epoch, and how many days the charts have
 * @property {{durations: [string, number, number | null][], setup: [string, number, number | null][]}} buckets label, least value, end
 * @property {{versions: string[], browsers: string[], systems: string[], countries: [string, string][], cities: [string, [number, number] | null][], codes: [string, string][], errors: string[]}} dictionaries
 * @property {{id: string[], label: string[], at: number[], class: number[], duration: number[], participants: number[], score: (number | null)[]}} conferences
 * @property {{conference: number[], at: number[]}} calls
 * @property {{call: number[], at: number[], seconds: number[], version: number[], browser: number[], system: number[], country: number[], city: (number | null)[], score: (number | null)[]}} sessions
 * @property {{session: number[], code: number[], error: (number | null)[]}} issues
 * @property {{session: number[], relayed: number[], setup: (number | null)[]}} connections
 */

/** @type {Map<string, Promise<Facts>>} */
const loads = new Map();

/** The facts at an address; asked for once. @param {string} url @returns {Promise<Facts>} */
export function loadFacts(url) {
  const known = loads.get(url);
  if (known) return known;
  const load = new Promise((resolve, reject) => {
    /** @type {any} */ (window).peerpressFacts = resolve;
    loadScript(url).catch(() => {
      loads.delete(url);
      reject(new Error(`${url} could not be loaded`));
    });
  });
  loads.set(url, load);
  return load;
}
