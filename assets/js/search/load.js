// Loads files of the index: classic scripts with one call of `peerpressIndex`, so that this works from file://.

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
  const loading = new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = `${root}search/${name}.js`;
    const end = () => {
      script.remove();
      if (arrived.has(name)) return resolve(arrived.get(name));
      // A failure is not kept: the next query may fare better.
      asked.delete(name);
      reject(new Error(`cannot load ${script.src}`));
    };
    script.addEventListener("load", end);
    script.addEventListener("error", end);
    document.head.append(script);
  });
  asked.set(name, loading);
  return loading;
}
