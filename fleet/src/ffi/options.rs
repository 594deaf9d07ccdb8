//! Options by name.

use super::export::{Failure, answer, guarded};
use super::header::rgc_fleet_options_t;
use super::memory::text;
use crate::etcd::{Secret, Settings, Tls};
use crate::layout::name::check_own_name;
use crate::layout::own_value::Role;
use std::ffi::c_char;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

/// What the host has set.
#[derive(Clone, Debug)]
pub(super) struct Options {
    endpoints: Vec<String>,
    cluster: Option<u64>,
    node: Option<String>,
    pub role: Role,
    pub lease: Duration,
    call_timeout: Duration,
    user: Option<String>,
    password_file: Option<PathBuf>,
    ca_file: Option<PathBuf>,
    cert_file: Option<PathBuf>,
    key_file: Option<PathBuf>,
    tls_domain: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            endpoints: Vec::new(),
            cluster: None,
            node: None,
            role: Role::Primary,
            lease: Duration::from_secs(10),
            call_timeout: Duration::from_millis(3000),
            user: None,
            password_file: None,
            ca_file: None,
            cert_file: None,
            key_file: None,
            tls_domain: None,
        }
    }
}

impl Options {
    fn set(&mut self, name: &str, value: &str) -> Result<(), Failure> {
        match name {
            "endpoints" => self.endpoints = value.split(',').map(|endpoint| endpoint.trim().to_owned()).collect(),
            "cluster" => self.cluster = Some(number(name, value, 0..=u64::MAX)?),
            "node" => {
                check_own_name(value).map_err(Failure::invalid)?;
                self.node = Some(value.to_owned());
            }
            "role" => {
                self.role = match value {
                    "primary" => Role::Primary,
                    "standby" => Role::Standby,
                    _ => return Err(bad(name, value, "primary or standby")),
                }
            }
            "lease_seconds" => self.lease = Duration::from_secs(number(name, value, 2..=3600)?),
            "call_timeout_ms" => self.call_timeout = Duration::from_millis(number(name, value, 100..=60_000)?),
            "user" => self.user = Some(value.to_owned()),
            "password_file" => self.password_file = Some(value.into()),
            "ca_file" => self.ca_file = Some(value.into()),
            "cert_file" => self.cert_file = Some(value.into()),
            "key_file" => self.key_file = Some(value.into()),
            "tls_domain" => self.tls_domain = Some(value.to_owned()),
            _ => return Err(Failure::invalid(format!("there is no option {name:?}; rocks_gc_fleet.h lists them"))),
        }
        Ok(())
    }

    /// The node's name.
    pub fn node(&self) -> Result<&str, Failure> {
        self.node.as_deref().ok_or_else(|| missing("node"))
    }

    /// Where etcd is, and who asks. Reads the password file.
    pub fn settings(&self) -> Result<Settings, Failure> {
        if self.endpoints.is_empty() {
            return Err(missing("endpoints"));
        }
        let user = match (&self.user, &self.password_file) {
            (None, None) => None,
            (Some(user), Some(file)) => Some((user.clone(), Secret::from_file(file).map_err(Failure::invalid)?)),
            _ => return Err(Failure::invalid("user and password_file must be given together")),
        };
        let tls = match &self.ca_file {
            Some(ca) => {
                Some(Tls { ca: ca.clone(), cert: self.cert_file.clone(), key: self.key_file.clone(), domain: self.tls_domain.clone() })
            }
            None if self.cert_file.is_some() || self.key_file.is_some() || self.tls_domain.is_some() => return Err(missing("ca_file")),
            None => None,
        };
        let cluster = self.cluster.ok_or_else(|| missing("cluster"))?;
        let settings = Settings { endpoints: self.endpoints.clone(), user, tls, cluster, call_timeout: self.call_timeout };
        settings.check().map_err(Failure::invalid)?;
        Ok(settings)
    }
}

fn missing(name: &str) -> Failure {
    Failure::invalid(format!("the option {name} is missing; set it by rgc_fleet_options_set"))
}

fn bad(name: &str, value: &str, allowed: &str) -> Failure {
    Failure::invalid(format!("option {name}: {value:?} is not {allowed}"))
}

fn number(name: &str, value: &str, allowed: RangeInclusive<u64>) -> Result<u64, Failure> {
    let number = value.bytes().all(|byte| byte.is_ascii_digit()).then(|| value.parse().ok()).flatten();
    let number = number.filter(|number| allowed.contains(number));
    number.ok_or_else(|| bad(name, value, &format!("a number from {} to {}", allowed.start(), allowed.end())))
}

/// Creates options with every default.
#[unsafe(no_mangle)]
pub extern "C" fn rgc_fleet_options_create() -> *mut rgc_fleet_options_t {
    Box::into_raw(Box::<Options>::default()).cast()
}

/// Sets an option.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_fleet_options_set(
    options: *mut rgc_fleet_options_t,
    name: *const c_char,
    value: *const c_char,
    errptr: *mut *mut c_char,
) {
    // SAFETY: `options` is alive, and one thread uses it; `name` and `value` are texts; `errptr` as
    // the header says.
    unsafe {
        answer(errptr, "rgc_fleet_options_set", (), || {
            let options = options.cast::<Options>().as_mut().ok_or_else(|| Failure::invalid("options is NULL"))?;
            options.set(text("name", name)?, text("value", value)?)
        })
    }
}

/// Destroys options.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_fleet_options_destroy(options: *mut rgc_fleet_options_t) {
    guarded("rgc_fleet_options_destroy", (), || {
        if !options.is_null() {
            // SAFETY: rgc_fleet_options_create made it, and it is destroyed once.
            drop(unsafe { Box::from_raw(options.cast::<Options>()) });
        }
    })
}
