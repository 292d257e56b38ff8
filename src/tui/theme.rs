//! Colours: how many the terminal has, and which are readable on its background.
//!
//! Everything is drawn with the names of the 16 colours, which are the terminal's own: whoever chose its palette can read them.
//! [`apply`] then goes over the finished picture and replaces the few that fail on a known background, dims what is faint, or
//! takes all colours away.
//!
//! Invariants:
//! - text without a colour of its own stays in the terminal's default, which is readable on any background;
//! - what is faint is the default colour dimmed, or a tested grey; never the terminal's bright black, which some palettes have as
//!   their background, and never both;
//! - the background is never asked for: a terminal that does not answer would delay the start, and what is typed meanwhile
//!   would be lost.
//!
//! Source: no-color.org; bixense.com/clicolors; `COLORFGBG` as rxvt and Konsole set it; contrast as in WCAG 2.2, section 1.4.3.

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier, Style};

/// How many colours there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Colours {
    /// None; bold, reverse and dim are left.
    None,
    /// The terminal's own 16.
    Own,
    /// 256, of which 240 are the same everywhere.
    Indexed,
    /// All.
    True,
}

/// What stands behind the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Background {
    /// Not known: only what is readable on both.
    Unknown,
    /// Light text on dark.
    Dark,
    /// Dark text on light.
    Light,
}

/// When colours are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum When {
    /// As the environment says.
    #[default]
    Auto,
    /// Whatever the environment says.
    Always,
    /// Not at all.
    Never,
}

/// What the user asked for; the default leaves it to the environment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Colours.
    pub colours: When,
    /// The terminal's background.
    pub background: Option<Background>,
    /// No character beyond ASCII.
    pub ascii: bool,
}

impl Colours {
    /// Reads `NO_COLOR`, `CLICOLOR`, `CLICOLOR_FORCE`, `COLORTERM` and `TERM`.
    pub fn from_variables(get: impl Fn(&str) -> Option<String>, when: When) -> Self {
        let set = |name: &str| get(name).filter(|value| !value.is_empty());
        let term = set("TERM").unwrap_or_default();
        let has_none = term == "dumb" || term.starts_with("vt1") || term.starts_with("vt2");
        let is_forced = set("CLICOLOR_FORCE").is_some_and(|value| value != "0");
        let is_unwanted =
            set("NO_COLOR").is_some() || set("CLICOLOR").is_some_and(|value| value == "0");
        let takes_away = match when {
            When::Always => false,
            When::Never => true,
            When::Auto => (is_unwanted || has_none) && !is_forced,
        };
        let knows = |names: &[&str]| names.iter().any(|name| term.contains(name));
        if takes_away {
            Self::None
        } else if set("COLORTERM").is_some_and(|value| value == "truecolor" || value == "24bit")
            || knows(&["direct", "kitty", "alacritty", "ghostty", "wezterm", "foot"])
        {
            Self::True
        } else if knows(&["256color"]) {
            Self::Indexed
        } else {
            Self::Own
        }
    }
}

impl Background {
    /// Reads `COLORFGBG`, whose last number is the background's.
    pub fn from_variables(get: impl Fn(&str) -> Option<String>) -> Self {
        let told = get("COLORFGBG").unwrap_or_default();
        match told
            .rsplit(';')
            .next()
            .and_then(|last| last.parse::<u8>().ok())
        {
            Some(7 | 15) => Self::Light,
            Some(0..=6 | 8..=14) => Self::Dark,
            Some(_) | None => Self::Unknown,
        }
    }
}

/// A colour where there are all of them, and the nearest in hue of the 256.
type Shade = ((u8, u8, u8), u8);

/// Behind the selected row.
const SELECTED_ON_DARK: Shade = ((0x2b, 0x32, 0x3d), 236);
const SELECTED_ON_LIGHT: Shade = ((0xe9, 0xed, 0xf3), 255);
/// The first of the 256 that palettes leave alone: black.
const BLACK: u8 = 16;

/// What replaces one of the terminal's colours in text on a dark background; None: it is readable.
fn on_dark(colour: Color) -> Option<Shade> {
    Some(match colour {
        Color::Red => ((0xf0, 0x71, 0x78), 203),
        Color::Blue => ((0x6c, 0xb2, 0xf7), 75),
        Color::DarkGray => ((0x8b, 0x95, 0xa3), 246),
        Color::Reset
        | Color::Black
        | Color::Green
        | Color::Yellow
        | Color::Magenta
        | Color::Cyan
        | Color::Gray
        | Color::LightRed
        | Color::LightGreen
        | Color::LightYellow
        | Color::LightBlue
        | Color::LightMagenta
        | Color::LightCyan
        | Color::White
        | Color::Rgb(..)
        | Color::Indexed(_) => return None,
    })
}

/// The same on a light one.
fn on_light(colour: Color) -> Option<Shade> {
    Some(match colour {
        Color::Red => ((0xc0, 0x24, 0x2e), 160),
        Color::Green => ((0x1a, 0x7f, 0x37), 28),
        Color::Yellow => ((0x8a, 0x5a, 0x00), 94),
        Color::Blue => ((0x0b, 0x61, 0xc4), 26),
        Color::Magenta => ((0x9a, 0x3b, 0xb3), 127),
        Color::Cyan => ((0x00, 0x72, 0x7a), 23),
        Color::DarkGray => ((0x63, 0x6b, 0x75), 242),
        Color::LightRed => ((0xa8, 0x46, 0x2a), 130),
        Color::LightGreen => ((0x4c, 0x73, 0x00), 58),
        Color::LightYellow => ((0x7a, 0x62, 0x00), 95),
        Color::LightBlue => ((0x4a, 0x55, 0xc8), 62),
        Color::LightMagenta => ((0xb5, 0x25, 0x7e), 162),
        Color::LightCyan => ((0x00, 0x69, 0x6b), 24),
        Color::Reset
        | Color::Black
        | Color::Gray
        | Color::White
        | Color::Rgb(..)
        | Color::Indexed(_) => return None,
    })
}

/// With 16 colours on light: the bright ones and yellow vanish there, their darker relatives do not.
fn own_on_light(colour: Color) -> Option<Color> {
    Some(match colour {
        Color::LightRed => Color::Red,
        Color::LightGreen => Color::Green,
        Color::Yellow | Color::LightYellow | Color::LightMagenta => Color::Magenta,
        Color::LightBlue => Color::Blue,
        Color::LightCyan => Color::Cyan,
        Color::Reset
        | Color::Black
        | Color::Red
        | Color::Green
        | Color::Blue
        | Color::Magenta
        | Color::Cyan
        | Color::Gray
        | Color::DarkGray
        | Color::White
        | Color::Rgb(..)
        | Color::Indexed(_) => return None,
    })
}

/// The selected row: a quiet background where it is known which is quiet, else the whole row reversed in the default colours.
pub fn selection(colours: Colours, background: Background) -> Style {
    let shade = match background {
        Background::Dark => SELECTED_ON_DARK,
        Background::Light => SELECTED_ON_LIGHT,
        Background::Unknown => return REVERSED,
    };
    match shown(shade, colours) {
        Some(colour) => Style::new().bg(colour).add_modifier(Modifier::BOLD),
        None => REVERSED,
    }
}

/// Reversed, without the colours that would make a rainbow of it, and not dimmed.
const REVERSED: Style = Style::new()
    .fg(Color::Reset)
    .bg(Color::Reset)
    .add_modifier(Modifier::REVERSED);

fn shown(((red, green, blue), index): Shade, colours: Colours) -> Option<Color> {
    match colours {
        Colours::None | Colours::Own => None,
        Colours::Indexed => Some(Color::Indexed(index)),
        Colours::True => Some(Color::Rgb(red, green, blue)),
    }
}

/// Makes of the 16 names what this terminal shows best.
pub fn apply(colours: Colours, background: Background, buf: &mut Buffer) {
    for cell in &mut buf.content {
        if cell.fg != Color::Reset {
            cell.fg = front(cell, colours, background);
            if cell.fg == Color::DarkGray {
                cell.fg = Color::Reset;
                if !cell.modifier.contains(Modifier::BOLD) {
                    cell.modifier.insert(Modifier::DIM);
                }
            }
        }
        if colours == Colours::None {
            cell.fg = Color::Reset;
            cell.bg = Color::Reset;
        }
    }
}

fn front(cell: &Cell, colours: Colours, background: Background) -> Color {
    if cell.fg == Color::Black && colours >= Colours::Indexed {
        return Color::Indexed(BLACK);
    }
    let shade = match background {
        Background::Unknown => None,
        Background::Dark => on_dark(cell.fg),
        Background::Light if colours == Colours::Own => {
            return own_on_light(cell.fg).unwrap_or(cell.fg);
        }
        Background::Light => on_light(cell.fg),
    };
    shade
        .and_then(|shade| shown(shade, colours))
        .unwrap_or(cell.fg)
}

/// What a terminal shows for one of the 256 that are the same everywhere; for one of the 16 black.
pub fn indexed(index: u8) -> (u8, u8, u8) {
    const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let at = index.saturating_sub(BLACK);
    if index >= 232 {
        let grey = 8 + 10 * (index - 232);
        (grey, grey, grey)
    } else {
        let level = |part: u8| LEVELS[usize::from(part)];
        (level(at / 36), level(at / 6 % 6), level(at % 6))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::look::Look;

    fn get(variables: &[(&str, &str)], name: &str) -> Option<String> {
        let found = variables.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| (*value).to_owned())
    }

    #[test]
    fn the_environment_says_how_many_colours_there_are() {
        let of = |variables: &[(&str, &str)], when| {
            Colours::from_variables(|name| get(variables, name), when)
        };
        let xterm = ("TERM", "xterm-256color");
        let auto = [
            (vec![("TERM", "xterm")], Colours::Own),
            (vec![xterm], Colours::Indexed),
            (vec![xterm, ("COLORTERM", "truecolor")], Colours::True),
            (vec![("TERM", "xterm-kitty")], Colours::True),
            (vec![xterm, ("NO_COLOR", "1")], Colours::None),
            (vec![xterm, ("NO_COLOR", "")], Colours::Indexed),
            (vec![xterm, ("CLICOLOR", "0")], Colours::None),
            (vec![xterm, ("CLICOLOR", "1")], Colours::Indexed),
            (
                vec![("TERM", "dumb"), ("CLICOLOR_FORCE", "1")],
                Colours::Own,
            ),
            (vec![("TERM", "dumb")], Colours::None),
            (vec![("TERM", "vt100")], Colours::None),
        ];
        for (variables, colours) in auto {
            assert_eq!(of(&variables, When::Auto), colours, "{variables:?}");
        }
        let unwanted = [xterm, ("NO_COLOR", "1")];
        assert_eq!(of(&unwanted, When::Always), Colours::Indexed);
        assert_eq!(of(&[xterm], When::Never), Colours::None);
    }

    #[test]
    fn the_environment_may_tell_the_background() {
        let of = |told: &str| Background::from_variables(|name| get(&[("COLORFGBG", told)], name));
        assert_eq!(of("15;0"), Background::Dark);
        assert_eq!(of("0;15"), Background::Light);
        assert_eq!(of("0;default;15"), Background::Light);
        for told in ["", "default;default", "15", "1;99"] {
            let expected = if told == "15" {
                Background::Light
            } else {
                Background::Unknown
            };
            assert_eq!(of(told), expected, "{told}");
        }
    }

    #[test]
    fn wishes_go_before_the_environment() {
        let wishes = Wishes {
            background: Some(Background::Light),
            ascii: true,
            ..Wishes::default()
        };
        let told = |name: &str| match name {
            "LANG" => Some("C.UTF-8".to_owned()),
            "COLORFGBG" => Some("15;0".to_owned()),
            _ => None,
        };
        let look = Look::from_variables(told, wishes);
        assert_eq!((look.background, look.unicode), (Background::Light, false));
    }

    /// Relative luminance, from 0 to 1.
    fn luminance((red, green, blue): (u8, u8, u8)) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 {
                part / 12.92
            } else {
                ((part + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
    }

    fn contrast(a: (u8, u8, u8), b: (u8, u8, u8)) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    const NAMES: [Color; 13] = [
        Color::Red,
        Color::Green,
        Color::Yellow,
        Color::Blue,
        Color::Magenta,
        Color::Cyan,
        Color::DarkGray,
        Color::LightRed,
        Color::LightGreen,
        Color::LightYellow,
        Color::LightBlue,
        Color::LightMagenta,
        Color::LightCyan,
    ];

    #[test]
    fn what_replaces_a_colour_is_readable_also_when_selected() {
        let checks = [
            (
                on_dark as fn(Color) -> Option<Shade>,
                (0x1e, 0x1e, 0x1e),
                SELECTED_ON_DARK,
            ),
            (on_light, (0xff, 0xff, 0xff), SELECTED_ON_LIGHT),
        ];
        for (shade_of, behind, selected) in checks {
            for name in NAMES {
                let Some((rgb, index)) = shade_of(name) else {
                    continue;
                };
                for (front, selected) in [(rgb, selected.0), (indexed(index), indexed(selected.1))]
                {
                    let plain = contrast(front, behind);
                    let chosen = contrast(front, selected);
                    assert!(plain >= 4.5, "{name}: {front:?} has {plain:.2}");
                    assert!(chosen >= 4.0, "{name}: {front:?} selected has {chosen:.2}");
                }
            }
        }
    }

    #[test]
    fn on_light_no_colour_is_left_to_chance() {
        for name in NAMES {
            assert!(on_light(name).is_some(), "{name}");
        }
        let shown: Vec<Color> = NAMES
            .iter()
            .map(|name| own_on_light(*name).unwrap_or(*name))
            .collect();
        let vanishes = |colour: &Color| {
            matches!(colour, Color::Yellow | Color::White | Color::Gray)
                || colour.to_string().starts_with("Light")
        };
        assert!(!shown.iter().any(vanishes), "{shown:?}");
    }
}
