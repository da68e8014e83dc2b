// What the site has, from the links of its own directory pages: there is no file of the API that lists it.

import { files } from "./files.js";

/** @typedef {{id: string, name: string, given: string}} Entry */

/**
 * Organizations, apps and participants with their names; a participant also with the id that the app gave.
 * @returns {Promise<{organizations: Entry[], apps: Entry[], participants: Entry[]}>}
 */
export async function directory() {
  const [home, search] = (await Promise.all(["index.html", "search.html"].map(files.page))).map((text) => new DOMParser().parseFromString(text, "text/html"));
  return { organizations: linked([home], "organization"), apps: linked([home, search], "apps"), participants: linked([search], "participant") };
}

/** The pages of a folder that the documents link to. @param {Document[]} documents @param {string} folder */
function linked(documents, folder) {
  /** @type {Map<string, Entry>} */
  const found = new Map();
  for (const link of documents.flatMap((page) => [...page.querySelectorAll(`a[href^="${folder}/"]`)])) {
    const [, id] = link.getAttribute("href")?.match(/^[^/]+\/([^/#?]+)\.html$/) ?? [];
    // Ids that the app gave stand in a cell of their own.
    if (id && !found.has(id)) found.set(id, { id: decodeURIComponent(id), name: link.textContent ?? "", given: link.closest("tr")?.querySelector(".id")?.textContent ?? "" });
  }
  return [...found.values()];
}
