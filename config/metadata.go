package config

import (
	"net/netip"
	"slices"
)

// metadata are the addresses at which clouds hand out credentials to whoever asks from the inside, and the link-local ranges
// that most of them are in. A prober that anybody can point at them would pass the credentials on.
var metadata = []netip.Prefix{
	netip.MustParsePrefix("169.254.0.0/16"),      // link-local
	netip.MustParsePrefix("fe80::/10"),           // link-local
	netip.MustParsePrefix("169.254.169.254/32"),  // most of them
	netip.MustParsePrefix("169.254.170.2/32"),    // ECS tasks
	netip.MustParsePrefix("169.254.170.23/32"),   // EKS pods
	netip.MustParsePrefix("169.254.0.23/32"),     // Tencent Cloud
	netip.MustParsePrefix("169.254.42.42/32"),    // Scaleway
	netip.MustParsePrefix("100.100.100.200/32"),  // Alibaba Cloud
	netip.MustParsePrefix("168.63.129.16/32"),    // Azure's host
	netip.MustParsePrefix("192.0.0.192/32"),      // Oracle Cloud
	netip.MustParsePrefix("fd00:ec2::254/128"),   // EC2 by IPv6
	netip.MustParsePrefix("fd00:ec2::23/128"),    // EKS by IPv6
	netip.MustParsePrefix("fd20:ce::254/128"),    // Google Cloud by IPv6
	netip.MustParsePrefix("fd00:42::42/128"),     // Scaleway by IPv6
	netip.MustParsePrefix("fe80::a9fe:a9fe/128"), // OpenStack by IPv6
}

// metadataNames are the names of metadata addresses. They matter when a proxy resolves the name; otherwise the address does.
var metadataNames = []string{
	"metadata", "metadata.google.internal", "metadata.goog", // Google Cloud
	"instance-data", "instance-data.ec2.internal", // EC2
	"metadata.azure.internal", // Azure
	"metadata.tencentyun.com", // Tencent Cloud
}

// opens reports whether the rule allows metadata of this range on purpose: its CIDR is the range, or lies within it.
func (r *TargetRule) opens(metadata netip.Prefix) bool {
	return r.CIDR != nil && r.CIDR.Bits() >= metadata.Bits() && metadata.Contains(r.CIDR.Addr())
}

// metadataAllowed reports whether p allows every range of metadata that the address is in.
func (p *TargetRules) metadataAllowed(r reading, port uint16) bool {
	return !slices.ContainsFunc(metadata, func(m netip.Prefix) bool {
		return m.Contains(r.addr) && !slices.ContainsFunc(p.Allow, func(rule TargetRule) bool {
			return rule.opens(m) && rule.matches(r, port)
		})
	})
}
