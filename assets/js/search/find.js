// Finds things in the index, of which it loads a few files for each query. Knows no page: files come from a function that it is given.

import { hash, pieces, place, unfold } from "./keys.js";
import { allowed, errors } from "./likeness.js";
import { placedWords, words } from "./words.js";

/** @typedef {import("./words.js").Word} Word */
/** @typedef {{kind: number, id: string, name: string, given: string, when: string, place: string}} Item */
/** @typedef {{item: Item, rank: number, sure: boolean, marks: {name: [number, number][], given: [number, number][]}}} Match */
/**
 * `of`: how many have a word that begins so, where the query is one word and the index has more of them than were looked at;
 * `partial`: whether others may match, too.
 * @typedef {{matches: Match[], of: number | null, partial: boolean}} Found
 */

/** The numbers of the kinds in the index. */
export const kinds = ["organization", "app", "conference", "participant", "server"];

/** Words of a query that count. */
const mostWords = 8;
/** Files of things that a query loads before typing errors are thought of, and after. */
const mostShelves = 6;
const mostGuesses = 4;
/** From so many matches on nobody asks for typing errors. */
const enough = 3;

/** @param {(name: string) => Promise<any>} load gives the data of a file of the index */
export function createSearch(load) {
  /** @type {Promise<{starts: string[], buckets: number}> | null} */
  let index = null;
  /** @type {Map<string, Thing>} */
  const known = new Map();

  /** The things of some files, and how many there would be. @param {Iterable<string>} names */
  async function shelves(names) {
    const things = new Map();
    let most = 0;
    for (const { of, places, items } of await Promise.all([...new Set(names)].map(load))) {
      if (of > items.length) most = Math.max(most, of);
      for (const [kind, id, name, given, when, at] of items) {
        const key = `${kind} ${id}`;
        if (!known.has(key)) {
          const item = { kind, id, name, given, when, place: places[at] };
          known.set(key, { item, own: [placedWords(name), placedWords(given)], rest: words(`${kind === 2 ? when.slice(0, 10) : ""} ${places[at]}`) });
        }
        things.set(key, known.get(key));
      }
    }
    return { things, most };
  }

  /** The files with what has a word of a query. @param {string[]} starts @param {string[]} typed @param {number} at */
  function filesOf(starts, typed, at) {
    const found = place(starts, typed[at]);
    if (!found) return [];
    if (found.whole || typed.length === 1) return [found];
    const turned = place(starts, [...typed.slice(at), ...typed.slice(0, at)].join(" "));
    return turned ? [turned, found] : [found];
  }

  /** Words that may have been meant, the likeliest first. @param {string} word @param {number} buckets @param {boolean} open */
  async function meant(word, buckets, open) {
    const { runs, ends } = pieces(word);
    const some = [runs[0], runs[runs.length >> 1], runs.at(-1)].filter((run) => run !== undefined);
    const names = [...ends, ...some].map((piece) => `w${(hash(piece) & (buckets - 1)).toString(16)}`);
    const letters = [...word];
    const most = allowed(letters.length);
    /** @type {Map<string, [number, number, number]>} */
    const guesses = new Map();
    for (const groups of await Promise.all([...new Set(names)].map(load))) {
      for (const [often, list] of groups) {
        for (const guess of list.split(" ")) {
          if (guess === word || guesses.has(guess)) continue;
          const cost = guess.includes(word) ? 0.5 : errors(letters, [...guess], most, open);
          if (cost < Infinity) guesses.set(guess, [cost, letters[0] === [...guess][0] ? 0 : 1, -often]);
        }
      }
    }
    const order = [...guesses].sort(([a, left], [b, right]) => left[0] - right[0] || left[1] - right[1] || left[2] - right[2] || (a < b ? -1 : 1));
    return order.slice(0, mostGuesses).map(([guess]) => guess);
  }

  /**
   * What is like a query, the likest first, then the newest.
   * @param {string} query @returns {Promise<Found>}
   */
  async function find(query) {
    const typed = words(query).slice(0, mostWords);
    if (typed.length === 0) return { matches: [], of: null, partial: false };
    index ??= load("index").then(({ starts, buckets }) => ({ starts: unfold(starts), buckets }));
    // A failure is not kept: the next query may fare better.
    index.catch(() => (index = null));
    const { starts, buckets } = await index;
    const open = !/\s$/.test(query);
    const isOpen = (/** @type {number} */ at) => open && at === typed.length - 1;

    // A long word with a digit says the most: where it finds something the others are not looked for.
    const telling = typed.findIndex((word) => /\d/.test(word) && word.length >= 4 && place(starts, word)?.whole);
    if (telling >= 0) {
      const { things, most } = await shelves(filesOf(starts, typed, telling).map(({ name }) => name));
      const matches = ranked(things.values(), typed, isOpen);
      if (matches.some(({ sure }) => sure)) return { matches, of: null, partial: most > 0 };
    }
    const files = typed.flatMap((_, at) => filesOf(starts, typed, at)).sort((a, b) => Number(b.whole) - Number(a.whole));
    let { things, most } = await shelves(files.map(({ name }) => name).filter(isFirst).slice(0, mostShelves));
    let matches = ranked(things.values(), typed, isOpen);
    // Where one word's file has all that has the word, nothing else can have all words.
    const partial = most > 0 && !files.some(({ whole }) => whole);
    if (matches.filter(({ sure }) => sure).length >= enough) return { matches, of: typed.length === 1 && most > 0 ? most : null, partial };

    const isThere = (/** @type {string} */ word) => [...things.values()].some(({ own }) => tier(own.flat(), word, false) < 2);
    const unknown = typed.flatMap((word, at) => (word.length >= 3 && !isThere(word) ? [at] : []));
    const guessed = [];
    for (const at of unknown.slice(0, 2)) {
      const guesses = await meant(typed[at], buckets, isOpen(at));
      for (const guess of guesses.slice(0, unknown.length > 1 ? mostGuesses / 2 : mostGuesses)) {
        // With the other words as they are, the best file is enough.
        guessed.push(...filesOf(starts, typed.with(at, guess), at).slice(0, 1));
      }
    }
    const besides = await shelves(guessed.map(({ name }) => name));
    matches = ranked(new Map([...things, ...besides.things]).values(), typed, isOpen);
    return { matches, of: null, partial: partial || besides.most > 0 };
  }

  return { find };
}

/** @typedef {{item: Item, own: Word[][], rest: string[]}} Thing `own`: the words of its name and of its id; `rest`: of its day and its place */

/**
 * Those things that have all of the words, the best first.
 * @param {Iterable<Thing>} things @param {string[]} typed @param {(at: number) => boolean} isOpen @returns {Match[]}
 */
function ranked(things, typed, isOpen) {
  const whole = typed.join(" ");
  const found = [];
  for (const { item, own, rest } of things) {
    const tiers = typed.map((word, at) => tier(own.flat(), word, isOpen(at)));
    // The day or the app alone is no match.
    if (tiers.every((one) => one === Infinity)) continue;
    const all = tiers.map((one, at) => Math.min(one, rest.includes(typed[at]) ? 0.2 : rest.some((word) => word.startsWith(typed[at])) ? 1.2 : Infinity));
    const isWhole = own.some((words) => words.map(({ text }) => text).join(" ") === whole);
    const rank = all.reduce((sum, one) => sum + one, isWhole ? -1 : 0);
    if (rank < Infinity) found.push({ item, own, rank, sure: all.every((one) => one < 3) });
  }
  found.sort((a, b) => a.rank - b.rank || Math.min(a.item.kind, 2) - Math.min(b.item.kind, 2) || compare(b.item.when, a.item.when) || compare(a.item.id, b.item.id));
  return found.map(({ item, own, rank, sure }) => ({
    item,
    rank,
    sure,
    get marks() {
      const [name, given] = own.map((words) => marks(words, typed, isOpen));
      return { name, given };
    },
  }));
}

/** @param {string} one @param {number} at @param {string[]} all */
function isFirst(one, at, all) {
  return all.indexOf(one) === at;
}

/** @param {string} a @param {string} b */
function compare(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** How well some word is the one that was typed: 0 the same, 1 begins so, 2 has it within, from 3 on with errors. @param {Word[]} own @param {string} word @param {boolean} open */
function tier(own, word, open) {
  return own.reduce((best, one) => Math.min(best, likeness(one, word, open)), Infinity);
}

/** @param {Word} own @param {string} word @param {boolean} open */
function likeness(own, word, open) {
  const at = own.text.indexOf(word);
  if (at === 0) return own.text.length === word.length ? 0 : 1;
  const letters = [...word];
  if (at > 0 && letters.length >= 3) return 2;
  const most = allowed(letters.length);
  // Short numbers are one digit away from many others.
  if (most === 0 || (letters.length < 6 && /^\d+$/.test(word))) return Infinity;
  return 2.5 + errors(letters, own.letters, most, open);
}

/** The parts of a text that are meant by the words. @param {Word[]} own @param {string[]} typed @param {(at: number) => boolean} isOpen */
function marks(own, typed, isOpen) {
  /** @type {[number, number][]} */
  const found = [];
  for (const one of own) {
    const [best] = typed
      .map((word, at) => ({ word, tier: likeness(one, word, isOpen(at)) }))
      .filter((like) => like.tier < Infinity)
      .sort((a, b) => a.tier - b.tier);
    if (!best) continue;
    const begin = best.tier < 3 ? [...one.text.slice(0, one.text.indexOf(best.word))].length : 0;
    const end = best.tier < 3 ? begin + [...best.word].length : one.letters.length;
    found.push([one.from[begin], one.to[end - 1]]);
  }
  return found;
}

