// The global `peermetrics`: the Peer Metrics API's paths answered from the report's own files, page paths, colours, formats.

import { colors } from "./colors.js";
import { globals } from "./globals.js";
import { utils } from "./formats.js";
import { available, files } from "./files.js";
import { createPath, urls } from "./paths.js";
import { settings } from "./settings.js";
import { answer } from "./answers.js";

/**
 * Answers a GET of the Peer Metrics API from the static files. A query object filters; a query string is added to the path,
 * as in Peer Metrics. The caller gets the answer's `data` where it has one.
 */
async function get(url, query) {
  const body = await answer(url, query);
  return body && body.data ? body.data : body;
}

/** What peerpress adds to a resource: its `report`, or null. */
async function report(resource, id) {
  const file = await files.read(`${resource}/${encodeURIComponent(id)}.json`);
  return file.report ?? null;
}

function readOnly(method) {
  return (url) => Promise.reject(new Error(`cannot ${method} ${url}: a published report is read-only`));
}

const members = {
  get,
  post: readOnly("post"),
  put: readOnly("put"),
  delete: readOnly("delete"),
  report,
  available,
  urls,
  createPath,
  colors,
  globals,
  utils,
  settings,
};

// A bundle in IIFE form would make the exports the global; a plain assignment keeps it an object that pages may add to.
window.peermetrics = Object.assign(window.peermetrics ?? {}, members);
