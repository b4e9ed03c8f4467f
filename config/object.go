package config

import (
	"bytes"
	"encoding/json"
	"hash/maphash"
	"math/bits"
	"reflect"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
)

// An object of a Document is a map in CEL. If two members have the same key the last one counts, as in package json.
type object struct {
	doc     *Document
	start   at
	members []member
	table   []uint32 // by hash, members counted from 1; 0: none; nil: there are few members
}

// A member is where its key and its value begin.
type member struct{ key, value at }

// fewMembers is up to how many members are found by looking at each.
const fewMembers = 8

var hashSeed = maphash.MakeSeed()

func (d *Document) object(start at) *object {
	n := 0
	for range d.elements(start) {
		n++
	}
	o := &object{doc: d, start: start, members: make([]member, 0, n)}
	if n > fewMembers {
		o.table = make([]uint32, 1<<bits.Len(uint(n+n/2)))
	}
	for key := range d.elements(start) {
		value := d.next(d.next(d.end(key)) + 1)
		i, place := o.index(d.raw(key))
		if i >= 0 {
			o.members[i].value = value
			continue
		}
		o.members = append(o.members, member{key, value})
		if o.table != nil {
			*place = uint32(len(o.members))
		}
	}
	return o
}

// index returns the number of the member with a key, or -1 and the slot in the table where it would be.
func (o *object) index(key []byte) (i int, place *uint32) {
	if o.table == nil {
		for i, m := range o.members {
			if bytes.Equal(o.doc.raw(m.key), key) {
				return i, nil
			}
		}
		return -1, nil
	}
	mask := uint64(len(o.table) - 1)
	for h := maphash.Bytes(hashSeed, key) & mask; ; h = (h + 1) & mask {
		place = &o.table[h]
		if *place == 0 {
			return -1, place
		}
		if i = int(*place) - 1; bytes.Equal(o.doc.raw(o.members[i].key), key) {
			return i, place
		}
	}
}

// Find implements traits.Mapper.
func (o *object) Find(key ref.Val) (ref.Val, bool) {
	name, ok := key.(types.String)
	if !ok {
		return nil, false
	}
	i, _ := o.index([]byte(name))
	if i < 0 {
		return nil, false
	}
	return o.doc.value(o.members[i].value), true
}

// Contains implements traits.Container.
func (o *object) Contains(key ref.Val) ref.Val {
	name, ok := key.(types.String)
	if !ok {
		return types.False
	}
	i, _ := o.index([]byte(name))
	return types.Bool(i >= 0)
}

// Get implements traits.Indexer.
func (o *object) Get(key ref.Val) ref.Val {
	v, ok := o.Find(key)
	if !ok {
		return types.ValOrErr(v, "no such key: %v", key)
	}
	return v
}

// Iterator implements traits.Iterable, over the keys.
func (o *object) Iterator() traits.Iterator { return types.NewDynamicList(o.doc, o.members).Iterator() }

// Size implements traits.Sizer.
func (o *object) Size() ref.Val { return types.Int(len(o.members)) }

// IsZeroValue implements traits.Zeroer.
func (o *object) IsZeroValue() bool { return len(o.members) == 0 }

// Equal implements ref.Val.
func (o *object) Equal(other ref.Val) ref.Val {
	m, ok := other.(traits.Mapper)
	if !ok || m.Size() != o.Size() {
		return types.False
	}
	for _, member := range o.members {
		theirs, ok := m.Find(types.String(o.doc.string(member.key)))
		if !ok || types.Equal(o.doc.value(member.value), theirs) == types.False {
			return types.False
		}
	}
	return types.True
}

// Type implements ref.Val.
func (o *object) Type() ref.Type { return types.MapType }

// ConvertToType implements ref.Val.
func (o *object) ConvertToType(t ref.Type) ref.Val {
	switch t {
	case types.MapType:
		return o
	case types.TypeType:
		return types.MapType
	default:
		return types.NewErr("type conversion error from '%s' to '%s'", types.MapType, t)
	}
}

// Value implements ref.Val. It decodes the object as a whole.
func (o *object) Value() any {
	var v map[string]any
	_ = json.Unmarshal(o.doc.text[o.start:o.doc.end(o.start)], &v) // it was checked as part of the document
	return v
}

// ConvertToNative implements ref.Val.
func (o *object) ConvertToNative(t reflect.Type) (any, error) {
	return types.DefaultTypeAdapter.NativeToValue(o.Value()).ConvertToNative(t)
}
