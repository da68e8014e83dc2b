// The settings that the page carries in its head: {apiRoot, urlPrefix, page, id, dev}.

/** @returns {Record<string, any>} */
function read() {
  const meta = document.querySelector('meta[name="peermetrics-settings"]');
  try {
    return JSON.parse(meta?.getAttribute("content") ?? "{}") ?? {};
  } catch {
    return {};
  }
}

const page = read();
const root = document.documentElement.dataset.root ?? "";

/** What the page says of itself; the roots end in a slash, or are empty. @type {Record<string, any> & {apiRoot: string, urlPrefix: string}} */
export const settings = {
  ...page,
  apiRoot: withSlash(page.apiRoot || `${root}api/v1/`),
  urlPrefix: withSlash(page.urlPrefix || root),
};

/** @param {string} prefix */
function withSlash(prefix) {
  return prefix === "" || prefix.endsWith("/") ? prefix : `${prefix}/`;
}
