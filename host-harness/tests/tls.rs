//! TLS as the first real call meets it: a certificate is trusted when the platform's roots say so, and never otherwise.

mod program;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Response, header};
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use program::{Program, definition};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// An authority of this test's own.
type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// What a server is like.
struct Setup {
    protocol: &'static str,
    /// Whom its certificate is for, and how long that is good.
    name: &'static str,
    good_until_year: i32,
    /// Whose certificates it wants to see.
    clients: Option<RootCertStore>,
}

const GOOD: Setup = Setup { protocol: "http/1.1", name: "localhost", good_until_year: 4000, clients: None };

/// A server on loopback whose certificate comes from an authority of its own.
struct Server {
    address: SocketAddr,
    authority_pem: String,
}

impl Server {
    async fn start(Setup { protocol, name, good_until_year, clients }: Setup) -> Self {
        let authority = authority();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(good_until_year, 1, 1);
        let certificate = params.signed_by(&key, &authority).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
        let config = config.unwrap();
        let config = match clients {
            Some(roots) => {
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
                config.with_client_cert_verifier(verifier)
            }
            None => config.with_no_client_auth(),
        };
        let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
        let mut config = config.with_single_cert(vec![certificate.der().clone()], key).unwrap();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(listener, TlsAcceptor::from(Arc::new(config)), protocol));
        Self { address, authority_pem: authority.pem() }
    }
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, protocol: &'static str) {
    while let Ok((stream, _)) = listener.accept().await {
        let stream = match acceptor.accept(stream).into_fallible().await {
            Ok(stream) => stream,
            // One side does not trust the other. Closed with bytes unread, the connection would be reset, and a client could
            // lose the alert that says why.
            Err((_, mut stream)) => {
                tokio::spawn(async move { tokio::io::copy(&mut stream, &mut tokio::io::sink()).await });
                continue;
            }
        };
        let answer = service_fn(|request: http::Request<hyper::body::Incoming>| async move {
            let host = request.uri().authority().map(ToString::to_string);
            let host = host.or_else(|| Some(request.headers().get(header::HOST)?.to_str().ok()?.to_owned()));
            let response = Response::builder().header(header::CONTENT_TYPE, "text/plain");
            Ok::<_, Infallible>(response.body(Full::new(Bytes::from(host.unwrap_or_default()))).unwrap())
        });
        tokio::spawn(async move {
            let stream = TokioIo::new(stream);
            let _ = match protocol {
                "h2" => {
                    hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                        .serve_connection(stream, answer)
                        .await
                }
                _ => hyper::server::conn::http1::Builder::new().serve_connection(stream, answer).await,
            };
        });
    }
}

fn program_for(server: &Server) -> Program {
    let program = Program::new();
    program.write("authority.pem", &server.authority_pem);
    program.write(
        "definition.json",
        &definition(&format!(
            r#""httpRequest": {{"method": "GET", "url": "https://localhost:{}/"}}"#,
            server.address.port()
        )),
    );
    program.succeeds(&["grant", "definition.json"]);
    program
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_the_platforms_roots_is_trusted_over_http_1_and_2() {
    for (protocol, version) in [("http/1.1", "HTTP/1.1"), ("h2", "HTTP/2.0")] {
        let server = Server::start(Setup { protocol, ..GOOD }).await;
        // On Linux the platform's roots are where these variables say.
        let program = program_for(&server).env("SSL_CERT_FILE", "authority.pem");
        if !cfg!(target_os = "linux") {
            return program::skip("the platform's roots are a file only on Linux");
        }
        let said = program.succeeds(&["test", "definition.json"]);
        assert!(said.stdout.contains(version), "{}", said.stdout);
        assert!(said.stdout.contains(&format!("\nlocalhost:{}\n", server.address.port())), "{}", said.stdout);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_other_certificate_ends_the_exchange_before_anything_is_sent() {
    let server = Server::start(GOOD).await;
    let said = program_for(&server).run(&["test", "definition.json", "--json"]);
    assert_eq!(said.code, Some(4), "{said:?}");
    assert!(said.stdout.contains("the server's certificate is not trusted"), "{}", said.stdout);
    assert!(said.stdout.contains(r#""effect":"none""#), "{}", said.stdout);
}

/// The server's authority is trusted by the transport file; what it says beyond that is `more`.
fn trusting(server: &Server, more: &str) -> Program {
    let program = program_for(server);
    program.write("transport.toml", &format!("authorities = [\"authority.pem\"]\n{more}"));
    program
}

const TEST: [&str; 5] = ["test", "definition.json", "--json", "--transport", "transport.toml"];

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_of_the_transport_file_is_trusted_over_http_1_and_2() {
    for (protocol, version) in [("http/1.1", "HTTP/1.1"), ("h2", "HTTP/2.0")] {
        let server = Server::start(Setup { protocol, ..GOOD }).await;
        let said = trusting(&server, "").succeeds(&[&TEST[..2], &TEST[3..]].concat());
        assert!(said.stdout.contains(version), "{}", said.stdout);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_for_another_name_or_past_its_time_is_not_trusted() {
    for (setup, why) in [
        (Setup { name: "elsewhere.test", ..GOOD }, "not valid for name"),
        (Setup { good_until_year: 2001, ..GOOD }, "expired"),
    ] {
        let server = Server::start(setup).await;
        let said = trusting(&server, "").run(&TEST);
        assert_eq!(said.code, Some(4), "{said:?}");
        assert!(said.stdout.contains("the server's certificate is not trusted"), "{}", said.stdout);
        assert!(said.stdout.contains(r#""effect":"none""#) && said.stdout.contains(why), "{}", said.stdout);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_certificate_is_shown_to_the_origins_it_is_for_and_to_no_other() {
    let clients = authority();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["host".to_owned()]).unwrap().signed_by(&key, &clients).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(clients.der().clone()).unwrap();
    let server = Server::start(Setup { clients: Some(roots), ..GOOD }).await;
    let identity = |origin: &str| {
        format!("[[identities]]\norigins = [\"{origin}\"]\ncertificate = \"client.pem\"\nkey = \"client-key.pem\"\n")
    };
    let with_files = |more: &str| {
        let program = trusting(&server, more);
        program.write("client.pem", &certificate.pem());
        program.write("client-key.pem", &key.serialize_pem());
        assert!(program.shell("chmod 600 client-key.pem").status.success());
        program
    };
    let origin = format!("https://localhost:{}", server.address.port());

    with_files(&identity(&origin)).succeeds(&TEST);

    for other in [String::new(), identity("https://localhost")] {
        let said = with_files(&other).run(&TEST);
        assert_eq!(said.code, Some(4), "{said:?}");
        // Whoever refuses a certificate has read no request. Whether its alert or the end of the connection is seen first is
        // not for us to say.
        assert!(
            said.stdout.contains(r#""sent":false"#) && said.stdout.contains(r#""effect":"none""#),
            "{}",
            said.stdout
        );
    }

    let program = with_files(&identity(&origin));
    assert!(program.shell("chmod 644 client-key.pem").status.success());
    let said = program.run(&TEST);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.stdout.contains("others can read this secret (mode 644): chmod 600 it"), "{}", said.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_is_named_dials_and_none_of_the_environment_does() {
    let server = Server::start(GOOD).await;
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy_url = format!("http://{}", proxy.local_addr().unwrap());
    let (asked, mut connects) = tokio::sync::mpsc::unbounded_channel();
    let to = server.address;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = proxy.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            asked.send(String::from_utf8(head).unwrap()).unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            let mut onward = TcpStream::connect(to).await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut stream, &mut onward).await });
        }
    });
    trusting(&server, &format!("proxy = \"{proxy_url}\"\n")).succeeds(&TEST);
    let connect = connects.recv().await.unwrap();
    assert!(connect.starts_with(&format!("CONNECT localhost:{} HTTP/1.1\r\n", server.address.port())), "{connect}");

    let program = trusting(&server, "");
    let program = ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy"]
        .iter()
        .fold(program, |program, name| program.env(name, &proxy_url));
    program.succeeds(&TEST);
    assert!(connects.try_recv().is_err());
}
