// Loads the script that answers requests, when the first one is made.

import { refused } from "./files.js";

/** What answers.js leaves behind. @typedef {typeof import("./answers.js")} Answers */

const { dataset = {} } = /** @type {HTMLScriptElement | null} */ (document.currentScript) ?? {};

/** @type {Promise<Answers> | null} */
let loading = null;

/** @returns {Promise<Answers>} */
export function loadAnswers() {
  const no = refused("the API's answers");
  if (no) return Promise.reject(no);
  loading ??= load(dataset.answers ?? "").catch((error) => {
    // A failure is not kept: the next call may fare better.
    loading = null;
    throw error;
  });
  return loading;
}

/** @param {string} address @returns {Promise<Answers>} */
function load(address) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.addEventListener("load", () => resolve(/** @type {any} */ (window).peerpressAnswers));
    script.addEventListener("error", () => reject(new Error(`cannot load ${address || "js/answers.js, which the template does not name"}`)));
    document.head.append(script);
  });
}
