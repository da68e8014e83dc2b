// Hands a file to the reader, without a server: works from file://, too.

/** @param {Blob} blob @param {string} name */
export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** @param {string} text */
export function csvBlob(text) {
  return new Blob([text], { type: "text/csv;charset=utf-8" });
}

/** @param {string} text */
export function jsonBlob(text) {
  return new Blob([text], { type: "application/json" });
}
