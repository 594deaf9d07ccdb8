//! The metadata of keyspaces.

use crate::Result;
use crate::abi;
use crate::bytes;
use crate::callbacks::{self, Collected};
use crate::gc::Gc;
use crate::library::start_of;
use std::ffi::{CString, c_int, c_void};
use std::ptr::null;

/// Where the safe point of a keyspace comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum GcType {
    /// The global safe point.
    Global = abi::RGC_GC_GLOBAL,
    /// A safe point of its own.
    KeyspaceLevel = abi::RGC_GC_KEYSPACE_LEVEL,
}

/// The state of a keyspace. A state alone drops nothing in compactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
#[allow(missing_docs, reason = "the names are the placement driver's")]
pub enum KeyspaceState {
    Enabled = abi::RGC_KEYSPACE_ENABLED,
    Disabled = abi::RGC_KEYSPACE_DISABLED,
    Archived = abi::RGC_KEYSPACE_ARCHIVED,
    Tombstone = abi::RGC_KEYSPACE_TOMBSTONE,
}

impl KeyspaceState {
    fn of(number: c_int) -> Option<Self> {
        [Self::Enabled, Self::Disabled, Self::Archived, Self::Tombstone]
            .into_iter()
            .find(|state| *state as c_int == number)
    }
}

/// What a placement driver stores of a keyspace.
#[derive(Debug, Clone)]
pub struct KeyspaceMeta<'a> {
    /// The id.
    pub id: u32,
    /// The state.
    pub state: KeyspaceState,
    /// 1 to 20 of the characters `-`, `_`, `A` to `Z`, `a` to `z`, `0` to `9`.
    pub name: &'a str,
    /// `keyspace_level`, `keyspace_level_gc`, `unified` or `global_gc`; `None` means global.
    pub gc_management_type: Option<&'a str>,
}

/// How a keyspace is registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registered {
    /// With this type.
    As(GcType),
    /// Not at all.
    No,
    /// Everything of it is kept: it is paused, or two types were told.
    KeptWhole,
}

/// A keyspace of which the library knows anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyspace {
    /// The id.
    pub id: u32,
    /// `None`: no metadata were loaded.
    pub state: Option<KeyspaceState>,
    /// How it is registered.
    pub registered: Registered,
    /// 0 means none.
    pub own_safe_point: u64,
    /// 0 means that everything is kept.
    pub effective_safe_point: u64,
    /// Empty means unknown.
    pub name: String,
}

impl Gc {
    /// Loads a keyspace's metadata, and registers its GC type.
    ///
    /// Errors: those of `rgc_keyspace_load`, all of kind Invalid argument.
    pub fn load_keyspace(&self, meta: &KeyspaceMeta<'_>) -> Result<()> {
        let name = CString::new(meta.name)?;
        let gc_type = meta.gc_management_type.map(CString::new).transpose()?;
        let meta = abi::KeyspaceMeta {
            struct_size: size_of::<abi::KeyspaceMeta>(),
            id: meta.id,
            state: meta.state as c_int,
            name: name.as_ptr(),
            gc_management_type: gc_type.as_ref().map_or(null(), |text| text.as_ptr()),
        };
        // SAFETY: the context lives, and the texts live during the call.
        self.library().checked(|rgc, error| unsafe {
            (rgc.rgc_keyspace_load)(self.as_ptr(), &raw const meta, error)
        })
    }

    /// Loads a keyspace's metadata from the bytes that PD stores (`keyspacepb.KeyspaceMeta`).
    ///
    /// Errors: those of [`load_keyspace`](Self::load_keyspace); Corruption: bytes that do not
    /// parse.
    pub fn load_keyspace_protobuf(&self, bytes: &[u8]) -> Result<()> {
        // SAFETY: the context lives, and the bytes are so many.
        self.library().checked(|rgc, error| unsafe {
            (rgc.rgc_keyspace_load_protobuf)(self.as_ptr(), start_of(bytes), bytes.len(), error);
        })
    }

    /// The keyspace that owns a name, by the metadata that were loaded.
    ///
    /// Errors: Invalid argument: two keyspaces own the name.
    pub fn keyspace_by_name(&self, name: &str) -> Result<Option<u32>> {
        let name = CString::new(name)?;
        let mut keyspace = 0;
        // SAFETY: the context lives, the name lives during the call, and the number is written.
        let found = self.library().checked(|rgc, error| unsafe {
            (rgc.rgc_keyspace_by_name)(self.as_ptr(), name.as_ptr(), &raw mut keyspace, error)
        })?;
        Ok((found != 0).then_some(keyspace))
    }

    /// The keyspaces that were loaded or registered, or have a safe point, ordered by id.
    pub fn keyspaces(&self) -> Vec<Keyspace> {
        let mut collected = Collected { all: Vec::new(), of: keyspace };
        self.list(&mut collected, |rgc, gc, each, state| {
            // SAFETY: the context lives, and `each` reads this state.
            unsafe { (rgc.rgc_keyspaces_foreach)(gc, each, state) }
        });
        collected.all
    }
}

fn keyspace(info: &abi::KeyspaceInfo) -> Keyspace {
    Keyspace {
        id: info.id,
        state: KeyspaceState::of(info.state),
        registered: match info.gc_type {
            abi::RGC_GC_GLOBAL => Registered::As(GcType::Global),
            abi::RGC_GC_KEYSPACE_LEVEL => Registered::As(GcType::KeyspaceLevel),
            -1 => Registered::No,
            _ => Registered::KeptWhole,
        },
        own_safe_point: info.own_safe_point,
        effective_safe_point: info.effective_safe_point,
        // SAFETY: the library lends a text.
        name: unsafe { bytes::text(info.name) },
    }
}

/// A callback of a listing.
type Each<I> = Option<unsafe extern "C" fn(*mut c_void, *const I) -> c_int>;

impl Gc {
    /// Runs a listing into `collected`.
    pub(crate) fn list<I, T, F: Fn(&I) -> T, R>(
        &self,
        collected: &mut Collected<T, F>,
        run: impl FnOnce(&abi::Functions, *mut c_void, Each<I>, *mut c_void) -> R,
    ) -> R {
        run(
            self.library().functions(),
            self.as_ptr(),
            Some(callbacks::collect::<I, T, F>),
            std::ptr::from_mut(collected).cast(),
        )
    }
}
