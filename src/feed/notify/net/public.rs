//! Whether an address is one of the open internet.
//!
//! Owns the list of what is not (T35): this machine, local networks, clouds' metadata, and every form in which
//! IPv6 carries such an address. Start with [`is_public`].

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// False for everything that is special in any way; an unknown range counts as special.
pub(in crate::feed::notify) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_unspecified()
        || address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation()
        || a == 0
        // Shared by carriers, protocol assignments, benchmarks, the old 6to4 relay, multicast and reserved.
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (b == 18 || b == 19))
        || (a == 192 && b == 88 && c == 99)
        || a >= 224)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let s = address.segments();
    let low = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match s {
        // The translation prefix and 6to4 carry an IPv4 address, which is what is reached.
        [0x64, 0xff9b, 0, 0, 0, 0, high, lower] => is_public_v4(low(high, lower)),
        [0x2002, high, lower, ..] => is_public_v4(low(high, lower)),
        // Protocol assignments (Teredo among them) and documentation.
        [0x2001, second, ..] if second < 0x200 || second == 0xdb8 => false,
        [0x3fff, second, ..] if second < 0x1000 => false,
        // Only this part is given out to the world; mapped, local and multicast addresses lie outside.
        [first, ..] => (first & 0xe000) == 0x2000,
    }
}
