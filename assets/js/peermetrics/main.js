// The global `peermetrics`: the Peer Metrics API's paths answered from the report's own files, page paths, colours, formats.
// answers.js and formats.js say where they differ from Peer Metrics.

import { colors } from "./colors.js";
import { readOnly } from "./errors.js";
import { available, file, files } from "./files.js";
import { utils } from "./formats.js";
import { globals } from "./globals.js";
import { createPath, urls } from "./paths.js";
import { loadAnswers } from "./loader.js";
import { settings } from "./settings.js";

/**
 * Answers a GET of the Peer Metrics API from the static files. A query object filters; a query string is added to the path,
 * as in Peer Metrics. The caller gets the answer's `data` where it has one.
 * @param {string} url @param {Record<string, unknown> | string} [query]
 */
async function get(url, query) {
  const { answer } = await loadAnswers();
  const body = await answer(url, query);
  return body?.data ? body.data : body;
}

/** What peerpress adds to a resource: its `report`, or null. @param {string} resource @param {string} id */
async function report(resource, id) {
  return (await files.read(file(resource, id))).report ?? null;
}

/** @param {string} method */
function refusing(method) {
  return (/** @type {string} */ url) => Promise.reject(readOnly(method, url));
}

/** Pages say which resource they show, as those of Peer Metrics do. */
function ofPage() {
  const { page, id } = settings;
  if (!id) return {};
  return page === "organization" ? { organizationId: id } : ["app", "conference", "participant"].includes(page) ? { [page]: { id } } : {};
}

const members = {
  get,
  post: refusing("post"),
  put: refusing("put"),
  delete: refusing("delete"),
  report,
  available,
  urls,
  createPath,
  colors,
  globals,
  utils,
  settings,
  ...ofPage(),
};

// A bundle in IIFE form would make the exports the global; a plain assignment keeps it an object that pages may add to.
window.peermetrics = Object.assign(window.peermetrics ?? {}, members);
