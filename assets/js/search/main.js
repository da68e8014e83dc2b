// The search, loaded by the field of every page when the reader begins to search.

import { combobox } from "./box.js";
import { createSearch } from "./find.js";
import { load } from "./load.js";
import { results } from "./results.js";

/** @param {HTMLFormElement} form */
function attach(form) {
  const search = createSearch(load);
  const place = document.getElementById("search-results");
  const query = place && new URLSearchParams(window.location.search).get("q")?.trim();
  if (place && query) {
    const input = form.querySelector("input");
    if (input && !input.value) input.value = query;
    results(place, query, search);
  }
  combobox(form, search);
}

window.peerpressSearch = { attach };
