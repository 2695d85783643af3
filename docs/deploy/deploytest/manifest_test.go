package deploytest

import (
	"bytes"
	"os"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// manifest is the content of a file of Kubernetes.
type manifest struct {
	labels  map[string]string // of the pods
	chosen  map[string]string // by the workload
	pod     corev1.PodSpec
	claims  []corev1.PersistentVolumeClaim
	service *corev1.Service // may be nil, like policy
	policy  *networkingv1.NetworkPolicy
}

// readManifest reads a file, whose fields must all exist in Kubernetes.
func readManifest(t *testing.T, name string) (m manifest) {
	t.Helper()
	text, err := os.ReadFile("../kubernetes/" + name)
	qt.Assert(t, err, qt.IsNil)
	for document := range bytes.SplitSeq(text, []byte("\n---\n")) {
		var kind metav1.TypeMeta
		qt.Assert(t, yaml.Unmarshal(document, &kind), qt.IsNil)
		decode := func(into any) {
			t.Helper()
			qt.Assert(t, yaml.UnmarshalStrict(document, into), qt.IsNil, qt.Commentf("%s: %s", name, kind.Kind))
		}
		template := func(selector *metav1.LabelSelector, pod corev1.PodTemplateSpec) {
			m.chosen, m.labels, m.pod = selector.MatchLabels, pod.Labels, pod.Spec
		}
		switch kind.APIVersion + " " + kind.Kind {
		case "v1 Service":
			decode(&m.service)
		case "networking.k8s.io/v1 NetworkPolicy":
			decode(&m.policy)
		case "apps/v1 StatefulSet":
			var set appsv1.StatefulSet
			decode(&set)
			template(set.Spec.Selector, set.Spec.Template)
			m.claims = set.Spec.VolumeClaimTemplates
			qt.Check(t, *set.Spec.Replicas, qt.Equals, int32(1))
		case "apps/v1 Deployment":
			var set appsv1.Deployment
			decode(&set)
			template(set.Spec.Selector, set.Spec.Template)
			qt.Check(t, *set.Spec.Replicas, qt.Equals, int32(1))
			qt.Check(t, set.Spec.Strategy.Type, qt.Equals, appsv1.RecreateDeploymentStrategyType)
		case "apps/v1 DaemonSet":
			var set appsv1.DaemonSet
			decode(&set)
			template(set.Spec.Selector, set.Spec.Template)
		default:
			t.Fatalf("%s has a %s of %s", name, kind.Kind, kind.APIVersion)
		}
	}
	qt.Assert(t, m.pod.Containers, qt.HasLen, 1)
	return m
}

// TestManifests checks that the parts of each file fit together, and that a pod has the settings of the strictest
// standard of Kubernetes, or the exceptions that netlogd needs.
func TestManifests(t *testing.T) {
	files, err := os.ReadDir("../kubernetes")
	qt.Assert(t, err, qt.IsNil)
	qt.Assert(t, files, qt.HasLen, 3)
	for _, f := range files {
		t.Run(f.Name(), func(t *testing.T) {
			m := readManifest(t, f.Name())
			c := m.pod.Containers[0]
			qt.Check(t, m.labels, qt.DeepEquals, m.chosen)
			checkConfined(t, m, strings.HasPrefix(f.Name(), "netlogd"))
			checkMounts(t, m)
			if m.service != nil {
				qt.Check(t, m.service.Spec.Selector, qt.DeepEquals, m.labels)
				qt.Check(t, portOf(t, c, m.service.Spec.Ports[0].TargetPort.String()), qt.Equals, m.service.Spec.Ports[0].Port)
			}
			if m.policy != nil {
				qt.Check(t, m.policy.Spec.PodSelector.MatchLabels, qt.DeepEquals, m.labels)
				qt.Check(t, m.policy.Spec.Egress, qt.HasLen, 0)
				portOf(t, c, m.policy.Spec.Ingress[0].Ports[0].Port.String())
			}
		})
	}
}

// checkConfined checks the security settings. agent is whether the pod captures packets of its host.
func checkConfined(t *testing.T, m manifest, agent bool) {
	t.Helper()
	c, pod := m.pod.Containers[0], m.pod.SecurityContext
	qt.Check(t, pod.SeccompProfile.Type, qt.Equals, corev1.SeccompProfileTypeRuntimeDefault)
	qt.Check(t, *c.SecurityContext.AllowPrivilegeEscalation, qt.IsFalse)
	qt.Check(t, *c.SecurityContext.ReadOnlyRootFilesystem, qt.IsTrue)
	qt.Check(t, c.SecurityContext.Capabilities.Drop, qt.DeepEquals, []corev1.Capability{"ALL"})
	qt.Check(t, c.SecurityContext.Privileged, qt.IsNil)
	qt.Check(t, m.pod.HostNetwork, qt.Equals, agent)
	qt.Check(t, m.pod.HostPID || m.pod.HostIPC, qt.IsFalse)
	if agent {
		qt.Check(t, c.SecurityContext.Capabilities.Add, qt.DeepEquals, []corev1.Capability{"NET_RAW", "NET_ADMIN"})
		return
	}
	qt.Check(t, *pod.RunAsNonRoot, qt.IsTrue)
	qt.Check(t, c.SecurityContext.Capabilities.Add, qt.HasLen, 0)
}

// checkMounts checks that each volume is mounted and exists, and not as a part that would never change.
func checkMounts(t *testing.T, m manifest) {
	t.Helper()
	have := make(map[string]bool)
	for _, v := range m.pod.Volumes {
		have[v.Name] = true
	}
	for _, claim := range m.claims {
		have[claim.Name] = true
	}
	for _, mount := range m.pod.Containers[0].VolumeMounts {
		qt.Check(t, have[mount.Name], qt.IsTrue, qt.Commentf("no volume %s", mount.Name))
		qt.Check(t, mount.SubPath, qt.Equals, "")
		delete(have, mount.Name)
	}
	qt.Check(t, have, qt.HasLen, 0, qt.Commentf("not mounted"))
}

// portOf returns the number of a port of a container.
func portOf(t *testing.T, c corev1.Container, name string) int32 {
	t.Helper()
	for _, p := range c.Ports {
		if p.Name == name {
			return p.ContainerPort
		}
	}
	t.Fatalf("the container has no port %s", name)
	return 0
}
