// The search box's answers: what in the report has a name or an id like the query.

import { directory } from "./directory.js";
import { invalid } from "./errors.js";
import { allConferences } from "./lists.js";
import { createPath } from "./paths.js";

/** How like a name has to be, as PostgreSQL's pg_trgm has it. */
const threshold = 0.3;
const most = 5;

/** @param {string} [query] */
export async function search(query) {
  if (!query || query.length > 64) throw invalid("query", query);
  const { organizations, apps, participants } = await directory();
  const conferences = (await allConferences()).map((row) => ({ id: row.id, name: row.conference_name || row.conference_id, given: row.conference_id }));
  const candidates = Object.entries({ conference: conferences, participant: participants, app: apps, organization: organizations }).flatMap(([type, entries]) => entries.map((entry) => ({ type, ...entry })));
  const wanted = trigrams(query);
  return candidates
    .map((one) => ({ ...one, score: Math.max(likeness(wanted, trigrams(one.name)), likeness(wanted, trigrams(one.given))) }))
    .filter(({ score }) => score >= threshold)
    .sort((a, b) => b.score - a.score)
    .slice(0, most)
    .map(({ type, id, name, given }) => ({ name, id: given, url: createPath(type, id, ""), type }));
}

/** The runs of three characters of every word, which counts as beginning with two blanks and ending with one. @param {string} text */
export function trigrams(text) {
  const found = new Set();
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) {
    const letters = [..."  ", ...word, " "];
    for (let at = 0; at + 3 <= letters.length; at += 1) found.add(letters.slice(at, at + 3).join(""));
  }
  return found;
}

/** What two sets share, of all that they hold. @param {Set<string>} a @param {Set<string>} b */
export function likeness(a, b) {
  const shared = [...a].filter((one) => b.has(one)).length;
  return shared === 0 ? 0 : shared / (a.size + b.size - shared);
}
