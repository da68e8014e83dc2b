// What the pages of conferences and participants say, read from them in Chromium by role and text, against what SQL says about the
// same database; and what a reader can do there: walk the timeline by keyboard, filter the log and the graphs.
// SITE=folder DATABASE_URL=postgres://… [CHROMIUM=program] node tests/browser/facts.mjs

import path from "node:path";
import { pathToFileURL } from "node:url";
import { asking, checking, severalAtOnce } from "./checks.mjs";
import { launch } from "./chromium.mjs";
import { serve } from "./server.mjs";

const { SITE: site, DATABASE_URL: database } = process.env;
if (!site || !database) {
  console.error("error: SITE or DATABASE_URL is not set\nhint: SITE=output DATABASE_URL=postgres://… npm run test:pages");
  process.exit(2);
}
const sql = asking(database);

const { check, end } = checking();

/** `1h 2m 3s`, as pages say durations. */
function duration(seconds) {
  const whole = Math.floor(seconds);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (h > 0) return `${h}h ${m}m ${s}s`;
  return m > 0 ? `${m}m ${s}s` : `${s}s`;
}
const plain = (text) => text.replace(/\s+/g, " ").trim();
const counted = (text) => Number(text.replace(/[^0-9]/g, ""));

/** Deleted apps and organizations have no pages, nor has what is theirs. */
const reported = "JOIN app a ON a.id = c.app_id AND a.is_active JOIN organization o ON o.id = a.organization_id AND o.is_active";

const server = await serve(path.resolve(site));
const browser = await launch();
// One for all pages: what was loaded for one is at hand for the next.
const reader = await browser.newContext();
try {
  const conferences = await sql(`SELECT c.id, c.conference_id, c.conference_name, c.duration, c.ongoing, c.created_at FROM conference c ${reported} WHERE c.is_active ORDER BY c.id LIMIT 25`);
  await severalAtOnce(conferences, conferencePage);
  const participants = await sql(`SELECT c.id FROM participant c ${reported} WHERE c.is_active ORDER BY c.id LIMIT 15`);
  await severalAtOnce(participants, participantPage);
  const [busiest] = await sql(`SELECT e.conference_id AS id, count(*) FILTER (WHERE e.type = 'stats') AS polls FROM app_genericevent e JOIN conference c ON c.id = e.conference_id ${reported}
    WHERE c.is_active AND e.is_active GROUP BY 1 ORDER BY 2 DESC LIMIT 1`);
  await actions(busiest.id, server.origin, "over HTTP");
  await actions(busiest.id, pathToFileURL(`${path.resolve(site)}/`).href, "from file://");
} finally {
  await browser.close();
  await server.close();
}
end(50);

/** The value beside a label of a list of facts. */
function fact(scope, label) {
  return scope.locator("dt", { hasText: new RegExp(`^${label}$`) }).first().locator("xpath=following-sibling::dd").innerText();
}

async function conferencePage(row) {
  const page = await reader.newPage();
  const name = `conference ${row.id}`;
  await page.goto(`${server.origin}conference/${row.id}.html`);
  check(`${name}: heading`, plain(await page.getByRole("heading", { level: 1 }).innerText()).startsWith(plain(row.conference_name?.trim() || row.conference_id || row.id)), true);
  const header = page.locator(".page-header");
  check(`${name}: id`, plain(await fact(header, "Conference id")), plain(row.conference_id));
  if (!row.ongoing && row.duration > 0) check(`${name}: duration`, plain(await fact(header, "Duration")), duration(row.duration));
  const created = header.locator("time[data-local]").first();
  check(`${name}: created`, plain(await created.innerText()), row.created_at.slice(0, 19).replace("T", " "));
  check(`${name}: created, by the reader's clock`, (await header.locator(".local-time").first().innerText()).includes("here"), true);
  const [{ people }] = await sql(`SELECT count(DISTINCT p.id)::int AS people FROM participant_conferences pc
    JOIN participant p ON p.id = pc.participant_id AND p.is_active AND NOT p.is_sfu
    JOIN app_session s ON s.participant_id = p.id AND s.conference_id = pc.conference_id AND s.is_active WHERE pc.conference_id = '${row.id}'`);
  check(`${name}: participants`, counted(await fact(header, "Participants")), people);

  const calls = await page.locator("#calls tbody tr").count();
  if (calls > 1) {
    check(`${name}: opens on the last call`, await page.locator("#calls tbody tr [aria-current]").innerText(), String(calls));
    await page.close();
    return;
  }
  const sessions = await sql(`SELECT id, participant_id, platform, devices, app_version, created_at, end_time FROM app_session WHERE is_active AND conference_id = '${row.id}' ORDER BY created_at`);
  const cards = page.locator("article.person");
  for (const id of new Set(sessions.map((session) => session.participant_id))) {
    const own = sessions.filter((session) => session.participant_id === id);
    const card = page.locator(`#participant-${id}`);
    check(`${name}: a card for ${id}`, await card.count(), 1);
    const text = plain(await card.innerText());
    for (const { platform, app_version: version } of own) {
      const browserName = platform?.browser?.name?.trim();
      if (browserName) check(`${name}: browser of ${id}`, text.includes(plain(browserName)), true);
      const os = platform?.os?.name?.trim();
      if (os) check(`${name}: system of ${id}`, text.includes(plain(os)), true);
      if (version) check(`${name}: app version of ${id}`, text.includes(plain(version)), true);
    }
    const labels = new Set(own.flatMap(({ devices }) => (Array.isArray(devices) ? devices : [devices])).filter((device) => device?.label?.trim() && device?.kind?.trim()).map((device) => `${device.kind.trim()} ${device.label.trim()}`));
    check(`${name}: devices of ${id}`, text.includes(`Devices (${labels.size})`), true);
  }
  check(`${name}: cards`, (await cards.count()) >= new Set(sessions.map((session) => session.participant_id)).size, true);

  const issues = await sql(`SELECT i.code FROM app_issue i JOIN app_session s ON s.id = i.session_id WHERE i.is_active AND s.is_active AND s.conference_id = '${row.id}'`);
  check(`${name}: issues`, await page.locator("#findings .issue-cols > div:nth-child(2) .incident").evaluateAll((all) => all.reduce((sum, one) => sum + Number(one.dataset.count), 0)), issues.length);

  const connections = await sql(`SELECT k.id FROM app_connection k JOIN app_session s ON s.id = k.session_id WHERE k.is_active AND s.is_active AND k.conference_id = '${row.id}' ORDER BY k.id`);
  const folds = await page.locator("details.connection").evaluateAll((all) => all.map((fold) => fold.id.replace("connection-", "")).sort());
  check(`${name}: connections`, folds, connections.map((connection) => connection.id).sort());
  const lanes = await page.locator("#timeline .lane[data-connection]").evaluateAll((all) => all.map((lane) => lane.dataset.connection).sort());
  check(`${name}: connection lanes`, lanes, connections.map((connection) => connection.id).sort());

  const timeline = page.locator("#timeline");
  if (sessions.length > 0) {
    const start = Number(await timeline.getAttribute("data-start"));
    const presence = await timeline.locator("rect.span-presence").evaluateAll((all) => all.map((span) => [Number(span.dataset.from), Number(span.dataset.to)]));
    const ended = sessions.filter((session) => session.end_time && session.end_time >= session.created_at);
    for (const session of ended) {
      const [from, to] = [session.created_at, session.end_time].map((at) => Math.floor(Date.parse(at)) - start);
      check(`${name}: presence of session ${session.id}`, presence.some(([a, b]) => Math.abs(a - from) <= 1 && Math.abs(b - to) <= 1), true);
    }
    check(`${name}: visits`, presence.length, sessions.length);
  }
  const [{ events }] = await sql(`SELECT count(*)::int AS events FROM app_genericevent e JOIN app_session s ON s.id = e.session_id WHERE e.is_active AND s.is_active AND e.conference_id = '${row.id}' AND e.type <> 'stats'`);
  const said = page.locator("#event-fold > summary");
  check(`${name}: events`, (await said.count()) > 0 ? counted((await said.innerText()).split(" of ").at(-1)) : 0, events);

  // The points of the round trip time, where the raw polls are there.
  const data = await page.locator("#call-data").evaluateAll((all) => (all[0] ? JSON.parse(all[0].textContent) : null));
  const polls = await sql(`SELECT e.connection_id AS id, e.created_at, (e.data->'connection'->>'currentRoundTripTime')::float8 AS rtt FROM app_genericevent e
    JOIN app_session s ON s.id = e.session_id WHERE e.is_active AND s.is_active AND e.conference_id = '${row.id}' AND e.type = 'stats' AND e.track_id IS NULL ORDER BY e.created_at, e.id`);
  for (const connection of data?.thinned ? [] : (data?.connections ?? [])) {
    const own = polls.filter((poll) => poll.id === connection.id);
    if (own.length === 0 || own.some((poll) => poll.rtt === null)) continue;
    check(`${name}: times of ${connection.id}`, connection.t, own.map((poll) => Math.floor(Date.parse(poll.created_at)) - data.call.start));
    check(`${name}: round trip times of ${connection.id}`, connection.values.rtt_ms, own.map((poll) => Math.round(poll.rtt * 1e5) / 100));
  }
  await page.close();
}

async function participantPage(row) {
  const page = await reader.newPage();
  const name = `participant ${row.id}`;
  await page.goto(`${server.origin}participant/${row.id}.html`);
  const [facts] = await sql(`SELECT count(*)::int AS sessions, count(DISTINCT s.conference_id)::int AS conferences FROM app_session s JOIN conference c ON c.id = s.conference_id
    WHERE s.is_active AND c.is_active AND s.participant_id = '${row.id}'`);
  const [{ linked }] = await sql(`SELECT count(*)::int AS linked FROM (SELECT pc.conference_id FROM participant_conferences pc WHERE pc.participant_id = '${row.id}'
    UNION SELECT s.conference_id FROM app_session s WHERE s.is_active AND s.participant_id = '${row.id}') x JOIN conference c ON c.id = x.conference_id WHERE c.is_active`);
  const header = page.locator(".page-header");
  check(`${name}: conferences`, counted(await fact(header, "Conferences")), linked);
  check(`${name}: rows of conferences`, await page.locator("#conferences tbody tr").count(), linked);
  if (facts.sessions > 0) check(`${name}: sessions`, counted((await fact(header, "Presence")).split(" in ").at(-1)), facts.sessions);
  const devices = await sql(`SELECT s.devices FROM app_session s JOIN conference c ON c.id = s.conference_id WHERE s.is_active AND c.is_active AND s.participant_id = '${row.id}'`);
  const labels = new Set(devices.flatMap(({ devices: list }) => (Array.isArray(list) ? list : [list])).filter((device) => device?.label?.trim() && device?.kind?.trim()).map((device) => `${device.kind.trim()} ${device.label.trim()}`));
  if (facts.sessions > 0) check(`${name}: devices`, await page.locator("#devices tbody tr").count(), labels.size);
  const [{ all }] = await sql(`SELECT count(*)::int AS all FROM app_connection k JOIN app_session s ON s.id = k.session_id JOIN conference c ON c.id = k.conference_id WHERE k.is_active AND s.is_active AND c.is_active AND k.participant_id = '${row.id}'`);
  if (facts.sessions > 0) check(`${name}: connections`, Number((await page.locator("#network p").first().innerText()).match(/of (\d+) connections/)?.[1]), all);
  await page.close();
}

/** What a reader does on a conference's page. */
async function actions(id, root, how) {
  const page = await reader.newPage();
  const faults = [];
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
  await page.goto(`${root}conference/${id}.html`);

  // The keyboard: one stop per lane, arrows within it, Enter to the event.
  const mark = page.locator(".lane-marks [tabindex='0']").first();
  await mark.focus();
  const words = () => page.evaluate(() => document.activeElement?.getAttribute("aria-label"));
  const first = await words();
  check(`${how}: a mark says what it is`, typeof first === "string" && first.length > 10, true);
  check(`${how}: the tooltip says the same`, await page.getByRole("tooltip").innerText(), first);
  await page.keyboard.press("End");
  check(`${how}: End goes to another mark`, (await words()) !== first, true);
  await page.keyboard.press("Home");
  check(`${how}: Home comes back`, await words(), first);
  await page.locator(".mark[data-event]").first().focus();
  const target = await page.evaluate(() => document.activeElement.getAttribute("data-event"));
  await page.keyboard.press("Enter");
  check(`${how}: Enter opens the log at the event`, await page.evaluate(() => document.activeElement?.id), `event-${target}`);
  check(`${how}: the row can be seen`, await page.locator(`[id="event-${target}"]`).isVisible(), true);

  // The log's filters.
  const log = page.locator("#events");
  const rows = page.locator("#event-log tbody tr");
  const all = await rows.count();
  const kinds = await rows.evaluateAll((list) => list.map((row) => row.dataset.kind));
  await log.getByRole("combobox", { name: "Event", exact: true }).selectOption("onicecandidate");
  check(`${how}: the log by kind`, await rows.evaluateAll((list) => list.filter((row) => !row.hasAttribute("hidden")).length), kinds.filter((kind) => kind === "onicecandidate").length);
  await log.getByRole("combobox", { name: "Event", exact: true }).selectOption("");
  await log.getByRole("searchbox", { name: "Text", exact: true }).fill("no such words");
  check(`${how}: the log by words`, await rows.evaluateAll((list) => list.filter((row) => !row.hasAttribute("hidden")).length), 0);
  await log.getByRole("searchbox", { name: "Text", exact: true }).fill("");
  check(`${how}: the log without filters`, await rows.evaluateAll((list) => list.filter((row) => !row.hasAttribute("hidden")).length), all);

  // The graphs.
  const graphs = page.locator("#conference-app");
  await page.getByRole("button", { name: "Filter, zoom and compare" }).click();
  await page.locator(".explorer-chart").first().waitFor();
  const lines = () => page.locator(".explorer-chart").evaluateAll((list) => list.map((chart) => [chart.dataset.measure, chart.querySelectorAll(".chart-legend button").length]));
  const data = await page.locator("#call-data").evaluate((script) => JSON.parse(script.textContent));
  const shown = data.connections.flatMap((connection) => connection.streams).filter((stream) => stream.values.loss?.some((value) => value !== null));
  check(`${how}: lines of the loss`, Object.fromEntries(await lines()).loss, shown.length);
  check(`${how}: the static charts make room`, await page.locator("[data-static='series']:visible").count(), 0);
  const [person] = data.people.filter((one) => data.connections.some((connection) => connection.participant === one.id));
  await graphs.getByRole("combobox", { name: "Participant", exact: true }).selectOption(person.id);
  const own = data.connections.filter((connection) => connection.participant === person.id).flatMap((connection) => connection.streams);
  check(`${how}: one participant's loss`, Object.fromEntries(await lines()).loss, own.filter((stream) => stream.values.loss?.some((value) => value !== null)).length);
  await graphs.getByRole("combobox", { name: "Data", exact: true }).selectOption("video");
  check(`${how}: no audio score under video`, "audio_score" in Object.fromEntries(await lines()), false);
  await graphs.getByRole("combobox", { name: "Direction", exact: true }).selectOption("outbound");
  const sent = own.filter((stream) => stream.kind === "video" && stream.direction === "outbound" && stream.values.bitrate?.some((value) => value !== null));
  check(`${how}: video that is sent`, Object.fromEntries(await lines()).bitrate ?? 0, sent.length);
  await graphs.getByRole("combobox", { name: "Participant", exact: true }).selectOption("");
  check(`${how}: a change undoes what comes after`, await graphs.getByRole("combobox", { name: "Data", exact: true }).inputValue(), "");

  // Zoom is one for timeline and graphs.
  const canvas = page.locator(".explorer-chart canvas").first();
  await canvas.focus();
  await page.keyboard.press("+");
  const box = await page.locator(".lane-marks").first().getAttribute("viewBox");
  check(`${how}: the timeline zooms with the graphs`, Math.round(Number(box.split(" ")[2])), 500);
  await page.getByRole("button", { name: "Reset zoom" }).click();
  check(`${how}: and back`, (await page.locator(".lane-marks").first().getAttribute("viewBox")).split(" ").map((part) => Math.round(Number(part))), [0, 0, 1000, 24]);

  const [download] = await Promise.all([page.waitForEvent("download"), page.locator(".explorer-chart").getByRole("button", { name: /as CSV$/ }).first().click()]);
  check(`${how}: a CSV`, /^call-\d+-\w+\.csv$/.test(download.suggestedFilename()), true);
  check(`${how}: no error on the console`, faults, []);
  await page.close();
}
