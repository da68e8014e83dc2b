// Globals that the scripts of a page share.

interface Window {
  peermetrics?: any;
  peerpressSearch?: { attach: (form: HTMLFormElement) => void };
  peerpressSeal?: import("./seal/site.js").SealedSite;
  peerpressSealed?: (bytes: string) => void;
  peerpressIndex?: (name: string, data: unknown) => void;
  peerpressCall?: { view: ReturnType<typeof import("./conference/components/window.js").createWindow> };
}

declare module "topojson-client";
declare module "topojson-simplify";
