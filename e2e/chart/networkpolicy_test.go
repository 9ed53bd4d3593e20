package chart

import (
	"testing"

	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"
)

// Nothing is open that no value opens. All of it is compared: a list that is missing opens everything.
func TestNetworkPolicy(t *testing.T) {
	tcp := func(ports ...intstr.IntOrString) (open []networking.NetworkPolicyPort) {
		for _, port := range ports {
			open = append(open, networking.NetworkPolicyPort{Protocol: ptr(core.ProtocolTCP), Port: &port})
		}
		return open
	}
	https, metrics, apiServer := tcp(intstr.FromString("https")), tcp(intstr.FromString("metrics")), tcp(intstr.FromInt32(443), intstr.FromInt32(6443))
	kubelets := networking.NetworkPolicyEgressRule{Ports: tcp(intstr.FromInt32(10250))} // of rbac.nodesConfigz
	siem := networking.NetworkPolicyEgressRule{Ports: tcp(intstr.FromInt32(1514))}      // of log.syslog
	names := networking.NetworkPolicyEgressRule{Ports: append([]networking.NetworkPolicyPort{{Protocol: ptr(core.ProtocolUDP), Port: ptr(intstr.FromInt32(53))}}, tcp(intstr.FromInt32(53))...)}
	ownService := networking.NetworkPolicyEgressRule{Ports: https} // to the pods of the same selector
	addresses := []networking.NetworkPolicyPeer{{IPBlock: &networking.IPBlock{CIDR: "192.0.2.0/24"}}}
	monitoring := []networking.NetworkPolicyPeer{{NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": "monitoring"}}}}
	for values, want := range map[string]networking.NetworkPolicySpec{
		"default": {
			Ingress: []networking.NetworkPolicyIngressRule{{Ports: https}, {Ports: metrics}},
			Egress:  []networking.NetworkPolicyEgressRule{ownService, {Ports: apiServer}},
		},
		"everything": {
			Ingress: []networking.NetworkPolicyIngressRule{{Ports: https, From: addresses}, {Ports: metrics, From: monitoring}},
			Egress:  []networking.NetworkPolicyEgressRule{ownService, {Ports: apiServer, To: addresses}, siem, names, kubelets},
		},
	} {
		got := find[networking.NetworkPolicy](t, render(t, values), "NetworkPolicy", deployment(t, values).Name).Spec
		want.PodSelector = got.PodSelector // TestSelectorsMeetThePodsAndNothingElse has it
		want.Egress[0].To = []networking.NetworkPolicyPeer{{PodSelector: &got.PodSelector}}
		want.PolicyTypes = []networking.PolicyType{networking.PolicyTypeIngress, networking.PolicyTypeEgress}
		is, _ := yaml.Marshal(got) // these always marshal
		if wanted, _ := yaml.Marshal(want); string(is) != string(wanted) {
			t.Errorf("%s: it is\n%s\nwanted\n%s", values, is, wanted)
		}
	}
	if render(t, "minimal").has("NetworkPolicy", "podreeve") {
		t.Error("it is there though it is not enabled")
	}
}
