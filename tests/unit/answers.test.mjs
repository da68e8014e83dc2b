import { beforeEach, describe, expect, it, vi } from "vitest";

// The modules read the page's settings when they are loaded.
vi.stubGlobal("document", { querySelector: () => null, documentElement: { dataset: {} } });
vi.stubGlobal("window", { location: { protocol: "https:" }, fetch: () => {} });
// As much of a parser as the directory asks for: the links of a folder, and the cell beside each.
vi.stubGlobal("DOMParser", class {
  parseFromString(text) {
    return { querySelectorAll: (selector) => text.filter(({ href }) => href.includes(selector.match(/"(.*)"/)[1])).map(link) };
  }
});
const link = ({ href, name, given }) => ({ getAttribute: () => href, textContent: name, closest: () => ({ querySelector: () => (given ? { textContent: given } : null) }) });

/** An app with two conferences, of which the second, in December, failed. */
const conferences = [
  { id: "c1", conference_id: "standup", conference_name: "Monday stand-up", ongoing: false, duration: 63, app: "a", created_at: "2026-11-23 16:00:00.500000", has_errors: false, has_warnings: false, participants_count: 2 },
  { id: "c2", conference_id: "review", conference_name: null, ongoing: false, duration: 3600, app: "a", created_at: "2026-12-01 09:00:00", has_errors: true, has_warnings: true, participants_count: 1 },
];
const session = (id, conference, participant, created_at, besides = {}) => ({ id, conference, participant, created_at, platform: { browser: { name: "Chrome" } }, geo_ip: {}, ...besides });
const sessions = [
  session("s1", "c1", "p1", "2026-11-23 16:00:01", { geo_ip: { city: "Cluj", country_code: "RO", latitude: "46.77", longitude: 23.6 } }),
  session("s2", "c1", "p2", "2026-11-23 16:00:02", { platform: {}, geo_ip: { city: "Null Island", latitude: 0, longitude: 0 } }),
  session("s3", "c2", "p1", "2026-12-01 09:00:01", { platform: { os: { name: "Linux" } } }),
];
const negotiation = (status, seconds) => ({ negotiations: [{ status, start_time: "2026-11-23 16:00:02", end_time: `2026-11-23 16:00:0${2 + seconds}.250000` }] });
const connections = [
  { id: "k1", conference: "c1", participant: "p1", type: "host", connection_info: negotiation("connected", 0), created_at: "2026-11-23 16:00:02" },
  { id: "k2", conference: "c1", participant: "p2", type: "relay", connection_info: negotiation("failed", 0), created_at: "2026-11-23 16:00:02" },
  { id: "k3", conference: "c2", participant: "p1", type: null, connection_info: null, created_at: "2026-12-01 09:00:02" },
];
const issues = [
  { id: "i1", conference: "c2", participant: "p1", code: "getusermedia_error", data: { name: "NotAllowedError", message: "denied" }, title: "Media", created_at: "2026-12-01 09:00:03" },
  { id: "i2", conference: "c2", participant: "p1", code: "getusermedia_error", data: null, title: "Media", created_at: "2026-12-01 09:00:04" },
];
const events = ["getUserMedia", "addConnection", "onicecandidate"].map((type, at) => ({ id: `e${at}`, type, created_at: `2026-11-23 16:00:0${at}` }));
const participants = ["p1", "p2"].map((id) => ({ id, app: "a", created_at: `2026-11-23 15:00:0${id.slice(1)}` }));

const month = (rows, codes) => ({ count: rows.length, columns: Object.fromEntries(Object.keys(rows[0]).map((key) => [key, rows.map((row) => row[key])])), report: { issues: codes } });
const of = (conference, rows) => rows.filter((row) => row.conference === conference);
const ranges = (unit, key) => ({ data: [[0, 100], [100, 1000], [1000, null]].map(([min, max]) => ({ [`min_${unit}`]: min, [`max_${unit}`]: max, count: -1, ...key })) });
const conference = (row, people) => ({
  data: { ...row, participants: people.map(({ id }) => id) },
  participants: people,
  sessions: of(row.id, sessions),
  connections: of(row.id, connections),
  issues: of(row.id, issues),
  events,
  graphs: { summary: { data: [] } },
});
const site = {
  "index.html": [{ href: "organization/o.html", name: "Live calls" }, { href: "apps/a.html", name: "browser app" }],
  "search.html": [{ href: "apps/a/conferences/2026-11.html", name: "2026-11" }, { href: "search/a/participants.html", name: "All" }, { href: "search/a/participants-2026-11.html", name: "2026-11" }],
  "search/a/participants.html": [{ href: "../../search/a/participants-a.html", name: "A" }, { href: "../../search/a/participants-b.html", name: "B" }],
  "search/a/participants-a.html": [{ href: "../../participant/p1.html", name: "Ana Pop", given: "user-ana" }],
  "search/a/participants-b.html": [{ href: "../../participant/p2.html", name: "Ben", given: "user-ben" }],
  "api/v1/meta.json": { taken_at: "2026-12-02T00:00:00.000000Z" },
  "api/v1/organizations/o.json": { data: { id: "o", name: "Live calls", created_at: "2026-11-01 00:00:00" } },
  "api/v1/apps/a.json": {
    data: { id: "a", name: "browser app", created_at: "2026-11-01 00:00:00" },
    report: { months: ["2026-11", "2026-12"] },
    conferences_summary: { data: ["as it is in the file"] },
    conferences_duration_summary: ranges("sec", {}),
    conferences_participant_count_summary: {},
    connections_summary: {},
    connections_setup_time_summary: ranges("ms", { conference_ids: [] }),
    sessions_summary: {},
    issues_summary: { data: [{ code: "getusermedia_error", title: "Microphone or camera error", count: 2 }] },
    issues_gum_summary: {},
  },
  "api/v1/apps/a/conferences/2026-11.json": month([conferences[0]], [{}]),
  "api/v1/apps/a/conferences/2026-12.json": month([conferences[1]], [{ getusermedia_error: 2 }]),
  "api/v1/conferences/c1.json": conference(conferences[0], participants),
  "api/v1/conferences/c2.json": conference(conferences[1], participants.slice(0, 1)),
  "api/v1/participants/p1.json": { data: participants[0], conferences, sessions: sessions.filter((row) => row.participant === "p1") },
};

const asked = [];
vi.stubGlobal("fetch", async (url) => {
  asked.push(url);
  const body = site[url];
  return { ok: body !== undefined, status: body === undefined ? 404 : 200, json: async () => body, text: async () => body };
});

const { answer } = await import("../../assets/js/peermetrics/answers.js");
const { urls } = await import("../../assets/js/peermetrics/paths.js");
const ids = async (url, query) => {
  const body = await answer(url, query);
  return (body.data ?? body.results).map((row) => row.id);
};
const refusal = async (url, query) => answer(url, query).then(() => "no refusal", (error) => [error.status, error.error_code]);
beforeEach(() => {
  asked.length = 0;
});

describe("lists", () => {
  it("of conferences are filtered by length, issue, ids and window", async () => {
    const list = (query) => ids(urls.conferences(), { appId: "a", ...query });
    expect(await list({})).toEqual(["c1", "c2"]);
    expect(await list({ duration_gte: 63, duration_lt: 3600 })).toEqual(["c1"]);
    expect(await list({ issue_code: "getusermedia_error" })).toEqual(["c2"]);
    expect(await list({ conference_ids: ["c2", "unknown"] })).toEqual(["c2"]);
    expect(await list({ created_at_gte: "2026-11-23T16:00:00.501Z" })).toEqual(["c2"]);
    expect(await list({ created_at_gt: "2026-11-23 16:00:00.500", created_at_lt: "2026-12-01T09:00:00" })).toEqual([]);
    expect(await list({ created_at_lte: "2026-12-01T10:00:00+01:00" })).toEqual(["c1", "c2"]);
  });

  it("are found by participant, by ids alone, and by a filter alone", async () => {
    expect(await ids(urls.conferences(), { participantId: "p1", issue_code: "getusermedia_error" })).toEqual(["c2"]);
    expect(await ids(urls.conferences(), { conference_ids: "c2,unknown,c1" })).toEqual(["c1", "c2"]);
    expect(await ids(urls.conferences(), { duration_gte: 100 })).toEqual(["c2"]);
    expect(await ids(urls.sessions, { participantId: "p1" })).toEqual(["s1", "s3"]);
    expect(await ids(urls.sessions, { participantId: "p1", conferenceId: "c1" })).toEqual(["s1"]);
    expect(await ids(urls.connections(), { participantId: "p1" })).toEqual(["k1", "k3"]);
    expect(await ids(urls.issues(), { appId: "a" })).toEqual(["i1", "i2"]);
    expect(await ids(urls.participants, { appId: "a" })).toEqual(["p1", "p2"]);
    expect(await ids(urls.apps)).toEqual(["a"]);
    expect(await ids(urls.organizations)).toEqual(["o"]);
  });

  it("are cut into pages where the API does it", async () => {
    expect(await answer(urls.sessions, { appId: "a", limit: 1, offset: 1 })).toEqual({ results: [sessions[1]], count: 3 });
    expect((await answer(urls.sessions, { appId: "a", offset: 2 })).results).toEqual([sessions[2]]);
    expect((await answer(urls.sessions, { appId: "a", limit: 0 })).results).toHaveLength(1);
    expect(await answer(urls.issues(), { appId: "a", limit: 1 })).toEqual({ data: issues });
    expect((await answer(urls.conferenceEvents("c1"), { limit: 2 })).count).toBe(3);
  });

  it("take a query as a string too, and paths as the API has them", async () => {
    expect(await ids(urls.sessions, "?conferenceId=c1&participantId=p2")).toEqual(["s2"]);
    expect(await ids("https://calls.example.org/v1/sessions", { conferenceId: "c2", participantId: null })).toEqual(["s3"]);
  });
});

describe("one of a kind", () => {
  it("is read from its file, or found in that of its conference", async () => {
    expect(await answer(urls.conferences("c1"))).toEqual({ data: site["api/v1/conferences/c1.json"].data });
    expect(await answer(urls.connections("k3"))).toEqual({ data: connections[2] });
    expect(await answer("issues/i1")).toEqual({ data: issues[0] });
    expect(await answer(urls.conferenceGraph("c1"))).toEqual({ summary: { data: [] } });
    expect((await ids(urls.conferenceEvents("c1"), { type: "-addConnection" }))).toEqual(["e0", "e2"]);
    expect((await ids(urls.conferenceEvents("c1"), { type: "addConnection" }))).toEqual(["e1"]);
  });

  it("is refused as the API does it", async () => {
    expect(await refusal(urls.conferences("nobody"))).toEqual([400, "conference_not_found"]);
    expect(await refusal(urls.sessions, { conferenceId: "nobody" })).toEqual([400, "conference_not_found"]);
    expect(await refusal(urls.sessions, { appId: "nobody" })).toEqual([400, "app_not_found"]);
    expect(await refusal(urls.connections("nobody"))).toEqual([400, "connection_not_found"]);
    expect(await refusal(urls.conferences())).toEqual([400, "missing_parameters"]);
    expect(await refusal(urls.conferencesSummary)).toEqual([400, "missing_parameters"]);
    expect(await refusal(urls.conferences(), { appId: "a", created_at_gte: "yesterday" })).toEqual([400, "invalid_parameters"]);
    expect(await refusal(urls.conferences(), { appId: "a", limit: "few" })).toEqual([400, "invalid_parameters"]);
    expect(await refusal(urls.search, { query: "" })).toEqual([400, "invalid_parameters"]);
  });

  it("says what a report does not have", async () => {
    const missing = [urls.stats, urls.organizationTeam("o"), urls["payment-token"], urls.paymentMethod, urls["customer-portal"], "constructor", "participants/p1/events"];
    for (const url of missing) expect(await refusal(url)).toEqual([404, "not_part_of_a_report"]);
    expect(await refusal(urls.conferenceEvents("c1"), { type: "stats" })).toEqual([404, "not_part_of_a_report"]);
  });
});

describe("summaries", () => {
  /** A window that ends before the instant of the report, so that the rows are counted. */
  const all = { appId: "a", created_at_lte: "2026-12-01T23:00:00Z" };

  it("are taken from the file where the window leaves nothing out", async () => {
    const stored = { data: ["as it is in the file"] };
    expect(await answer(urls.conferencesSummary, { appId: "a" })).toEqual(stored);
    expect(await answer(urls.conferencesSummary, { appId: "a", created_at_gte: "2026-11-01T00:00:00Z" })).toEqual(stored);
    expect(await answer(urls.conferencesSummary, { appId: "a", created_at_gte: "2026-12-01T00:00:00Z" })).not.toEqual(stored);
  });

  it("count the conferences of a narrower one", async () => {
    expect(await answer(urls.conferencesSummary, all)).toEqual({
      data: [
        { date: "2026-11-23", success: 1, warning: 0, error: 0, ongoing: 0, total: 1 },
        { date: "2026-12-01", success: 0, warning: 0, error: 1, ongoing: 0, total: 1 },
      ],
    });
    const december = { appId: "a", created_at_gte: "2026-12-01T00:00:00Z" };
    expect((await answer(urls.conferencesDurationSummary, december)).data.map(({ count }) => count)).toEqual([0, 0, 1]);
    expect(await answer(urls.conferencesParticipantCountSummary, all)).toEqual({ data: [{ participants: 1, conferences: 1 }, { participants: 2, conferences: 1 }], total_conferences: 2 });
  });

  it("count what is in the conferences", async () => {
    expect(await answer(urls.connectionsSummary, all)).toEqual({ data: [{ name: "Direct", count: 1 }, { name: "Relayed", count: 1 }] });
    expect((await answer(urls.connectionsSetupTimeSummary, all)).data.map((range) => [range.count, range.conference_ids])).toEqual([[0, []], [1, ["c1"]], [0, []]]);
    expect(await answer(urls.sessionsSummary, all)).toEqual({
      browsers: [{ name: "Chrome", count: 1 }, { name: "Unknown", count: 1 }],
      os: [{ name: "Unknown", count: 1 }, { name: "Linux", count: 1 }],
      countries: [{ code: "RO", count: 1 }],
      cities: [{ city: "Cluj", latitude: 46.77, longitude: 23.6, count: 1 }],
    });
    expect(await answer(urls.issuesSummary, all)).toEqual({ data: [{ code: "getusermedia_error", title: "Microphone or camera error", count: 2 }] });
    expect(await answer(urls.issuesGumSummary, all)).toEqual({ data: [{ name: "NotAllowedError", message: "denied", count: 1 }], total: 1 });
  });
});

describe("the search", () => {
  it("finds names and ids that are like the query, the likest first", async () => {
    const found = async (query) => (await answer(urls.search, { query })).matches;
    expect(await found("monday standup")).toEqual([{ name: "Monday stand-up", id: "standup", url: "conference/c1.html", type: "conference" }]);
    expect((await found("ana")).map(({ name, type, id }) => [name, type, id])).toEqual([["Ana Pop", "participant", "user-ana"]]);
    expect((await found("Browser App")).map(({ url, id }) => [url, id])).toEqual([["apps/a.html", ""]]);
    expect((await found("live")).map(({ url }) => url)).toEqual(["organization/o.html"]);
    expect(await found("zzzz")).toEqual([]);
  });
});

it("a file is read once", async () => {
  await answer(urls.sessions, { conferenceId: "c1" });
  await answer(urls.issues(), { conferenceId: "c1" });
  // It was read by the tests above.
  expect(asked).toEqual([]);
});
