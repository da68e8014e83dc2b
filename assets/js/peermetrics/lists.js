// The rows that the API's lists choose from, put together from the static API's files.

import { ApiError, invalid, missing } from "./errors.js";
import { file, files } from "./files.js";
import { byTime } from "./query.js";
import { directory } from "./directory.js";

/** @typedef {import("./query.js").Row} Row */
/** @typedef {import("./query.js").Parameters} Parameters */

/**
 * Where the rows of a list come from; filters that every list has are left to the caller.
 * @type {Record<string, (parameters: Parameters) => Promise<Row[]>>}
 */
export const lists = {
  conferences,
  participants: ofConferences("participants"),
  sessions: ofConferences("sessions"),
  connections: ofConferences("connections"),
  issues: ofConferences("issues"),
  apps: all("apps"),
  organizations: all("organizations"),
};

/**
 * The rows of one conference, of those of a participant, or of all of an app, which takes a file for each.
 * @param {string} list
 */
function ofConferences(list) {
  return async (/** @type {Parameters} */ { appId, conferenceId, participantId }) => {
    if (conferenceId) return (await files.read(file("conferences", conferenceId)))[list];
    if (!appId && !participantId) throw missing(list, "appId, conferenceId or participantId");
    const person = participantId && (await files.read(file("participants", participantId)));
    if (person?.[list]) return person[list];
    const bodies = await conferenceFiles(person ? person.conferences : await conferencesOf(appId));
    return byTime([...new Map(bodies.flatMap((body) => body[list]).map((row) => [row.id, row])).values()]);
  };
}

/** @param {Row[]} rows */
function conferenceFiles(rows) {
  return files.readAll(rows.map(({ id }) => file("conferences", id)));
}

/** @param {Parameters} parameters */
async function conferences(parameters) {
  const { appId, participantId, conference_ids: ids, duration_gte: least, duration_lt: below, issue_code: code } = parameters;
  const wanted = ids === undefined ? null : new Set(ids.split(",").map((id) => id.trim()));
  const rows = participantId ? (await files.read(file("participants", participantId))).conferences : appId ? await conferencesOf(appId) : await anywhere(parameters, wanted);
  const codes = code ? await codesOf(rows) : null;
  const [from, to] = [bound("duration_gte", least, -Infinity), bound("duration_lt", below, Infinity)];
  return byTime(
    rows.filter(
      (/** @type {Row} */ row) =>
        row.duration >= from && row.duration < to && (!wanted || wanted.has(row.id)) && (!codes || codes.get(row.id)?.includes(code)),
    ),
  );
}

/** Conferences of whatever app. @param {Parameters} parameters @param {Set<string> | null} wanted */
async function anywhere(parameters, wanted) {
  if (!wanted) {
    if (!parameters.duration_gte && !parameters.duration_lt && !parameters.issue_code) throw missing("conferences", "appId, participantId or a filter");
    return allConferences();
  }
  const bodies = await Promise.all([...wanted].map((id) => files.read(file("conferences", id)).catch(ifUnknown)));
  return (await monthsWith(bodies.filter(Boolean).map((body) => body.data))).flatMap(rowsOf);
}

/** An id that the report does not have is one that no row matches. @param {unknown} error */
function ifUnknown(error) {
  if (error instanceof ApiError && error.status === 400) return null;
  throw error;
}

/** The conferences of an app, from its months. @param {string} app @returns {Promise<Row[]>} */
async function conferencesOf(app) {
  const { report } = await files.read(file("apps", app));
  return (await files.readAll(report.months.map((/** @type {string} */ month) => monthFile(app, month)))).flatMap(rowsOf);
}

/** The conferences of all apps. */
export async function allConferences() {
  const { apps } = await directory();
  return (await Promise.all(apps.map(({ id }) => conferencesOf(id)))).flat();
}

/** The months in which these conferences were created. @param {Row[]} rows */
function monthsWith(rows) {
  return files.readAll([...new Set(rows.map(({ app, created_at }) => monthFile(app, created_at.slice(0, 7))))]);
}

/** @param {string} app @param {string} month */
export function monthFile(app, month) {
  return `apps/${encodeURIComponent(app)}/conferences/${month}.json`;
}

/** The rows of a month, which lies in columns. @param {{count: number, columns: Record<string, any[]>}} month @returns {Row[]} */
export function rowsOf({ count, columns }) {
  const names = Object.keys(columns);
  return Array.from({ length: count }, (_, at) => Object.fromEntries(names.map((name) => [name, columns[name][at]])));
}

/** The issue codes of conferences, by id. @param {Row[]} rows @returns {Promise<Map<string, string[]>>} */
async function codesOf(rows) {
  const months = await monthsWith(rows);
  return new Map(months.flatMap(({ columns, report }) => columns.id.map((/** @type {string} */ id, /** @type {number} */ at) => [id, Object.keys(report.issues[at])])));
}

/** @param {string} name @param {string | undefined} text @param {number} without */
function bound(name, text, without) {
  const number = text === undefined ? without : Number(text);
  if (Number.isNaN(number)) throw invalid(name, text);
  return number;
}

/** Every resource of a kind that the site has. @param {"apps" | "organizations"} kind */
function all(kind) {
  return async () => {
    const found = await directory();
    return byTime((await files.readAll(found[kind].map(({ id }) => file(kind, id)))).map((body) => body.data));
  };
}

/**
 * A connection, issue or session, which have no file of their own: it is in the file of some conference. Those of the page and
 * the newest ones are looked through first.
 * @param {string} list @param {string} id @param {string} [first] a conference @returns {Promise<Row | null>}
 */
export async function findRow(list, id, first) {
  const rows = [...(first ? [{ id: first }] : []), ...byTime(await allConferences()).reverse()];
  for (let at = 0; at < rows.length; at += 8) {
    const bodies = await conferenceFiles(rows.slice(at, at + 8));
    const found = bodies.flatMap((body) => body[list]).find((row) => row.id === id);
    if (found) return found;
  }
  return null;
}
