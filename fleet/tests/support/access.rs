//! Certificates, and users of etcd with their permissions.

use etcd_client::{Client, Permission};
use rocks_gc_fleet::etcd::Tls;
use std::path::Path;

/// The password of every user. It must be in no error and no log.
pub const PASSWORD: &str = "secret-horse";

/// An authority that signs certificates.
pub struct Certificates {
    ca: rcgen::CertifiedIssuer<'static, rcgen::KeyPair>,
}

impl Certificates {
    /// A new one.
    pub fn new() -> Self {
        let mut params = rcgen::CertificateParams::new(vec![]).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().unwrap();
        Self { ca: rcgen::CertifiedIssuer::self_signed(params, key).unwrap() }
    }

    /// Writes the CA, and a certificate for a name with its key: `{name}.crt`, `{name}.key`.
    pub fn write(&self, folder: &Path, name: &str) -> Tls {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth, rcgen::ExtendedKeyUsagePurpose::ClientAuth];
        let signed = params.signed_by(&key, &self.ca).unwrap();
        let path = |end: &str| folder.join(format!("{name}.{end}"));
        std::fs::write(path("ca"), self.ca.pem()).unwrap();
        std::fs::write(path("crt"), signed.pem()).unwrap();
        std::fs::write(path("key"), key.serialize_pem()).unwrap();
        Tls { ca: path("ca"), cert: Some(path("crt")), key: Some(path("key")), domain: None }
    }
}

/// A user with a role of the same name.
pub async fn add_user(raw: &mut Client, user: &str, permissions: impl IntoIterator<Item = Permission>) {
    raw.role_add(user).await.unwrap();
    for permission in permissions {
        raw.role_grant_permission(user, permission).await.unwrap();
    }
    raw.user_add(user, PASSWORD, None).await.unwrap();
    raw.user_grant_role(user, user).await.unwrap();
}

/// What a node with transactions may do, and no more.
pub fn of_a_node(cluster: u64) -> Vec<Permission> {
    let (pd, own) = (format!("/pd/{cluster}"), format!("/rocks-gc/{cluster}"));
    let prefixes = ["nodes/", "resolved/", "applied/", "clocks/nodes/", "schemas/", "ranges/"].map(|part| format!("{own}/{part}"));
    let barriers = [format!("{pd}/keyspaces/service_safe_point/"), format!("{pd}/gc/")];
    let reads = ["/pd/", "/rocks-gc/", "/keyspaces/tidb/"].map(|prefix| Permission::read(prefix).with_prefix());
    let global = Permission::read("/tidb/store/gcworker/saved_safe_point");
    let writes = prefixes.into_iter().chain(barriers).map(|prefix| Permission::write(prefix).with_prefix());
    reads.into_iter().chain([global]).chain(writes).collect()
}
