// Turns the report's seconds per day into a chart of minutes, with the days without calls.

import { daysBetween } from "../../shared/time.js";

/** `{labels, stacks}` for the bar chart, from `[{date, seconds}]` in ascending order. */
export function minutesPerDay(days) {
  if (days.length === 0) return { labels: [], stacks: [] };
  const byDate = new Map(days.map((day) => [day.date, day.seconds]));
  const labels = daysBetween(days[0].date, days.at(-1).date);
  const values = labels.map((date) => Math.round((byDate.get(date) ?? 0) / 6) / 10);
  return { labels, stacks: [{ label: "Minutes", color: "bar-good", values }] };
}
