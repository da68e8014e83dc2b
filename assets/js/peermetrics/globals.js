// Fixed tables: the buckets of the duration chart, and the names of countries.

/** Bounds of the duration chart's buckets, in minutes; the last one has no upper bound. */
const bounds = [0, 1, 3, 5, 10, 15, 20, 25, 30, 40, 50, 60, Infinity];

/** ISO 3166-1 alpha-2, 249 codes: a capital letter and all letters that follow it, so that `Zamw` is ZA, ZM, ZW. */
const codes =
  "AdefgilmoqrstuwxzBabdefghijlmnoqrstvwyzCacdfghiklmnoruvwxyzDejkmozEceghrstFijkmorGabdefghilmnpqrstuw" +
  "yHkmnrtuIdelmnoqrstJemopKeghimnprwyzLabcikrstuvyMacdefghklmnopqrstuvwxyzNacefgilopruzOmPaefghklmnrst" +
  "wyQaReosuwSabcdeghijklmnorstvxyzTcdfghjklmnortvwzUagmsyzVaceginuWfsYetZamw";

/** Country names by code, from the browser's own tables, so that they need not be shipped. */
function countryNames() {
  const names = typeof Intl.DisplayNames === "function" ? new Intl.DisplayNames("en", { type: "region" }) : null;
  const all = [...codes.matchAll(/([A-Z])([a-z]+)/g)].flatMap(([, first, rest]) => [...rest.toUpperCase()].map((second) => first + second));
  return Object.fromEntries(all.map((code) => [code, names?.of(code) ?? code]));
}

/** @type {Record<string, string> | null} */
let countries = null;

export const globals = {
  durationInterval: bounds.slice(1).map((max, i) => ({ min: bounds[i], max, label: label(bounds[i], max) })),
  /** Made when first asked for. */
  get countryCodes() {
    countries ??= countryNames();
    return countries;
  },
};

/** @param {number} min @param {number} max */
function label(min, max) {
  if (min === 0) return `< ${max} m`;
  return max === Infinity ? `> ${min} m` : `${min} - ${max} m`;
}
