//! Scenes of a session that asks what its peer lacks.

use fedag::event::id::EventId;
use fedag::limits::{
    OFFER_ANSWERED_SOON, OFFER_IDS_MAX, PART_EVENTS, SESSION_IDLE, TAKE_BYTES_MAX,
};
use fedag::machine::input::Input;
use fedag::sync::message::{Lacks, Offer, SessionId, Verdict};
use fedag::wire::Message;

use crate::flow::scenes::ms;
use crate::flow::script::Script;

/// Plays a short scene on a new script.
type Run<'r> = dyn FnMut(&dyn Fn(&mut Script)) + 'r;

/// Offers, each way, by a peer of which it is not known what it holds.
#[expect(
    clippy::too_many_lines,
    reason = "a list of short scenes, one a rare turn"
)]
pub(super) fn offers(run: &mut Run<'_>) {
    let batch = OFFER_IDS_MAX;
    let differing = |script: &mut Script| {
        let hello = Script::hello(1, Some(1), TAKE_BYTES_MAX, Script::unheld());
        script.receive(Message::Hello(hello));
        script.receive(Message::Verdict(Verdict {
            session: SessionId(1),
            holds_all: false,
        }));
    };
    let offer = |script: &mut Script| {
        script.receive(Message::Offer(Offer {
            session: SessionId(1),
            number: 0,
            ids: vec![EventId([4; 16])],
        }));
    };
    let lacks = |script: &mut Script, number, ids: usize, byte| {
        script.receive(Message::Lacks(Lacks {
            session: SessionId(1),
            number,
            bits: vec![byte; ids.div_ceil(8)],
        }));
    };
    let streamed = |script: &mut Script| {
        script.give(Input::Streamed {
            peer: script.other(),
            session: SessionId(1),
        });
    };
    let end = |script: &mut Script| script.receive(Message::End(script.end(1)));
    // What the peer offers is answered in every phase.
    run(&|script| {
        let hello = Script::hello(1, Some(1), TAKE_BYTES_MAX, Script::unheld());
        script.receive(Message::Hello(hello));
        offer(script);
    });
    run(&|script| {
        differing(script);
        offer(script);
    });
    run(&|script| {
        differing(script);
        script.wait(ms(1));
        offer(script);
    });
    run(&|script| {
        let hello = Script::hello(1, Some(1), 0, Script::unheld());
        script.receive(Message::Hello(hello));
        offer(script);
    });
    // One batch: all of it lacked, none of it, before and after the peer's END.
    let asking = |script: &mut Script, events| {
        script.write(events);
        differing(script);
        script.wait(ms(1));
    };
    run(&|script| {
        asking(script, 3_000);
        offer(script);
        let ids = script.held();
        lacks(script, 0, ids, 0xff);
    });
    for is_ended in [true, false] {
        run(&|script| {
            asking(script, 3_000);
            if is_ended {
                end(script);
            }
            let ids = script.held();
            lacks(script, 0, ids, 0);
        });
    }
    // More batches than may be under way, answered late: further offers follow answers and parts that are sent.
    run(&|script| {
        asking(script, 4 * batch);
        for number in 0..=3 {
            script.wait(OFFER_ANSWERED_SOON + ms(1));
            lacks(script, number, batch, u8::from(number > 0));
        }
        let rest = script.held() - 4 * batch;
        streamed(script);
        script.wait(OFFER_ANSWERED_SOON + ms(1));
        lacks(script, 4, rest, 1);
        streamed(script);
    });
    let failed = |script: &mut Script| {
        script.give(Input::StreamFailed {
            peer: script.other(),
            session: SessionId(1),
        });
    };
    let anew = |script: &mut Script| {
        let hello = Script::hello(9, None, 1 << 20, Script::unheld());
        script.receive(Message::Hello(hello));
    };
    let stall = |script: &mut Script| script.wait(SESSION_IDLE + ms(1));
    let gone = |script: &mut Script| {
        script.give(Input::Disconnected {
            peer: script.other(),
        });
    };
    for after in [&failed as &dyn Fn(&mut Script), &anew, &stall, &gone] {
        run(&|script| {
            asking(script, 2 * batch);
            lacks(script, 0, batch, 1);
            after(script);
        });
    }
    // Streamed in more parts than may be under way.
    run(&|script| {
        let behind = script.behind();
        script.write(2 * PART_EVENTS);
        let hello = Script::hello(1, Some(1), TAKE_BYTES_MAX, behind);
        script.receive(Message::Hello(hello));
        script.wait(ms(1));
        streamed(script);
    });
}
