// What a request asks for, and what its parameters leave of a list of rows.

import { invalid } from "./errors.js";

/** @typedef {Record<string, any>} Row an object of the API */
/** @typedef {Record<string, string>} Parameters */

/**
 * The path below the API's root and its version, and the parameters from both the address and the query.
 * @param {string} url @param {unknown} query @param {string} root @returns {{path: string, parameters: Parameters}}
 */
export function parse(url, query, root) {
  const text = String(url) + (typeof query === "string" ? query : "");
  const [address, search = ""] = text.split("?");
  const below = root && address.startsWith(root) ? address.slice(root.length) : address.replace(/^(.*?\/)?v1\//, "");
  const path = below.replace(/^\/|\/$/g, "").replace(/\.json$/, "");
  const parameters = Object.fromEntries(new URLSearchParams(search));
  if (query && typeof query === "object") {
    for (const [name, value] of Object.entries(query)) {
      if (value !== null && value !== undefined && value !== "") parameters[name] = String(value);
    }
  }
  return { path, parameters };
}

/** Parameters that name a row by id, and the column that holds it. */
const columns = { appId: "app", conferenceId: "conference", participantId: "participant" };

/**
 * The rows that match the ids, as far as they have such a column, e.g. the sessions of one participant in a conference.
 * @param {Row[]} rows @param {Parameters} parameters
 */
export function matching(rows, parameters) {
  return Object.entries(columns).reduce((left, [parameter, column]) => {
    const id = parameters[parameter];
    return id ? left.filter((row) => row[column] === undefined || row[column] === id) : left;
  }, rows);
}

/** @type {Record<string, (at: number, bound: number) => boolean>} */
const bounds = {
  created_at_gte: (at, bound) => at >= bound,
  created_at_gt: (at, bound) => at > bound,
  created_at_lte: (at, bound) => at <= bound,
  created_at_lt: (at, bound) => at < bound,
};

/** @param {Parameters} parameters */
export function hasWindow(parameters) {
  return Object.keys(bounds).some((name) => parameters[name]);
}

/**
 * Whether a time is within the window that the parameters give.
 * @param {number} at milliseconds @param {Parameters} parameters
 */
export function isWithin(at, parameters) {
  return Object.entries(bounds).every(([name, holds]) => {
    if (!parameters[name]) return true;
    const bound = time(parameters[name]);
    if (!Number.isFinite(bound)) throw invalid(name, parameters[name]);
    return holds(at, bound);
  });
}

/** The rows created within the window. @param {Row[]} rows @param {Parameters} parameters */
export function within(rows, parameters) {
  return hasWindow(parameters) ? rows.filter((row) => isWithin(time(row.created_at), parameters)) : rows;
}

/** Milliseconds of a time of the API, which is UTC without saying so, or of an ISO time with its zone. @param {string} text */
export function time(text) {
  const hasZone = /(Z|[+-]\d\d:?\d\d)$/i.test(text);
  const iso = text.trim().replace(" ", "T");
  return Date.parse(hasZone || !iso.includes("T") ? iso : `${iso}Z`);
}

/** In the order of the API: by time of creation. @param {Row[]} rows */
export function byTime(rows) {
  /** @param {Row} row */
  const key = (row) => `${row.created_at} ${row.id}`;
  return [...rows].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

/** Events of a type, or with a minus all others. @param {Row[]} events @param {string} [type] */
export function ofType(events, type) {
  if (!type) return events;
  const wanted = type.replace(/^-/, "");
  return events.filter((event) => (event.type === wanted) !== type.startsWith("-"));
}

/** With `limit` or `offset` the API answers a page of results and their count. @param {Row[]} rows @param {Parameters} parameters */
export function paged(rows, parameters) {
  const { limit, offset } = parameters;
  if (limit === undefined && offset === undefined) return { data: rows };
  const first = whole("offset", offset ?? "0", 0, Infinity);
  return { results: rows.slice(first, first + whole("limit", limit ?? "50", 1, 200)), count: rows.length };
}

/** @param {string} name @param {string} text @param {number} least @param {number} most */
function whole(name, text, least, most) {
  if (!/^-?\d+$/.test(text)) throw invalid(name, text);
  return Math.min(Math.max(Number(text), least), most);
}
