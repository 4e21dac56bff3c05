/** The network of a caller, under which attempts are counted. */
import { Result } from "effect"
import { NetAddress } from "effect/net"

/**
 * An IPv4 address, or the /64 of an IPv6 address: the smallest network that one subscriber has, who can take any address in
 * it. A text that is no address stands for itself.
 */
export const networkOf = (address: string): string => {
  const parsed = NetAddress.ipFromString(address)
  if (Result.isFailure(parsed)) return address
  // An IPv4 address within IPv6 is the IPv4 address.
  const canonical = NetAddress.toCanonical(parsed.success)
  if (NetAddress.isIpv4Address(canonical)) return NetAddress.formatIp(canonical)
  const [a, b, c, d] = NetAddress.ipv6ToSegments(canonical)
  return `${[a, b, c, d].map((segment) => segment.toString(16)).join(":")}::/64`
}
