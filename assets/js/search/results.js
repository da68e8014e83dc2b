// The results of `search.html?q=…`, above the directory.

import { element, failure, result, summary } from "./show.js";

/** Results on the page. */
const most = 100;

/** @param {HTMLElement} place @param {string} query @param {ReturnType<typeof import("./find.js").createSearch>} search */
export async function results(place, query, search) {
  const heading = element("h2", "", [`Results for “${query}”`]);
  const note = element("p", "muted", ["Searching…"]);
  const list = element("ol", "search-results", []);
  note.setAttribute("role", "status");
  place.dataset.query = query;
  place.replaceChildren(heading, note, list);
  place.hidden = false;
  try {
    const found = await search.find(query);
    note.textContent = summary(found, most);
    list.append(...found.matches.slice(0, most).map((match) => element("li", "", [result(match)])));
  } catch {
    note.textContent = failure;
  }
}
