package managed

import (
	"fmt"
	"sync"
	"testing"
)

// many is a Registry with 10,000 targets.
func many(b *testing.B) *world {
	b.Helper()
	w := openWorld(b, b.TempDir())
	var d Document
	for i := range maxDocumentTargets {
		d.Targets = append(d.Targets, named(fmt.Sprint("target", i), []byte(shop)))
	}
	if _, err := w.Import(b.Context(), w.by(Condition{}), Merge, d); err != nil {
		b.Fatal(problems(err))
	}
	w.options.Changed = func() {}
	return w
}

func interval(i int) []byte { return fmt.Appendf(nil, `{"url":"http://a","interval":"%ds"}`, 5+i%200) }

func BenchmarkPut(b *testing.B) {
	w := many(b)
	for i := 0; b.Loop(); i++ {
		w.limiter = limiter{}
		if _, err := w.Put(b.Context(), w.by(overwrite), fmt.Sprint("target", i%maxDocumentTargets), interval(i/maxDocumentTargets+i)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPut50 makes 50 changes at the same time.
func BenchmarkPut50(b *testing.B) {
	w := many(b)
	for i := 0; b.Loop(); i++ {
		w.limiter = limiter{}
		var all sync.WaitGroup
		for j := range 50 {
			e := w.by(overwrite)
			all.Go(func() {
				if _, err := w.Put(b.Context(), e, fmt.Sprint("target", j), interval(i)); err != nil {
					b.Error(err)
				}
			})
		}
		all.Wait()
	}
}

func BenchmarkSupplied(b *testing.B) {
	w := many(b)
	reader := w.settings.Load().reader
	for b.Loop() {
		if targets, _, err := w.Supplied(reader); err != nil || len(targets) != maxDocumentTargets {
			b.Fatal(err)
		}
	}
}

func BenchmarkImportYAML(b *testing.B) {
	w := many(b)
	d, _, err := w.Export()
	if err != nil {
		b.Fatal(err)
	}
	text, err := d.YAML()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		w.limiter = limiter{}
		d, err := ParseDocument(text, true)
		if err != nil {
			b.Fatal(err)
		}
		if r, err := w.Import(b.Context(), w.by(overwrite), Replace, d); err != nil || r.Unchanged != maxDocumentTargets {
			b.Fatal(err)
		}
	}
}
