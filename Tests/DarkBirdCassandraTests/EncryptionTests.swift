import DarkBird
import Foundation
import NIOSSL
import Testing

@testable import DarkBirdCassandra

/// Encrypted connections, and certificates that are those of the server or not.
@Suite(.timeLimit(.minutes(30))) struct EncryptionTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func server(_ certificate: String, _ key: String) throws -> CQLServer {
    let configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: [.certificate(try NIOSSLCertificate(bytes: Array(certificate.utf8), format: .pem))],
      privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(key.utf8), format: .pem)))
    return try CQLServer(tls: NIOSSLContext(configuration: configuration), answer: MemoryCassandra().answer)
  }

  private func check(_ server: CQLServer, _ options: String, host: String = "127.0.0.1", scheme: String = "cassandras")
    throws
  {
    try CassandraAddress("\(scheme)://\(host):\(server.port)/club\(options)").check()
  }

  @Test func certificatesAreVerified() throws {
    let authority = try directory.file("ca.pem", Self.authority)
    let here = try server(Self.here, Self.hereKey)
    try check(here, "?ca=\(authority)")
    try check(here, "?ca=\(authority)", host: "localhost")
    try check(here, "?tls=verify-full&ca=\(authority)", scheme: "cassandra")
    try check(here, "?tls=require")
    // Of nobody that the system knows.
    let unknown = #expect(throws: DatabaseError.self) { try check(here, "") }
    #expect(
      unknown?.kind == .certificate && unknown?.reason.contains("not trusted") == true, "\(String(describing: unknown))"
    )

    let elsewhere = try server(Self.elsewhere, Self.elsewhereKey)
    for host in ["127.0.0.1", "localhost"] {
      let error = #expect(throws: DatabaseError.self) { try check(elsewhere, "?ca=\(authority)", host: host) }
      #expect(
        error?.kind == .certificate && error?.reason.contains("not of this host") == true,
        "\(String(describing: error))")
    }
    try check(elsewhere, "?tls=verify-ca&ca=\(authority)")
    let unreadable = #expect(throws: DatabaseError.self) { try check(here, "?ca=/nowhere") }
    #expect(unreadable?.kind == .certificate && unreadable?.reason.contains("/nowhere") == true)
  }

  @Test func serversThatDoNotEncryptAreNotSpokenTo() throws {
    let plain = try CQLServer { request, connection, stream in
      Issue.record("a request in the clear: \(request)")
      connection.send(.ready, stream)
    }
    let error = #expect(throws: DatabaseError.self) { try check(plain, "?tls=require") }
    #expect(error?.reason.contains("\n") == false, "\(String(describing: error))")
    let encrypted = try server(Self.here, Self.hereKey)
    let other = #expect(throws: DatabaseError.self) { try check(encrypted, "", scheme: "cassandra") }
    #expect(other?.reason.contains("\n") == false, "\(String(describing: other))")
  }

  // Made for these tests with openssl, for 127.0.0.1 and localhost, and for elsewhere.example, until 2126. They guard nothing.
  private static let authority = """
    -----BEGIN CERTIFICATE-----
    MIIBijCCAS+gAwIBAgIUcEsua3QDTUm8Sc61KSjNfkIa1xkwCgYIKoZIzj0EAwIw
    GTEXMBUGA1UEAwwORGFya0JpcmQgdGVzdHMwIBcNMjYxMTI3MTU1NDUxWhgPMjEy
    NjExMDMxNTU0NTFaMBkxFzAVBgNVBAMMDkRhcmtCaXJkIHRlc3RzMFkwEwYHKoZI
    zj0CAQYIKoZIzj0DAQcDQgAEbIbKwXrp+Z28J9Nra3uQkdTBIi8EVIRkecy1eZKU
    RmgpXEsqvWCSx9WyLk/Q9BS0tZmWFWYThW1L3TTqW73wC6NTMFEwHQYDVR0OBBYE
    FE/aoae8QDf5Crp9hqqg/wJFqtG+MB8GA1UdIwQYMBaAFE/aoae8QDf5Crp9hqqg
    /wJFqtG+MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSQAwRgIhAMZ74foz
    fNIpd6SGQn+f2KY0q2Q6YP+R1tuzAJ1+m8e1AiEAtjX10pnI3kakwIF8CtbuCHRl
    lNoBr4HXfPLcMRfmvXc=
    -----END CERTIFICATE-----
    """
  private static let here = """
    -----BEGIN CERTIFICATE-----
    MIIBijCCATCgAwIBAgIUeTFOua4QbVTeX/J7Vyof4YiWFrowCgYIKoZIzj0EAwIw
    GTEXMBUGA1UEAwwORGFya0JpcmQgdGVzdHMwIBcNMjYxMTI3MTU1NDUxWhgPMjEy
    NjExMDMxNTU0NTFaMA8xDTALBgNVBAMMBGhlcmUwWTATBgcqhkjOPQIBBggqhkjO
    PQMBBwNCAARlxwoxUvwqf/xKFxUBUmjGIZAC7oYox5UwD3yCRA7I1w92/xVho2Lx
    dalifH/WEowSjrpjEpxUWsXR1Oppussao14wXDAaBgNVHREEEzARhwR/AAABggls
    b2NhbGhvc3QwHQYDVR0OBBYEFEeZ9axg9T8+/w7mhDeVk98qaUVHMB8GA1UdIwQY
    MBaAFE/aoae8QDf5Crp9hqqg/wJFqtG+MAoGCCqGSM49BAMCA0gAMEUCIQDVtPod
    vOFkJ6IRZ5Q8/FZxUkfl7kNNtecC2gjU4xoMIwIgEb+xXL8Lgn6Av8A2skGxu3gD
    IJBefuGbin0bof9Ggls=
    -----END CERTIFICATE-----
    """
  private static let hereKey = """
    -----BEGIN PRIVATE KEY-----
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgt5ZbTWRli4ayAcc1
    MmE/11UvO9yKj0Rnl6dyz9kKzQuhRANCAARlxwoxUvwqf/xKFxUBUmjGIZAC7oYo
    x5UwD3yCRA7I1w92/xVho2LxdalifH/WEowSjrpjEpxUWsXR1Oppussa
    -----END PRIVATE KEY-----
    """
  private static let elsewhere = """
    -----BEGIN CERTIFICATE-----
    MIIBkjCCATegAwIBAgIUeTFOua4QbVTeX/J7Vyof4YiWFrswCgYIKoZIzj0EAwIw
    GTEXMBUGA1UEAwwORGFya0JpcmQgdGVzdHMwIBcNMjYxMTI3MTU1NDUxWhgPMjEy
    NjExMDMxNTU0NTFaMBQxEjAQBgNVBAMMCWVsc2V3aGVyZTBZMBMGByqGSM49AgEG
    CCqGSM49AwEHA0IABIJSwpNpHKVniN1SCQdsy21EWJrDwxgto9x1gbLWy1w1Gw+m
    Zew6E4NOvC8LeMC1uFakQpAjz0VhU4jn077u2HSjYDBeMBwGA1UdEQQVMBOCEWVs
    c2V3aGVyZS5leGFtcGxlMB0GA1UdDgQWBBTDDdAPalDSGFQKAPLbQu3KXPI4szAf
    BgNVHSMEGDAWgBRP2qGnvEA3+Qq6fYaqoP8CRarRvjAKBggqhkjOPQQDAgNJADBG
    AiEAlbIPNmMhISUWTQ7t8Z9eZw+VmtQ3jZ2qNremnY2ELf4CIQDSsR0od5TK0c8Y
    cRkL8S9b4HqaGdP061TobG5umQAvaQ==
    -----END CERTIFICATE-----
    """
  private static let elsewhereKey = """
    -----BEGIN PRIVATE KEY-----
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgDq38cVCAJm5a2gPA
    UWXWH6tqk50S+pqi43WxN3KdKgyhRANCAASCUsKTaRylZ4jdUgkHbMttRFiaw8MY
    LaPcdYGy1stcNRsPpmXsOhODTrwvC3jAtbhWpEKQI89FYVOI59O+7th0
    -----END PRIVATE KEY-----
    """
}
