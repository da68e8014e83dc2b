// What the dashboards of apps say, read from them in Chromium, against what SQL says about the same database, unfiltered and filtered; and
// that a filter changes every chart.
// SITE=folder DATABASE_URL=postgres://… [CHROMIUM=program] node tests/browser/dashboard.mjs

import path from "node:path";
import { pathToFileURL } from "node:url";
import { asking, checking, severalAtOnce } from "./checks.mjs";
import { launch } from "./chromium.mjs";

const { SITE: site, DATABASE_URL: database } = process.env;
if (!site || !database) {
  console.error("error: SITE or DATABASE_URL is not set\nhint: SITE=output DATABASE_URL=postgres://… node tests/browser/dashboard.mjs");
  process.exit(2);
}
const sql = asking(database);

const { check, end } = checking();
/** @param {string} text */
const number = (text) => Number(text.replace(/[^0-9.-]/g, ""));
const plain = (text) => text.replace(/\s+/g, " ").trim();
/** Label and number pairs, in an order of their own: equal numbers may stand in any. */
const sorted = (pairs) => pairs.map(([label, count]) => [plain(String(label)), Number(count)]).filter(([, count]) => count > 0).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

const names = new Intl.DisplayNames("en", { type: "region", fallback: "none" });
const country = (code) => {
  try {
    return names.of(code) ?? code;
  } catch {
    return code;
  }
};
/** The values of a dimension in SQL, what is empty being Unknown. */
const columns = {
  version: "coalesce(nullif(s.app_version, ''), 'Unknown')",
  browser: "coalesce(nullif(trim(s.platform->'browser'->>'name'), ''), 'Unknown')",
  system: "coalesce(nullif(trim(s.platform->'os'->>'name'), ''), 'Unknown')",
  country: "coalesce(nullif(trim(s.geo_ip->>'country_code'), ''), 'Unknown')",
};

const browser = await launch();
// One for all pages: what was loaded for one is at hand for the next.
const reader = await browser.newContext();
try {
  const apps = await sql("SELECT a.id FROM app a JOIN organization o ON o.id = a.organization_id AND o.is_active WHERE a.is_active ORDER BY a.id LIMIT 3");
  await severalAtOnce(apps, ({ id }) => dashboard(id));
} finally {
  await browser.close();
}
end(20);

/** What SQL counts over the sessions that match a condition; all conferences where there is none. */
async function expected(app, condition) {
  const sessions = `SELECT s.*, c.created_at AS made FROM app_session s JOIN conference c ON c.id = s.conference_id WHERE s.is_active AND c.is_active AND c.app_id = '${app}' ${condition ? `AND ${condition}` : ""}`;
  const conferences = condition ? `SELECT c.* FROM conference c WHERE c.id IN (SELECT conference_id FROM (${sessions}) x)` : `SELECT c.* FROM conference c WHERE c.is_active AND c.app_id = '${app}'`;
  const issues = `SELECT i.*, s.conference_id AS room FROM app_issue i JOIN (${sessions}) s ON s.id = i.session_id WHERE i.is_active`;
  // All issues of the conference decide its class, whichever sessions are left.
  const of = (type) => `EXISTS (SELECT 1 FROM app_issue i JOIN app_session s ON s.id = i.session_id WHERE i.is_active AND s.is_active AND s.conference_id = c.id AND i.type = '${type}')`;
  const groups = {};
  for (const [dimension, column] of Object.entries(columns)) {
    const rows = await sql(`SELECT ${column} AS label, count(*)::int AS n FROM (${sessions}) s GROUP BY 1`);
    groups[dimension] = sorted(rows.map(({ label, n }) => [dimension === "country" ? country(label) : label, n]));
  }
  const pairs = async (query) => sorted((await sql(query)).map(({ label, n }) => [label, n]));
  return {
    groups,
    sessions: (await sql(`SELECT count(*)::int AS n FROM (${sessions}) x`))[0].n,
    conferences: (await sql(`SELECT count(*)::int AS n FROM (${conferences}) x`))[0].n,
    days: await sql(`SELECT to_char(c.created_at, 'YYYY-MM-DD') AS day, count(*) FILTER (WHERE NOT c.ongoing AND NOT ${of("e")} AND NOT ${of("w")})::int AS good,
      count(*) FILTER (WHERE NOT c.ongoing AND NOT ${of("e")} AND ${of("w")})::int AS warned, count(*) FILTER (WHERE NOT c.ongoing AND ${of("e")})::int AS failed,
      count(*) FILTER (WHERE c.ongoing)::int AS ongoing FROM (${conferences}) c GROUP BY 1 ORDER BY 1`),
    issues: await pairs(`SELECT code AS label, count(*)::int AS n FROM (${issues}) x GROUP BY 1`),
    participants: await pairs(`SELECT n AS label, count(*)::int AS n FROM (SELECT c.id, (SELECT count(DISTINCT p.id) FROM participant_conferences pc JOIN participant p ON p.id = pc.participant_id AND p.is_active AND NOT p.is_sfu
      JOIN app_session s ON s.participant_id = p.id AND s.conference_id = c.id AND s.is_active WHERE pc.conference_id = c.id) AS n FROM (${conferences}) c) x GROUP BY 1`),
    long: (await sql(`SELECT count(*)::int AS n FROM (${conferences}) c WHERE c.duration >= 60 AND c.duration < 180`))[0].n,
  };
}

async function dashboard(id) {
  const page = await reader.newPage();
  const faults = [];
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
  const name = `app ${id}`;
  // From a file: filters need no server.
  await page.goto(pathToFileURL(path.join(path.resolve(site), `apps/${id}.html`)).href);
  const cells = (scope, table) => page.locator(`${scope} ${table} tbody tr`).evaluateAll((/** @type {HTMLTableRowElement[]} */ rows) => rows.map((row) => [...row.cells].map((cell) => cell.innerText)));
  const openFolds = (scope) => page.locator(scope).evaluateAll((/** @type {HTMLDetailsElement[]} */ all) => all.forEach((fold) => (fold.open = true)));

  const whole = await expected(id, "");
  check(`${name}: conferences`, number(await page.locator(".tile-value").first().innerText()), whole.conferences);
  await openFolds("#days, .board details");
  const dayRows = (await cells("#days", "table")).filter((row) => number(row[1]) > 0);
  check(`${name}: conferences by day`, dayRows.map((row) => [row[0], ...row.slice(2, 6).map(number)]), whole.days.map((day) => [day.day, day.good, day.warned, day.failed, day.ongoing]));
  const issueRows = await page.locator("#issues tbody tr").evaluateAll((/** @type {HTMLTableRowElement[]} */ rows) => rows.map((row) => [row.querySelector(".id").textContent, row.cells[1].textContent]));
  check(`${name}: issues`, sorted(issueRows.map(([code, count]) => [code, number(count)])), whole.issues);
  check(`${name}: participants`, sorted((await cells("#participant-counts", "table")).map((row) => [row[0], number(row[1])])), whole.participants);
  check(`${name}: one bucket of durations`, number((await cells("#durations", "table"))[1][1]), whole.long);
  for (const dimension of Object.keys(columns)) {
    const rows = await page.locator(`#group-${dimension} tbody tr`).evaluateAll((/** @type {HTMLTableRowElement[]} */ all) => all.map((row) => [row.cells[0].firstChild.textContent, row.cells[1].textContent]));
    check(`${name}: visits by ${dimension}`, sorted(rows.map(([label, count]) => [label, number(count)])), whole.groups[dimension]);
  }

  const charts = () => page.locator(".board:visible [data-board], .board:visible > section").evaluateAll((/** @type {HTMLElement[]} */ all) => all.map((section) => section.innerText));
  const before = await charts();
  for (const [key, label] of [["browser", "Browser"], ["system", "OS"], ["version", "App version"], ["country", "Country"]]) {
    const select = page.getByRole("combobox", { name: label, exact: true });
    const values = await select.locator("option").evaluateAll((/** @type {HTMLOptionElement[]} */ options) => options.map((option) => option.value).filter(Boolean));
    // The rarest value says most: with it nothing can stay as it was.
    const value = values.at(-1);
    if (values.length < 2) continue;
    await select.selectOption(value);
    await page.locator("#filtered-board").waitFor();
    check(`${name}, ${key}: the static charts make room`, await page.locator("[data-static='board']:visible").count(), 0);
    const left = await expected(id, `${columns[key]} = '${value.replaceAll("'", "''")}'`);
    const said = await page.locator(".board-filters [role='status']").innerText();
    check(`${name}, ${key} ${value}: visits and conferences`, said.match(/\d[\d,]*/g).map((text) => Number(text.replaceAll(",", ""))), [left.sessions, whole.sessions, left.conferences, whole.conferences]);
    await openFolds("#filtered-board details");
    const days = (await cells("#filtered-board [data-board='days']", "table")).filter((row) => number(row[1]) > 0);
    check(`${name}, ${key} ${value}: conferences by day`, days.map((row) => [row[0], ...row.slice(2, 6).map(number)]), left.days.map((day) => [day.day, day.good, day.warned, day.failed, day.ongoing]));
    const codes = await page.locator("#filtered-board [data-board='issues'] tbody tr").evaluateAll((/** @type {HTMLTableRowElement[]} */ rows) => rows.map((row) => [row.querySelector(".id").textContent, row.cells[1].textContent]));
    check(`${name}, ${key} ${value}: issues`, sorted(codes.map(([code, count]) => [code, number(count)])), left.issues);
    check(`${name}, ${key} ${value}: participants`, sorted((await cells("#filtered-board [data-board='participants']", "table")).map((row) => [row[0], number(row[1])])), left.participants);
    const groups = await page.locator("#filtered-board [data-board='groups'] table").evaluateAll((/** @type {HTMLTableElement[]} */ tables) => tables.map((table) => [...table.tBodies[0].rows].map((row) => [row.cells[0].textContent, row.cells[1].textContent])));
    check(`${name}, ${key} ${value}: groups`, groups.map((rows) => sorted(rows.map(([text, count]) => [text, number(count)]))), Object.keys(columns).map((dimension) => left.groups[dimension]));
    check(`${name}, ${key} ${value}: every table can be saved`, await page.locator("#filtered-board").evaluate((board) => board.querySelectorAll("table").length - board.querySelectorAll(".table-take").length), 0);
    if (left.sessions < whole.sessions / 2 && left.sessions > 0) {
      const after = await charts();
      check(`${name}, ${key} ${value}: every chart changed`, after.filter((text) => text.length > 30 && before.includes(text)), []);
    }
    await page.getByRole("button", { name: "Show all" }).click();
    check(`${name}, ${key}: and back`, await page.locator("#filtered-board").count(), 0);
  }
  check(`${name}: no error on the console`, faults, []);
  await page.close();
}
