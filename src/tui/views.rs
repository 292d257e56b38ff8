//! The pictures that there are of the events.

/// A picture of the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// A column for each machine.
    #[default]
    Lanes,
    /// Columns as in git.
    Git,
    /// No columns.
    List,
}

impl View {
    /// The one after.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Lanes => Self::Git,
            Self::Git => Self::List,
            Self::List => Self::Lanes,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lanes => "lanes",
            Self::Git => "git graph",
            Self::List => "list",
        }
    }
}
