// Which file of the index has what: the same rules as in `src/site/search_index.rs`.

const encoder = new TextEncoder();

/** FNV-1a of the UTF-8 bytes. @param {string} text */
export function hash(text) {
  let found = 0x811c9dc5;
  for (const byte of encoder.encode(text)) found = Math.imul(found ^ byte, 0x01000193);
  return found >>> 0;
}

/** @param {string} text */
function otherHash(text) {
  let found = 0x9e3779b9;
  for (const byte of encoder.encode(text)) {
    found = Math.imul(found + byte, 0x85ebca6b);
    found ^= found >>> 13;
  }
  return found >>> 0;
}

/** The file of a shelf (`b`) or a top (`t`). @param {"b" | "t"} kind @param {string} start */
export function fileName(kind, start) {
  return kind + [hash(start), otherHash(start)].map((half) => half.toString(16).padStart(8, "0")).join("");
}

/** Texts in order, written as the number of letters in common with the one before, and the rest. @param {(string | number)[]} list */
export function unfold(list) {
  /** @type {string[]} */
  const texts = [];
  /** @type {string[]} */
  let before = [];
  for (let at = 0; at < list.length; at += 2) {
    before = [...before.slice(0, Number(list[at])), ...String(list[at + 1])];
    texts.push(before.join(""));
  }
  return texts;
}

/** Order by code points, which is that of the index; that of strings is by halves of them. @param {string} a @param {string} b */
function compare(a, b) {
  const [left, right] = [[...a], [...b]];
  const at = left.findIndex((letter, i) => letter !== right[i]);
  if (at < 0) return left.length - right.length;
  return at >= right.length ? 1 : /** @type {number} */ (left[at].codePointAt(0)) - /** @type {number} */ (right[at].codePointAt(0));
}

/** How many of the texts come before one, or are it. @param {string[]} texts @param {string} text */
function upTo(texts, text) {
  let [low, high] = [0, texts.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare(texts[middle], text) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The file with what begins so: a shelf, which has all of it, or a top, which has the best. None where there is nothing.
 * @param {string[]} starts where shelves begin, in order @param {string} prefix @returns {{name: string, whole: boolean} | null}
 */
export function place(starts, prefix) {
  const after = upTo(starts, prefix);
  const next = starts[after];
  if (next === undefined || !next.startsWith(prefix)) {
    return after === 0 ? null : { name: fileName("b", starts[after - 1]), whole: true };
  }
  let last = after;
  // A shelf that begins with exactly this one is part of what begins so.
  const first = after > 0 && starts[after - 1] === prefix ? after - 1 : after;
  for (let step = 1 << 30; step >= 1; step >>= 1) {
    if (starts[last + step]?.startsWith(prefix)) last += step;
  }
  if (first === last) return { name: fileName("b", next), whole: true };
  return { name: fileName("t", common(starts[first], starts[last])), whole: false };
}

/** @param {string} a @param {string} b */
function common(a, b) {
  const [left, right] = [[...a], [...b]];
  const at = left.findIndex((letter, i) => letter !== right[i]);
  return at < 0 ? a : left.slice(0, at).join("");
}

/** What of a word a word with an error may share with it; see the index. @param {string} word */
export function pieces(word) {
  const letters = [...word];
  const found = new Set();
  for (let at = 0; at + 3 <= letters.length; at += 1) found.add(letters.slice(at, at + 3).join(""));
  return { runs: [...found], ends: ends(letters) };
}

/** The first four and the last four letters, whole and with each letter left out. @param {string[]} letters */
function ends(letters) {
  const parts = /** @type {const} */ ([["^", letters.slice(0, 4)], ["$", letters.slice(-4)]]);
  return parts.flatMap(([mark, part]) => [mark + part.join(""), ...part.map((_, without) => mark + part.toSpliced(without, 1).join(""))]);
}
