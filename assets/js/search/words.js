// A text's words as the search compares them, and where they stand in the text. `src/site/words.rs` does the same for the index;
// `tests/unit/words.json` holds cases for both.

const longestWord = 40;
const mostWords = 24;

const dropped = /['\u2018\u2019\u02bc\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0640\u064b-\u065f\u0670]/gu;
const partOfWord = /[\p{Alphabetic}\p{N}\p{M}]/u;
const han = /[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{20000}-\u{3ffff}]/u;
/** @type {Record<string, string>} */
const written = { ß: "ss", æ: "ae", œ: "oe", þ: "th", ø: "o", đ: "d", ð: "d", ł: "l", ħ: "h", ı: "i", ς: "σ" };
const other = /[ßæœþøđðłħıς]/gu;

/** @param {string} text */
function fold(text) {
  return text
    .normalize("NFKD")
    .toLowerCase()
    .replace(dropped, "")
    .replace(other, (letter) => written[letter]);
}

/** @typedef {{text: string, letters: string[], from: number[], to: number[]}} Word `from` and `to`: of each letter the range in the text that it is from */

/** The words of a text with their places. A Chinese character is a word of its own. @param {string} text @returns {Word[]} */
export function placedWords(text) {
  /** @type {Word[]} */
  const found = [];
  /** @type {Word | null} */
  let word = null;
  let at = 0;
  for (const original of text) {
    const end = at + original.length;
    const letters = fold(original);
    for (const letter of letters) {
      if (!partOfWord.test(letter)) {
        word = null;
        continue;
      }
      /** @type {Word} */
      const own = word && !han.test(letter) ? word : { text: "", letters: [], from: [], to: [] };
      if (own !== word) found.push(own);
      word = own;
      if (own.letters.length < longestWord) {
        own.letters.push(letter);
        own.from.push(at);
        own.to.push(end);
      }
      if (han.test(letter)) word = null;
    }
    // What is dropped belongs to the letter before it.
    if (word !== null && letters === "") word.to[word.to.length - 1] = end;
    at = end;
  }
  for (const one of found) one.text = one.letters.join("");
  return found.slice(0, mostWords);
}

/** The words of a text. @param {string} text */
export function words(text) {
  return placedWords(text).map((word) => word.text);
}
