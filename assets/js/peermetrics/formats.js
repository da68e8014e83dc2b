// Small calculations and formats that the web part's pages share.
//
// What differs from Peer Metrics, where it is wrong:
// - Hours are not wrapped at twelve and days are not lost: 13 hours are `13h 0m 0s`, 27 hours `27h 0m 0s`.
// - Days are days in UTC, as those of the API, instead of the reader's.
// - Counting values named like members of every object (`constructor`) works.

import { colorOfEvent } from "./colors.js";
import { globals } from "./globals.js";

/**
 * `1h 0m 5s`, `3m 0s`, `5s`, or below a second `120ms`.
 * @param {number} seconds
 */
function secondsToHMS(seconds) {
  if (typeof seconds !== "number" || !(seconds >= 0)) throw new TypeError(`not a duration: ${seconds}`);
  // 0.9996 s are no 1000 ms.
  if (seconds < 1) return `${Math.min(Math.round(seconds * 1000), 999)}ms`;
  const whole = Math.floor(seconds);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (h > 0) return `${h}h ${m}m ${s}s`;
  return m > 0 ? `${m}m ${s}s` : `${s}s`;
}

/** @param {number} ms */
function msToHMS(ms) {
  if (typeof ms !== "number") throw new TypeError(`not a duration: ${ms}`);
  return secondsToHMS(ms / 1000);
}

/** Minutes with two decimals, as a number. @param {number} seconds */
function secondsToMinutes(seconds) {
  return Math.round((seconds / 60) * 100) / 100;
}

/** @param {unknown} value */
function isNull(value) {
  return value === null || value === undefined;
}

/** In steps of 1024. @param {number} bytes @param {number} [decimals] */
function formatBytes(bytes, decimals = 2) {
  if (!(bytes > 0)) return "0 Bytes";
  const [unit, ...larger] = ["Bytes", "KB", "MB", "GB", "TB", "PB"];
  const rounded = (/** @type {number} */ value) => Number(value.toFixed(Math.max(decimals, 0)));
  let [value, name] = [bytes, unit];
  // Rounded first: 1023.999 KB are 1 MB.
  for (; rounded(value) >= 1024 && larger.length > 0; value /= 1024) name = larger.shift() ?? name;
  return `${rounded(value)} ${name}`;
}

/**
 * How often each value occurs, as a count or as a percentage of all: `reduce(["a", "b", "a"])` is `{a: 2, b: 1}`.
 * @param {(string | number)[]} values @param {boolean} [asPercent]
 */
function reduce(values, asPercent = false) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const value of values) counts.set(String(value), (counts.get(String(value)) ?? 0) + 1);
  return Object.fromEntries([...counts].map(([value, count]) => [value, asPercent ? (100 * count) / values.length : count]));
}

/** How many of the durations (seconds) fall into each bucket of `globals.durationInterval`. @param {number[]} durations */
function groupDurations(durations) {
  return globals.durationInterval.map(({ min, max }) => durations.filter((s) => s >= min * 60 && s < max * 60).length);
}

/**
 * `MM/DD` of the days from `count` days before a day up to it, in UTC; the day is today unless given.
 * @param {number} count @param {number | Date} [last]
 */
function createDatesArray(count, last = Date.now()) {
  return Array.from({ length: count + 1 }, (_, i) => {
    const iso = new Date(Number(last) - (count - i) * 86_400_000).toISOString();
    return `${iso.slice(5, 7)}/${iso.slice(8, 10)}`;
  });
}

/**
 * The objects with the ids in their `issues` replaced by issues; an unknown id stays an `{id}`.
 * @param {Record<string, any>[]} objects @param {Record<string, any>[]} issues
 */
function populateIssues(objects, issues) {
  const byId = new Map(issues.map((issue) => [issue.id, issue]));
  return objects.map((object) => ({ ...object, issues: (object.issues ?? []).map((/** @type {string} */ id) => byId.get(id) ?? { id }) }));
}

export const utils = {
  reduce,
  groupDurations,
  createDatesArray,
  secondsToHMS,
  msToHMS,
  secondsToMinutes,
  isNull,
  formatBytes,
  getColorForEventType: colorOfEvent,
  populateIssues,
};
