//! Pointers that C keeps and only Rust looks behind. Handles are cast here and nowhere else.

use super::export::guard;
use std::ffi::c_void;
use std::sync::Arc;

/// A type that C knows by its pointers only. It says once which Rust object such a pointer is. So
/// an `Arc` cannot be freed as a `Box`: [`from_raw`] returns the `Owner` that [`into_raw`] took,
/// and the wrong one does not compile. An object that C knows as `void*` is its own type.
pub(super) trait Opaque {
    /// `Box`: C owns the object. `Arc`: C owns one reference to it.
    type Owner: Owner;
}

/// The Rust object behind a `*mut C`.
type Object<C> = <<C as Opaque>::Owner as Owner>::Object;

/// A way to own an object through a pointer.
pub(super) trait Owner {
    type Object;

    fn into_raw(self) -> *mut Self::Object;

    /// # Safety
    /// [`Owner::into_raw`] of the same owner returned `object`, and it was not taken back since.
    unsafe fn from_raw(object: *mut Self::Object) -> Self;
}

impl<T> Owner for Box<T> {
    type Object = T;

    fn into_raw(self) -> *mut T {
        Self::into_raw(self)
    }

    unsafe fn from_raw(object: *mut T) -> Self {
        // SAFETY: `object` came out of `Box::into_raw` above, and is taken back once.
        unsafe { Self::from_raw(object) }
    }
}

impl<T> Owner for Arc<T> {
    type Object = T;

    fn into_raw(self) -> *mut T {
        Self::into_raw(self).cast_mut()
    }

    unsafe fn from_raw(object: *mut T) -> Self {
        // SAFETY: `object` came out of `Arc::into_raw` above, and its reference is taken back once.
        unsafe { Self::from_raw(object) }
    }
}

/// Gives an object to C.
pub(super) fn into_raw<C: Opaque>(owner: C::Owner) -> *mut C {
    owner.into_raw().cast()
}

/// Takes an object back from C; `None` for NULL.
///
/// # Safety
/// `handle` is NULL, or [`into_raw`] returned it and C will not use it again.
pub(super) unsafe fn from_raw<C: Opaque>(handle: *mut C) -> Option<C::Owner> {
    // SAFETY: not NULL, so `into_raw` made it from this owner; C gives it back once.
    (!handle.is_null()).then(|| unsafe { C::Owner::from_raw(handle.cast()) })
}

/// The object behind a handle; `None` for NULL.
///
/// # Safety
/// `handle` is NULL, or [`into_raw`] returned it; during `'a` the object lives, and nothing holds
/// it by [`borrow_mut`].
#[inline(always)]
pub(super) unsafe fn borrow<'a, C: Opaque>(handle: *const C) -> Option<&'a Object<C>> {
    // SAFETY: NULL, or the object that `into_raw` took; it lives, and is only read, during `'a`.
    unsafe { handle.cast::<Object<C>>().as_ref() }
}

/// The object behind a handle, to be changed; `None` for NULL.
///
/// # Safety
/// As [`borrow`]; and during `'a` nothing holds it by [`borrow`] either.
pub(super) unsafe fn borrow_mut<'a, T, C: Opaque<Owner = Box<T>>>(handle: *mut C) -> Option<&'a mut T> {
    // SAFETY: NULL, or the object that `into_raw` took; it lives, and only the caller has it,
    // during `'a`.
    unsafe { handle.cast::<T>().as_mut() }
}

/// Another reference to the object behind a handle; `None` for NULL.
///
/// # Safety
/// As [`borrow`], for the call.
pub(super) unsafe fn share<T, C: Opaque<Owner = Arc<T>>>(handle: *const C) -> Option<Arc<T>> {
    let object = handle.cast::<T>();
    // SAFETY: not NULL, so it came out of `Arc::into_raw`, and the object lives, so that a
    // reference counts during the call; the count goes up for the one that is made here.
    (!handle.is_null()).then(|| unsafe {
        Arc::increment_strong_count(object);
        Arc::from_raw(object)
    })
}

/// A handle as the state of a callback.
pub(super) fn to_void<C: Opaque>(handle: *mut C) -> *mut c_void {
    handle.cast()
}

/// The handle that a callback gets as its state. C forgets its type: `C` is the one that
/// [`to_void`] got where the callback was given away.
#[inline(always)]
pub(super) fn from_void<C: Opaque>(state: *mut c_void) -> *mut C {
    state.cast()
}

/// The destructor of a callback's state.
///
/// # Safety
/// As [`from_raw`], for a state that [`to_void`] made of a `C`.
pub(super) unsafe extern "C" fn destroy<C: Opaque>(state: *mut c_void) {
    // SAFETY: `state` is a `C` that nothing uses any more, as this function demands.
    guard(|| drop(unsafe { from_raw(from_void::<C>(state)) }));
}

/// Lends an object to a callback, as its state. C must forget it before `object` is used again.
pub(super) fn lend<T>(object: &mut T) -> *mut c_void {
    (&raw mut *object).cast()
}

/// The object that was lent to a callback; `None` for NULL.
///
/// # Safety
/// `state` is NULL, or [`lend`] made it of a `T` that is not used otherwise during `'a`.
pub(super) unsafe fn lent<'a, T>(state: *mut c_void) -> Option<&'a mut T> {
    // SAFETY: NULL, or the `T` that `lend` borrowed mutably; only the caller has it during `'a`.
    unsafe { state.cast::<T>().as_mut() }
}

#[cfg(test)]
mod tests {
    use super::*;

    enum Boxed {}
    enum Shared {}

    impl Opaque for Boxed {
        type Owner = Box<Arc<()>>;
    }

    impl Opaque for Shared {
        type Owner = Arc<Arc<()>>;
    }

    #[test]
    fn a_handle_gives_back_what_it_took() {
        let object = Arc::new(());
        let boxed = into_raw::<Boxed>(Box::new(object.clone()));
        let shared = into_raw::<Shared>(Arc::new(object.clone()));
        // SAFETY: both handles were just made; each is given back once, at the end.
        unsafe {
            assert!(Arc::ptr_eq(borrow(boxed).unwrap(), &object));
            assert!(Arc::ptr_eq(borrow_mut(boxed).unwrap(), &object));
            let second = share(shared).unwrap();
            drop(from_raw(shared));
            assert_eq!((Arc::strong_count(&object), Arc::strong_count(&second)), (3, 1));
            drop(second);
            destroy::<Boxed>(to_void(boxed));
        }
        assert_eq!(Arc::strong_count(&object), 1);
    }

    #[test]
    fn null_is_no_object() {
        let (boxed, shared) = (std::ptr::null_mut::<Boxed>(), std::ptr::null_mut::<Shared>());
        // SAFETY: NULL is allowed.
        unsafe {
            assert!(borrow(boxed).is_none() && borrow_mut(boxed).is_none() && from_raw(boxed).is_none());
            assert!(share(shared).is_none() && lent::<u8>(to_void(boxed)).is_none());
            destroy::<Boxed>(to_void(boxed));
        }
    }
}
