//! The commands: arguments in, exit code out.
//!
//! Every command that needs the DAG is a client of the control protocol (`connect.rs`): of the node that runs on the data
//! directory, or of one without a network in this process. One file a group of commands; `print.rs` alone writes to standard output
//! and standard error, `outcome.rs` says how commands end.

mod add;
mod appearance;
mod clean;
mod connect;
mod demo;
mod directory;
mod duration;
mod host;
mod init;
mod invite;
mod join;
mod lines;
mod log;
mod log_file;
mod outcome;
mod print;
mod progress;
mod properties;
mod run;
mod screen;
mod show;
mod sim;
mod status;
mod steer;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};

use crate::cli::appearance::Appearance;
use crate::cli::outcome::Outcome;
use crate::tui::look::Look;

const EXAMPLES: &str = "\
Examples:
  fedag                          the screen: start a network, or join one with a ticket
  fedag demo                     see it work first, on this computer alone
  fedag init                     start a network with this machine alone
  fedag add \"hello\"              add an event
  fedag invite                   print a ticket for another machine
  fedag join fedag1…             on the other machine
  fedag log -f                   see events as they come
  fedag --data /tmp/two status   another data directory

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not within the time given.";

/// A replicated event log without a server: every machine holds the whole DAG of signed events.
///
/// Started without a command in a terminal it shows the screen.
#[derive(Debug, Parser)]
#[command(name = "fedag", version, after_help = EXAMPLES)]
struct Arguments {
    /// The data directory [default: `$XDG_DATA_HOME/fedag/default`].
    #[arg(long, global = true, env = "FEDAG_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    #[command(flatten)]
    appearance: Appearance,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a new network, with this machine alone.
    Init(init::Init),
    /// Print a ticket that lets another machine in.
    Invite(invite::Invite),
    /// Join a network with a ticket.
    Join(join::Join),
    /// Run the node without a screen, until SIGTERM, SIGINT or `fedag stop`.
    Run(run::Run),
    /// Stop the node that runs on the data directory.
    Stop(steer::Stop),
    /// Tell the node where a machine is.
    Connect(steer::Connect),
    /// Add an event, or one for each line of standard input.
    Add(add::Add),
    /// Print events, oldest first.
    Log(log::Log),
    /// Print one event with its parents and children.
    Show(show::Show),
    /// Print the leaves: the events that no other names as parent.
    Leaves(log::Leaves),
    /// Print the peers of the running node.
    Peers(status::Peers),
    /// Print counts, digest and peers, or wait until in step.
    Status(status::Status),
    /// Recompute every id, signature, the leaves and the digest.
    Verify(verify::Verify),
    /// See it work: three nodes on this computer, cut apart and mended.
    Demo(demo::Demo),
    /// Simulate a network of many machines, with faults; a check of the program itself.
    Sim(sim::Sim),
}

/// The option of every command that waits.
#[derive(Clone, Copy, Debug, Args)]
struct Timeout {
    /// Give up after so many seconds, with exit code 3 [default: wait as long as it takes].
    #[arg(long, value_name = "SECONDS", value_parser = duration::parse_timeout)]
    timeout: Option<Duration>,
}

/// Runs the program with the arguments of this process.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    outcome::settle(run(arguments)).into()
}

fn run(arguments: Arguments) -> anyhow::Result<Outcome> {
    let dir = match arguments.data {
        Some(dir) => dir,
        None => directory::default()?,
    };
    let runtime = tokio::runtime::Runtime::new().context("starting the threads")?;
    let outcome = runtime.block_on(dispatch(
        arguments.command,
        dir,
        arguments.appearance.look(),
    ));
    // Threads that still read a file or standard input must not keep the program.
    runtime.shutdown_timeout(Duration::from_millis(100));
    outcome
}

async fn dispatch(command: Option<Command>, dir: PathBuf, look: Look) -> anyhow::Result<Outcome> {
    match command {
        None => screen::bare(&dir, look).await,
        Some(Command::Init(command)) => command.run(&dir),
        Some(Command::Invite(command)) => command.run(&dir).await,
        Some(Command::Join(command)) => Box::pin(command.run(&dir, look)).await,
        Some(Command::Run(command)) => Box::pin(command.run(&dir)).await,
        Some(Command::Stop(command)) => command.run(&dir).await,
        Some(Command::Connect(command)) => command.run(&dir).await,
        Some(Command::Add(command)) => command.run(&dir).await,
        Some(Command::Log(command)) => command.run(&dir).await,
        Some(Command::Show(command)) => command.run(&dir).await,
        Some(Command::Leaves(command)) => command.run(&dir).await,
        Some(Command::Peers(command)) => command.run(&dir).await,
        Some(Command::Status(command)) => command.run(&dir).await,
        Some(Command::Verify(command)) => command.run(&dir).await,
        Some(Command::Demo(command)) => Box::pin(command.run()).await,
        Some(Command::Sim(command)) => command.run(),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_has_examples() {
        for command in Arguments::command().get_subcommands_mut() {
            let help = command.render_long_help().to_string();
            let example = format!("fedag {}", command.get_name());
            let (_, examples) = help.split_once("Examples:").expect(&example);
            assert!(examples.contains(&example), "{example}");
        }
    }
}
