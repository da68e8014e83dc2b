// The summary endpoints: an app's file holds their answers for the whole report; a narrower window is counted from the rows.

import { missing } from "./errors.js";
import { file, files } from "./files.js";
import { lists, monthFile, rowsOf } from "./lists.js";
import { hasWindow, isWithin, time, within } from "./query.js";

/** @typedef {import("./query.js").Row} Row */
/** @typedef {import("./query.js").Parameters} Parameters */

/**
 * By path: the list whose rows are counted, and the answer made of those in the window. What is fixed of an answer (ranges,
 * titles) is taken over from the one that the file holds.
 * @type {Record<string, [list: string, count: (rows: Row[], stored: any) => any]>}
 */
export const summaries = {
  "conferences/summary": ["conferences", perDay],
  "conferences/duration-summary": ["conferences", (rows, { data }) => ({ data: inRanges(data, "sec", rows.map((row) => [row.duration, row.id])) })],
  "conferences/participant-count-summary": ["conferences", perParticipants],
  "connections/summary": ["connections", paths],
  "connections/setup-time-summary": ["connections", (rows, { data }) => ({ data: inRanges(data, "ms", rows.map((row) => [setupTime(row), row.conference])) })],
  "sessions/summary": ["sessions", places],
  "issues/summary": ["issues", codes],
  "issues/gum-summary": ["issues", mediaErrors],
};

/** @param {string} path @param {Parameters} parameters */
export async function summary(path, parameters) {
  const { appId } = parameters;
  if (!appId) throw missing(path, "appId");
  const app = await files.read(file("apps", appId));
  const stored = app[path.replace(/[/-]/g, "_")];
  if (!hasWindow(parameters) || (await isWhole(appId, app, parameters))) return stored;
  const [list, count] = summaries[path];
  return count(within(await lists[list]({ appId }), parameters), stored);
}

/** Whether the window leaves nothing out: it holds both the first conference and the instant of the report. @param {string} id @param {any} app @param {Parameters} parameters */
async function isWhole(id, app, parameters) {
  const { taken_at: instant } = await files.read("meta.json");
  if (!isWithin(time(instant), parameters)) return false;
  const [month] = app.report.months;
  if (!month) return true;
  const [first] = rowsOf(await files.read(monthFile(id, month)));
  return isWithin(time(first.created_at), parameters);
}

/** @param {Row[]} rows */
function perDay(rows) {
  /** @type {Map<string, Row>} */
  const days = new Map();
  for (const row of rows) {
    const date = row.created_at.slice(0, 10);
    const day = days.get(date) ?? { date, success: 0, warning: 0, error: 0, ongoing: 0, total: 0 };
    day[row.ongoing ? "ongoing" : row.has_errors ? "error" : row.has_warnings ? "warning" : "success"] += 1;
    day.total += 1;
    days.set(date, day);
  }
  return { data: [...days.values()] };
}

/** @param {Row[]} rows */
function perParticipants(rows) {
  const data = [...counted(rows.map((row) => row.participants_count ?? 0))].map(([participants, conferences]) => ({ participants, conferences }));
  return { data: data.sort((a, b) => a.participants - b.participants), total_conferences: rows.length };
}

/** How many values are in each range, and whose they are where that is told. @param {Row[]} ranges @param {"sec" | "ms"} unit @param {[number | null, string][]} values */
function inRanges(ranges, unit, values) {
  return ranges.map((range) => {
    const inside = values.filter(([value]) => value !== null && value >= range[`min_${unit}`] && value < (range[`max_${unit}`] ?? Infinity));
    const ids = "conference_ids" in range ? { conference_ids: [...new Set(inside.map(([, id]) => id))] } : {};
    return { ...range, count: inside.length, ...ids };
  });
}

/** Milliseconds of the first negotiation, if it ended connected. @param {Row} row */
function setupTime(row) {
  const first = row.connection_info?.negotiations?.[0];
  const ms = first?.status === "connected" ? time(String(first.end_time)) - time(String(first.start_time)) : Number.NaN;
  return ms >= 0 ? ms : null;
}

/** @param {Row[]} rows */
function paths(rows) {
  const types = rows.map((row) => row.type).filter(Boolean);
  const relayed = types.filter((type) => type === "relay").length;
  return { data: [{ name: "Direct", count: types.length - relayed }, { name: "Relayed", count: relayed }] };
}

/** @param {Row[]} rows */
function places(rows) {
  // Sessions without any platform are not counted at all, as the API has it.
  const platforms = rows.map((row) => row.platform).filter((platform) => platform && Object.keys(platform).length > 0);
  /** @param {string} part */
  const named = (part) => ranked(platforms.map((platform) => platform[part]?.name || "Unknown"), "name");
  /** @type {Map<string, Row>} */
  const cities = new Map();
  for (const { geo_ip: place } of rows) {
    const [latitude, longitude] = [place?.latitude, place?.longitude].map((degrees) => Number.parseFloat(degrees));
    if (!place?.city || Number.isNaN(latitude + longitude) || (latitude === 0 && longitude === 0)) continue;
    const city = cities.get(place.city) ?? { city: place.city, latitude, longitude, count: 0 };
    city.count += 1;
    cities.set(place.city, city);
  }
  return {
    browsers: named("browser"),
    os: named("os"),
    countries: ranked(rows.map((row) => row.geo_ip?.country_code).filter(Boolean), "code"),
    cities: [...cities.values()],
  };
}

/** @param {Row[]} rows @param {{data: Row[]}} stored */
function codes(rows, stored) {
  const titles = new Map(stored.data.map(({ code, title }) => [code, title]));
  return { data: ranked(rows.map((row) => row.code), "code").map(({ code, count }) => ({ code, title: titles.get(code) ?? code, count })) };
}

/** @param {Row[]} rows */
function mediaErrors(rows) {
  const isObject = (/** @type {unknown} */ data) => data && typeof data === "object" && !Array.isArray(data);
  const errors = rows.filter(({ code, data }) => code === "getusermedia_error" && isObject(data)).map(({ data }) => ({ name: data.name || "Unknown", message: data.message }));
  const data = ranked(errors.map(({ name }) => name), "name");
  return { data: data.map((row) => ({ message: row.name, ...errors.find(({ name, message }) => name === row.name && message), ...row })), total: errors.length };
}

/** Values with their number, the most frequent first. @param {string[]} values @param {string} key @returns {Row[]} */
function ranked(values, key) {
  return [...counted(values)].sort(([, a], [, b]) => b - a).map(([value, count]) => ({ [key]: value, count }));
}

/** @template T @param {T[]} values @returns {Map<T, number>} */
function counted(values) {
  const counts = new Map();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}
