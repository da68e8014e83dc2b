// A file server for the tests: a folder, on a port of the loopback interface that the system picks.

import { readFile } from "node:fs/promises";
import http from "node:http";
import path from "node:path";

/** @type {Record<string, string>} */
const types = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".xml": "application/xml",
};

/** Resolves to `{origin, close}`; the origin ends in a slash. @param {string} folder @returns {Promise<{origin: string, close: () => Promise<unknown>}>} */
export function serve(folder) {
  const server = http.createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const name = decodeURIComponent(pathname.endsWith("/") ? `${pathname}index.html` : pathname);
    const file = path.join(folder, path.normalize(`/${name}`));
    try {
      const body = await readFile(file);
      response.writeHead(200, { "content-type": types[path.extname(file)] ?? "application/octet-stream" });
      response.end(body);
    } catch {
      response.writeHead(404, { "content-type": "text/plain" });
      response.end("not found\n");
    }
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const close = () => new Promise((done) => {
        server.closeAllConnections();
        server.close(done);
      });
      resolve({ origin: `http://127.0.0.1:${/** @type {import("node:net").AddressInfo} */ (server.address()).port}/`, close });
    });
  });
}
