// Scripts that are loaded when a reader asks for them: classic ones, so that this works from file://.

/** Adds a script to the page; fulfilled when it has run, rejected when it could not be loaded. @param {string} address @returns {Promise<Event>} */
export function loadScript(address) {
  // In a sealed site, scripts of data are data that was sealed.
  const opened = window.peerpressSeal?.script(address);
  if (opened) return opened.then(() => new Event("load"));
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    const end = (/** @type {(event: Event) => void} */ done) => (/** @type {Event} */ event) => {
      script.remove();
      done(event);
    };
    script.addEventListener("load", end(resolve));
    script.addEventListener("error", end(reject));
    document.head.append(script);
  });
}
