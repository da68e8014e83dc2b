//! A text's words as the search compares them: folded, so that case, diacritics and ways of writing the same letter do not
//! matter. `assets/js/search/words.js` does the same for what a reader types; `tests/unit/words.json` holds cases for both.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Letters of a word that count.
pub const LONGEST_WORD: usize = 40;
/// Words of a text that count.
pub const MOST_WORDS: usize = 24;

/// The words of a text, in order. A Chinese character is a word of its own, since nothing separates those.
pub fn words(text: &str) -> Vec<String> {
    if text.is_ascii() {
        // Nothing in it is written in several ways.
        return cut(text.bytes().filter(|byte| *byte != b'\'').map(|byte| byte.to_ascii_lowercase().into()));
    }
    cut(folded(text))
}

fn cut(text: impl Iterator<Item = char>) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut letters = 0;
    for letter in text {
        if is_han(letter) {
            words.push(std::mem::take(&mut word));
            words.push(letter.to_string());
            letters = 0;
        } else if !is_part_of_word(letter) {
            words.push(std::mem::take(&mut word));
            letters = 0;
        } else if letters < LONGEST_WORD {
            word.push(letter);
            letters += 1;
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words.truncate(MOST_WORDS);
    words
}

/// The characters of a text in compatibility decomposition and lower case, without diacritics, and without what is not
/// seen or not said (apostrophes, characters of no width, marks of direction).
fn folded(text: &str) -> impl Iterator<Item = char> {
    text.nfkd().flat_map(char::to_lowercase).filter(|letter| !is_dropped(*letter)).flat_map(|letter| {
        let (one, other) = match letter {
            'ß' => ('s', Some('s')),
            'æ' => ('a', Some('e')),
            'œ' => ('o', Some('e')),
            'þ' => ('t', Some('h')),
            'ø' => ('o', None),
            'đ' | 'ð' => ('d', None),
            'ł' => ('l', None),
            'ħ' => ('h', None),
            'ı' => ('i', None),
            'ς' => ('σ', None),
            same => (same, None),
        };
        [Some(one), other].into_iter().flatten()
    })
}

fn is_dropped(letter: char) -> bool {
    matches!(letter,
        '\'' | '\u{2018}' | '\u{2019}' | '\u{2bc}'
        | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
        // Diacritics of Latin, Greek and Cyrillic, points of Hebrew, vowel signs of Arabic and what only lengthens a word.
        | '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}'..='\u{5c2}' | '\u{5c4}'..='\u{5c5}' | '\u{5c7}'
        | '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}')
}

fn is_part_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || is_combining_mark(letter)
}

fn is_han(letter: char) -> bool {
    matches!(letter, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_way_of_ascii_gives_what_the_long_one_does() {
        let all: String = (0..=127_u8).map(char::from).collect();
        for text in [all.as_str(), "", "O'Brien's STAND-UP_7", &"a".repeat(50), &"b ".repeat(50)] {
            assert_eq!(words(text), cut(folded(text)), "{text:?}");
        }
    }

    #[test]
    fn words_are_those_of_the_table_that_the_script_is_tested_with() {
        let cases: Vec<(String, Vec<String>)> =
            serde_json::from_str(include_str!("../../tests/unit/words.json")).unwrap();
        assert!(cases.len() > 20);
        for (text, expected) in cases {
            assert_eq!(words(&text), expected, "{text:?}");
        }
    }

    #[test]
    fn long_words_and_long_texts_are_cut() {
        assert_eq!(words(&"x".repeat(2000)), ["x".repeat(LONGEST_WORD)]);
        assert_eq!(words(&"a ".repeat(2000)).len(), MOST_WORDS);
    }
}
