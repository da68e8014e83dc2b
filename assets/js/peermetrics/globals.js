// Fixed tables: the buckets of the duration chart, and the names of countries.

/** Bounds of the duration chart's buckets, in minutes; the last one has no upper bound. */
const bounds = [0, 1, 3, 5, 10, 15, 20, 25, 30, 40, 50, 60, Infinity];

const codes =
  "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ " +
  "CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO " +
  "FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE " +
  "JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO " +
  "MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW " +
  "PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM " +
  "TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

/** Country names by code, from the browser's own tables, so that they need not be shipped. */
function countryNames() {
  const names = typeof Intl.DisplayNames === "function" ? new Intl.DisplayNames("en", { type: "region" }) : null;
  return Object.fromEntries(codes.split(" ").map((code) => [code, names?.of(code) ?? code]));
}

let countries = null;

export const globals = {
  durationInterval: bounds.slice(1).map((max, i) => ({ min: bounds[i], max, label: label(bounds[i], max) })),
  get countryCodes() {
    countries ??= countryNames();
    return countries;
  },
};

function label(min, max) {
  if (min === 0) return `< ${max} m`;
  return max === Infinity ? `> ${min} m` : `${min} - ${max} m`;
}
