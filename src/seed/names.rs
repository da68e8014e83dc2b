//! Names of people, rooms and their owners: plain ones, ones from all over the world, and ones that break pages which
//! do not escape.

use super::random::Dice;

const GIVEN: &[&str] = &[
    "Ana", "Bogdan", "Chloé", "Dmitri", "Emre", "Fatima", "George", "Hannah", "Ioana", "Jürgen", "Kwame",
    "Lucía", "Mihai", "Noor", "Oisín", "Priya", "Quentin", "Rosa", "Søren", "Tomás", "Uma", "Vera",
    "Wanjiru", "Ximena", "Yasmin", "Zoltán", "Aaron", "Beatriz", "Cem", "Daan", "Elif", "Freya", "Grace",
    "Hugo", "Ingrid", "Jamal",
];
const FAMILY: &[&str] = &[
    "Popescu",
    "Müller",
    "García",
    "Nowak",
    "O'Connor",
    "Okafor",
    "Patel",
    "Rossi",
    "Silva",
    "Tanaka",
    "Ursu",
    "van der Berg",
    "Weiß",
    "Yılmaz",
    "Zhang",
    "Andersson",
    "Brown",
    "Costa",
    "Dubois",
    "Eriksen",
    "Fischer",
    "Haddad",
    "Ionescu",
    "Jansen",
    "Kowalska",
    "Lefèvre",
    "Mwangi",
    "Novák",
    "Ortiz",
    "Petrov",
];
const WHOLE: &[&str] = &[
    "陈晓明",
    "山田 太郎",
    "김민준",
    "Анна Смирнова",
    "Γιώργος Παπαδόπουλος",
    "محمد الأحمد",
    "שרה לוי",
    "नेहा शर्मा",
    "ธนา วงศ์สวัสดิ์",
    "Nguyễn Văn An",
    "თამარ ბერიძე",
    "Հայկ Սարգսյան",
];
const PLAYFUL: &[&str] = &["🦊 Fox", "Dr. 👩‍⚕️ Lena", "MAX!!!", "anna_1987", "e\u{301}ric (decomposed)", "🏳️‍🌈"];
const HOSTILE: &[&str] = &[
    "<script>alert('name')</script>",
    "Robert \"Bobby\" O'Table; --",
    "{{7*7}} {% raw %}",
    "</title><b>bold",
    "right\u{202e}tfel",
    "a/b?c=d#e&f",
    "..\\..\\etc",
    "<img src=x onerror=alert(1)>",
    "  spaces  ",
    "null",
    "100% %s %d",
    "line\nbreak",
    "zero\u{200b}width",
    "https://example.org/?q=\"x\"",
];

/// A participant's name, as apps give them: mostly a full name, sometimes none at all. Names that break pages come in
/// turn, so that a small world has them too.
pub(super) fn person(dice: &mut Dice, ordinal: usize) -> Option<String> {
    if ordinal % 31 == 4 {
        return Some(HOSTILE[ordinal / 31 % HOSTILE.len()].to_owned());
    }
    Some(match dice.weighted([68.0, 13.0, 4.0, 6.0, 7.0, 2.0]) {
        0 => format!("{} {}", dice.pick(GIVEN), dice.pick(FAMILY)),
        1 => (*dice.pick(GIVEN)).to_owned(),
        2 => (*dice.pick(PLAYFUL)).to_owned(),
        3 => (*dice.pick(WHOLE)).to_owned(),
        4 => return None,
        _ => String::new(),
    })
}

/// The id that an app gives to a person; `ordinal` makes it unique within the app.
pub(super) fn person_id(dice: &mut Dice, ordinal: usize) -> String {
    match dice.weighted([60.0, 20.0, 15.0, 3.0, 2.0]) {
        0 => format!("user-{ordinal}"),
        1 => dice.uuid().to_string(),
        2 => format!("{}{ordinal}@example.org", dice.pick(GIVEN).to_lowercase()),
        3 => format!("org/7/users?id={ordinal}"),
        _ => format!("<i>{ordinal}</i>"),
    }
}

const TOPICS: &[&str] = &[
    "Stand-up",
    "Design review",
    "Weekly sync",
    "Interview",
    "Check-up",
    "Demo",
    "Retro",
    "Planning",
    "Office hours",
    "Onboarding",
    "Klavierstunde",
    "Séance de suivi",
    "Reunión de equipo",
    "朝会",
    "Планёрка",
    "Follow-up",
    "Board meeting",
    "Support",
    "Lesson 12",
    "Therapy session",
    "1:1",
    "All hands",
];
const HOSTILE_ROOMS: &[&str] = &[
    "Design review \"Q4\" & more",
    "<script>alert('room')</script>",
    "{{7*7}}",
    "R&D / ops?",
    "\u{202e}moor",
    "🎉 Launch 🎉",
    "Tom's <b>room</b>",
    "50 % off?",
];

/// A room's id and name; `ordinal` makes the id unique. `fixed` is a room that people come back to.
pub(super) fn room(dice: &mut Dice, ordinal: usize, fixed: bool) -> (String, Option<String>) {
    let hostile = dice.chance(0.03);
    let topic = *dice.pick(if hostile { HOSTILE_ROOMS } else { TOPICS });
    let id = match dice.weighted([30.0, 30.0, 25.0, 3.0]) {
        _ if fixed => format!("{}-{ordinal}", topic.to_lowercase().replace(' ', "-")),
        0 => dice.uuid().to_string(),
        1 => format!("room-{}-{ordinal}", dice.hex(6)),
        2 => format!("{ordinal}"),
        _ => format!("{topic}/{ordinal}?x=1"),
    };
    let name = match dice.weighted([70.0, 25.0, 5.0]) {
        0 => Some(topic.to_owned()),
        1 => None,
        _ => Some(String::new()),
    };
    (id, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_their_columns_of_64_characters() {
        let mut dice = Dice::new(3, 0);
        for ordinal in 0..3000 {
            let (id, name) = room(&mut dice, 1_000_000 + ordinal, ordinal % 2 == 0);
            for text in
                [Some(id), name, person(&mut dice, ordinal), Some(person_id(&mut dice, 1_000_000 + ordinal))]
            {
                assert!(text.is_none_or(|text| text.chars().count() <= 64 && !text.contains('\0')));
            }
        }
    }
}
