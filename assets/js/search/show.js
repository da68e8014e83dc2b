// Results as elements and as words. All text is put in as text.

import { kinds } from "./find.js";
import { root } from "./load.js";

/** @typedef {import("./find.js").Match} Match */
/** @typedef {import("./find.js").Found} Found */

const folders = ["organization", "apps", "conference", "participant", "participant"];

/** A link to what was found: its name and id with what matches marked, its kind, day and app. @param {Match} match */
export function result({ item, marks }) {
  const link = document.createElement("a");
  link.href = `${root}${folders[item.kind]}/${item.id}.html`;
  link.className = "search-result";
  const name = element("span", "search-name", marked(item.name, marks.name));
  const about = [kinds[item.kind] === "server" ? "media server" : kinds[item.kind]];
  if (item.kind === 2) about.push(item.when);
  if (item.place) about.push(item.place);
  link.append(name);
  if (item.given) link.append(" ", element("span", "id", marked(item.given, marks.given)));
  link.append(" ", element("span", "search-about muted", [about.join(" · ")]));
  return link;
}

/** A text with some of its ranges marked. @param {string} text @param {[number, number][]} ranges @returns {(string | Node)[]} */
function marked(text, ranges) {
  const parts = [];
  let at = 0;
  for (const [from, to] of ranges) {
    parts.push(text.slice(at, from), element("mark", "", [text.slice(from, to)]));
    at = to;
  }
  return [...parts, text.slice(at)];
}

/** @param {string} tag @param {string} className @param {(string | Node)[]} content */
export function element(tag, className, content) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...content);
  return made;
}

/** How many there are, and whether there may be more. @param {Found} found @param {number} shown */
export function summary({ matches, of, partial }, shown) {
  const count = matches.length;
  if (count === 0) return partial ? "Nothing found among the newest. Another word, or a day such as 2026-11-20, may lead to it." : "Nothing found. The directory lists everything.";
  const all = of ?? (partial ? `more than ${count}` : count);
  const these = count > shown ? `The best ${shown} of ${all.toLocaleString("en")} results.` : of || partial ? `${count} of ${all.toLocaleString("en")} results.` : `${count} ${count === 1 ? "result" : "results"}.`;
  return of || partial ? `${these} Another word, or a day such as 2026-11-20, narrows them down.` : these;
}

export const failure = "The search index could not be loaded. The directory lists everything.";
