//! The table of the library's functions, looked up by their names.

/// Declares `Functions`, with a field for each function.
macro_rules! functions {
    ($($name:ident($($argument:ty),* $(,)?) $(-> $result:ty)?;)*) => {
        /// The functions of `librocks_gc.so`.
        pub struct Functions {
            $(pub $name: unsafe extern "C" fn($($argument),*) $(-> $result)?,)*
        }

        impl Functions {
            /// Looks all functions up. An error names the first one that is missing.
            ///
            /// # Safety
            ///
            /// The library has the ABI that this table is written for, and is never closed.
            pub unsafe fn find(
                library: &libloading::Library,
            ) -> std::result::Result<Self, &'static str> {
                Ok(Self {
                    $(
                        // SAFETY: the caller's; the ABI number fixes the type of each function.
                        $name: *unsafe { library.get(stringify!($name)) }
                            .map_err(|_| stringify!($name))?,
                    )*
                })
            }
        }
    };
}
