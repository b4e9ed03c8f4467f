package examples

import (
	"bytes"
	"io"
	"net/netip"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/yaml"
	sigsyaml "sigs.k8s.io/yaml"
)

// A pod is the other end of a connection in the cluster; addr alone is one outside of it.
type pod struct {
	namespace string
	labels    labels.Set
	addr      string
}

// TestNetworkPolicy asks the policy who may talk to the exporter, and to whom it may talk.
func TestNetworkPolicy(t *testing.T) {
	var policy networkingv1.NetworkPolicy
	if err := sigsyaml.UnmarshalStrict(read(t, "kubernetes", "networkpolicy.yaml"), &policy); err != nil {
		t.Fatal(err)
	}
	deployment := deployment(t)
	if policy.Namespace != deployment.Namespace || !selects(t, &policy.Spec.PodSelector, deployment.Spec.Template.Labels) {
		t.Errorf("the policy in %q does not select the exporter's pods", policy.Namespace)
	}
	if n := len(policy.Spec.PolicyTypes); n != 2 {
		t.Errorf("the policy has %d types, want Ingress and Egress", n)
	}
	prometheus, alertmanager := labels.Set{"app.kubernetes.io/name": "prometheus"}, labels.Set{"app.kubernetes.io/name": "alertmanager"}
	for _, tt := range []struct {
		name string
		out  bool // to the other end; false: from it
		pod  pod
		port int32
		want bool
	}{
		{"Prometheus", false, pod{"monitoring", prometheus, "10.0.0.1"}, 10115, true},
		{"Alertmanager", false, pod{"monitoring", alertmanager, "10.0.0.1"}, 10115, true},
		{"Prometheus, another port", false, pod{"monitoring", prometheus, "10.0.0.1"}, 6060, false},
		{"a pod that calls itself Prometheus", false, pod{"shop", prometheus, "10.0.0.1"}, 10115, false},
		{"a neighbour of Prometheus", false, pod{"monitoring", labels.Set{"app": "grafana"}, "10.0.0.1"}, 10115, false},
		{"the world", false, pod{addr: "192.0.2.1"}, 10115, false},
		{"DNS", true, pod{"kube-system", labels.Set{"k8s-app": "kube-dns"}, "10.0.0.1"}, 53, true},
		{"DNS of the node", true, pod{addr: "169.254.20.10"}, 53, true},
		{"a target in the cluster", true, pod{"shop", labels.Set{"app": "web"}, "10.0.0.1"}, 8080, true},
		{"a target outside", true, pod{addr: "192.0.2.1"}, 443, true},
		{"a target outside by IPv6", true, pod{addr: "2001:db8::1"}, 443, true},
		{"metadata of AWS, Google and Azure", true, pod{addr: "169.254.169.254"}, 80, false},
		{"metadata, on the port of DNS", true, pod{addr: "169.254.169.254"}, 53, false},
		{"credentials of ECS", true, pod{addr: "169.254.170.2"}, 80, false},
		{"the node's cache, another port", true, pod{addr: "169.254.20.10"}, 80, false},
		{"wire server of Azure", true, pod{addr: "168.63.129.16"}, 80, false},
		{"metadata of Oracle", true, pod{addr: "192.0.0.192"}, 80, false},
		{"metadata of AWS by IPv6", true, pod{addr: "fd00:ec2::254"}, 80, false},
		{"metadata of Scaleway by IPv6", true, pod{addr: "fd00:42::42"}, 80, false},
		{"link-local by IPv6", true, pod{addr: "fe80::a9fe:a9fe"}, 80, false},
	} {
		if got := allows(t, &policy, tt.out, tt.pod, tt.port); got != tt.want {
			t.Errorf("%s, port %d: allowed %t, want %t", tt.name, tt.port, got, tt.want)
		}
	}
}

// deployment is that of the exporter.
func deployment(t *testing.T) *appsv1.Deployment {
	t.Helper()
	documents := yaml.NewDocumentDecoder(io.NopCloser(bytes.NewReader(read(t, "kubernetes", "exporter.yaml"))))
	buffer := make([]byte, 1<<20)
	for {
		n, err := documents.Read(buffer)
		if err != nil {
			t.Fatalf("there is no Deployment: %v", err)
		}
		var d appsv1.Deployment
		if sigsyaml.Unmarshal(buffer[:n], &d) == nil && d.Kind == "Deployment" {
			return &d
		}
	}
}

func selects(t *testing.T, s *metav1.LabelSelector, set labels.Set) bool {
	t.Helper()
	selector, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		t.Fatal(err)
	}
	return selector.Matches(set)
}

// allows reports whether a rule lets a connection through, as the API defines it: no port is any port, no peer is any.
func allows(t *testing.T, policy *networkingv1.NetworkPolicy, out bool, other pod, port int32) bool {
	t.Helper()
	type rule struct {
		peers []networkingv1.NetworkPolicyPeer
		ports []networkingv1.NetworkPolicyPort
	}
	var rules []rule
	if out {
		for _, e := range policy.Spec.Egress {
			rules = append(rules, rule{e.To, e.Ports})
		}
	} else {
		for _, i := range policy.Spec.Ingress {
			rules = append(rules, rule{i.From, i.Ports})
		}
	}
	for _, r := range rules {
		ports, peers := len(r.ports) == 0, len(r.peers) == 0
		for _, p := range r.ports {
			ports = ports || p.Port == nil || p.Port.IntVal == port
		}
		for i := range r.peers {
			peers = peers || matches(t, &r.peers[i], other)
		}
		if ports && peers {
			return true
		}
	}
	return false
}

func matches(t *testing.T, peer *networkingv1.NetworkPolicyPeer, other pod) bool {
	t.Helper()
	if block := peer.IPBlock; block != nil {
		addr := netip.MustParseAddr(other.addr)
		for _, except := range block.Except {
			if netip.MustParsePrefix(except).Contains(addr) {
				return false
			}
		}
		return netip.MustParsePrefix(block.CIDR).Contains(addr)
	}
	if other.namespace == "" || peer.NamespaceSelector != nil &&
		!selects(t, peer.NamespaceSelector, labels.Set{corev1.LabelMetadataName: other.namespace}) {
		return false
	}
	return peer.PodSelector == nil || selects(t, peer.PodSelector, other.labels)
}
