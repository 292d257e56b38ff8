//! The options that say how the screen looks.

use clap::builder::FalseyValueParser;
use clap::{Args, ValueEnum};

use crate::tui::look::Look;
use crate::tui::theme::{Background, When, Wishes};

/// How the screen looks.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "The screen")]
pub(super) struct Appearance {
    /// Colours; `auto` minds `NO_COLOR`, `CLICOLOR`, `COLORTERM` and `TERM`.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: Color,
    /// The terminal's background; `auto` minds `COLORFGBG` and else takes colours that suit both.
    #[arg(
        long,
        global = true,
        env = "FEDAG_THEME",
        value_name = "THEME",
        default_value = "auto",
        hide_env_values = true
    )]
    theme: Theme,
    /// No characters beyond ASCII, as in a locale that is not UTF-8.
    #[arg(long, global = true, env = "FEDAG_ASCII", value_parser = FalseyValueParser::new(), hide_env_values = true)]
    ascii: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Theme {
    Auto,
    Dark,
    Light,
}

impl Appearance {
    /// How the screen looks with these options in this environment.
    pub(super) fn look(self) -> Look {
        let colours = match self.color {
            Color::Auto => When::Auto,
            Color::Always => When::Always,
            Color::Never => When::Never,
        };
        let background = match self.theme {
            Theme::Auto => None,
            Theme::Dark => Some(Background::Dark),
            Theme::Light => Some(Background::Light),
        };
        Look::wished(Wishes {
            colours,
            background,
            ascii: self.ascii,
        })
    }
}
