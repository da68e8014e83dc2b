// A script of its own, which peermetrics.js loads when `get` is first called: few pages do.
// Finds the files that hold the answer to a GET of the Peer Metrics API, and gives the body that the API would give.
//
// What differs on purpose:
// - An app's sessions are all that the report has, in the window that was asked for; the API always answers those of the last
//   thirty days, and of a report that is a year old nothing would be left.
// - `issue_code` also finds conferences by issues that the service stores without conference (turn_used, icecandidateerror).
// - The events of a conference are without getStats samples, and asking for `type=stats` says so: the measurements are in
//   `graphs`.
// - `sessions/<id>`, `apps` and `organizations` are answered; the API fails on the first and the last. An app's key is withheld.
// - A search tells each match once, by its best field, and knows what the report has instead of what the service has.

import { notFound, notInReport } from "./errors.js";
import { file, files } from "./files.js";
import { findRow, lists } from "./lists.js";
import { matching, ofType, paged, parse, within } from "./query.js";
import { search } from "./search.js";
import { settings } from "./settings.js";
import { summaries, summary } from "./summaries.js";

/** Resources with a file of their own. */
const resources = ["apps", "conferences", "organizations", "participants"];

/** Lists that the API cuts into pages where it is asked to. */
const paginated = ["conferences", "participants", "sessions"];

/** The body that the Peer Metrics API would give. @param {string} url @param {unknown} [query] */
export async function answer(url, query) {
  const { path, parameters } = parse(url, query, settings.apiRoot);
  if (Object.hasOwn(summaries, path)) return summary(path, parameters);
  if (path === "search") return { matches: await search(parameters.query) };
  const [resource, id, part, more] = path.split("/").map(decodeURIComponent);
  if (!Object.hasOwn(lists, resource) || more) throw notInReport(path);
  if (!id) {
    const rows = within(matching(await lists[resource](parameters), parameters), parameters);
    return paginated.includes(resource) ? paged(rows, parameters) : { data: rows };
  }
  if (!part) return { data: await single(resource, id) };
  if (resource !== "conferences" || !["events", "graphs"].includes(part)) throw notInReport(path);
  if (parameters.type === "stats") throw notInReport(`${path}?type=stats`);
  const body = await files.read(file(resource, id));
  return part === "graphs" ? body.graphs : paged(ofType(body.events, parameters.type), parameters);
}

/** @param {string} resource @param {string} id */
async function single(resource, id) {
  if (resources.includes(resource)) return (await files.read(file(resource, id))).data;
  const row = await findRow(resource, id, settings.page === "conference" ? settings.id : undefined);
  if (!row) throw notFound(resource.replace(/s$/, ""), `${resource}/${id}`);
  return row;
}
