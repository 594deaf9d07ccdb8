//! What a registered node owes: the host's locks resolved, orders carried out, and etcd told of both.
//!
//! News count as told only when etcd has them: what fails is told by the next session.

use super::{Ended, Session};
use crate::error::Result;
use crate::follower::answers::{self, Author, Reply, Writes};
use crate::follower::host::Host;
use crate::follower::local::Local;
use crate::follower::locks::Order;
use crate::layout::own_value::Role;
use std::sync::atomic::Ordering;
use tokio::task::{block_in_place, spawn_blocking};

impl<L: Local, H: Host> Session<L, H> {
    /// Lets the host resolve what is to be resolved.
    pub(super) fn resolve(&mut self) {
        let Some(locks) = &self.locks else { return };
        while let Some(order) = locks.next_order() {
            let host = self.host.clone();
            self.resolves
                .spawn(async move { (order, spawn_blocking(move || host.resolve(order.scope, order.up_to)).await.unwrap_or(false)) });
        }
    }

    /// The host has answered: so does this node, and then its filters go on.
    pub(super) async fn resolved(&mut self, order: Order, resolved: bool) -> Result<(), Ended> {
        let Some(locks) = self.locks.clone() else { return Ok(()) };
        let txn_safe_point = locks.answered(order, resolved);
        self.tell_unresolved();
        if let Some(txn_safe_point) = txn_safe_point {
            self.untold.insert(order.scope, txn_safe_point);
            self.tell_resolved().await?;
        }
        Ok(())
    }

    /// Tells etcd what is resolved.
    pub(super) async fn tell_resolved(&mut self) -> Result<(), Ended> {
        let Some(locks) = self.locks.clone() else { return Ok(()) };
        let author = self.author();
        let puts = self.untold.iter().map(|(scope, txn_safe_point)| answers::resolved(&author, *scope, *txn_safe_point));
        self.write(Writes { puts: puts.collect::<Result<_>>()?, ..Writes::default() }).await?;
        let told = std::mem::take(&mut self.untold);
        block_in_place(|| told.keys().for_each(|scope| self.knowledge.give(*scope, &*self.local, &locks)));
        Ok(())
    }

    /// Carries out orders, and answers what is new.
    pub(super) async fn answer(&mut self) -> Result<(), Ended> {
        let replicated = match self.identity.role {
            Role::Primary => u64::MAX,
            Role::Standby => self.replicated.load(Ordering::SeqCst),
        };
        let news = block_in_place(|| self.answers.news(&mut self.knowledge, &*self.local, self.locks.as_deref(), replicated));
        let author = self.author();
        for answered in &news.schemas {
            if self.reply(answers::to_order(answered, &author)?).await? {
                self.knowledge.schemas.told(answered);
            }
        }
        for swept in &news.ranges {
            if self.reply(answers::to_range(swept, &author)?).await? {
                self.knowledge.ranges.told(swept);
            }
        }
        for schema in &news.seen {
            if let Some(registration) = &self.registration
                && registration.note(answers::seen(&author, *schema)?).await?
            {
                self.knowledge.schemas.told_seen(*schema);
            }
        }
        self.write(self.answers.writes(&news, &author)?).await?;
        self.answers.told(news);
        Ok(())
    }

    fn author(&self) -> Author {
        let epoch = self.epochs.last().copied().unwrap_or(0);
        Author { cluster: self.client.cluster(), node: self.identity.name.clone(), epoch }
    }

    async fn reply(&self, reply: Reply) -> Result<bool> {
        match &self.registration {
            Some(registration) => registration.reply(reply).await,
            None => Ok(false),
        }
    }

    async fn write(&self, writes: Writes) -> Result<(), Ended> {
        let Some(registration) = &self.registration else { return Ok(()) };
        if registration.write(writes).await? { Ok(()) } else { Err(Ended::Unregistered("its key is gone")) }
    }
}
