// What the site has, from the links of its own directory pages: there is no file of the API that lists it.

import { files } from "./files.js";

/** @typedef {{id: string, name: string, given: string}} Entry */

/**
 * Organizations, apps and participants with their names; a participant also with the id that the app gave.
 * @returns {Promise<{organizations: Entry[], apps: Entry[], participants: Entry[]}>}
 */
export async function directory() {
  const [home, search] = await pages(["index.html", "search.html"]);
  return { organizations: linked([home], "organization"), apps: linked([home, search], "apps"), participants: linked(await participantPages(search), "participant") };
}

/** The pages that list all participants by name: of each app the first one, and where that leads to letters those and their further pages. @param {Document} search */
async function participantPages(search) {
  /** @type {Map<string, Document>} */
  const found = new Map();
  let wanted = listsIn(search);
  while (wanted.length > 0) {
    const documents = await pages(wanted);
    documents.forEach((page, at) => found.set(wanted[at], page));
    wanted = [...new Set(documents.flatMap(listsIn))].filter((name) => !found.has(name));
  }
  return [...found.values()];
}

/** The paths of pages of participants by name that a page links to. @param {Document} page */
function listsIn(page) {
  const hrefs = [...page.querySelectorAll('a[href*="search/"]')].map((link) => link.getAttribute("href") ?? "");
  return [...new Set(hrefs.flatMap((href) => href.match(/search\/[^/]+\/participants(-[a-z0]|-other)?(-\d{1,3})?\.html$/)?.[0] ?? []))];
}

/** @param {string[]} names @returns {Promise<Document[]>} */
async function pages(names) {
  return (await Promise.all(names.map(files.page))).map((text) => new DOMParser().parseFromString(text, "text/html"));
}

/** The pages of a folder that the documents link to. @param {Document[]} documents @param {string} folder */
function linked(documents, folder) {
  /** @type {Map<string, Entry>} */
  const found = new Map();
  for (const link of documents.flatMap((page) => [...page.querySelectorAll(`a[href*="${folder}/"]`)])) {
    const [, id] = link.getAttribute("href")?.match(new RegExp(`^(?:\\.\\./)*${folder}/([^/#?]+)\\.html$`)) ?? [];
    // Ids that the app gave stand in a cell of their own.
    if (id && !found.has(id)) found.set(id, { id: decodeURIComponent(id), name: link.textContent ?? "", given: link.closest("tr")?.querySelector(".id")?.textContent ?? "" });
  }
  return [...found.values()];
}
