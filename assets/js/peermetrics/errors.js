// The errors of the Peer Metrics API, as far as files can give them.

/** What the API would have answered: a status and a code. */
export class ApiError extends Error {
  /** @param {number} status @param {string} code @param {string} message */
  constructor(status, code, message) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.error_code = code;
  }
}

/** @param {string} name the parameter that is amiss @param {unknown} value */
export function invalid(name, value) {
  return new ApiError(400, "invalid_parameters", `${name} cannot be ${JSON.stringify(value ?? "")}`);
}

/** @param {string} path @param {string} names the parameters of which one is needed */
export function missing(path, names) {
  return new ApiError(400, "missing_parameters", `cannot answer ${path} without ${names}`);
}

/** @param {string} kind what is not there, e.g. `conference` @param {string} what its file or id */
export function notFound(kind, what) {
  // An unknown id is a bad request to the API, not a missing page.
  return new ApiError(400, `${kind}_not_found`, `the report has no ${what}`);
}

/** @param {string} path a path whose answer was never published */
export function notInReport(path) {
  return new ApiError(404, "not_part_of_a_report", `cannot get ${path}: it is not part of a published report`);
}

/** @param {string} method @param {string} url */
export function readOnly(method, url) {
  return new ApiError(405, "read_only", `cannot ${method} ${url}: a published report is read-only`);
}
