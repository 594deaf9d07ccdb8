//! `librocks_gc_fleet.so` with certificates and users of etcd, by the options of its C API.
#![allow(clippy::unwrap_used)] // Helpers of tests are not in `#[test]` functions.

mod support;

use etcd_client::{Certificate, ConnectOptions, Identity, Permission, TlsOptions};
use rocks_gc_fleet::etcd::{Client, Secret, Settings, Tls};
use rocks_gc_fleet::layout::pd_value;
use std::path::{Path, PathBuf};
use support::access::{Certificates, PASSWORD, add_user, of_a_node};
use support::c_follower::{CFollower, meta};
use support::{Etcd, put};

const META: &str = "/pd/7/keyspaces/meta/00000001";
const G: &str = "/pd/7/keyspaces/gc_safe_point/00000001";
const T: &str = "/keyspaces/tidb/1/tidb/store/gcworker/saved_safe_point";

/// Keyspace 1 with T = 20 and G = 10.
async fn fill(client: &Client) {
    put(client, META, meta(1)).await;
    put(client, T, "20").await;
    put(client, G, safe_point(10)).await;
}

fn safe_point(ts: u64) -> Vec<u8> {
    pd_value::safe_point(rocks_gc_fleet::layout::id::KeyspaceId::new(1).unwrap(), ts).unwrap()
}

fn password(folder: &Path, name: &str, content: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, content).unwrap();
    path.display().to_string()
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// The error with which a follower does not begin. Neither it nor a message tells a secret.
fn refused(host: &Path, etcd: &Etcd, options: &[(&str, &str)]) -> String {
    let (follower, error) = CFollower::start(host, etcd, options);
    assert_ne!(error, "follows", "{options:?}");
    tells_no_secret(&error);
    tells_no_secret(&follower.log());
    error
}

fn tells_no_secret(text: &str) {
    assert!(!text.contains(PASSWORD) && !text.contains("PRIVATE KEY"), "{text}");
}

fn says(text: &str, parts: &[&str]) {
    assert!(parts.iter().all(|part| text.contains(part)), "{text:?} lacks one of {parts:?}");
}

/// It follows, holds, and tells no secret.
fn works(mut follower: CFollower, first: &str) {
    assert_eq!(first, "follows");
    follower.until("point 1", |point| point == "10");
    assert_eq!(follower.ask("serves"), "1");
    assert_eq!(follower.ask("locks 1 21"), "1");
    assert_eq!(follower.ask("holds 1 backup 20"), "held");
    assert_eq!(follower.ask("held 1 backup"), "1");
    let status = follower.ask("status");
    says(&status, &["\"is_connected\":true", "\"last_error\":null"]);
    tells_no_secret(&status);
    tells_no_secret(&follower.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_by_options() {
    let folder = tempfile::tempdir().unwrap();
    let host = CFollower::compile(folder.path());
    let (ours, theirs) = (Certificates::new(), Certificates::new());
    let (tls, foreign) = (ours.write(folder.path(), "etcd.example"), theirs.write(folder.path(), "foreign.example"));
    let both = |tls: &Tls| [text(tls.cert.as_ref().unwrap()), text(tls.key.as_ref().unwrap())];
    let ([cert, key], [foreign_cert, foreign_key]) = (both(&tls), both(&foreign));
    let (ca, foreign_ca) = (text(&tls.ca), text(&foreign.ca));
    let arguments = ["--cert-file", &cert, "--key-file", &key, "--client-cert-auth", "--trusted-ca-file", &ca, "--bcrypt-cost", "4"];
    let etcd = Etcd::spawn(1, "https", &arguments);
    let named = Tls { domain: Some("etcd.example".into()), ..tls.clone() };
    fill(&etcd.wait(&Settings { tls: Some(named), ..etcd.settings() }).await).await;

    let refused = |options: &[(&str, &str)]| refused(&host, &etcd, options);
    let (ca_of, name) = (("ca_file", ca.as_str()), ("tls_domain", "etcd.example"));
    let client = [("cert_file", cert.as_str()), ("key_file", key.as_str())];
    let misfit = ["IO error: ", "the CA file or the server name does not fit"];
    says(&refused(&[("ca_file", &foreign_ca), client[0], client[1], name]), &misfit);
    says(&refused(&[ca_of, client[0], client[1]]), &misfit);
    says(&refused(&[ca_of, name]), &["IO error: ", "client certificate"]);
    says(&refused(&[ca_of, ("cert_file", &foreign_cert), ("key_file", &foreign_key), name]), &["IO error: ", "client certificate"]);
    says(&refused(&[ca_of, ("cert_file", &cert), ("key_file", &foreign_key), name]), &["IO error: "]);
    says(&refused(&[ca_of, client[0], name]), &["Invalid argument: ", "must be given together"]);
    says(&refused(&[("ca_file", &key), client[0], client[1], name]), &["IO error: "]);
    says(&refused(&[]), &["Invalid argument: ", "begins with https"]);
    let (follower, first) = CFollower::start(&host, &etcd, &[ca_of, client[0], client[1], name]);
    works(follower, &first);

    // With users too.
    let pem = |path: &str| std::fs::read(path).unwrap();
    let with = TlsOptions::new().ca_certificate(Certificate::from_pem(pem(&ca))).domain_name("etcd.example");
    let with = with.identity(Identity::from_pem(pem(&cert), pem(&key)));
    let mut raw = etcd_client::Client::connect([etcd.endpoint(0)], Some(ConnectOptions::new().with_tls(with))).await.unwrap();
    add_user(&mut raw, "root", []).await;
    add_user(&mut raw, "node", of_a_node(7)).await;
    raw.auth_enable().await.unwrap();
    let file = password(folder.path(), "password", &format!("{PASSWORD}\n"));
    let wrong = password(folder.path(), "wrong", &format!("{PASSWORD}-not\n"));
    let tls = [ca_of, client[0], client[1], name];
    let user = |file| [&tls[..], &[("user", "node"), ("password_file", file)][..]].concat();
    says(&refused(&user(&wrong)), &["IO error: ", "check the user's name and the password file"]);
    let (follower, first) = CFollower::start(&host, &etcd, &user(&file));
    works(follower, &first);
}

struct WithUsers {
    host: PathBuf,
    etcd: Etcd,
    raw: etcd_client::Client,
    root: Client,
    file: String,
}

/// Users `root` and `node`; the password file is `node`'s.
async fn with_users(permissions: Vec<Permission>) -> WithUsers {
    let etcd = Etcd::start_with(1, &["--bcrypt-cost", "4"]).await;
    let mut raw = etcd.raw().await;
    add_user(&mut raw, "root", []).await;
    add_user(&mut raw, "node", permissions).await;
    fill(&etcd.client().await).await;
    raw.auth_enable().await.unwrap();
    let options = ConnectOptions::new().with_user("root", PASSWORD);
    let raw = etcd_client::Client::connect([etcd.endpoint(0)], Some(options)).await.unwrap();
    let user = Some(("root".into(), Secret::new(PASSWORD.into())));
    let root = Client::connect(&Settings { user, ..etcd.settings() }).await.unwrap();
    let (host, file) = (CFollower::compile(&etcd.folder()), password(&etcd.folder(), "password", PASSWORD));
    WithUsers { host, etcd, raw, root, file }
}

#[tokio::test(flavor = "multi_thread")]
async fn users_by_options() {
    let WithUsers { host, etcd, mut raw, file, .. } = with_users(of_a_node(7)).await;
    let refused = |options: &[(&str, &str)]| refused(&host, &etcd, options);
    let wrong = password(&etcd.folder(), "wrong", &format!("{PASSWORD}-not"));
    let empty = password(&etcd.folder(), "empty", "");
    says(&refused(&[]), &["IO error: ", "etcd asks for a user: give a name and a password file"]);
    says(&refused(&[("user", "node"), ("password_file", &wrong)]), &["IO error: ", "check the user's name and the password file"]);
    says(&refused(&[("user", "no"), ("password_file", &file)]), &["IO error: ", "check the user's name and the password file"]);
    says(&refused(&[("user", "node"), ("password_file", &empty)]), &["Invalid argument: ", "has no first line of text"]);
    says(&refused(&[("user", "node"), ("password", PASSWORD)]), &["Invalid argument: ", "there is no option \"password\""]);
    let user = [("user", "node"), ("password_file", file.as_str())];
    let (follower, first) = CFollower::start(&host, &etcd, &user);
    works(follower, &first);

    // Without the right to register, or to tell its clock, a node does not follow.
    let begins = ["/pd/", "/keyspaces/tidb/", "/rocks-gc/7/nodes/", "/rocks-gc/7/clocks/nodes/"].map(|without| (without, 4000));
    for (without, follow_ms) in begins.into_iter().chain([("/pd/7/keyspaces/service_safe_point/", 30_000)]) {
        let name = without.replace('/', "-");
        let all = of_a_node(7);
        add_user(&mut raw, &name, all.into_iter().filter(|permission| permission.key() != without.as_bytes())).await;
        let options = [("user", name.as_str()), user[1], ("node", &name)];
        let (mut follower, mut said) = CFollower::start_within(&host, &etcd, &options, follow_ms);
        if said == "follows" {
            said = follower.ask("holds 1 backup 20");
        }
        says(&said, &["IO error: ", without, "permission denied", "grant the user's role this range in etcd"]);
        tells_no_secret(&follower.log());
    }
}

/// etcd 3.4 goes on with a watch whose permission was taken away. The node's next call is refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_permission_that_is_taken_away_and_given_back() {
    let WithUsers { host, etcd, mut raw, root, file, .. } = with_users(of_a_node(7)).await;
    let user = [("user", "node"), ("password_file", file.as_str()), ("lease_seconds", "4")];
    let (mut follower, first) = CFollower::start(&host, &etcd, &user);
    assert_eq!(first, "follows", "{}", follower.log());
    follower.until("point 1", |point| point == "10");
    raw.user_revoke_role("node", "node").await.unwrap();
    let status = follower.until("status", |status| status.contains("permission denied"));
    says(&status, &["\"is_connected\":false"]);
    put(&root, T, "40").await;
    put(&root, G, safe_point(30)).await;
    // One of many is not enough.
    raw.role_add("part").await.unwrap();
    raw.role_grant_permission("part", Permission::read("/pd/").with_prefix()).await.unwrap();
    raw.user_grant_role("node", "part").await.unwrap();
    follower.until("status", |status| status.contains("cannot list /rocks-gc/7/"));
    assert_eq!(follower.ask("point 1"), "10", "it keeps what it has");
    raw.user_grant_role("node", "node").await.unwrap();
    follower.until("point 1", |point| point == "30");
    follower.until("locks 1 41", |locks| locks == "1");
    assert_eq!(follower.ask("locks 1 40"), "0");
    tells_no_secret(&follower.log());
}
