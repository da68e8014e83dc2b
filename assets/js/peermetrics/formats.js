// Small calculations and formats that the web part's pages share.

import { colorOfEvent } from "./colors.js";
import { globals } from "./globals.js";

/** Hours are not wrapped: a call of 25 hours says `25h`, not `1h`. */
function secondsToHMS(seconds) {
  if (typeof seconds !== "number" || !(seconds >= 0)) throw new TypeError(`not a duration: ${seconds}`);
  if (seconds < 1) return `${Math.round(seconds * 1000)}ms`;
  const whole = Math.floor(seconds);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (h > 0) return `${h}h ${m}m ${s}s`;
  return m > 0 ? `${m}m ${s}s` : `${s}s`;
}

function msToHMS(ms) {
  return secondsToHMS(ms / 1000);
}

/** Minutes with two decimals, as a number. */
function secondsToMinutes(seconds) {
  return Math.round((seconds / 60) * 100) / 100;
}

function isNull(value) {
  return value === null || value === undefined;
}

function formatBytes(bytes, decimals = 2) {
  if (!(bytes > 0)) return "0 Bytes";
  const units = ["Bytes", "KB", "MB", "GB", "TB", "PB"];
  const step = Math.min(Math.floor(Math.log(bytes) / Math.log(1024)), units.length - 1);
  return `${Number((bytes / 1024 ** Math.max(step, 0)).toFixed(decimals))} ${units[Math.max(step, 0)]}`;
}

/** How often each value occurs, as a count or as a percentage of all: `reduce(["a", "b", "a"])` is `{a: 2, b: 1}`. */
function reduce(values, asPercent = false) {
  const counts = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  if (asPercent) for (const key of Object.keys(counts)) counts[key] = (100 * counts[key]) / values.length;
  return counts;
}

/** How many of the durations (seconds) fall into each bucket of `globals.durationInterval`. */
function groupDurations(durations) {
  return globals.durationInterval.map(({ min, max }) => durations.filter((s) => s >= min * 60 && s < max * 60).length);
}

/** `MM/DD` of the days from `count` days before a day up to it, in UTC; the day is today unless given. */
function createDatesArray(count, last = Date.now()) {
  return Array.from({ length: count + 1 }, (_, i) => {
    const iso = new Date(Number(last) - (count - i) * 86_400_000).toISOString();
    return `${iso.slice(5, 7)}/${iso.slice(8, 10)}`;
  });
}

/** The objects with the ids in their `issues` replaced by issues; an unknown id stays an `{id}`. */
function populateIssues(objects, issues) {
  const byId = new Map(issues.map((issue) => [issue.id, issue]));
  return objects.map((object) => ({ ...object, issues: (object.issues ?? []).map((id) => byId.get(id) ?? { id }) }));
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
