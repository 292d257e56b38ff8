//! Dialling a machine: its addresses one after the other, its key pinned.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::time::timeout;

use crate::event::key::MachineId;
use crate::limits::HANDSHAKE;
use crate::net::greet::{Greeted, Unanswered, greet};
use crate::net::table::Dialling;
use crate::net::{Happening, Refusal, Shared, close, peer, tls};

/// Dials in the background, unless there is a dial or a connection already.
pub(super) fn begin(shared: &Arc<Shared>, machine: MachineId, addresses: Vec<SocketAddr>) {
    let Some((dialling, mut cancelled)) = shared.begin_dial(machine) else {
        return;
    };
    let shared = shared.clone();
    let runtime = shared.runtime.clone();
    runtime.spawn(async move {
        let reached = tokio::select! {
            biased;
            // The machine dialled us meanwhile; `Connected` is told of that connection.
            Ok(()) = &mut cancelled => return,
            reached = reach(&shared, &dialling, machine, &addresses) => reached,
        };
        // Before anything is told: the next dial may follow at once.
        drop(dialling);
        match reached {
            Ok(Greeted { seat, send, frames }) => peer::run(shared, seat, send, frames).await,
            Err(_) if shared.table().serves_dial(machine) => {}
            Err(why) => {
                tracing::debug!(peer = ?machine, why, "a dial failed");
                shared
                    .tell(Happening::DialFailed { peer: machine, why })
                    .await;
            }
        }
    });
}

/// Tries the addresses; in words what happened at each.
async fn reach(
    shared: &Arc<Shared>,
    dialling: &Dialling,
    machine: MachineId,
    addresses: &[SocketAddr],
) -> Result<Greeted, String> {
    if machine == shared.me {
        return Err("this is the machine's own key".to_owned());
    }
    if shared.known.borrow().banned.contains(&machine) {
        return Err(Refusal::Banned.said_here().to_owned());
    }
    let mut tried = Vec::new();
    for address in addresses {
        match reach_one(shared, dialling, machine, *address).await {
            Ok(greeted) => return Ok(greeted),
            Err(unanswered) => {
                tried.push(format!("{address}: {}", unanswered.why));
                // Its other addresses lead to the same machine.
                if unanswered
                    .refusal
                    .is_some_and(|refusal| refusal != Refusal::TooSlow)
                {
                    break;
                }
            }
        }
    }
    Err(if tried.is_empty() {
        "no address is known".to_owned()
    } else {
        tried.join("; ")
    })
}

async fn reach_one(
    shared: &Arc<Shared>,
    dialling: &Dialling,
    machine: MachineId,
    address: SocketAddr,
) -> Result<Greeted, Unanswered> {
    let broken = |why| Unanswered { why, refusal: None };
    let name = tls::server_name(machine);
    let connecting = shared
        .endpoint
        .connect_with(shared.client.clone(), address, &name)
        .map_err(|error| broken(close::undialled(&error)))?;
    let connection = timeout(HANDSHAKE, connecting)
        .await
        .map_err(|_| broken(format!("no answer within {} s", HANDSHAKE.as_secs())))?
        .map_err(|error| Unanswered {
            why: close::words(&error),
            refusal: close::refusal(&error),
        })?;
    greet(shared, &connection, dialling, machine).await
}
