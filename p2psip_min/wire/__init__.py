"""RELOAD 1.0 on the wire (RFC 6940): bytes in, values out, and nothing but Malformed when the bytes are wrong.

Reading order: header (what forwarders touch), framing (one link), codec (the engine), messages (every method, with
chord, ice and diagnostics), data and kinds (stored values), security (signatures), message (the whole), fragments,
options, evidence (what can be shown to others), pcap.

Where the RFC leaves a choice, this is ours; tests/wire/test_golden.py holds bytes for each number:

 1. An opaque id of two bytes whose top bit is set is written in the short form; both forms read alike (§6.3.2.2).
 2. A resource or opaque entry of a list has two lengths; they must agree (§6.3.2.2).
 3. An entry of a later destination type is malformed: nobody could route by it (§6.3.2.2).
 4. Bit k-1 of an acknowledgement's mask, from the least significant, is the frame k before (§6.6.1).
 5. A value's signature covers the Resource-ID with its length byte, as on the wire (§7.1).
 6. An array's index is signed as 0, whatever it is, so that appended values verify (§7.1, §7.4.1.1).
 7. The values of a Kind that the reader does not know stay bytes: that is no parse error (§7.4.1.1).
 8. FindAns says "none" by a Resource-ID of zero length (§7.4.4.2).
 9. The first length of metadata counts the rest of the structure; the digest covers a value's length too (§7.4.3.2).
10. Diagnostics carry a list's length twice in a row; both must agree (RFC 7851 §5).
11. An identity of type none is empty; a later type is kept as bytes and verifies nothing (§6.3.4).
12. A certificate that is not X.509 makes the message malformed (§6.3.4).
13. Fragment offsets count from the end of the header, over contents and security block; every piece but the last
    must bring 256 bytes; where pieces overlap the one that starts first counts (§6.7).
14. ConfigUpdate's outer and inner lengths must agree; a later type is kept as bytes (§6.5.4).
15. A boolean other than 0 and 1 is malformed (§6.3.1).
16. Probe information of a later type is kept as bytes (§6.4.2.5).
17. A specifier's vector has a length of its own inside the specifier's; "all keys" is an empty vector (§7.4.2.1).
18. Bytes after a body, a structure or a message are malformed; UpdateAns is empty (§6.3.3).
19. A code without a method is no parse error: its body stays bytes, and the caller decides (§6.3.3).
20. The Kinds that Unknown_Kind names are counted in bytes by one byte, so they are 63 at most (§7.4.1.2).
21. ECDSA signatures are DER, as TLS 1.2 has them, since the algorithms are TLS's (§6.3.4).
22. Encrypted values stand under Kinds of their own, 0xFE000000 and the plain Kind's number, for private use (§14.6).
23. Forwarding option 160, one byte, asks every forwarder for its n-th best next hop; who does not know it takes the
    best (§6.3.2.3, §14.12). It is also a RouteQuery's, who then wants the n-th best named.
24. Extension 160 of a RouteQueryAns, not critical, is a list of further next hops, as in a header (§6.3.3, §14.14).
25. Kinds 0xF0000031 to 0xF0000035 are for private use (§14.6): publications, consent, readers, grants, blinded
    registrations. A grant is RFC 8076's item with operations and an end of its own, in a dictionary, not an array.
26. Extension 161 of an answer, not critical, is a receipt: when it was given, and SHA-256 of what the request's
    signature covers but for the signer's identity (§6.3.3, §6.3.4, §14.14).
"""
