// Finds the file and member that hold the answer to a path of the Peer Metrics API, and applies the query to lists.

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
    if (!appId) throw new Error(`cannot answer ${path}: the parameter appId is missing`);
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
  const source = !id && lists[resource]?.find(([parameter]) => parameters[parameter]);
  if (source) {
    const [parameter, folder] = source;
    const rows = member(await files.read(file(folder, parameters[parameter])), resource, path);
    return page(matching(rows, parameters, parameter), parameters);
  }
  throw new Error(`cannot answer ${path}: the published report holds no such answer`);
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

/** With `limit` or `offset` the API answers a page of results and their count. */
function page(rows, { limit, offset }) {
  if (limit === undefined && offset === undefined) return { data: rows };
  const first = Number(offset ?? 0);
  return { results: rows.slice(first, first + Number(limit ?? 50)), count: rows.length };
}
