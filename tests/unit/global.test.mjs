import { expect, it, vi } from "vitest";

// A conference's page that was opened from a file.
const settings = { apiRoot: "../api/v1", urlPrefix: "../", page: "conference", id: "c1", dev: false };
vi.stubGlobal("document", { querySelector: () => ({ getAttribute: () => JSON.stringify(settings) }), documentElement: { dataset: {} }, currentScript: null });
vi.stubGlobal("window", { location: { protocol: "file:" }, peermetrics: { app: { name: "set by a page" } } });
await import("../../assets/js/peermetrics/main.js");
const { peermetrics } = window;

it("the global has every member of Peer Metrics' own, and keeps what a page has set", () => {
  const members = ["settings", "get", "post", "put", "delete", "urls", "createPath", "colors", "globals", "utils"];
  expect(Object.keys(peermetrics)).toEqual(expect.arrayContaining(members));
  expect(Object.keys(peermetrics.colors)).toEqual(["default", "warning", "error", "info", "list"]);
  expect(peermetrics.colors.list).toHaveLength(10);
  expect(peermetrics.settings).toEqual({ ...settings, apiRoot: "../api/v1/" });
  expect(peermetrics.conference).toEqual({ id: "c1" });
  expect(peermetrics.app).toEqual({ name: "set by a page" });
  expect(peermetrics.createPath("participant", "p 1")).toBe("../participant/p%201.html");
  expect(peermetrics.createPath("docs")).toBe("../methods.html");
  expect(peermetrics.urls.conferences("c1")).toBe("../api/v1/conferences/c1");
  expect(peermetrics.urls.issues()).toBe("../api/v1/issues");
});

it("a published report takes nothing", async () => {
  for (const method of ["post", "put", "delete"]) {
    await expect(peermetrics[method](peermetrics.urls.apps, {})).rejects.toMatchObject({ status: 405, error_code: "read_only", message: expect.stringContaining("read-only") });
  }
});

it("a page that was opened from a file says how to read on", async () => {
  expect(peermetrics.available).toBe(false);
  await expect(peermetrics.get(peermetrics.urls.apps)).rejects.toThrow("open the report over HTTP");
  await expect(peermetrics.report("conferences", "c1")).rejects.toThrow("open the report over HTTP");
});
