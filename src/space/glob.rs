//! Patterns over layer names: `*` stands for any characters, also none; every other character stands for itself.

/// True if the whole of `name` matches. Takes the earliest match of every part, which is enough when `*` is the only
/// wildcard; time at most the product of the lengths.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let Some((prefix, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut name) = name.strip_prefix(prefix) else {
        return false;
    };
    let (middle, suffix) = rest.rsplit_once('*').unwrap_or(("", rest));
    for part in middle.split('*') {
        match name.find(part) {
            Some(at) => name = &name[at + part.len()..],
            None => return false,
        }
    }
    name.ends_with(suffix)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition: `*` is nothing, or one character and `*` again.
    fn naive(pattern: &[char], name: &[char]) -> bool {
        match (pattern, name) {
            ([], []) => true,
            (['*', rest @ ..], _) => naive(rest, name) || (!name.is_empty() && naive(pattern, &name[1..])),
            ([p, rest @ ..], [c, name @ ..]) => p == c && naive(rest, name),
            _ => false,
        }
    }

    /// All words of up to `length` letters.
    fn words(letters: &[char], length: usize) -> Vec<Vec<char>> {
        let mut words = vec![vec![]];
        let mut start = 0;
        for _ in 0..length {
            let end = words.len();
            for i in start..end {
                words.extend(
                    letters.iter().map(|&letter| [words[i].as_slice(), &[letter]].concat()).collect::<Vec<_>>(),
                );
            }
            start = end;
        }
        words
    }

    #[test]
    fn every_short_pattern_matches_what_the_definition_says() {
        let names = words(&['a', 'é'], 5);
        for pattern in words(&['a', 'é', '*'], 5) {
            for name in &names {
                let (text, other): (String, String) = (pattern.iter().collect(), name.iter().collect());
                assert_eq!(matches(&text, &other), naive(&pattern, name), "{text} {other}");
            }
        }
    }

    #[test]
    fn other_wildcards_are_plain_characters() {
        assert!(matches("a?[b].*", "a?[b].conv") && !matches("a?", "ab") && !matches("[ab]", "a"));
    }
}
