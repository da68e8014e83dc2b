// Finds the file and member that hold the answer to a path of the Peer Metrics API, and applies the query to lists.

import { ApiError } from "./errors.js";
import { files } from "./files.js";
import { settings } from "./settings.js";

/** Summary endpoints, and the members of an app's file that hold their whole answers. */
const summaries = {
  "conferences/summary": "conferences_summary",
  "conferences/duration-summary": "conferences_duration_summary",
  "conferences/participant-count-summary": "conferences_participant_count_summary",
  "connections/summary": "connections_summary",
  "connections/setup-time-summary": "connections_setup_time_summary",
  "sessions/summary": "sessions_summary",
  "issues/summary": "issues_summary",
  "issues/gum-summary": "issues_gum_summary",
};

/** Lists that a file holds, by the parameter that names the file; the first parameter that is given decides. */
const lists = {
  conferences: [["participantId", "participants"]],
  participants: [["conferenceId", "conferences"]],
  sessions: [["conferenceId", "conferences"], ["participantId", "participants"]],
  connections: [["conferenceId", "conferences"]],
  issues: [["conferenceId", "conferences"]],
};

/** Single resources with a file of their own. */
const resources = ["apps", "conferences", "organizations", "participants"];

/** The body that the Peer Metrics API would give. */
export async function answer(url, query) {
  const { path, parameters } = parse(url, query);
  if (summaries[path]) {
    const { appId } = parameters;
    if (!appId) throw new ApiError(400, "missing_parameters", `cannot answer ${path}: the parameter appId is missing`);
    return member(await files.read(file("apps", appId)), summaries[path], path);
  }
  const [resource, id, part] = path.split("/");
  if (part === "events" || part === "graphs") {
    const body = member(await files.read(file(resource, id)), part, path);
    return part === "graphs" ? body : page(ofType(body, parameters.type), parameters);
  }
  if (id && !part && resources.includes(resource)) {
    return { data: member(await files.read(file(resource, id)), "data", path) };
  }
  if (!id && parameters.appId && resource in lists && !parameters.conferenceId && !parameters.participantId) {
    return page(within(await ofApp(resource, parameters.appId, parameters), parameters), parameters);
  }
  const source = !id && lists[resource]?.find(([parameter]) => parameters[parameter]);
  if (source) {
    const [parameter, folder] = source;
    const rows = member(await files.read(file(folder, parameters[parameter])), resource, path);
    return page(within(matching(rows, parameters, parameter), parameters), parameters);
  }
  throw new Error(`cannot answer ${path}: the published report holds no such answer`);
}

/** An app's conferences, from its months; or the rows of a list of all its conferences, which takes a file for each. */
async function ofApp(resource, app, parameters) {
  const { report } = await files.read(file("apps", app));
  const months = await Promise.all((report?.months ?? []).map((month) => files.read(`apps/${encodeURIComponent(app)}/conferences/${month}.json`)));
  const conferences = months.flatMap(({ count, columns, report: besides }) => {
    const names = Object.keys(columns);
    return Array.from({ length: count }, (_, at) => ({ row: Object.fromEntries(names.map((name) => [name, columns[name][at]])), codes: besides.issues[at] }));
  });
  if (resource === "conferences") {
    const { duration_gte: least, duration_lt: below, issue_code: code, conference_ids: ids } = parameters;
    const wanted = ids ? new Set(String(ids).split(",")) : null;
    const left = conferences.filter(
      ({ row, codes }) =>
        (least === undefined || row.duration >= Number(least)) &&
        (below === undefined || row.duration < Number(below)) &&
        (!code || Object.keys(codes).includes(code)) &&
        (!wanted || wanted.has(row.id)),
    );
    return byTime(left.map(({ row }) => row));
  }
  const whole = await Promise.all(conferences.map(({ row }) => files.read(file("conferences", row.id))));
  const rows = new Map(whole.flatMap((body) => body[resource]).map((row) => [row.id, row]));
  return byTime([...rows.values()]);
}

function byTime(rows) {
  const key = (row) => `${row.created_at} ${row.id}`;
  return rows.sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

/** The rows created within the window that the parameters give. Times in answers are UTC without saying so. */
function within(rows, parameters) {
  const bounds = { created_at_gte: (at, bound) => at >= bound, created_at_gt: (at, bound) => at > bound, created_at_lte: (at, bound) => at <= bound, created_at_lt: (at, bound) => at < bound };
  return Object.entries(bounds).reduce((left, [name, holds]) => {
    if (parameters[name] === undefined) return left;
    const text = String(parameters[name]);
    const bound = Date.parse(/Z|[+-]\d\d:?\d\d$/.test(text) ? text : `${text.replace(" ", "T")}Z`);
    if (!Number.isFinite(bound)) throw new ApiError(400, "invalid_parameters", `${name} is no time: ${text}`);
    return left.filter((row) => holds(Date.parse(`${row.created_at.replace(" ", "T")}Z`), bound));
  }, rows);
}

/** The path below the API's root, without its version, and the parameters from both the address and the query. */
function parse(url, query) {
  let text = String(url);
  if (typeof query === "string") text += query;
  const [address, search = ""] = text.split("?");
  const below = settings.apiRoot && address.startsWith(settings.apiRoot) ? address.slice(settings.apiRoot.length) : address;
  const path = below.replace(/^\/?(api\/)?(v1\/)?/, "").replace(/\.json$|\/$/, "");
  const parameters = Object.fromEntries(new URLSearchParams(search));
  if (query && typeof query === "object") Object.assign(parameters, query);
  return { path, parameters };
}

function file(folder, id) {
  return `${folder}/${encodeURIComponent(id)}.json`;
}

function member(body, name, path) {
  if (body[name] === undefined) throw new Error(`cannot answer ${path}: the report's file lacks ${name}`);
  return body[name];
}

/** Events of a type, or with a minus all others. */
function ofType(events, type) {
  if (!type) return events;
  const wanted = type.replace(/^-/, "");
  return events.filter((event) => (event.type === wanted) !== type.startsWith("-"));
}

/** The rows that also match the other id parameters, e.g. the sessions of one participant in a conference. */
function matching(rows, parameters, already) {
  const columns = { conferenceId: "conference", participantId: "participant" };
  return Object.entries(columns).reduce((left, [parameter, column]) => {
    const id = parameters[parameter];
    return id && parameter !== already ? left.filter((row) => row[column] === id) : left;
  }, rows);
}

/** With `limit` or `offset` the API answers a page of results and their count. @param {any[]} rows @param {Record<string, any>} parameters */
function page(rows, parameters) {
  const { limit, offset } = parameters;
  if (limit === undefined && offset === undefined) return { data: rows };
  const first = Math.max(Number(offset ?? 0), 0);
  // As the API does: at most 200 of them.
  const most = Math.min(Math.max(Number(limit ?? 50), 1), 200);
  return { results: rows.slice(first, first + most), count: rows.length };
}
