// Turns the answer of conferences/summary into a stacked chart, with the days on which nothing happened.

import { daysBetween } from "../../shared/time.js";

const classes = [
  { key: "success", label: "Without problems", color: "bar-good" },
  { key: "warning", label: "With warnings", color: "bar-warn" },
  { key: "error", label: "With errors", color: "bar-error" },
  { key: "ongoing", label: "Ongoing", color: "bar-ongoing" },
];

/** `{labels, stacks}` for the bar chart, from `[{date, success, warning, error, ongoing}]` in ascending order. */
export function conferencesPerDay(days) {
  if (days.length === 0) return { labels: [], stacks: [] };
  const byDate = new Map(days.map((day) => [day.date, day]));
  const labels = daysBetween(days[0].date, days.at(-1).date);
  const stacks = classes
    .map(({ key, label, color }) => ({ label, color, values: labels.map((date) => byDate.get(date)?.[key] ?? 0) }))
    .filter((stack) => stack.values.some((count) => count > 0));
  return { labels, stacks };
}
