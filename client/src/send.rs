//! One call is offered to the providers of its service: to the one that is picked and, where that cannot take it, to at most
//! [`MORE_PROVIDERS`] others. A call that a provider has taken is never offered again from here.

use std::fmt::Display;
use std::rc::Rc;

use crate::{CallKey, CallKind, Candidate, Candidates, Endpoint, Offer, Provider, SendError, Times};

/// Providers that a call may be offered to after the first could not take it.
pub const MORE_PROVIDERS: usize = 2;

/// Why nobody took a call. Nothing is held of it.
#[derive(Debug)]
pub enum Untaken<E> {
    /// None can be asked: [`Candidates::trouble`] says why.
    Nobody,
    /// What the last said that was asked.
    Refused {
        /// The last.
        by: Endpoint,
        /// Why.
        error: SendError<E>,
    },
}

impl Candidates {
    /// Sends a call, or lets it wait for a connection; `tried` holds who was asked before, and those that were asked in vain now are
    /// put in. `write` as in [`Provider::send`], for the provider that makes the offer.
    ///
    /// # Errors
    /// [`Untaken`]; [`crate::Answers`] is not told of the call then.
    pub fn send<E: Display>(
        &self,
        token: u64,
        times: Times,
        tried: &mut Vec<Endpoint>,
        write: impl Fn(&Offer, i64, &mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(CallKey, Rc<Provider>), Untaken<E>> {
        self.offer(CallKind::TwoWay, tried, |to| {
            let call = to.provider.send(token, times, |id, out| write(&to.offer, id, out))?;
            Ok((call, to.provider.clone()))
        })
    }

    /// Sends a one-way call, or lets it wait, as [`Provider::send_one_way`] does; `tried` as in [`Candidates::send`].
    ///
    /// # Errors
    /// As [`Candidates::send`].
    pub fn send_one_way<E: Display>(
        &self,
        token: u64,
        times: Times,
        tried: &mut Vec<Endpoint>,
        write: impl Fn(&Offer, i64, &mut Vec<u8>) -> Result<(), E>,
    ) -> Result<Option<(CallKey, Rc<Provider>)>, Untaken<E>> {
        self.offer(CallKind::OneWay, tried, |to| {
            let waits = to.provider.send_one_way(token, times, |id, out| write(&to.offer, id, out))?;
            Ok(waits.map(|call| (call, to.provider.clone())))
        })
    }

    fn offer<T, E: Display>(
        &self,
        kind: CallKind,
        tried: &mut Vec<Endpoint>,
        send: impl Fn(&Candidate) -> Result<T, SendError<E>>,
    ) -> Result<T, Untaken<E>> {
        let mut untaken = Untaken::Nobody;
        loop {
            let was_refused = matches!(untaken, Untaken::Refused { .. });
            // One that was tried already only if nobody has refused it since.
            let next = self.pick(kind, tried).filter(|next| !was_refused || !tried.contains(next.provider.endpoint()));
            let Some(to) = next else { return Err(untaken) };
            let error = match send(to) {
                Ok(sent) => return Ok(sent),
                Err(error) => error,
            };
            let by = to.provider.endpoint().clone();
            tracing::debug!(provider = %by, why = %error, "a provider does not take a call");
            let may_go_on = !matches!(error, SendError::Write(_)) && tried.len() < MORE_PROVIDERS;
            untaken = Untaken::Refused { by: by.clone(), error };
            if !may_go_on {
                return Err(untaken);
            }
            tried.push(by);
        }
    }
}
