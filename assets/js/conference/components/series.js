// From the page's data to the lines of a graph: which streams and connections a choice leaves, under which names. Ids tell series
// apart, never names: two people may share one.

/**
 * @typedef {{id: string, kind: string, direction: string, codec: string|null, values: Record<string, (number|null)[]>}} Stream
 * @typedef {{id: string, participant: string, peer: string, t: number[], values: Record<string, (number|null)[]>, streams: Stream[]}} Connection
 * @typedef {{key: string, title: string, unit: string, scale: number, digits: number, of: string, min: number, max: number|null, bands: {from: number|null, to: number|null, level: string, label: string}[]}} Measure
 * @typedef {{call: {number: number, of: number, start: number, end: number}, measures: Measure[], people: {id: string, name: string, sfu: boolean}[], connections: Connection[], thinned: {points: number, of: number, joined: boolean}|null}} CallData
 * @typedef {{participant: string, peer: string, data: string, direction: string, track: string}} Choice
 * @typedef {{id: string, label: string, index: number, t: number[], values: (number|null)[]}} Line
 */

/** Nothing chosen. @returns {Choice} */
export const everything = () => ({ participant: "", peer: "", data: "", direction: "", track: "" });

/** The filters in order: a choice in one undoes those after it. */
export const FILTERS = /** @type {const} */ (["participant", "peer", "data", "direction", "track"]);

/**
 * The choice after one filter was changed.
 * @param {Choice} choice @param {keyof Choice} filter @param {string} value @returns {Choice}
 */
export function changed(choice, filter, value) {
  const later = FILTERS.slice(FILTERS.indexOf(filter) + 1);
  return { ...choice, ...Object.fromEntries(later.map((name) => [name, ""])), [filter]: value };
}

/**
 * What each filter offers under a choice: `[{value, label, disabled}]`, and whether it can be used at all.
 * @param {CallData} data @param {Choice} choice
 */
export function offers(data, choice) {
  const name = names(data);
  const withData = new Set(data.connections.map((connection) => connection.participant));
  const participants = data.people.filter((person) => withData.has(person.id)).map((person) => ({ value: person.id, label: name(person.id), disabled: false }));
  const own = data.connections.filter((connection) => connection.participant === choice.participant);
  const peers = [...new Set(own.map((connection) => connection.peer))].map((id) => ({ value: id, label: name(id), disabled: false }));
  const streams = connectionsOf(data, choice).flatMap((connection) => connection.streams);
  const has = (/** @type {string} */ kind) => streams.some((stream) => stream.kind === kind);
  const media = choice.data === "audio" || choice.data === "video";
  const tracks = streams.filter((stream) => stream.kind === choice.data && (!choice.direction || stream.direction === choice.direction));
  return {
    participant: { enabled: true, options: participants },
    peer: { enabled: choice.participant !== "", options: peers },
    data: {
      enabled: true,
      options: [
        { value: "audio", label: "Audio", disabled: !has("audio") },
        { value: "video", label: "Video", disabled: !has("video") },
        { value: "connection", label: "Connection", disabled: false },
      ],
    },
    direction: {
      enabled: media,
      options: [
        { value: "inbound", label: "Inbound", disabled: false },
        { value: "outbound", label: "Outbound", disabled: false },
      ],
    },
    track: {
      enabled: media && choice.participant !== "" && choice.peer !== "",
      options: [...new Set(tracks.map((stream) => stream.id))].map((id) => ({ value: id, label: id, disabled: false })),
    },
  };
}

/**
 * The choice as far as it can be made: an address may tell one of another call.
 * @param {CallData} data @param {Choice} choice @returns {Choice}
 */
export function possible(data, choice) {
  let made = everything();
  for (const filter of FILTERS) {
    const { enabled, options } = offers(data, made)[filter];
    if (choice[filter] && enabled && options.some((option) => option.value === choice[filter] && !option.disabled)) made = { ...made, [filter]: choice[filter] };
  }
  return made;
}

/** What people are called; those of one name are told apart by their ids. @param {CallData} data */
function names(data) {
  const known = new Map(data.people.map((person) => [person.id, person.name.trim()]));
  const times = new Map();
  for (const name of known.values()) times.set(name, (times.get(name) ?? 0) + 1);
  return (/** @type {string} */ id) => {
    const name = known.get(id);
    if (!name) return id;
    return times.get(name) > 1 ? `${name} (${id.slice(0, 8)})` : name;
  };
}

/**
 * The words for every connection and stream of the call, no two the same.
 * @param {CallData} data @returns {Map<string, string>}
 */
function labels(data) {
  const name = names(data);
  /** @type {{key: string, words: string, besides: string}[]} */
  const all = [];
  for (const connection of data.connections) {
    const pair = `${name(connection.participant)} → ${name(connection.peer)}`;
    all.push({ key: connection.id, words: pair, besides: connection.id.slice(0, 8) });
    for (const stream of connection.streams) {
      const way = stream.direction === "inbound" ? "in" : "out";
      all.push({ key: keyOf(connection, stream), words: `${pair} · ${stream.kind} ${way}${stream.codec ? ` · ${stream.codec}` : ""}`, besides: stream.id });
    }
  }
  const times = new Map();
  for (const { words } of all) times.set(words, (times.get(words) ?? 0) + 1);
  return new Map(all.map(({ key, words, besides }) => [key, times.get(words) > 1 ? `${words} · ${besides}` : words]));
}

/** @param {Connection} connection @param {Stream} stream */
const keyOf = (connection, stream) => `${connection.id} ${stream.direction} ${stream.kind} ${stream.id}`;

/** @param {CallData} data @param {Choice} choice */
function connectionsOf(data, choice) {
  return data.connections.filter((one) => (!choice.participant || one.participant === choice.participant) && (!choice.peer || one.peer === choice.peer));
}

/**
 * All series of the call with a number each, so that a series has the same look in every graph.
 * @param {CallData} data
 */
function numbered(data) {
  const numbers = new Map();
  for (const connection of data.connections) {
    numbers.set(connection.id, numbers.size);
    for (const stream of connection.streams) numbers.set(keyOf(connection, stream), numbers.size);
  }
  return numbers;
}

/**
 * The graphs that a choice leaves: measures with their lines, in the order of the page.
 * @param {CallData} data @param {Choice} choice
 * @returns {{measure: Measure, lines: Line[]}[]}
 */
export function graphs(data, choice) {
  const words = labels(data);
  const numbers = numbered(data);
  const connections = connectionsOf(data, choice);
  const isChosen = (/** @type {Stream} */ stream) =>
    choice.data !== "connection" &&
    (!choice.data || stream.kind === choice.data) &&
    (!choice.direction || stream.direction === choice.direction) &&
    (!choice.track || stream.id === choice.track);
  const all = data.measures.map((measure) => {
    /** @type {Line[]} */
    const lines = [];
    for (const connection of connections) {
      if (measure.of === "connection") {
        const values = connection.values[measure.key];
        if (values && (!choice.data || choice.data === "connection")) lines.push({ id: connection.id, label: words.get(connection.id), index: numbers.get(connection.id), t: connection.t, values });
        continue;
      }
      for (const stream of connection.streams.filter(isChosen)) {
        const values = stream.values[measure.key];
        const id = keyOf(connection, stream);
        if (values) lines.push({ id, label: words.get(id), index: numbers.get(id), t: connection.t, values });
      }
    }
    return { measure, lines };
  });
  return all.filter((graph) => graph.lines.some((line) => line.values.some((value) => value !== null)));
}

/**
 * Whether a graph has nothing to look at: all its values are 0, and nothing is what one hopes for.
 * @param {{measure: Measure, lines: Line[]}} graph
 */
export function isQuiet({ measure, lines }) {
  const wanted = ["%", "per s", ""].includes(measure.unit) && measure.bands.every((band) => band.to === null);
  return wanted && lines.every((line) => line.values.every((value) => !value));
}

/** Colours of a line and of those that come round to the same colour: the dashes differ. @param {number} index */
export function look(index) {
  const slot = (index % 10) + 1;
  const round = Math.floor(index / 10);
  const first = slot === 10 ? [8, 3, 2, 3] : slot > 5 ? [[6, 3], [2, 3]][slot % 2] : [];
  return { slot, dash: round === 0 ? first : [[10, 3], [1, 3], [10, 3, 1, 3]][(round - 1) % 3] };
}

/** Which points have no neighbour to be joined to by a line. @param {(number|null)[]} values */
export function alone(values) {
  return values.map((value, i) => value !== null && (values[i - 1] ?? null) === null && (values[i + 1] ?? null) === null);
}

/**
 * The value of a line at the cursor, where the line was measured about then: not long before its first point or after its last.
 * @param {Line} line @param {number} at
 */
export function reading(line, at) {
  const found = valueAt(line, at);
  if (!found) return null;
  const gap = line.t.length > 1 ? (line.t[line.t.length - 1] - line.t[0]) / (line.t.length - 1) : 10_000;
  return Math.abs(found.at - at) <= 1.5 * gap ? found : null;
}

/**
 * The point of a line that is nearest to a time.
 * @param {Line} line @param {number} at
 */
export function valueAt(line, at) {
  let best = -1;
  for (let i = 0; i < line.t.length && line.t[i] <= at; i += 1) best = i;
  // The point that the cursor is nearest to.
  if (best + 1 < line.t.length && (best < 0 || line.t[best + 1] - at < at - line.t[best])) best += 1;
  return best < 0 ? null : { at: line.t[best], value: line.values[best] };
}
