// Counts what a dashboard shows over the visits that a filter leaves. The same rules as the static page (src/report/board.rs), so that a
// filter that leaves everything gives the numbers of the page. Knows no DOM.

/** @typedef {import("./facts.js").Facts} Facts */
/** What is chosen: a value per dimension; empty for all. @typedef {{version: string, browser: string, system: string, country: string}} Choice */

export const dimensions = /** @type {const} */ (["version", "browser", "system", "country"]);

/** Fewer scores than this are not held against all. */
export const enough = 20;
/** Points of the score within which a median is like that of all. */
export const like = 3;
const longest = 31 * 86_400;

/** The values of a dimension, as `{value, label}`. @param {Facts} facts @param {typeof dimensions[number]} dimension */
export function values(facts, dimension) {
  const { versions, browsers, systems, countries } = facts.dictionaries;
  if (dimension === "country") return countries.map(([value, label]) => ({ value, label }));
  const list = { version: versions, browser: browsers, system: systems }[dimension];
  return list.map((value) => ({ value, label: value }));
}

/** Which visits match all that is chosen. @param {Facts} facts @param {Choice} choice @returns {boolean[]} */
export function matching(facts, choice) {
  const wanted = dimensions
    .filter((dimension) => choice[dimension] !== "")
    .map((dimension) => ({ column: facts.sessions[dimension], at: values(facts, dimension).findIndex(({ value }) => value === choice[dimension]) }));
  return facts.sessions.call.map((_, session) => wanted.every(({ column, at }) => column[session] === at));
}

/** A percentile of sorted values, linear between closest ranks; null of none. @param {number[]} sorted @param {number} part */
export function percentile(sorted, part) {
  if (sorted.length === 0) return null;
  const rank = part * (sorted.length - 1);
  const low = Math.floor(rank);
  const [a, b] = [sorted[low], sorted[Math.min(low + 1, sorted.length - 1)]];
  return a + (b - a) * (rank - low);
}

const ascending = (/** @type {number[]} */ list) => list.sort((a, b) => a - b);

/** All that the dashboard shows, over the visits that match. @param {Facts} facts @param {Choice} choice */
export function board(facts, choice) {
  const { sessions, calls, conferences, issues, connections, dictionaries } = facts;
  const all = dimensions.every((dimension) => choice[dimension] === "");
  const matches = matching(facts, choice);
  const visits = sessions.call.map((_, at) => at).filter((at) => matches[at]);
  const callsIn = new Set(all ? calls.at.keys() : visits.map((at) => sessions.call[at]));
  const conferencesIn = new Set(all ? conferences.id.keys() : [...callsIn].map((call) => calls.conference[call]));
  const ofSession = (/** @type {number} */ session) => calls.conference[sessions.call[session]];
  const own = issues.session.map((_, at) => at).filter((at) => matches[issues.session[at]]);
  const paths = connections.session.map((_, at) => at).filter((at) => matches[connections.session[at]]);
  const scores = ascending(visits.map((at) => sessions.score[at]).filter((score) => score !== null));
  const days = byDay(facts, { visits, callsIn, conferencesIn, own });

  const went = (/** @type {string} */ label, /** @type {number} */ value) => {
    const those = paths.filter((at) => connections.relayed[at] === value);
    return { label, count: those.length, of: newest(new Set(those.map((at) => ofSession(connections.session[at])))) };
  };
  const ways = [went("Direct", 0), went("Relayed", 1), went("Not known", -1)];
  const known = ways[0].count + ways[1].count;
  const classes = [0, 1, 2, 3].map((kind) => [...conferencesIn].filter((at) => conferences.class[at] === kind).length);
  return {
    conferences: conferencesIn.size,
    visits: visits.length,
    minutes: Math.floor(visits.reduce((sum, at) => sum + sessions.seconds[at], 0) / 60),
    withWarnings: classes[1],
    withErrors: classes[2],
    errorShare: conferencesIn.size > 0 ? classes[2] / conferencesIn.size : null,
    relayedShare: known > 0 ? ways[1].count / known : null,
    median: percentile(scores, 0.5),
    scored: scores.length,
    days,
    hours: byHour(facts, visits),
    worst: [...conferencesIn]
      .filter((at) => conferences.score[at] !== null)
      .sort((a, b) => Number(conferences.score[a]) - Number(conferences.score[b]) || (conferences.id[a] < conferences.id[b] ? -1 : 1))
      .slice(0, 10),
    issues: ranked(own.map((at) => [issues.code[at], ofSession(issues.session[at])])).map(({ key, count, of }) => ({ label: dictionaries.codes[key][1], id: dictionaries.codes[key][0], count, of })),
    errors: ranked(own.filter((at) => issues.error[at] !== null).map((at) => [Number(issues.error[at]), ofSession(issues.session[at])])).map(({ key, count, of }) => ({ label: dictionaries.errors[key], count, of })),
    paths: ways,
    participants: counted([...conferencesIn].map((at) => [conferences.participants[at], at])),
    durations: bucketed(facts.buckets.durations, [...conferencesIn].map((at) => [conferences.duration[at], at])),
    setup: bucketed(facts.buckets.setup, paths.filter((at) => connections.setup[at] !== null).map((at) => [Number(connections.setup[at]), ofSession(connections.session[at])])),
    groups: dimensions.map((dimension) => ({ dimension, rows: grouped(facts, dimension, visits, percentile(scores, 0.5)) })),
    cities: cities(facts, visits),
  };
}

/** @param {Facts} facts @param {{visits: number[], callsIn: Set<number>, conferencesIn: Set<number>, own: number[]}} chosen */
function byDay(facts, { visits, callsIn, conferencesIn, own }) {
  const { sessions, calls, conferences, base } = facts;
  const [first, count] = facts.days;
  const days = Array.from({ length: count }, (_, at) => ({
    day: new Date((first + at) * 86_400_000).toISOString().slice(0, 10),
    /** Without issues, with warnings, with errors, ongoing. */
    classes: [0, 0, 0, 0],
    calls: 0,
    withIssues: 0,
    seconds: 0,
    peak: 0,
    scores: /** @type {number[]} */ ([]),
    versions: /** @type {Record<string, number>} */ ({}),
  }));
  const dayAt = (/** @type {number} */ seconds) => days[Math.floor((base + seconds) / 86_400) - first];
  for (const at of conferencesIn) {
    const day = dayAt(conferences.at[at]);
    if (day) day.classes[conferences.class[at]] += 1;
  }
  const troubled = new Set(own.map((at) => sessions.call[facts.issues.session[at]]));
  for (const call of callsIn) {
    const day = dayAt(calls.at[call]);
    if (!day) continue;
    day.calls += 1;
    if (troubled.has(call)) day.withIssues += 1;
  }
  for (const at of visits) {
    const day = dayAt(calls.at[sessions.call[at]]);
    if (day) {
      const version = facts.dictionaries.versions[sessions.version[at]];
      day.versions[version] = (day.versions[version] ?? 0) + 1;
      const score = sessions.score[at];
      if (score !== null) day.scores.push(score);
    }
    for (const [hour, seconds] of hoursOf(facts, at)) {
      const on = days[Math.floor(hour / 24) - first];
      if (on) on.seconds += seconds;
    }
  }
  atOnce(facts, visits, days);
  return days.map(judged);
}

/** With the distribution of its scores. @template {{scores: number[], seconds: number}} T @param {T} day */
function judged(day) {
  const scores = ascending([...day.scores]);
  return { ...day, minutes: Math.round(day.seconds / 60), median: percentile(scores, 0.5), worstTenth: percentile(scores, 0.1), scored: scores.length };
}

/** More days than this are drawn by week. */
export const daily = 120;

/** Days joined to weeks from Monday, where they are too many for a chart. @param {ReturnType<typeof byDay>} days */
export function bins(days) {
  if (days.length <= daily) return days;
  /** @type {typeof days} */
  const weeks = [];
  for (const day of days) {
    const week = weeks.at(-1);
    if (!week || new Date(day.day).getUTCDay() === 1) {
      weeks.push({ ...day, classes: [...day.classes], scores: [...day.scores], versions: { ...day.versions } });
      continue;
    }
    day.classes.forEach((count, at) => (week.classes[at] += count));
    week.calls += day.calls;
    week.withIssues += day.withIssues;
    week.seconds += day.seconds;
    week.peak = Math.max(week.peak, day.peak);
    week.scores.push(...day.scores);
    for (const [version, visits] of Object.entries(day.versions)) week.versions[version] = (week.versions[version] ?? 0) + visits;
  }
  return weeks.map(judged);
}

/** The hours of a visit, since the Unix epoch, with the seconds of it in each. @param {Facts} facts @param {number} session @returns {Generator<[number, number]>} */
function* hoursOf({ base, sessions }, session) {
  const from = base + sessions.at[session];
  const to = from + Math.min(sessions.seconds[session], longest);
  for (let hour = Math.floor(from / 3600); hour * 3600 < to; hour += 1) {
    yield [hour, Math.min((hour + 1) * 3600, to) - Math.max(hour * 3600, from)];
  }
}

/** Minutes by weekday, Monday first, and hour. @param {Facts} facts @param {number[]} visits */
function byHour(facts, visits) {
  const hours = Array.from({ length: 7 }, () => Array.from({ length: 24 }, () => 0));
  for (const at of visits) {
    // The first of January 1970 was a Thursday.
    for (const [hour, seconds] of hoursOf(facts, at)) hours[(Math.floor(hour / 24) + 3) % 7][hour % 24] += seconds;
  }
  return hours.map((row) => row.map((seconds) => Math.round(seconds / 60)));
}

/** Most people at the same time, by day. @param {Facts} facts @param {number[]} visits @param {{peak: number}[]} days */
function atOnce({ base, sessions, days: [first] }, visits, days) {
  const steps = visits
    .filter((at) => sessions.seconds[at] > 0)
    .flatMap((at) => {
      const from = base + sessions.at[at];
      return [
        [from, 1],
        [from + Math.min(sessions.seconds[at], longest), -1],
      ];
    })
    // Whoever leaves when another comes was not there with the other.
    .sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  let there = 0;
  let last = -Infinity;
  for (const [at, step] of steps) {
    const day = Math.floor(at / 86_400) - first;
    // Who stayed over midnight is there when the next days begin.
    for (let next = Math.max(last + 1, 0); next <= Math.min(day, days.length - 1); next += 1) days[next].peak = Math.max(days[next].peak, there);
    last = Math.max(last, day);
    there += step;
    if (days[day]) days[day].peak = Math.max(days[day].peak, there);
  }
}

/** Keys by how often they come, with their conferences, the newest first. @param {[number, number][]} pairs key, conference */
function ranked(pairs) {
  /** @type {Map<number, {key: number, count: number, of: Set<number>}>} */
  const found = new Map();
  for (const [key, conference] of pairs) {
    const entry = found.get(key) ?? { key, count: 0, of: new Set() };
    entry.count += 1;
    entry.of.add(conference);
    found.set(key, entry);
  }
  return [...found.values()].sort((a, b) => b.count - a.count || a.key - b.key).map((entry) => ({ ...entry, of: newest(entry.of) }));
}

/** Conferences stand in order of creation. @param {Set<number>} of */
const newest = (of) => [...of].sort((a, b) => b - a);

/** Keys in their order. @param {[number, number][]} pairs key, conference */
function counted(pairs) {
  return ranked(pairs)
    .sort((a, b) => a.key - b.key)
    .map(({ key, count, of }) => ({ label: String(key), count, of }));
}

/** @param {[string, number, number | null][]} ranges @param {[number, number][]} pairs value, conference */
function bucketed(ranges, pairs) {
  return ranges.map(([label, least, end]) => {
    const inside = pairs.filter(([value]) => value >= least && (end === null || value < end));
    return { label, count: inside.length, of: newest(new Set(inside.map(([, conference]) => conference))) };
  });
}

/** @param {Facts} facts @param {typeof dimensions[number]} dimension @param {number[]} visits @param {number | null} usual */
function grouped(facts, dimension, visits, usual) {
  const { sessions, calls } = facts;
  const groups = values(facts, dimension).map(({ label }) => ({ label, count: 0, scores: /** @type {number[]} */ ([]), of: /** @type {Set<number>} */ (new Set()) }));
  for (const at of visits) {
    const group = groups[sessions[dimension][at]];
    group.count += 1;
    group.of.add(calls.conference[sessions.call[at]]);
    const score = sessions.score[at];
    if (score !== null) group.scores.push(score);
  }
  return groups
    .filter((group) => group.count > 0)
    .sort((a, b) => b.count - a.count || (a.label < b.label ? -1 : 1))
    .map(({ label, count, scores, of }) => {
      const median = percentile(ascending(scores), 0.5);
      const difference = median === null || usual === null || scores.length < enough ? null : median - usual;
      const against = difference === null ? null : Math.abs(difference) < like ? "like" : difference > 0 ? "better" : "worse";
      return { label, count, median, scored: scores.length, against, of: newest(of) };
    });
}

/** @param {Facts} facts @param {number[]} visits */
function cities({ sessions, dictionaries }, visits) {
  /** @type {Map<number, number>} */
  const counts = new Map();
  for (const at of visits) {
    const city = sessions.city[at];
    if (city !== null) counts.set(city, (counts.get(city) ?? 0) + 1);
  }
  const most = Math.max(1, ...counts.values());
  return [...counts]
    .map(([city, count]) => ({ label: dictionaries.cities[city][0], place: dictionaries.cities[city][1], count, radius: 4 + 8 * Math.sqrt(count / most) }))
    .sort((a, b) => b.count - a.count || (a.label < b.label ? -1 : 1));
}
