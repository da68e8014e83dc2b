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
