// The API's paths, as Peer Metrics' web part names them, and the paths of pages.

import { settings } from "./settings.js";

const api = (path) => settings.apiRoot + path;
const withId = (resource) => (id) => api(id ? `${resource}/${id}` : resource);

export const urls = {
  sessions: api("sessions"),
  sessionsSummary: api("sessions/summary"),
  conferences: withId("conferences"),
  conferencesSummary: api("conferences/summary"),
  conferencesDurationSummary: api("conferences/duration-summary"),
  conferencesParticipantCountSummary: api("conferences/participant-count-summary"),
  conferenceEvents: (id) => api(`conferences/${id}/events`),
  conferenceGraph: (id) => api(`conferences/${id}/graphs`),
  connections: withId("connections"),
  connectionsSummary: api("connections/summary"),
  connectionsSetupTimeSummary: api("connections/setup-time-summary"),
  issues: withId("issues"),
  issuesSummary: api("issues/summary"),
  issuesGumSummary: api("issues/gum-summary"),
  organizations: api("organizations"),
  organizationTeam: (id) => api(`organizations/${id}/team`),
  stats: api("stats"),
  participants: api("participants"),
  apps: api("apps"),
  search: api("search"),
};

// Left-overs of the hosted product, in the web part's list to this day: a published report has none, and `get` says so.
for (const name of ["paymentToken", "paymentMethod", "customerPortal"]) {
  urls[name] = api(name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`));
}

const folders = { organization: "organization", app: "apps", conference: "conference", participant: "participant" };

/** The relative path of a page, e.g. `createPath("conference", id)`. The report's documentation is its Methods page. */
export function createPath(name, id) {
  if (name === "docs") return `${settings.urlPrefix}methods.html`;
  const folder = folders[name];
  if (!folder) throw new Error(`there is no page named ${name}`);
  return `${settings.urlPrefix}${folder}/${encodeURIComponent(id)}.html`;
}
