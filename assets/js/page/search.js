// The search field of every page. What finds things is loaded when the reader begins to search; `/` leads there from anywhere.

import { loadScript } from "../shared/script.js";

/** @param {HTMLFormElement} form */
export function offerSearch(form) {
  const input = form.querySelector("input");
  const status = form.querySelector("[role=status]");
  let loading = null;
  const load = () => {
    loading ??= loadScript(form.dataset.script).then(
      () => window.peerpressSearch.attach(form),
      () => {
        loading = null;
        status.textContent = "The search could not be loaded. Enter leads to the directory.";
        status.classList.remove("visually-hidden");
      },
    );
  };
  input.addEventListener("focus", load);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    event.preventDefault();
    input.focus();
    input.select();
  });
  // Results that a link or the form asked for.
  if (document.getElementById("search-results") && new URLSearchParams(window.location.search).get("q")) load();
}

function isTyping(target) {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches("textarea, select, input:not([type=checkbox], [type=radio], [type=button], [type=range])"));
}
