// Globals that the scripts of a page share.

interface Window {
  peermetrics?: any;
  peerpressCall?: { view: ReturnType<typeof import("./conference/components/window.js").createWindow> };
}

declare module "topojson-client";
declare module "topojson-simplify";
