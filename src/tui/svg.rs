//! A picture of the screen: the cells of a buffer as SVG.
//!
//! Words are stretched to their columns, and lines are shapes, so that the picture is the same whatever the font is.

use std::fmt::Write;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr;

use crate::tui::theme::{self, Background};

/// Width of a cell at 14 px `DejaVu Sans Mono`, in px.
const CELL_WIDTH: f64 = 8.43;
/// Height of a cell: 1.164 em, the font's own, or borders break.
const CELL_HEIGHT: f64 = 16.3;
/// From the top of a cell to the base line.
const BASE_LINE: f64 = 12.9;
/// Around the screen.
const MARGIN: f64 = 14.0;

/// The colours of a terminal.
#[derive(Debug)]
pub struct Paper {
    background: &'static str,
    foreground: &'static str,
    /// Its own 16.
    own: [&'static str; 16],
}

impl Paper {
    /// A terminal with this background; dark if that is not known.
    pub fn of(background: Background) -> &'static Self {
        match background {
            Background::Dark | Background::Unknown => &DARK,
            Background::Light => &LIGHT,
        }
    }
}

static DARK: Paper = Paper {
    background: "#11151c",
    foreground: "#d7dde6",
    own: [
        "#11151c", "#f07178", "#8fd06b", "#f0c35e", "#6cb2f7", "#d58fe8", "#58cfc9", "#b4bcc8",
        "#5f6b7c", "#ff9ea3", "#b7e89a", "#ffe09a", "#a3d0ff", "#ecbdf7", "#9aeae5", "#ffffff",
    ],
};

static LIGHT: Paper = Paper {
    background: "#fbfcfd",
    foreground: "#1f2328",
    own: [
        "#1f2328", "#f28b82", "#7fce8b", "#f0c35e", "#6cb2f7", "#d58fe8", "#6fd3dc", "#8c959f",
        "#6e7781", "#ff9ea3", "#b7e89a", "#ffe09a", "#a3d0ff", "#ecbdf7", "#9aeae5", "#ffffff",
    ],
};

/// Draws `buffer` as an SVG document. The same buffer always gives the same bytes.
pub fn svg(buffer: &Buffer, paper: &Paper) -> String {
    let width = f64::from(buffer.area.width) * CELL_WIDTH + 2.0 * MARGIN;
    let height = f64::from(buffer.area.height) * CELL_HEIGHT + 2.0 * MARGIN;
    let mut out = String::new();
    push(
        &mut out,
        format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.2} {height:.2}\">\n\
         <style>text{{font:14px 'DejaVu Sans Mono',Menlo,Consolas,monospace}}.b{{font-weight:bold}}</style>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{}\"/>\n",
            paper.background
        ),
    );
    for y in buffer.area.top()..buffer.area.bottom() {
        row(&mut out, buffer, y, paper);
    }
    out.push_str("</svg>\n");
    out
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a string takes all text");
}

/// The style of a cell as it is drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Ink {
    front: String,
    back: Option<String>,
    bold: bool,
    dim: bool,
    underlined: bool,
}

fn ink(cell: &Cell, paper: &Paper) -> Ink {
    let or_default =
        |colour, default: &str| hex(colour, paper).unwrap_or_else(|| default.to_owned());
    let (mut front, mut back) = (or_default(cell.fg, paper.foreground), hex(cell.bg, paper));
    if cell.modifier.contains(Modifier::REVERSED) {
        let behind = back.unwrap_or_else(|| paper.background.to_owned());
        back = Some(std::mem::replace(&mut front, behind));
    }
    Ink {
        front,
        back,
        bold: cell.modifier.contains(Modifier::BOLD),
        dim: cell.modifier.contains(Modifier::DIM),
        underlined: cell.modifier.contains(Modifier::UNDERLINED),
    }
}

fn row(out: &mut String, buffer: &Buffer, y: u16, paper: &Paper) {
    let at = |x: u16| {
        (
            MARGIN + f64::from(x - buffer.area.x) * CELL_WIDTH,
            MARGIN + f64::from(y - buffer.area.y) * CELL_HEIGHT,
        )
    };
    let mut x = buffer.area.left();
    while x < buffer.area.right() {
        let style = ink(&buffer[(x, y)], paper);
        let start = x;
        while x < buffer.area.right() && ink(&buffer[(x, y)], paper) == style {
            x += 1;
        }
        if let Some(back) = &style.back {
            let (left, top) = at(start);
            let width = f64::from(x - start) * CELL_WIDTH;
            push(
                out,
                format_args!(
                    "<rect x=\"{left:.2}\" y=\"{top:.2}\" width=\"{width:.2}\" height=\"{CELL_HEIGHT}\" fill=\"{back}\"/>\n"
                ),
            );
        }
        let mut from = start;
        while from < x {
            let word = word(buffer, from, x, y);
            match shape(buffer[(from, y)].symbol(), at(from), &style.front) {
                Some(shape) => out.push_str(&shape),
                None => text(out, at(from), word.trim_end(), &style),
            }
            from += u16::try_from(word.width().max(1)).unwrap_or(1);
        }
    }
}

/// What is drawn as one from column `from` on: a shape or a space alone, else text up to the next of these or two spaces.
fn word(buffer: &Buffer, from: u16, end: u16, y: u16) -> String {
    let mut text = String::new();
    let mut x = from;
    while x < end {
        let symbol = buffer[(x, y)].symbol();
        let breaks = shape(symbol, (0.0, 0.0), "").is_some()
            || (symbol == " " && (text.is_empty() || text.ends_with(' ')));
        if breaks && !text.is_empty() {
            break;
        }
        text.push_str(symbol);
        x += u16::try_from(symbol.width().max(1)).unwrap_or(1);
        if breaks {
            break;
        }
    }
    text
}

fn text(out: &mut String, (left, top): (f64, f64), text: &str, ink: &Ink) {
    if text.is_empty() {
        return;
    }
    let class = if ink.bold { " class=\"b\"" } else { "" };
    let line = if ink.underlined {
        " text-decoration=\"underline\""
    } else {
        ""
    };
    let dim = if ink.dim { " opacity=\"0.6\"" } else { "" };
    let front = &ink.front;
    let width = f64::from(u32::try_from(text.width()).unwrap_or(0)) * CELL_WIDTH;
    let base = top + BASE_LINE;
    push(
        out,
        format_args!(
            "<text x=\"{left:.2}\" y=\"{base:.2}\" textLength=\"{width:.2}\" lengthAdjust=\"spacingAndGlyphs\" fill=\"{front}\"{class}{line}{dim}>{}</text>\n",
            escape(text)
        ),
    );
}

/// Lines and marks as shapes, so that they meet in every font; None for all other characters.
fn shape(symbol: &str, (left, top): (f64, f64), colour: &str) -> Option<String> {
    let (right, bottom) = (left + CELL_WIDTH, top + CELL_HEIGHT);
    let (x, y) = (left + CELL_WIDTH / 2.0, top + CELL_HEIGHT / 2.0);
    let line = |path: String, dashes: &str| {
        format!(
            "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.3\"{dashes}/>\n"
        )
    };
    let bend = |from: (f64, f64), to: (f64, f64)| {
        line(
            format!(
                "M{:.2} {:.2}Q{x:.2} {y:.2} {:.2} {:.2}",
                from.0, from.1, to.0, to.1
            ),
            "",
        )
    };
    let down = format!("M{x:.2} {top:.2}V{bottom:.2}");
    let across = format!("M{left:.2} {y:.2}H{right:.2}");
    Some(match symbol {
        "│" => line(down, ""),
        "─" => line(across, ""),
        "├" => line(format!("{down}M{x:.2} {y:.2}H{right:.2}"), ""),
        "┤" => line(format!("{down}M{x:.2} {y:.2}H{left:.2}"), ""),
        "┼" => line(format!("{down}{across}"), ""),
        "╎" => line(down, " stroke-dasharray=\"4 4.15\""),
        "┊" => line(down, " stroke-dasharray=\"1.5 2.575\""),
        "╭" => bend((x, bottom), (right, y)),
        "╮" => bend((left, y), (x, bottom)),
        "╰" => bend((x, top), (right, y)),
        "╯" => bend((left, y), (x, top)),
        "●" => format!("<circle cx=\"{x:.2}\" cy=\"{y:.2}\" r=\"4\" fill=\"{colour}\"/>\n"),
        "○" => format!(
            "<circle cx=\"{x:.2}\" cy=\"{y:.2}\" r=\"3.3\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.3\"/>\n"
        ),
        "◉" => format!(
            "<circle cx=\"{x:.2}\" cy=\"{y:.2}\" r=\"2.4\" fill=\"{colour}\"/>\n\
             <circle cx=\"{x:.2}\" cy=\"{y:.2}\" r=\"4.6\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.3\"/>\n"
        ),
        "◆" => format!(
            "<path d=\"M{x:.2} {:.2}L{:.2} {y:.2}L{x:.2} {:.2}L{:.2} {y:.2}Z\" fill=\"{colour}\"/>\n",
            y - 5.2,
            x + 4.4,
            y + 5.2,
            x - 4.4
        ),
        _ => return None,
    })
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// A colour as the terminal shows it; None: its default.
fn hex(colour: Color, paper: &Paper) -> Option<String> {
    let own = |at: u8| Some(paper.own[usize::from(at)].to_owned());
    match colour {
        Color::Reset => None,
        Color::Black => own(0),
        Color::Red => own(1),
        Color::Green => own(2),
        Color::Yellow => own(3),
        Color::Blue => own(4),
        Color::Magenta => own(5),
        Color::Cyan => own(6),
        Color::Gray => own(7),
        Color::DarkGray => own(8),
        Color::LightRed => own(9),
        Color::LightGreen => own(10),
        Color::LightYellow => own(11),
        Color::LightBlue => own(12),
        Color::LightMagenta => own(13),
        Color::LightCyan => own(14),
        Color::White => own(15),
        Color::Indexed(at @ 0..16) => own(at),
        Color::Indexed(at) => {
            let (red, green, blue) = theme::indexed(at);
            Some(format!("#{red:02x}{green:02x}{blue:02x}"))
        }
        Color::Rgb(red, green, blue) => Some(format!("#{red:02x}{green:02x}{blue:02x}")),
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    #[test]
    fn runs_become_text() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 10, 1));
        buffer.set_string(1, 0, "a<b", Style::new().fg(Color::Red));
        buffer.set_string(4, 0, "日", Style::new().add_modifier(Modifier::REVERSED));
        let svg = svg(&buffer, &DARK);
        assert!(svg.contains("fill=\"#f07178\">a&lt;b</text>"), "{svg}");
        assert!(
            svg.contains(&format!("fill=\"{}\"/>", DARK.foreground)),
            "{svg}"
        );
        assert!(
            svg.contains(&format!("textLength=\"{:.2}\"", 2.0 * CELL_WIDTH)),
            "{svg}"
        );
        assert_eq!(svg.matches("<text").count(), 2);
        buffer.set_string(1, 0, "├●◆", Style::new());
        assert_eq!(super::svg(&buffer, &DARK).matches("<path").count(), 2);
    }
}
