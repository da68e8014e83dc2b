// Loads files of the index: classic scripts with one call of `peerpressIndex`, so that this works from file://.

import { loadScript } from "../shared/script.js";

/** The way to the site's root. */
export const root = document.documentElement.dataset.root ?? "";

/** @type {Map<string, any>} */
const arrived = new Map();
/** @type {Map<string, Promise<any>>} */
const asked = new Map();

window.peerpressIndex = (name, data) => arrived.set(name, data);

/** The data of a file of the index. @param {string} name @returns {Promise<any>} */
export function load(name) {
  const known = asked.get(name);
  if (known) return known;
  const address = `${root}search/${name}.js`;
  const end = () => {
    if (arrived.has(name)) return arrived.get(name);
    // A failure is not kept: the next query may fare better.
    asked.delete(name);
    throw new Error(`cannot load ${address}`);
  };
  const loading = loadScript(address).then(end, end);
  asked.set(name, loading);
  return loading;
}
