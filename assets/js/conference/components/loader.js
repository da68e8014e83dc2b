// Loads the explorer (Vue, Chart.js and the page's app) when the reader asks for it: most who read a call's page never do, and the
// page should stay light. Scripts are classic, so that this works from file://.

import { loadScript } from "../../shared/script.js";

/** @param {HTMLElement} place carries the scripts' addresses */
export function offerExplorer(place) {
  const scripts = (place.dataset.scripts ?? "").split(" ").filter(Boolean);
  if (scripts.length === 0) return;
  const offer = document.createElement("p");
  offer.className = "explorer-offer";
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button button-main";
  button.textContent = "Filter, zoom and compare";
  const hint = document.createElement("span");
  hint.className = "muted";
  hint.textContent = " by participant, peer, kind, direction and track, with a shared cursor, PNG and CSV";
  offer.append(button, hint);
  place.before(offer);
  const open = async () => {
    button.disabled = true;
    try {
      for (const address of scripts) await loadScript(address);
      offer.remove();
    } catch {
      button.disabled = false;
      hint.textContent = " The scripts could not be loaded; the charts below are complete without them.";
    }
  };
  button.addEventListener("click", open);
  // A link to a view opens it.
  if (new URLSearchParams(window.location.search).has("graphs")) open();
}
