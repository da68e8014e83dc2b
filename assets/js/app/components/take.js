// A table that an app draws asks the page for the buttons that save it (page/take.js). They stand after its box, within its parent.

export const vTake = {
  /** @param {HTMLTableElement} table */
  mounted: (table) => table.dispatchEvent(new CustomEvent("peerpress-table", { bubbles: true })),
};
