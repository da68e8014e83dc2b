// Scripts that are loaded when a reader asks for them: classic ones, so that this works from file://.

/** Adds a script to the page; fulfilled when it has run, rejected when it could not be loaded. @param {string} address @returns {Promise<Event>} */
export function loadScript(address) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.addEventListener("load", resolve);
    script.addEventListener("error", reject);
    document.head.append(script);
  });
}
