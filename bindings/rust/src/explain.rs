//! Why garbage is not collected.

use crate::Result;
use crate::abi;
use crate::bytes;
use crate::callbacks::Collected;
use crate::gc::Gc;
use crate::keys::Mode;
use crate::library::start_of;
use crate::why::Why;
use std::ffi::c_char;

macro_rules! explained {
    ($($field:ident,)*) => {
        /// The answer for one keyspace and mode in one column family. The numbers are those of
        /// `rgc_explained_t`.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[allow(missing_docs, reason = "the header documents the numbers")]
        pub struct Explained {
            /// The column family.
            pub column_family: String,
            /// The mode of the keys.
            pub mode: Mode,
            /// The keyspace.
            pub keyspace: u32,
            /// The reason.
            pub why: Why,
            /// The reason, and what to do.
            pub text: String,
            $(pub $field: u64,)*
        }

        fn explained(answer: &abi::Explained) -> Explained {
            Explained {
                // SAFETY: the library lends a text.
                column_family: unsafe { bytes::text(answer.column_family) },
                mode: Mode::of(answer.mode),
                keyspace: answer.keyspace,
                why: Why::of(answer.why),
                // SAFETY: the same.
                text: unsafe { bytes::text(answer.text) },
                $($field: answer.$field,)*
            }
        }
    };
}

explained! {
    own_safe_point, effective_safe_point, files, sampled_versions, rows, versions, bytes,
    due_versions, due_bytes,
    last_level_versions, last_level_bytes, held_versions, held_bytes, unparsed, oldest_ts,
}

/// All answers, and a text with a line for each of the 100 keyspaces with the most garbage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// One line for each keyspace.
    pub text: String,
    /// The answers.
    pub answers: Vec<Explained>,
}

impl Gc {
    /// Explains the keyspaces that have keys in a range of stored keys. Empty bounds mean
    /// everything.
    ///
    /// Errors: those of `rgc_explain`.
    pub fn explain(&self, start: &[u8], end: &[u8]) -> Result<Explanation> {
        let mut collected = Collected { all: Vec::new(), of: explained };
        let text = self.list(&mut collected, |_, gc, each, state| {
            // SAFETY: the context lives, the bounds have so many bytes, and `each` reads this
            // state.
            self.library().checked(|rgc, error| unsafe {
                (rgc.rgc_explain)(
                    gc,
                    start_of(start),
                    start.len(),
                    start_of(end),
                    end.len(),
                    each,
                    state,
                    error,
                )
            })
        })?;
        Ok(self.explanation(text, collected.all))
    }

    /// Explains one keyspace, also one of which no file holds a version.
    ///
    /// Errors: those of `rgc_explain_keyspace`.
    pub fn explain_keyspace(&self, keyspace: u32) -> Result<Explanation> {
        let mut collected = Collected { all: Vec::new(), of: explained };
        let text = self.list(&mut collected, |_, gc, each, state| {
            // SAFETY: the context lives, and `each` reads this state.
            self.library().checked(|rgc, error| unsafe {
                (rgc.rgc_explain_keyspace)(gc, keyspace, each, state, error)
            })
        })?;
        Ok(self.explanation(text, collected.all))
    }

    fn explanation(&self, text: *mut c_char, answers: Vec<Explained>) -> Explanation {
        // SAFETY: the library returned a text.
        Explanation { text: unsafe { self.library().take_text(text) }, answers }
    }
}
