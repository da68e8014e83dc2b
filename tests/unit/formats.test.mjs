import { describe, expect, it, vi } from "vitest";

// The modules read the page's settings when they are loaded.
vi.stubGlobal("document", { querySelector: () => null, documentElement: { dataset: {} } });
vi.stubGlobal("window", { location: { protocol: "https:" } });
const { utils } = await import("../../assets/js/peermetrics/formats.js");
const { globals } = await import("../../assets/js/peermetrics/globals.js");
const { createPath, urls } = await import("../../assets/js/peermetrics/paths.js");

describe("the helpers of the web part", () => {
  it("say durations without wrapping hours", () => {
    expect([0, 0.45, 0.9996, 3, 63, 3600, 46_800, 97_261].map(utils.secondsToHMS)).toEqual(["0ms", "450ms", "999ms", "3s", "1m 3s", "1h 0m 0s", "13h 0m 0s", "27h 1m 1s"]);
    expect(utils.msToHMS(63_000)).toBe("1m 3s");
    expect(utils.secondsToMinutes(100)).toBe(1.67);
    expect(() => utils.msToHMS("3000")).toThrow(TypeError);
    expect(() => utils.secondsToHMS(-1)).toThrow(TypeError);
    expect(() => utils.secondsToHMS(Number.NaN)).toThrow(TypeError);
    expect(() => utils.secondsToHMS("3")).toThrow(TypeError);
  });

  it("count, group and format", () => {
    expect(utils.reduce(["a", "b", "a"])).toEqual({ a: 2, b: 1 });
    expect(utils.reduce(["a", "b", "a", "a"], true)).toEqual({ a: 75, b: 25 });
    expect([utils.reduce([]), utils.reduce([], true), utils.reduce(["constructor"])]).toEqual([{}, {}, { constructor: 1 }]);
    expect(utils.groupDurations([0, 59, 60, 3599, 3600, 90_000])).toEqual([2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2]);
    expect([0, 512, 1536, 3 * 1024 ** 3].map((bytes) => utils.formatBytes(bytes))).toEqual(["0 Bytes", "512 Bytes", "1.5 KB", "3 GB"]);
    expect([-1, null, 1023.999 * 1024, 1024 ** 6].map((bytes) => utils.formatBytes(bytes))).toEqual(["0 Bytes", "0 Bytes", "1 MB", "1024 PB"]);
    expect([utils.formatBytes(1500, 0), utils.formatBytes(1500, -1)]).toEqual(["1 KB", "1 KB"]);
    expect(utils.createDatesArray(2, Date.UTC(2026, 0, 1))).toEqual(["12/30", "12/31", "01/01"]);
    expect(utils.createDatesArray(30)).toHaveLength(31);
    expect(utils.getColorForEventType("constructor")).toBe(utils.getColorForEventType("something new"));
    expect(utils.getColorForEventType("onicecandidateerror")).toMatch(/^#/);
    expect([null, undefined, 0, ""].map(utils.isNull)).toEqual([true, true, false, false]);
    expect(utils.populateIssues([{ issues: ["1", "2"] }], [{ id: "1", code: "x" }])).toEqual([{ issues: [{ id: "1", code: "x" }, { id: "2" }] }]);
  });

  it("know the countries and the buckets of durations", () => {
    expect(Object.keys(globals.countryCodes)).toHaveLength(249);
    expect(globals.countryCodes.RO).toBe("Romania");
    expect(globals.durationInterval.map((bucket) => bucket.label)).toEqual(["< 1 m", "1 - 3 m", "3 - 5 m", "5 - 10 m", "10 - 15 m", "15 - 20 m", "20 - 25 m", "25 - 30 m", "30 - 40 m", "40 - 50 m", "50 - 60 m", "> 60 m"]);
  });

  it("make the paths of pages and of the API", () => {
    expect(createPath("conference", "a/b")).toBe("conference/a%2Fb.html");
    expect(() => createPath("dashboard")).toThrow();
    expect(urls.conferenceEvents("7")).toMatch(/conferences\/7\/events$/);
  });
});
