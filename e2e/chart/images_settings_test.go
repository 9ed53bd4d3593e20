package chart

import (
	"crypto/sha256"
	"fmt"
	"reflect"
	"slices"
	"testing"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	rbac "k8s.io/api/rbac/v1"
)

// The leader keeps what loaded in a ConfigMap, by its name. A replica compares the document that it was rolled out with to the one that is mounted.
func TestTheLastGoodSettingsOfImagesHaveAPlace(t *testing.T) {
	objects := render(t, "images")
	if place := find[core.ConfigMap](t, objects, "ConfigMap", "podreeve-images-last-good"); place.Data != nil {
		t.Errorf("an upgrade would take away what the leader kept: %v", place.Data)
	}
	want := right("", "configmaps", "get patch", "podreeve-images-last-good")
	role := find[rbac.Role](t, objects, "Role", "podreeve").Rules
	if !slices.ContainsFunc(role, func(rule rbac.PolicyRule) bool { return reflect.DeepEqual(rule, want) }) {
		t.Errorf("podreeve may %+v, wanted %+v", role, want)
	}
	mounted := find[core.ConfigMap](t, objects, "ConfigMap", "podreeve-images").Data["images.yaml"]
	hash := fmt.Sprintf("%x", sha256.Sum256([]byte(mounted)))
	template := find[apps.Deployment](t, objects, "Deployment", "podreeve").Spec.Template
	if args := template.Spec.Containers[0].Args; !slices.Contains(args, "--rolled-out-images="+hash) || template.Annotations["podreeve.dev/images"] != hash {
		t.Errorf("the document has the hash %s, the pods %q and the annotation %s", hash, args, template.Annotations["podreeve.dev/images"])
	}
	if render(t, "default").has("ConfigMap", "podreeve-images-last-good") {
		t.Error("without images there is a place for settings of them")
	}
}

// New settings of images start new replicas, which are not ready if the settings do not load: so the upgrade stops.
func TestNewSettingsOfImagesStartNewReplicas(t *testing.T) {
	of := func(values ...string) string {
		pod := find[apps.Deployment](t, render(t, values[0], values[1:]...), "Deployment", "podreeve").Spec.Template
		return pod.Annotations["podreeve.dev/images"]
	}
	first := of("images")
	if first == "" || first != of("images") || first == of("images", "--set", "images.onUnknown=deny") {
		t.Errorf("the annotation is %q", first)
	}
	if off := of("default"); off != "" {
		t.Errorf("without images it is %q", off)
	}
}
