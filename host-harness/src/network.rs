//! An address → the closed networks that it is in. What is on none of them is the public internet; the others are open
//! only where a grant names the network.
//!
//! The ranges are those of IANA's special-purpose address registries; whatever of IPv6 is not global unicast is reserved.

use std::collections::BTreeSet;
use std::fmt::{self, Display};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use self::Network::*;

/// A kind of network that is closed unless a grant names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Network {
    /// This machine.
    Loopback,
    /// A private network (RFC 1918).
    Private,
    /// The link, and what configures itself there (RFC 3927, RFC 4291).
    LinkLocal,
    /// Where clouds hand out the credentials of a machine. Not opened by the network around it.
    Metadata,
    /// A carrier's shared space, CGNAT (RFC 6598).
    Shared,
    /// IPv6's private networks, ULA (RFC 4193).
    UniqueLocal,
    /// Groups (RFC 5771, RFC 4291).
    Multicast,
    /// No address, "this network" (RFC 1122, RFC 4291); several systems take it for this machine.
    Unspecified,
    /// Examples (RFC 5737, RFC 3849, RFC 9637).
    Documentation,
    /// Benchmarks, protocols, broadcast, and what is not assigned.
    Reserved,
    /// An IPv4 address in IPv6's form (RFC 4291, section 2.5.5.2). What it holds must be open as well.
    Ipv4Mapped,
    /// The same in its older form (section 2.5.5.1).
    Ipv4Compatible,
    /// An IPv4 address behind a translator (RFC 6052, RFC 8215). What it holds must be open as well.
    Nat64,
    /// An IPv4 address as the end of a tunnel (RFC 3056).
    SixToFour,
    /// Two of them (RFC 4380).
    Teredo,
}

/// Networks that a request may go to beyond the public internet.
pub type Networks = BTreeSet<Network>;

/// In settings files and messages.
const NAMES: [(Network, &str); 15] = [
    (Loopback, "loopback"),
    (Private, "private"),
    (LinkLocal, "link-local"),
    (Metadata, "metadata"),
    (Shared, "shared"),
    (UniqueLocal, "unique-local"),
    (Multicast, "multicast"),
    (Unspecified, "unspecified"),
    (Documentation, "documentation"),
    (Reserved, "reserved"),
    (Ipv4Mapped, "ipv4-mapped"),
    (Ipv4Compatible, "ipv4-compatible"),
    (Nat64, "nat64"),
    (SixToFour, "6to4"),
    (Teredo, "teredo"),
];

/// The first that matches counts, so that what is narrow stands before what is around it.
const IPV4: [(Ipv4Addr, u32, Network); 23] = [
    // Amazon (also of containers), and who does as Amazon does: Google, Azure, DigitalOcean, Hetzner, OpenStack.
    (Ipv4Addr::new(169, 254, 169, 254), 32, Metadata),
    (Ipv4Addr::new(169, 254, 170, 2), 32, Metadata),
    (Ipv4Addr::new(169, 254, 170, 23), 32, Metadata),
    // Alibaba, Azure's wire server (a public address), Oracle.
    (Ipv4Addr::new(100, 100, 100, 200), 32, Metadata),
    (Ipv4Addr::new(168, 63, 129, 16), 32, Metadata),
    (Ipv4Addr::new(192, 0, 0, 192), 32, Metadata),
    (Ipv4Addr::new(0, 0, 0, 0), 8, Unspecified),
    (Ipv4Addr::new(10, 0, 0, 0), 8, Private),
    (Ipv4Addr::new(100, 64, 0, 0), 10, Shared),
    (Ipv4Addr::new(127, 0, 0, 0), 8, Loopback),
    (Ipv4Addr::new(169, 254, 0, 0), 16, LinkLocal),
    (Ipv4Addr::new(172, 16, 0, 0), 12, Private),
    (Ipv4Addr::new(192, 0, 0, 0), 24, Reserved),
    (Ipv4Addr::new(192, 0, 2, 0), 24, Documentation),
    (Ipv4Addr::new(192, 31, 196, 0), 24, Reserved),
    (Ipv4Addr::new(192, 52, 193, 0), 24, Reserved),
    (Ipv4Addr::new(192, 88, 99, 0), 24, Reserved),
    (Ipv4Addr::new(192, 168, 0, 0), 16, Private),
    (Ipv4Addr::new(198, 18, 0, 0), 15, Reserved),
    (Ipv4Addr::new(198, 51, 100, 0), 24, Documentation),
    (Ipv4Addr::new(203, 0, 113, 0), 24, Documentation),
    (Ipv4Addr::new(224, 0, 0, 0), 4, Multicast),
    (Ipv4Addr::new(240, 0, 0, 0), 4, Reserved),
];

const IPV6: [(Ipv6Addr, u32, Network); 18] = [
    // Amazon, Google.
    (Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), 128, Metadata),
    (Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254), 128, Metadata),
    (Ipv6Addr::UNSPECIFIED, 128, Unspecified),
    (Ipv6Addr::LOCALHOST, 128, Loopback),
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96, Ipv4Mapped),
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0, 0, 0), 96, Ipv4Compatible),
    (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96, Nat64),
    (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48, Nat64),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 32, Teredo),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, Documentation),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, Reserved),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, SixToFour),
    (Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0), 48, Reserved),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, Documentation),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, UniqueLocal),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10, LinkLocal),
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10, Private),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8, Multicast),
];

/// The closed networks that an address is in, all of which must be open for it; none for one of the public internet.
pub fn networks_of(address: IpAddr) -> Networks {
    match address {
        IpAddr::V4(address) => network_of_v4(address).into_iter().collect(),
        IpAddr::V6(address) => {
            let network = network_of_v6(address);
            let within = network.map_or_else(Vec::new, |network| embedded(address, network));
            network.into_iter().chain(within.into_iter().filter_map(network_of_v4)).collect()
        }
    }
}

fn network_of_v4(address: Ipv4Addr) -> Option<Network> {
    let within = |network: Ipv4Addr, bits| (address.to_bits() ^ network.to_bits()) >> (32 - bits) == 0;
    IPV4.iter().find(|(network, bits, _)| within(*network, *bits)).map(|(_, _, name)| *name)
}

fn network_of_v6(address: Ipv6Addr) -> Option<Network> {
    let within = |network: Ipv6Addr, bits| (address.to_bits() ^ network.to_bits()) >> (128 - bits) == 0;
    let listed = IPV6.iter().find(|(network, bits, _)| within(*network, *bits)).map(|(_, _, name)| *name);
    // What is assigned of global unicast (RFC 4291, section 2.4).
    let is_global = address.to_bits() >> 125 == 1;
    listed.or_else(|| (!is_global).then_some(Reserved))
}

/// The IPv4 addresses that an address of this network stands for.
fn embedded(address: Ipv6Addr, network: Network) -> Vec<Ipv4Addr> {
    let bits = address.to_bits();
    let at = |shift: u32| Ipv4Addr::from_bits((bits >> shift) as u32);
    match network {
        Ipv4Mapped | Ipv4Compatible | Nat64 => vec![at(0)],
        SixToFour => vec![at(80)],
        // The server, and the client, whose bits are turned over.
        Teredo => vec![at(64), Ipv4Addr::from_bits(!at(0).to_bits())],
        _ => Vec::new(),
    }
}

impl Network {
    /// All of them.
    pub const ALL: [Self; NAMES.len()] = {
        let mut all = [Loopback; NAMES.len()];
        let mut at = 0;
        while at < all.len() {
            all[at] = NAMES[at].0;
            at += 1;
        }
        all
    };
}

impl Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAMES.iter().find(|(network, _)| network == self).map_or("", |(_, name)| name))
    }
}

/// The name of no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkError;

impl Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = NAMES.iter().map(|(_, name)| format!("`{name}`")).collect();
        write!(f, "a network is one of {}", names.join(", "))
    }
}

impl std::error::Error for NetworkError {}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        NAMES.iter().find(|(_, name)| *name == text).map(|(network, _)| *network).ok_or(NetworkError)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn named(address: &str) -> String {
        networks_of(address.parse().unwrap()).iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn every_closed_range_is_closed_from_its_first_address_to_its_last_and_not_beyond() {
        for (first, last, name) in [
            ("0.0.0.0", "0.255.255.255", "unspecified"),
            ("10.0.0.0", "10.255.255.255", "private"),
            ("100.64.0.0", "100.127.255.255", "shared"),
            ("127.0.0.0", "127.255.255.255", "loopback"),
            ("169.254.0.0", "169.254.255.255", "link-local"),
            ("172.16.0.0", "172.31.255.255", "private"),
            ("192.0.0.0", "192.0.0.255", "reserved"),
            ("192.0.2.0", "192.0.2.255", "documentation"),
            ("192.88.99.0", "192.88.99.255", "reserved"),
            ("192.168.0.0", "192.168.255.255", "private"),
            ("198.18.0.0", "198.19.255.255", "reserved"),
            ("198.51.100.0", "198.51.100.255", "documentation"),
            ("203.0.113.0", "203.0.113.255", "documentation"),
        ] {
            let [first, last]: [Ipv4Addr; 2] = [first, last].map(|address| address.parse().unwrap());
            assert_eq!([named(&first.to_string()), named(&last.to_string())], [name, name]);
            for beyond in [first.to_bits().wrapping_sub(1), last.to_bits() + 1] {
                let beyond = Ipv4Addr::from_bits(beyond).to_string();
                assert_ne!(named(&beyond), name, "{beyond}");
            }
        }
        for (address, name) in [("224.0.0.0", "multicast"), ("239.255.255.255", "multicast"), ("240.0.0.0", "reserved")]
        {
            assert_eq!(named(address), name);
        }
    }

    #[test]
    fn what_an_address_holds_must_be_open_as_well() {
        for (address, names) in [
            ("::ffff:127.0.0.1", "loopback ipv4-mapped"),
            ("::ffff:93.184.216.34", "ipv4-mapped"),
            ("::10.0.0.1", "private ipv4-compatible"),
            ("64:ff9b::a9fe:a9fe", "metadata nat64"),
            ("64:ff9b:1::7f00:1", "loopback nat64"),
            ("2002:7f00:1::", "loopback 6to4"),
            ("2001:0:5db8:d822::3f57:fefd", "private teredo"),
        ] {
            assert_eq!(named(address), names, "{address}");
        }
    }

    #[test]
    fn metadata_is_not_opened_by_the_network_around_it() {
        for address in ["169.254.169.254", "100.100.100.200", "fd00:ec2::254", "168.63.129.16"] {
            assert_eq!(named(address), "metadata", "{address}");
        }
    }

    #[test]
    fn the_public_internet_is_open_and_nothing_else_of_ipv6() {
        for address in ["1.1.1.1", "104.16.0.1", "2606:4700::1111", "2a00:1450::1", "2001:4860:4860::8888"] {
            assert_eq!(named(address), "", "{address}");
        }
        for address in ["::2:0:0:0", "100::1", "5f00::1", "4000::1", "fec0::1", "::ffff:0:7f00:1"] {
            assert_ne!(named(address), "", "{address}");
        }
    }

    proptest! {
        #[test]
        fn the_standard_library_calls_nothing_closed_that_is_open_here(bits in any::<u32>()) {
            let address = Ipv4Addr::from_bits(bits);
            let closed = address.is_private() || address.is_loopback() || address.is_link_local()
                || address.is_broadcast() || address.is_documentation() || address.is_multicast()
                || address.is_unspecified();
            prop_assert!(!closed || network_of_v4(address).is_some());
        }

        #[test]
        fn a_network_is_read_as_it_is_written(index in 0..NAMES.len()) {
            let (network, name) = NAMES[index];
            prop_assert_eq!(name.parse(), Ok(network));
            prop_assert_eq!(network.to_string(), name);
        }
    }
}
