//! Text as a QR code of half blocks: two modules in each cell, one above the other.
//!
//! The code brings its own black and white, so that the terminal's colours do not matter. Where there are none, its light
//! modules are the filled ones, as on a dark terminal.
//!
//! Source: ISO/IEC 18004:2015, section 6.3.8 (a quiet zone of four modules).

use qrcode::{Color, EcLevel, QrCode};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{self, Style};

/// Light modules around the code.
const QUIET: usize = 4;

/// A code.
#[derive(Debug)]
pub struct Code {
    modules: Vec<Color>,
    width: usize,
}

impl Code {
    /// A code of `text`, in capitals, which take less room; None: it is too long for any.
    pub fn of(text: &str) -> Option<Self> {
        let text = text.to_ascii_uppercase();
        let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
        Some(Self {
            width: code.width(),
            modules: code.to_colors(),
        })
    }

    /// Columns and rows of the screen that it needs.
    pub fn size(&self) -> (u16, u16) {
        let modules = self.width + 2 * QUIET;
        let cells = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
        (cells(modules), cells(modules.div_ceil(2)))
    }

    /// Draws it from the upper left corner of `area` on, which has room for it.
    pub fn draw(&self, area: Rect, buf: &mut Buffer) {
        let (columns, rows) = self.size();
        for row in 0..rows.min(area.height) {
            for column in 0..columns.min(area.width) {
                let (x, y) = (usize::from(column), usize::from(row) * 2);
                let pair = (self.is_light(x, y), self.is_light(x, y + 1));
                let symbol = match pair {
                    (true, true) => "█",
                    (true, false) => "▀",
                    (false, true) => "▄",
                    (false, false) => " ",
                };
                let style = Style::new().fg(style::Color::White).bg(style::Color::Black);
                let cell = &mut buf[(area.x + column, area.y + row)];
                cell.set_symbol(symbol).set_style(style);
            }
        }
    }

    /// Returns whether a module is light, counted with the quiet zone; all outside are.
    pub fn is_light(&self, x: usize, y: usize) -> bool {
        let inside = |at: usize| at.checked_sub(QUIET).filter(|at| *at < self.width);
        match (inside(x), inside(y)) {
            (Some(x), Some(y)) => self.modules[y * self.width + x] == Color::Light,
            (_, _) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_finders_and_a_quiet_zone() {
        let code = Code::of("fedag1abc").expect("it is short");
        let width = code.width + 2 * QUIET;
        for at in 0..width {
            for edge in 0..QUIET {
                assert!(code.is_light(at, edge) && code.is_light(edge, at));
                assert!(code.is_light(at, width - 1 - edge) && code.is_light(width - 1 - edge, at));
            }
        }
        let far = QUIET + code.width - 7;
        for (x, y) in [(QUIET, QUIET), (far, QUIET), (QUIET, far)] {
            assert!((0..7).all(|at| !code.is_light(x + at, y) && !code.is_light(x, y + at)));
            assert!((1..6).all(|at| code.is_light(x + at, y + 1)));
            assert!((2..5).all(|at| !code.is_light(x + at, y + 2)));
        }
    }

    #[test]
    fn what_is_drawn_are_the_modules() {
        let code = Code::of(&"fedag1qvk3m7x2".repeat(20)).expect("it is short");
        let (columns, rows) = code.size();
        let area = Rect::new(1, 1, columns, rows);
        let mut buf = Buffer::empty(Rect::new(0, 0, columns + 2, rows + 2));
        code.draw(area, &mut buf);
        for y in 0..usize::from(rows) * 2 {
            for x in 0..usize::from(columns) {
                let cell = (
                    1 + u16::try_from(x).unwrap(),
                    1 + u16::try_from(y / 2).unwrap(),
                );
                let symbol = buf[cell].symbol();
                let halves = if y % 2 == 0 {
                    ["█", "▀"]
                } else {
                    ["█", "▄"]
                };
                assert_eq!(halves.contains(&symbol), code.is_light(x, y), "{x} {y}");
            }
        }
        assert!(Code::of(&"x".repeat(9_000)).is_none());
    }
}
