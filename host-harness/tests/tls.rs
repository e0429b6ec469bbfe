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
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A server on loopback whose certificate for `localhost` comes from an authority of its own.
struct Server {
    address: SocketAddr,
    authority_pem: String,
}

impl Server {
    async fn start(protocol: &'static str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], PrivatePkcs8KeyDer::from(key.serialize_der()).into())
            .unwrap();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(listener, TlsAcceptor::from(Arc::new(config)), protocol));
        Self { address, authority_pem: authority.pem() }
    }
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, protocol: &'static str) {
    while let Ok((stream, _)) = listener.accept().await {
        // A client that does not trust the certificate ends the handshake.
        let Ok(stream) = acceptor.accept(stream).await else { continue };
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
        let server = Server::start(protocol).await;
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
    let server = Server::start("http/1.1").await;
    let said = program_for(&server).run(&["test", "definition.json", "--json"]);
    assert_eq!(said.code, Some(4), "{said:?}");
    assert!(said.stdout.contains("the server's certificate is not trusted"), "{}", said.stdout);
    assert!(said.stdout.contains(r#""effect":"none""#), "{}", said.stdout);
}
