// Mounts a page's app where the page has a place for it, and never lets a failure reach the reader: the static page is complete.

import { createApp } from "vue";

/** Mounts `App` on `#<page>-app`, with the page's id as its property `id` and the element as `place`, as far as it has these; `reads` says that it needs the files of the static API. */
export function mountApp(page, App, reads) {
  const place = document.getElementById(`${page}-app`);
  const { settings } = window.peermetrics ?? {};
  if (!place || !settings || (reads && !window.peermetrics.available)) return;
  const wanted = { id: place.dataset.id || settings.id, place };
  const app = createApp(App, Object.fromEntries(Object.entries(wanted).filter(([name]) => name in (App.props ?? {}))));
  app.config.errorHandler = (error) => {
    if (settings.dev) console.warn(`peerpress: the app of this page failed: ${error}`);
  };
  app.mount(place);
}

/** Hides the static charts that the app draws itself, all those marked `data-static="<name>"`. */
export function hideStatic(name) {
  toggleStatic(name, true);
}

/** Hides or shows them. */
export function toggleStatic(name, hidden) {
  for (const element of document.querySelectorAll(`[data-static="${name}"]`)) element.toggleAttribute("hidden", hidden);
}
