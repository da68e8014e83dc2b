// The API's paths, as Peer Metrics' web part names them, and the paths of pages.

import { settings } from "./settings.js";

/** @param {string} path */
const api = (path) => settings.apiRoot + path;
/** @param {string} resource */
const withId = (resource) => (/** @type {string} */ id = "") => api(id ? `${resource}/${encodeURIComponent(id)}` : resource);
/** @param {string} resource @param {string} part */
const partOf = (resource, part) => (/** @type {string} */ id) => api(`${resource}/${encodeURIComponent(id)}/${part}`);

export const urls = {
  sessions: api("sessions"),
  sessionsSummary: api("sessions/summary"),
  conferences: withId("conferences"),
  conferencesSummary: api("conferences/summary"),
  conferencesDurationSummary: api("conferences/duration-summary"),
  conferencesParticipantCountSummary: api("conferences/participant-count-summary"),
  conferenceEvents: partOf("conferences", "events"),
  conferenceGraph: partOf("conferences", "graphs"),
  connections: withId("connections"),
  connectionsSummary: api("connections/summary"),
  connectionsSetupTimeSummary: api("connections/setup-time-summary"),
  issues: withId("issues"),
  issuesSummary: api("issues/summary"),
  issuesGumSummary: api("issues/gum-summary"),
  organizations: api("organizations"),
  participants: api("participants"),
  apps: api("apps"),
  search: api("search"),
  // Nothing that a report could answer; `get` says so.
  organizationTeam: partOf("organizations", "team"),
  stats: api("stats"),
  // Left over from the hosted product.
  "payment-token": api("payment-token"),
  paymentMethod: api("payment-method"),
  "customer-portal": api("customer-portal"),
};

/** @type {Record<string, string>} */
const folders = { organization: "organization", app: "apps", conference: "conference", participant: "participant" };

/**
 * The relative path of a page, e.g. `createPath("conference", id)`. The report's documentation is its Methods page.
 * @param {string} name @param {string} [id] @param {string} [prefix] what leads from the page to the site's root
 */
export function createPath(name, id, prefix = settings.urlPrefix) {
  if (name === "docs") return `${prefix}methods.html`;
  if (!Object.hasOwn(folders, name)) throw new Error(`there is no page named ${name}`);
  if (!id) throw new Error(`the page of which ${name}? an id is missing`);
  return `${prefix}${folders[name]}/${encodeURIComponent(id)}.html`;
}
