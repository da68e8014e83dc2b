import { describe, expect, it } from "vitest";
import { bins, board, percentile } from "../../assets/js/app/components/board.js";
import { ceiling, columns, line } from "../../assets/js/app/components/dayPaths.js";

// Saturday 2026-11-21, 23:00 UTC.
const base = Date.UTC(2026, 10, 21, 23) / 1000;

/** Two conferences: one of two visits over midnight, one of one visit an hour later. */
const facts = {
  base,
  days: [Math.floor(base / 86_400), 2],
  buckets: {
    durations: [["< 1 m", 0, 60], ["> 1 m", 60, null]],
    setup: [["< 250 ms", 0, 250], ["> 250 ms", 250, null]],
  },
  dictionaries: { versions: ["1", "2"], browsers: ["Firefox", "Chrome"], systems: ["Linux"], countries: [["KE", "Kenya"]], cities: [["Nairobi, KE", [602.3, 253.6]]], codes: [["low_emos", "Mediocre audio"], ["ice_failed", "No path"]], errors: ["NotFoundError"] },
  conferences: { id: ["a", "b"], label: ["A", "B"], at: [0, 3600], class: [2, 0], duration: [5400, 30], participants: [2, 1], score: [50, null] },
  calls: { conference: [0, 1], at: [0, 3600] },
  sessions: { call: [0, 0, 1], at: [0, 1800, 3600], seconds: [5400, 3600, 60], version: [0, 0, 1], browser: [0, 1, 0], system: [0, 0, 0], country: [0, 0, 0], city: [0, null, 0], score: [40, 60, null] },
  issues: { session: [0, 0, 1], code: [0, 0, 1], error: [null, null, 0] },
  connections: { session: [0, 1, 2], relayed: [1, 0, -1], setup: [100, 300, null] },
};
const all = { version: "", browser: "", system: "", country: "" };

describe("the dashboard", () => {
  it("counts everything without a filter", () => {
    const { conferences, visits, minutes, errorShare, relayedShare, days, hours, issues } = board(facts, all);
    expect([conferences, visits, minutes, errorShare, relayedShare]).toEqual([2, 3, 151, 0.5, 0.5]);
    // Presence counts on the day on which it was: 60 and 30 minutes before midnight, 30, 30 and 1 after it.
    expect(days.map((day) => [day.day, day.classes, day.calls, day.withIssues, day.minutes, day.peak])).toEqual([
      ["2026-11-21", [0, 0, 1, 0], 1, 1, 90, 2],
      ["2026-11-22", [1, 0, 0, 0], 1, 0, 61, 3],
    ]);
    expect(days.map((day) => [day.median, day.worstTenth, day.scored])).toEqual([[50, 42, 2], [null, null, 0]]);
    expect([hours[5][23], hours[6][0]]).toEqual([90, 61]);
    expect(issues.map(({ id, count, of }) => [id, count, of])).toEqual([["low_emos", 2, [0]], ["ice_failed", 1, [0]]]);
  });

  it("counts what a filter leaves, in every chart", () => {
    const left = board(facts, { ...all, browser: "Chrome" });
    expect([left.conferences, left.visits, left.minutes, left.median]).toEqual([1, 1, 60, 60]);
    expect(left.days.map((day) => [day.calls, day.withIssues, day.minutes, day.peak])).toEqual([[1, 1, 30, 1], [0, 0, 30, 1]]);
    expect(left.issues.map(({ id }) => id)).toEqual(["ice_failed"]);
    expect(left.errors.map(({ label, count }) => [label, count])).toEqual([["NotFoundError", 1]]);
    expect(left.paths.map(({ count }) => count)).toEqual([1, 0, 0]);
    expect(left.participants).toEqual([{ label: "2", count: 1, of: [0] }]);
    expect(left.durations.map(({ count, of }) => [count, of])).toEqual([[0, []], [1, [0]]]);
    expect(left.setup.map(({ count }) => count)).toEqual([0, 1]);
    expect(left.groups.map(({ rows }) => rows.map(({ label, count }) => [label, count]))).toEqual([[["1", 1]], [["Chrome", 1]], [["Linux", 1]], [["Kenya", 1]]]);
    expect(left.cities).toEqual([]);
    expect(left.worst).toEqual([0]);
  });

  it("says nothing of a choice that leaves nothing", () => {
    const left = board(facts, { ...all, version: "2", browser: "Chrome" });
    expect([left.conferences, left.visits, left.errorShare, left.relayedShare, left.median]).toEqual([0, 0, null, null, null]);
  });

  it("joins many days to weeks from Monday", () => {
    // From Wednesday 2026-07-15 on, a call a day, whose score is its number.
    const day = (at) => ({ day: new Date(Date.UTC(2026, 6, 15 + at)).toISOString().slice(0, 10), classes: [1, 0, 0, 0], calls: 1, withIssues: 0, seconds: 60, peak: 1, scores: [at], versions: { 1: 1 } });
    const weeks = bins(Array.from({ length: 130 }, (_, at) => day(at)));
    expect(weeks.slice(0, 2).map((week) => [week.day, week.calls, week.classes[0], week.minutes, week.median, week.versions[1]])).toEqual([["2026-07-15", 5, 5, 5, 2, 5], ["2026-07-20", 7, 7, 7, 8, 7]]);
    expect(bins([day(0)])).toEqual([day(0)]);
  });

  it("has percentiles between closest ranks", () => {
    expect([percentile([], 0.5), percentile([7], 0.1), percentile([0, 10], 0.1)]).toEqual([null, 7, 1]);
  });
});

describe("charts by day", () => {
  it("stand on each other, as the static ones do", () => {
    expect(columns([[6, 2], [4, 0]])).toEqual({ top: 10, paths: ["M238 120h24v-72h-24zM738 120h24v-24h-24z", "M238 48h24v-48h-24z"] });
    expect(line([50, null, 100, 0], 100)).toBe("M125 60L125 60M625 0L625 0L875 120");
    expect([0, 3, 10, 11, 0.2].map(ceiling)).toEqual([1, 5, 10, 20, 0.2]);
  });
});
