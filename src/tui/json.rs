//! An event's JSON over several lines. Spelling and order of what is shown are the event's own: only white space is added.

/// A line: its indent in columns, the name of a member with its quotes (or nothing), and the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Columns before it.
    pub indent: usize,
    /// The member's name, as `"text"`.
    pub name: String,
    /// What follows.
    pub rest: String,
}

/// Breaks `json` into lines, the first `lines_max` of them. Text that is no JSON is broken somehow, and nothing of it is lost.
pub fn lines(json: &str, lines_max: usize) -> Vec<Line> {
    let mut out = Vec::new();
    let mut text = String::new();
    let mut name = String::new();
    let mut depth = 0usize;
    let mut in_string = false;
    let mut escaped = false;
    let mut chars = json.chars().peekable();
    while let Some(c) = chars.next() {
        if out.len() >= lines_max {
            break;
        }
        if in_string {
            text.push(c);
            in_string = escaped || c != '"';
            escaped = c == '\\' && !escaped;
            continue;
        }
        match c {
            '"' => {
                text.push(c);
                in_string = true;
            }
            '{' | '[' => {
                text.push(c);
                if let Some(end @ ('}' | ']')) = chars.peek().copied() {
                    text.push(end);
                    chars.next();
                } else {
                    out.push(line(depth, &mut name, &mut text));
                    depth += 1;
                }
            }
            '}' | ']' => {
                out.push(line(depth, &mut name, &mut text));
                depth = depth.saturating_sub(1);
                text.push(c);
            }
            ',' => {
                text.push(c);
                out.push(line(depth, &mut name, &mut text));
            }
            ':' => {
                name = std::mem::take(&mut text);
                text.push_str(": ");
            }
            c if c.is_ascii_whitespace() => {}
            c => text.push(c),
        }
    }
    if out.len() < lines_max && !(text.is_empty() && name.is_empty()) {
        out.push(line(depth, &mut name, &mut text));
    }
    out.retain(|line| !(line.name.is_empty() && line.rest.is_empty()));
    out
}

fn line(depth: usize, name: &mut String, text: &mut String) -> Line {
    Line {
        indent: depth * 2,
        name: std::mem::take(name),
        rest: std::mem::take(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expected: &[&str]) {
        let shown: Vec<String> = lines(json, 100)
            .iter()
            .map(|line| format!("{}{}{}", " ".repeat(line.indent), line.name, line.rest))
            .collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn json_is_broken_into_lines() {
        check(
            r#"{"b":[1.50,{}],"a":{"x":"y,\"{z}:"},"c":[]}"#,
            &[
                "{",
                "  \"b\": [",
                "    1.50,",
                "    {}",
                "  ],",
                "  \"a\": {",
                "    \"x\": \"y,\\\"{z}:\"",
                "  },",
                "  \"c\": []",
                "}",
            ],
        );
        check("", &[]);
        check("}}]x", &["}", "}", "]x"]);
        assert_eq!(lines("[1,2,3,4,5,6,7]", 3).len(), 3);
    }
}
