// What every page gains from a script, without any framework. Loaded in the head, so that the chosen theme is on before the first paint.

import { applyTheme, themeButton } from "./theme.js";
import { filterTable } from "./filter.js";
import { sortTable } from "./sort.js";
import { takeTable } from "./take.js";
import { localTimes } from "./times.js";
import { preparePrinting } from "./printing.js";
import { scrollByKeyboard } from "./scroll.js";
import { offerSearch } from "./search.js";

applyTheme();

function enhance() {
  for (const button of document.querySelectorAll("[data-theme-toggle]")) themeButton(button);
  for (const table of document.querySelectorAll("table.data, table.log")) sortTable(table);
  for (const table of document.querySelectorAll("table[data-filterable]")) filterTable(table);
  for (const table of document.querySelectorAll("table.data")) if (table instanceof HTMLTableElement) takeTable(table);
  // Those that an app of the page draws later.
  document.addEventListener("peerpress-table", (event) => event.target instanceof HTMLTableElement && takeTable(event.target));
  localTimes(document.querySelectorAll("time[datetime]"));
  for (const form of document.querySelectorAll("form[data-script]")) if (form instanceof HTMLFormElement) offerSearch(form);
  scrollByKeyboard();
  preparePrinting();
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", enhance);
else enhance();
