package kubernetes

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
)

// A workload is the part of a Deployment, StatefulSet or DaemonSet that matters for a restart. Fields that a kind does not have
// are zero.
type workload struct {
	Kind     string `json:"kind"`
	Metadata struct {
		UID               string         `json:"uid"`
		ResourceVersion   string         `json:"resourceVersion"`
		Generation        int64          `json:"generation"`
		CreationTimestamp time.Time      `json:"creationTimestamp"`
		DeletionTimestamp time.Time      `json:"deletionTimestamp"` // zero: it is not being deleted
		ManagedFields     []managedField `json:"managedFields"`
	} `json:"metadata"`
	Spec struct {
		Replicas       *int64   `json:"replicas"` // not of a DaemonSet
		Paused         bool     `json:"paused"`   // of a Deployment
		Template       template `json:"template"`
		UpdateStrategy struct { // of a StatefulSet and a DaemonSet
			Type          string `json:"type"`
			RollingUpdate struct {
				Partition int64 `json:"partition"` // of a StatefulSet
			} `json:"rollingUpdate"`
		} `json:"updateStrategy"`
	} `json:"spec"`
	Status workloadStatus `json:"status"`
}

// A managedField says who changed what last, and when.
type managedField struct {
	Time        time.Time `json:"time"`
	Subresource string    `json:"subresource"`
	FieldsV1    struct {
		Spec struct {
			Template json.RawMessage `json:"f:template"`
		} `json:"f:spec"`
	} `json:"fieldsV1"`
}

type workloadStatus struct {
	ObservedGeneration int64 `json:"observedGeneration"`

	// Of a Deployment and a StatefulSet.
	Replicas          int64 `json:"replicas"`
	UpdatedReplicas   int64 `json:"updatedReplicas"`
	AvailableReplicas int64 `json:"availableReplicas"`

	// Of a StatefulSet. They are the same when all pods are of the latest template.
	CurrentRevision string `json:"currentRevision"`
	UpdateRevision  string `json:"updateRevision"`

	// Of a DaemonSet.
	DesiredNumberScheduled int64 `json:"desiredNumberScheduled"`
	UpdatedNumberScheduled int64 `json:"updatedNumberScheduled"`
	NumberAvailable        int64 `json:"numberAvailable"`

	// Of a Deployment.
	Conditions []condition `json:"conditions"`
}

type condition struct {
	Type           string    `json:"type"`
	Reason         string    `json:"reason"`
	LastUpdateTime time.Time `json:"lastUpdateTime"`
}

// A template is the whole pod template.
type template map[string]any

// annotation returns an annotation of the template, or "" if it does not have it.
func (t template) annotation(name string) string {
	metadata, _ := t["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	value, _ := annotations[name].(string)
	return value
}

// identity changes with the pod template, which makes the cluster replace the pods. The number of replicas is not part of it.
func (w *workload) identity() string {
	text, err := json.Marshal(w.Spec.Template) // in the order of the keys
	if err != nil || w.Metadata.UID == "" {
		return ""
	}
	sum := sha256.Sum256(text)
	return w.Metadata.UID + " " + hex.EncodeToString(sum[:8])
}

// pods counts the pods of a workload.
type pods struct{ desired, existing, updated, available int64 }

func (w *workload) pods() pods {
	s := &w.Status
	if w.Kind == "DaemonSet" {
		return pods{s.DesiredNumberScheduled, s.DesiredNumberScheduled, s.UpdatedNumberScheduled, s.NumberAvailable}
	}
	desired := int64(1) // the default of Kubernetes
	if w.Spec.Replicas != nil {
		desired = *w.Spec.Replicas
	}
	return pods{desired, s.Replicas, s.UpdatedReplicas, s.AvailableReplicas}
}

// status is what a back-end says of a workload.
func (w *workload) status() restart.Status {
	p := w.pods()
	s := restart.Status{
		Identity: w.identity(),
		Detail: fmt.Sprintf("generation %d, of which the cluster has seen %d; %d pods wanted, %d there, %d of them updated, %d available",
			w.Metadata.Generation, w.Status.ObservedGeneration, p.desired, p.existing, p.updated, p.available),
		StartedAt: w.changedAt(),
	}
	if unfit, why := w.unfit(p); unfit != "" {
		s.Unfit, s.Detail = unfit, why+"; "+s.Detail
	}
	s.Running = s.Unfit == "" && p.available >= p.desired
	return s
}

// unfit is what speaks against a restart. That pods are not available does not: it may be what a restart repairs.
func (w *workload) unfit(p pods) (reason restart.Unfit, why string) {
	strategy := w.Spec.UpdateStrategy
	seen := w.Status.ObservedGeneration >= w.Metadata.Generation
	switch {
	case !w.Metadata.DeletionTimestamp.IsZero():
		return restart.UnfitMissing, "it is being deleted"
	case w.Spec.Paused:
		return restart.UnfitPaused, "its rollouts are paused"
	case strategy.Type == "OnDelete":
		return restart.UnfitUnsuited, "its update strategy is OnDelete: a changed template restarts no pod"
	case strategy.RollingUpdate.Partition > 0:
		return restart.UnfitUnsuited, fmt.Sprintf("its update strategy has the partition %d: a changed template restarts only some pods", strategy.RollingUpdate.Partition)
	case w.stuck():
		return restart.UnfitRolling, "its last rollout makes no progress (ProgressDeadlineExceeded)"
	case !seen, p.updated < p.desired, p.existing > p.updated, w.Status.CurrentRevision != w.Status.UpdateRevision:
		return restart.UnfitRolling, "a rollout is under way"
	case p.desired == 0:
		return restart.UnfitStopped, "no pods are wanted"
	default:
		return "", ""
	}
}

// stuck reports whether a Deployment has given up on its rollout.
func (w *workload) stuck() bool {
	for _, c := range w.Status.Conditions {
		if c.Type == "Progressing" && c.Reason == "ProgressDeadlineExceeded" {
			return true
		}
	}
	return false
}

// changedAt returns when somebody last asked for the pods to be replaced, or when a Deployment had replaced them.
func (w *workload) changedAt() time.Time {
	latest := w.Metadata.CreationTimestamp
	note := func(t time.Time) {
		if t.After(latest) {
			latest = t
		}
	}
	if t, err := time.Parse(time.RFC3339, w.Spec.Template.annotation(annotationRestartedAt)); err == nil {
		note(t)
	}
	for i := range w.Metadata.ManagedFields {
		if f := &w.Metadata.ManagedFields[i]; f.Subresource == "" && f.FieldsV1.Spec.Template != nil {
			note(f.Time)
		}
	}
	for _, c := range w.Status.Conditions {
		if c.Type == "Progressing" {
			note(c.LastUpdateTime)
		}
	}
	return latest
}
